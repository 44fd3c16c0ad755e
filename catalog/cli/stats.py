"""``stats``: what the catalog holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import typer
from rich.text import Text

from catalog.cli.chart import bar
from catalog.cli.context import App, start
from catalog.cli.facets import facets_json, print_facets
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    NoPagerOption,
)
from catalog.cli.table import Column, print_csv, print_table
from catalog.cli.text import count, duration, iso, moment, number, size
from catalog.query.authors import BEHIND, are_behind
from catalog.query.facets import Facets
from catalog.query.facets import facets as count_facets
from catalog.query.overview import Overview, overview
from catalog.search.filters import Filter
from catalog.storage.engine import read
from catalog.times import SECOND
from catalog.wording.changes import label

MONTHS = 18
"""Months that are printed for people; ``--json`` and ``--csv`` have all."""
BAR = 20
"""Cells of a bar."""


def stats(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Show what the catalog holds: how much, of which kinds, how it grew, how fresh it is.

    It reads whole tables; status is quick, and says what is due and what needs a look.
    """
    app = start(ctx, catalog, config, as_json=as_json, as_csv=as_csv, pages=not no_pager)
    with app.catalog() as engine, read(engine) as conn:
        found = overview(conn, app.clock.now())
        facets = count_facets(conn, Filter(), exact=True)
        behind = are_behind(conn)
    with app.out.paged():
        _print(app, found, facets)
    if behind:
        app.out.note(BEHIND)
    app.out.json(_json(found, facets))
    print_csv(app.out, ["section", "name", "of", "number"], _csv(found, facets))


def _print(app: App, found: Overview, facets: Facets) -> None:
    out, holds, seen = app.out, found.holdings, found.coverage
    out.line(f"at {moment(found.now)}", "bold")
    out.heading("holds")
    by_status = ", ".join(f"{number(n)} {word}" for word, n in holds.gpts.items()) or "none yet"
    known = f"{number(seen.known)}, {number(seen.with_document)} of them with a document"
    if seen.never_asked:
        known += f", {number(seen.never_asked)} never asked"
    stored = f"{size(holds.payload_bytes)}, stored in {size(holds.stored_bytes)}"
    out.table(
        [
            ["ids known", known],
            ["GPTs", by_status],
            ["authors", number(holds.authors)],
            ["documents", f"{number(holds.documents)} in {count(holds.payloads, 'payload')}"],
            ["their size", stored],
            ["said", f"{moment(holds.first_at)} to {moment(holds.last_at)}"],
            ["not found", count(holds.absences, "time")],
            ["revisions", number(holds.revisions)],
            ["points of numbers", number(holds.metric_points)],
            ["mass events", number(holds.mass_events)],
        ]
    )
    if found.freshness is not None:
        out.heading("last seen, of GPTs that are not gone")
        out.table(
            [
                [f"{share} of them", f"within {duration(age / SECOND)}"]
                for share, age in found.freshness.items()
            ]
        )
    _growth(app, found)
    _changes(app, found)
    print_facets(out, facets)


def _growth(app: App, found: Overview) -> None:
    months = found.months[-MONTHS:]
    if not months:
        return
    app.out.heading("growth by month")
    most = max(month.created for month in months)
    print_table(
        app.out,
        [
            Column("month", least=7),
            Column("created", right=True),
            Column("first seen", right=True),
            Column("gone", right=True),
            Column("", drop=1),
        ],
        [
            [
                month.month,
                number(month.created),
                number(month.first_seen),
                number(month.gone),
                bar(month.created, most, _cells(app)),
            ]
            for month in months
        ],
        indent=2,
    )
    if len(found.months) > MONTHS:
        app.out.line(f"  {count(len(found.months) - MONTHS, 'earlier month')} left out", "dim")


def _changes(app: App, found: Overview) -> None:
    if not found.changes:
        return
    app.out.heading("changes by class and field")
    most = max(each.changes for each in found.changes)
    print_table(
        app.out,
        [
            Column("class", least=9),
            Column("field", least=9),
            Column("changes", right=True),
            Column("noise", right=True),
            Column("", drop=1),
        ],
        [
            [
                each.cls,
                label(each.field),
                number(each.changes),
                number(each.noise) if each.noise else "",
                bar(each.changes, most, _cells(app)),
            ]
            for each in found.changes
        ],
        indent=2,
    )
    noise = Text("noise: what came back soon, or what sources disagree on", "dim")
    app.out.hanging("  ", noise, cells=2)


def _cells(app: App) -> int:
    return BAR if app.out.width is None else max(4, min(BAR, app.out.width // 6))


def _json(found: Overview, facets: Facets) -> dict[str, Any]:
    holds = msgspec.structs.asdict(found.holdings)
    ages = found.freshness
    return {
        "now": iso(found.now),
        "holdings": {**holds, "first_at": iso(holds["first_at"]), "last_at": iso(holds["last_at"])},
        "coverage": msgspec.to_builtins(found.coverage),
        "months": msgspec.to_builtins(found.months),
        "seconds_since_seen": ages and {share: age // SECOND for share, age in ages.items()},
        "changes": [
            {"class": each.cls, "field": each.field, "changes": each.changes, "noise": each.noise}
            for each in found.changes
        ],
        "facets": facets_json(facets)["facets"],
    }


def _csv(found: Overview, facets: Facets) -> Iterator[list[Any]]:
    """Every number as a row: what it is about, its name, of what, and the number."""
    for name, value in msgspec.structs.asdict(found.holdings).items():
        if isinstance(value, dict):
            yield from (["holdings", name, of, each] for of, each in value.items())
        else:
            yield ["holdings", name, "", iso(value) if name.endswith("_at") else value]
    for name, value in msgspec.structs.asdict(found.coverage).items():
        yield ["coverage", name, "", value]
    for share, age in (found.freshness or {}).items():
        yield ["seconds_since_seen", share, "", age // SECOND]
    for month in found.months:
        for name in ("created", "first_seen", "gone"):
            yield ["months", month.month, name, getattr(month, name)]
    for each in found.changes:
        yield ["changes", each.field, each.cls, each.changes]
    for facet, values in facets.values.items():
        yield from (["facets", each.label or each.value, facet, each.count] for each in values)
