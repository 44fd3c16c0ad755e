"""``metrics``: a GPT's numbers over time."""

from __future__ import annotations

from typing import Any

import typer

from catalog.cli.chart import over_time
from catalog.cli.context import App, start
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    NoPagerOption,
    ReferenceArgument,
    UntilOption,
    read_moment,
)
from catalog.cli.table import Column, print_csv, print_table
from catalog.cli.text import difference, harmless, iso, moment, number
from catalog.query import metrics as query
from catalog.references import parse_reference
from catalog.storage.engine import read

LABELS = {
    "num_conversations_str": "conversations",
    "num_conversations": "exactly",
    "review_count": "reviews",
    "review_total": "stars in all",
    "rating_1": "1 star",
    "rating_2": "2 stars",
    "rating_3": "3 stars",
    "rating_4": "4 stars",
    "rating_5": "5 stars",
    "num_pins": "pins",
    "num_users_interacted_with": "users",
    "num_interactions": "own uses",
    "stat_read": "reads",
    "stat_favorite": "favourites",
    "stat_use": "uses",
}
"""What stands above a column of numbers."""


ROOM = {
    "average": 1,
    "source": 2,
    "num_conversations": 3,
    "num_users_interacted_with": 3,
    "num_interactions": 3,
    "num_pins": 3,
    "review_total": 4,
    **{f"rating_{stars}": 5 for stars in range(1, 6)},
}
"""What a narrow terminal leaves out, the highest first."""
CHARTS = {
    "conversations_at_least": "conversations",
    "review_count": "reviews",
    "stat_use": "uses",
}
"""What is drawn, where it moved."""
BOUND = "conversations_at_least"
MEMBERS = (*LABELS, BOUND, "conversations_exact")
"""The numbers that ``--csv`` has columns for, where any were said."""
MOVING = tuple(
    name for name in MEMBERS if name not in {"num_conversations_str", "conversations_exact"}
)
"""Those that are numbers, and so have differences."""
_OF_LINES = ("gizmo_id", "observed_at", "source", "counters_of")
"""What a line of ``--json`` says beside its numbers."""


def metrics(
    ctx: typer.Context,
    ref: ReferenceArgument,
    until: UntilOption = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Show a GPT's numbers over time: a line whenever one moved, with what it moved by."""
    app = start(ctx, catalog, config, as_json=as_json, as_csv=as_csv, pages=not no_pager)
    gizmo_id = parse_reference(ref)
    with app.catalog() as engine, read(engine) as conn:
        found = query.metrics(conn, gizmo_id, read_moment(until, "--until", end_of_day=True))
    with app.out.paged():
        _print(app, found, "no numbers were said" + (" until then" if until else ""))
    lines = [
        _as_json(gizmo_id, counter_of, point)
        for counter_of, points in (("", found.points), *found.stats.items())
        for point in points
    ]
    for line in lines:
        app.out.json(line)
    said = [name for name in MEMBERS if any(name in line["numbers"] for line in lines)]
    moving = [name for name in MOVING if name in said]
    print_csv(
        app.out,
        [*_OF_LINES, *said, *(f"{name}_moved" for name in moving)],
        (
            [
                *map(line.get, _OF_LINES),
                *map(line["numbers"].get, said),
                *map(line["moved"].get, moving),
            ]
            for line in lines
        ),
    )


def _print(app: App, found: query.Metrics, nothing: str) -> None:
    app.out.line(f"{found.gizmo_id}  {harmless(found.name or '')}", "bold")
    if not found.points and not found.stats:
        app.out.line(nothing)
    _points(app, found.points)
    for source, points in found.stats.items():
        app.out.heading(f"counters of source {source}, its own")
        _points(app, points)


def _points(app: App, points: tuple[query.Point, ...]) -> None:
    """The points as a table, then what moved as a chart."""
    names = [
        name
        for name in LABELS
        # What is nothing all along, and would be left out first, is no column.
        if any(
            value if name in ROOM else value is not None
            for value in (point.numbers.values.get(name) for point in points)
        )
    ]
    if not names:
        return
    if "review_count" in names and "review_total" in names:
        names.insert(names.index("review_count") + 1, "average")
    columns = [Column(LABELS.get(name, name), right=True, drop=ROOM.get(name, 0)) for name in names]
    cells = [[_cell(point, name) for name in names] for point in points]
    print_table(
        app.out,
        [Column("said at", least=20), *columns, Column("source", drop=ROOM["source"])],
        [
            [moment(point.numbers.at), *row, point.numbers.source]
            for point, row in zip(points, cells, strict=True)
        ],
        indent=2,
    )
    for name, title in CHARTS.items():
        values = [
            (point.numbers.at, point.numbers.values[name])
            for point in points
            if name in point.numbers.values
        ]
        lines = over_time(values, app.out.width and app.out.width - 2)
        if lines:
            app.out.heading(title)
            app.out.lines(f"  {line}" for line in lines)


def _cell(point: query.Point, name: str) -> str:
    values = point.numbers.values
    if name == "average":
        reviews, stars = values.get("review_count"), values.get("review_total")
        return f"{stars / reviews:.2f}" if reviews and stars is not None else "–"
    value = values.get(name)
    text = "–" if value is None else value if isinstance(value, str) else number(value)
    moved = point.moved.get(BOUND if name == "num_conversations_str" else name)
    return text if moved is None else f"{text} ({difference(moved)})"


def _as_json(gizmo_id: str, counter_of: str, point: query.Point) -> dict[str, Any]:
    return {
        "gizmo_id": gizmo_id,
        "observed_at": iso(point.numbers.at),
        "source": point.numbers.source,
        "counters_of": counter_of or None,
        "numbers": point.numbers.values,
        "moved": point.moved,
    }
