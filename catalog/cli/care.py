"""``verify``, ``digest``, ``rebuild``: looking after the catalog."""

from __future__ import annotations

import msgspec
import typer

from catalog.cli.context import start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import count
from catalog.derive import Derivation
from catalog.storage import dump
from catalog.storage import rebuild as rebuilding
from catalog.storage import verify as verifying
from catalog.storage.engine import read, write

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
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name the state of the catalog: equal digests mean equal contents, on whatever machine."""
    app = start(ctx, catalog, config, as_json=as_json)
    with app.catalog() as engine, read(engine) as conn:
        found = dump.digest(conn)
    app.out.line(found)
    app.out.json({"digest": found})


def rebuild(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Derive all tables again from the archive; others see the old rows until it is done."""
    app = start(ctx, catalog, config, as_json=as_json)

    def report(done: rebuilding.Rebuilt) -> None:
        app.out.note(
            f"{count(done.gpts, 'GPT')}, {count(done.observations, 'observation')} derived again"
        )

    with app.catalog(read_only=False) as engine:
        with read(engine) as conn:
            before = dump.digest(conn)
        with write(engine) as conn:
            done = rebuilding.rebuild(conn, Derivation(), report)
        with read(engine) as conn:
            after = dump.digest(conn)
    same = before == after
    app.out.line(
        f"derived {count(done.gpts, 'GPT')} again from {count(done.observations, 'observation')}: "
        + ("the same rows as before" if same else "rows differ from before, and are right now")
    )
    app.out.line(f"digest {after}")
    app.out.json(
        {
            "gpts": done.gpts,
            "observations": done.observations,
            "before": before,
            "digest": after,
            "same": same,
        }
    )
