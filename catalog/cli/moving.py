"""``move``: take the whole catalog to another place, on either engine."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from catalog.cli.context import start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.progress import NowAndThen
from catalog.cli.text import count
from catalog.storage.copying import Copied
from catalog.storage.urls import describe, parse_url, setting_of


def move(
    ctx: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="Where to: postgresql://… of an empty database, or a file that is not there.",
        ),
    ],
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the whole catalog to another place, from SQLite to PostgreSQL or back, and compare.

    Stopped or killed, the same command goes on where it was. The old place stays as it is; stop
    what writes to it first, for what is written there afterwards does not come along.
    """
    # Migrations are slow to load.
    from catalog.storage.moving import move as move_to

    app = start(ctx, catalog, config, as_json=as_json)
    url = app.url_of(to)
    log = NowAndThen(app.out)

    def report(done: Copied) -> None:
        log.say(f"{count(done.rows, 'row')} there, now {done.table}")

    with app.catalog() as engine:
        moved = move_to(engine, url, app.clock.now(), report)
    target = parse_url(url)
    place = describe(target)
    earlier = f", {moved.before:,} of them by an earlier call" if moved.before else ""
    app.out.line(f"{count(moved.rows + moved.before, 'row')} moved to {place}{earlier}: all equal")
    app.out.line(f"digest {moved.digest}")
    app.out.line(f'from now on, under [catalog] in the settings: url = "{setting_of(target)}"')
    app.out.json(msgspec.to_builtins(moved))
