"""``merge``: take another catalog into this one."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from catalog.cli.context import start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.progress import NowAndThen
from catalog.cli.text import count
from catalog.derive import Derivation
from catalog.storage.merge import Merged
from catalog.storage.merge import merge as merge_into


def merge(
    ctx: typer.Context,
    other: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="The other catalog: sqlite:///PATH, postgresql://… or a path."
        ),
    ],
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take what another catalog keeps into this one; the result equals one that had seen both.

    The other catalog is only read. Repeated, it brings nothing new.
    """
    app = start(ctx, catalog, config, as_json=as_json)

    log = NowAndThen(app.out)

    def report(done: Merged) -> None:
        log.say(f"{count(done.observations, 'observation')} read, {done.new:,} new")

    with app.catalog(read_only=False) as engine, app.other(other) as theirs:
        done = merge_into(engine, theirs, Derivation(), report=report)
    app.out.line(
        f"merged {count(done.observations, 'observation')}: {done.new:,} new,"
        f" {count(done.discoveries, 'new discovery', 'new discoveries')},"
        f" {count(done.runs, 'new run')}, {count(done.ids, 'new id')} in the frontier"
    )
    if done.forgotten:
        app.out.line(
            f"  {count(done.forgotten, 'observation')} of whom is to be forgotten: not taken"
        )
    if done.erased:
        app.out.line(f"  {count(done.erased, 'GPT')} erased here: the other was told to forget")
    app.out.json(msgspec.to_builtins(done))
