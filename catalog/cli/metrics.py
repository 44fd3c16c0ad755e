"""``metrics``: a GPT's numbers over time."""

from __future__ import annotations

from typing import Any

import typer

from catalog.cli.context import start
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    JsonOption,
    ReferenceArgument,
    UntilOption,
    read_moment,
)
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


def metrics(
    ctx: typer.Context,
    ref: ReferenceArgument,
    until: UntilOption = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a GPT's numbers over time: a line whenever one moved, with what it moved by."""
    app = start(ctx, catalog, config, as_json=as_json)
    gizmo_id = parse_reference(ref)
    with app.catalog() as engine, read(engine) as conn:
        found = query.metrics(conn, gizmo_id, read_moment(until, "--until", end_of_day=True))
    app.out.line(f"{gizmo_id}  {harmless(found.name or '')}", "bold")
    if not found.points and not found.stats:
        app.out.line("no numbers were said" + (" until then" if until else ""))
    app.out.table(rows(found.points), right=range(1, 20))
    for source, points in found.stats.items():
        app.out.heading(f"counters of source {source}, its own")
        app.out.table(rows(points), right=range(1, 20))
    for point in found.points:
        app.out.json(_as_json(gizmo_id, "", point))
    for source, points in found.stats.items():
        for point in points:
            app.out.json(_as_json(gizmo_id, source, point))


def rows(points: tuple[query.Point, ...]) -> list[list[str]]:
    """The points as cells, one column a number that was ever said."""
    names = [name for name in LABELS if any(name in point.numbers.values for point in points)]
    if not names:
        return []
    table = [["said at", *(LABELS[name] for name in names), "source"]]
    for point in points:
        cells = [moment(point.numbers.at)]
        for name in names:
            value = point.numbers.values.get(name)
            text = "–" if value is None else _shown(value)
            if name in point.moved:
                text += f" ({difference(point.moved[name])})"
            cells.append(text)
        table.append([*cells, point.numbers.source])
    return table


def _shown(value: Any) -> str:
    return harmless(value) if isinstance(value, str) else number(value)


def _as_json(gizmo_id: str, counter_of: str, point: query.Point) -> dict[str, Any]:
    return {
        "gizmo_id": gizmo_id,
        "observed_at": iso(point.numbers.at),
        "source": point.numbers.source,
        "counters_of": counter_of or None,
        "numbers": point.numbers.values,
        "moved": point.moved,
    }
