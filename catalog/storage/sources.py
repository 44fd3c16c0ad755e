"""Sources by name, and what was taken of their daily budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sqlalchemy import select, update

from catalog.errors import NotFound
from catalog.storage.dialects import insert_new
from catalog.storage.prepared import Prepared
from catalog.storage.tables import budgets, sources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from catalog.times import Micros

BudgetKind = Literal["requests", "probes", "tokens"]
"""What a budget is of; tokens are those of probes."""


def add_source(conn: Connection, name: str, dialect: str, now: Micros) -> int:
    """The number of the source ``name``, which is added where it is new (rule 16: by name).

    Args:
        conn: a writing transaction.
        name: its name in the settings.
        dialect: how it is asked by now.
        now: when it is first used, if it is new.
    """
    found = conn.execute(
        select(sources.c.source_id, sources.c.dialect).where(sources.c.name == name)
    ).first()
    if found is None:
        conn.execute(insert_new(conn, sources), {"name": name, "dialect": dialect, "added_at": now})
        return source_ids(conn, [name])[name]
    if found.dialect != dialect:
        conn.execute(
            update(sources).where(sources.c.source_id == found.source_id).values(dialect=dialect)
        )
    return int(found.source_id)


def source_ids(conn: Connection, names: Iterable[str]) -> dict[str, int]:
    """The numbers of sources by name.

    Raises:
        NotFound: one of them was never added.
    """
    wanted = set(names)
    found = {name: number for number, name in source_names(conn).items() if name in wanted}
    lost = sorted(wanted - found.keys())
    if lost:
        raise NotFound(f"the catalog knows no source {lost[0]!r}")
    return found


_NAMES = Prepared(select(sources.c.source_id, sources.c.name))


def source_names(conn: Connection) -> dict[int, str]:
    """The names of all sources by number: there are few."""
    return dict(_NAMES.rows(conn, {}))


def reserve(
    conn: Connection,
    source_id: int,
    day: str,
    wanted: int,
    per_day: int | None,
    kind: BudgetKind = "requests",
) -> int:
    """Take requests, or tokens, from a source's day before they are sent (rule 19).

    Args:
        conn: a writing transaction, short: others wait for it.
        source_id: the source.
        day: the UTC day.
        wanted: how many are to be sent.
        per_day: the day's budget; None for no limit. What was taken is counted all the same.
        kind: of what.

    Returns:
        How many may be sent: ``wanted`` or fewer, 0 when the budget is used up.
    """
    b = budgets.c
    mine = (b.source_id == source_id, b.day == day, b.kind == kind)
    new = {"source_id": source_id, "day": day, "kind": kind, "reserved": 0}
    conn.execute(insert_new(conn, budgets), new)
    # The row is locked before it is read, so that two workers never take the same requests.
    taken = conn.execute(select(b.reserved).where(*mine).with_for_update()).scalar_one()
    granted = wanted if per_day is None else max(0, min(wanted, per_day - taken))
    if granted:
        conn.execute(update(budgets).where(*mine).values(reserved=b.reserved + granted))
    return granted


def give_back(
    conn: Connection, source_id: int, day: str, unused: int, kind: BudgetKind = "requests"
) -> None:
    """Return what was reserved and not used.

    Args:
        conn: a writing transaction.
        source_id: the source.
        day: the UTC day from which they were taken.
        unused: how many, of those that :func:`reserve` granted.
        kind: of what.
    """
    b = budgets.c
    conn.execute(
        update(budgets)
        .where(b.source_id == source_id, b.day == day, b.kind == kind, b.reserved >= unused)
        .values(reserved=b.reserved - unused)
    )


def reserved(conn: Connection, source_id: int, day: str, kind: BudgetKind = "requests") -> int:
    """How much was taken from a source's day so far."""
    b = budgets.c
    mine = (b.source_id == source_id, b.day == day, b.kind == kind)
    return int(conn.execute(select(b.reserved).where(*mine)).scalar() or 0)
