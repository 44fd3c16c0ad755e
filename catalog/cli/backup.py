"""``backup`` and ``restore``: the whole catalog in one file, and back."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from catalog.cli.context import start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.progress import NowAndThen
from catalog.cli.text import size
from catalog.derive import Derivation
from catalog.storage.urls import describe, parse_url


def backup(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; a SQLite file, whatever the engine.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a file that is there, once the new is whole.")
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole catalog to one file, as it is at one moment, while others work on it.

    The copy is verified before it takes its name. It is a catalog itself: every command reads it
    with --catalog FILE.
    """
    # Migrations are slow to load.
    from catalog.storage.backup import back_up

    app = start(ctx, catalog, config, as_json=as_json)
    url = app.settings.catalog.url
    log = NowAndThen(app.out)
    is_new = not file.parent.exists()
    made = back_up(url, file, app.clock.now(), log.say, replace=replace)
    if is_new:
        app.out.note(f"the folder {file.parent} was not there and has been made")
    app.out.line(f"{made.path}: {size(made.size)}, {made.checked:,} things checked, all well")
    quoted = shlex.quote(str(made.path))
    app.out.line(f"to put it back: gpts-catalog restore {quoted} --catalog URL")
    app.out.json({"path": str(made.path), "bytes": made.size, "checked": made.checked})


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a catalog of a backup, in a place where there is none, on either engine.

    The backup stays as it is. One of an older schema is brought up to date.
    """
    from catalog.storage.backup import restore as put_back

    app = start(ctx, catalog, config, as_json=as_json)
    url = app.settings.catalog.url
    log = NowAndThen(app.out)
    before, after = put_back(
        file,
        url,
        app.clock.now(),
        Derivation(),
        log.say,
        folder=app.settings.catalog.folder,
    )
    words = "" if before == after else f", its schema brought from {before} to {after}"
    app.out.line(f"restored {file} to {describe(parse_url(url))}{words}")
    app.out.json({"restored": str(file), "before": before, "after": after})
