"""The GPTs whose numbers grew most in a window of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from catalog.cli.table import Column, print_csv, print_table
from catalog.cli.text import difference, iso, moment, number
from catalog.query.movers import By, Mover, first_seen
from catalog.query.movers import movers as query
from catalog.storage.engine import read
from catalog.times import DAY, Micros, day_of

if TYPE_CHECKING:
    from catalog.cli.context import App

LIMIT = 20
"""So many are shown where nobody says how many."""
WINDOW: Micros = 7 * DAY
"""How long the window is where nobody says when it begins."""
_COLUMNS = (
    Column("GPT", least=40, style="bold"),
    Column("name", least=8),
    Column("growth", right=True),
    Column("from", right=True, drop=1),
    Column("to", right=True),
    Column("between", drop=3),
    Column("author", least=10, drop=2),
)
_NAMES = ("gizmo_id", "name", "author", "by", "before", "after", "growth", "before_at", "after_at")


def print_movers(
    app: App, by: By, since: Micros | None, until: Micros | None, limit: int | None
) -> None:
    """Print them, the fastest first.

    Args:
        app: the command under way.
        by: which number.
        since: when the window begins; None: seven days before its end.
        until: when it ends; None: now.
        limit: how many at most; None: :data:`LIMIT`.
    """
    end = app.clock.now() if until is None else until
    begin = end - WINDOW if since is None else since
    with app.catalog() as engine, read(engine) as conn:
        found = query(conn, begin, end, by, limit or LIMIT)
        first = None if found else first_seen(conn)
    with app.out.paged():
        app.out.line(f"growth of {by} from {moment(begin)} to {moment(end)}", "bold")
        if not found:
            app.out.line(_nothing(begin, first))
        else:
            print_table(app.out, _COLUMNS, [_row(each, by) for each in found])
    lines = [_json(each, by) for each in found]
    for line in lines:
        app.out.json(line)
    print_csv(app.out, _NAMES, ([line[name] for name in _NAMES] for line in lines))


def _nothing(begin: Micros, first: Micros | None) -> str:
    if first is None or first <= begin:
        return "none grew, or none had a number when that time began"
    return f"none is known to have grown: the first document is of {moment(first)}"


def _row(mover: Mover, by: By) -> list[Any]:
    if by == "rating":  # stars have a fraction, as wherever they are shown
        numbers = [f"{mover.growth:+.2f}", f"{mover.before:.2f}", f"{mover.after:.2f}"]
    else:
        numbers = [difference(mover.growth), number(mover.before), number(mover.after)]
    # Said long before the window, a number may have grown before it, too.
    between = f"{day_of(mover.before_at)} and {day_of(mover.after_at)}"
    return [mover.gizmo_id, mover.name or "(no name)", *numbers, between, mover.author]


def _json(mover: Mover, by: By) -> dict[str, Any]:
    values = msgspec.structs.asdict(mover)
    moments = {name: iso(values[name]) for name in ("before_at", "after_at")}
    return {**values, **moments, "by": by, "growth": mover.growth}
