"""``init`` and ``upgrade``: making a catalog, and bringing one up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from catalog.cli.context import App, start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.errors import SettingsError
from catalog.settings import default_toml, load_settings
from catalog.settings.urls import passwords_in, without_password

if TYPE_CHECKING:
    from catalog.storage.migrate import Upgraded


def init(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the catalog, and a commented catalog.toml where there is none."""
    # Alembic is slow to load, and no other command needs it.
    from catalog.storage.migrate import init as make

    app = start(ctx, catalog, config, as_json=as_json)
    written = not app.config_path.exists()
    url = load_settings(
        None if written else app.config_path, app.environ, url=app.common.catalog
    ).catalog.url
    done = make(url, app.clock.now())
    if written:
        _write_settings(app, url)
    out = app.out
    place = _place(url)
    if done.before is None:
        out.line(f"made the catalog {place} (schema {done.after})")
    elif done.changed:
        out.line(_upgraded(place, done))
    else:
        out.line(f"the catalog {place} is there already (schema {done.after}): left as it is")
    if written:
        out.line(f"wrote {app.config_path}: name your gateway there, its key stays outside")
        out.line("next: gpts-catalog sources check, then gpts-catalog harvest --refs ids.txt")
    else:
        out.line(f"{app.config_path} is there already: left as it is")
    out.json({**_as_json(place, done), "config": str(app.config_path), "config_written": written})


def upgrade(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the catalog to the current schema, with a backup of an SQLite file first."""
    from catalog.storage.migrate import upgrade as bring

    app = start(ctx, catalog, config, as_json=as_json)
    done = bring(app.settings.catalog.url, app.clock.now())
    place = _place(app.settings.catalog.url)
    if done.changed:
        app.out.line(_upgraded(place, done))
    else:
        app.out.line(f"the catalog {place} has the current schema {done.after}: nothing to do")
    app.out.json(_as_json(place, done))


def _write_settings(app: App, url: str) -> None:
    """Write the commented settings; a password stays out of them (law 10)."""
    if passwords_in(url):
        url = without_password(url)
        app.out.note(
            f"the password of the catalog is not written to {app.config_path}:"
            " keep it in PGPASSWORD, or the whole URL in GPTS_CATALOG_URL"
        )
    try:
        app.config_path.parent.mkdir(parents=True, exist_ok=True)
        app.config_path.write_text(default_toml(url), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{app.config_path}: {error.strerror}") from None


def _place(url: str) -> str:
    from catalog.storage.urls import describe, parse_url

    return describe(parse_url(url))


def _upgraded(place: str, done: Upgraded) -> str:
    backup = f"; the file as it was: {done.backup}" if done.backup else ""
    return f"upgraded the catalog {place} from schema {done.before} to {done.after}{backup}"


def _as_json(place: str, done: Upgraded) -> dict[str, object]:
    return {
        "catalog": place,
        "before": done.before,
        "after": done.after,
        "backup": str(done.backup) if done.backup else None,
    }
