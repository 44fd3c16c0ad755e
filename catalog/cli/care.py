"""``verify``, ``digest``, ``rebuild``: looking after the catalog."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    JsonOption,
    KnownAtOption,
    read_moment,
)
from catalog.cli.progress import NowAndThen
from catalog.cli.text import count
from catalog.derive import Derivation
from catalog.errors import UsageError
from catalog.storage import dump
from catalog.storage import rebuild as rebuilding
from catalog.storage import verify as verifying
from catalog.storage.engine import read, write
from catalog.storage.merge import copy_observations
from catalog.storage.stage2 import is_unsettled, settle
from catalog.times import Micros

DAMAGED = 4
"""The exit status of a catalog that is not whole."""


def verify(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check that the catalog is whole: its bytes, keys, intervals, counts, and the engine's own.

    Ends with status 4 where something is wrong, and says what to do.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    found = 0
    checks = []
    with app.catalog() as engine, read(engine) as conn:
        for check in verifying.verify(conn):
            checks.append(check)
            state = count(len(check.findings), "finding") if check.findings else "well"
            app.out.table([[f"{check.name:<14}", f"{check.looked_at:>12,} looked at", state]])
            for finding in check.findings:
                app.out.line(f"    {finding.what}")
            for todo in dict.fromkeys(finding.do for finding in check.findings):
                app.out.line(f"    → {todo}")
            found += len(check.findings)
    app.out.line(f"{count(found, 'finding')}: see above" if found else "the catalog is whole")
    app.out.json({"whole": not found, "checks": msgspec.to_builtins(checks)})
    return DAMAGED if found else 0


def digest(
    ctx: typer.Context,
    kept: Annotated[
        bool,
        typer.Option(
            "--kept",
            help="Of the kept tables alone, from which all others follow: fast, and what an"
            " export's manifest.json calls catalog_digest.",
        ),
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name the state of the catalog: equal digests mean equal contents, on whatever machine."""
    app = start(ctx, catalog, config, as_json=as_json)
    if kept:
        with app.catalog() as engine, read(engine) as conn:
            found = dump.kept_digest(conn)
        app.out.line(found)
        app.out.json({"kept": found})
        return
    with app.catalog() as engine, read(engine) as conn:
        unsettled = is_unsettled(conn)
        found = dump.digest(conn)
    if unsettled:
        # A process that was killed left work to the next one; this is the next one.
        with app.catalog(read_only=False) as engine:
            with write(engine) as conn:
                settle(conn, Derivation())
            with read(engine) as conn:
                found = dump.digest(conn)
    app.out.line(found)
    app.out.json({"digest": found})


def rebuild(
    ctx: typer.Context,
    known_at: KnownAtOption = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="FILE", help="Into a new catalog, and leave this one as it is."
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Derive all tables again from the archive; others see the old rows until it is done.

    With --known-at K --to FILE a new catalog is made of what this one had recorded by K.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    moment = read_moment(known_at, "--known-at", end_of_day=True)
    if to is not None:
        _rebuild_to(app, to, moment)
        return
    if moment is not None:
        raise UsageError("--known-at needs --to FILE: this catalog keeps all that is known")

    log = NowAndThen(app.out)

    def report(done: rebuilding.Rebuilt) -> None:
        log.say(
            f"{count(done.gpts, 'GPT')}, {count(done.observations, 'observation')} derived again"
        )

    with app.catalog(read_only=False) as engine:
        with read(engine) as conn:
            before = dump.digest(conn)
        done = rebuilding.rebuild_all(engine, Derivation(), report)
        with read(engine) as conn:
            after = dump.digest(conn)
    same = before == after
    app.out.line(
        f"derived {count(done.gpts, 'GPT')} again from {count(done.observations, 'observation')}: "
        + ("the same rows as before" if same else "rows differ from before, and are right now")
    )
    if done.erased:
        app.out.line(f"erased before: {count(done.erased, 'row')} of whom is to be forgotten")
    app.out.line(f"digest {after}")
    app.out.json(
        {
            "gpts": done.gpts,
            "observations": done.observations,
            "erased": done.erased,
            "before": before,
            "digest": after,
            "same": same,
        }
    )


def _rebuild_to(app: App, to: str, known_at: Micros | None) -> None:
    """Make a new catalog of the observations that were recorded by ``known_at``.

    Raises:
        UsageError: there is something in ``to`` already.
    """
    # Migrations are slow to load.
    from catalog.storage.migrate import init

    with app.catalog() as engine:
        if not init(app.url_of(to), app.clock.now()).changed:
            raise UsageError(f"--to {to}: there is a catalog already: name a new file")
        with app.other(to, read_only=False) as other:
            done = copy_observations(other, engine, Derivation(), known_at=known_at)
            with read(other) as conn:
                found = dump.digest(conn)
    app.out.line(f"derived {count(done.new, 'observation')} into {to}")
    app.out.line(f"digest {found}")
    app.out.json({"observations": done.new, "digest": found})
