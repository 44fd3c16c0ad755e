"""What a source's documents are like against those that it gave before of the same GPTs.

Looks at samples of the last runs, each found by an index: what it costs does not grow with the
catalog.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from catalog.alarms import Likeness, Pair
from catalog.alarms.kinds import POORER_FIELDS
from catalog.errors import NormalizeError
from catalog.records import Verdict
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.times import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from catalog.records import Deriver, Document
    from catalog.times import Micros

WINDOW: Micros = 8 * DAY
"""Runs older than the last one by this are not looked at: a week of daily runs, and the last."""
RUNS = 10
"""So many runs, at most."""
VISITS = 200
"""So many documents of a run, at most."""
APART: Micros = 12 * HOUR
"""Two visits that are nearer say nothing: a document asked for twice at once is the same."""
COMPARED = 40
"""So many documents of the last run are read and compared by what they hold."""
BEFORE = 3
"""With so many earlier ones each: what stays away for longer is the new usual."""


def likeness(
    conn: Connection,
    deriver: Deriver,
    source_id: int,
    runs: Sequence[str],
    last_run: str | None,
) -> Likeness:
    """What a source's documents are like.

    Args:
        conn: a reading transaction.
        deriver: decodes documents.
        source_id: the source.
        runs: its last runs, for whether its documents move.
        last_run: its last telling run, for whether its documents are whole.
    """
    pairs = tuple(pair for run_id in runs for pair in _pairs(conn, source_id, run_id))
    poorer: list[str] = []
    compared = 0
    if last_run is not None:
        for gizmo_id, is_poorer in _compared(conn, deriver, source_id, last_run):
            compared += 1
            if is_poorer:
                poorer.append(gizmo_id)
    return Likeness(
        pairs=pairs, compared=compared, poorer=len(poorer), example=poorer[0] if poorer else ""
    )


def _pairs(conn: Connection, source_id: int, run_id: str) -> Iterable[Pair]:
    """The visits of a run, each with the one before it that lies far enough back."""
    now, earlier = t.outcomes.alias("now"), t.outcomes.alias("earlier")
    said, before = t.observations.alias("said"), t.observations.alias("before")
    visits = (
        select(now.c.asked_id, now.c.at, now.c.observation_id)
        .where(
            now.c.run_id == run_id,
            now.c.source_id == source_id,
            now.c.verdict == Verdict.DOCUMENT,
            now.c.observation_id.is_not(None),
        )
        .limit(VISITS)
        .subquery()
    )
    last = (
        select(earlier.c.run_id)
        .where(
            earlier.c.asked_id == visits.c.asked_id,
            earlier.c.at <= visits.c.at - APART,
            earlier.c.source_id == source_id,
            earlier.c.verdict == Verdict.DOCUMENT,
        )
        .order_by(earlier.c.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            visits.c.at,
            visits.c.observation_id,
            said.c.payload_id,
            earlier.c.at.label("before_at"),
            before.c.observation_id.label("before_id"),
            before.c.payload_id.label("before_payload"),
        )
        .join(said, said.c.observation_id == visits.c.observation_id)
        .join(
            earlier,
            (earlier.c.run_id == last.correlate(visits))
            & (earlier.c.asked_id == visits.c.asked_id),
        )
        .join(before, before.c.observation_id == earlier.c.observation_id)
    )
    for row in conn.execute(query):
        yield Pair(
            before_at=row.before_at,
            at=row.at,
            moved=row.payload_id != row.before_payload,
            kept=row.observation_id == row.before_id,
        )


def _compared(
    conn: Connection, deriver: Deriver, source_id: int, run_id: str
) -> Iterable[tuple[str, bool]]:
    """Documents of a run, each with whether it lacks much of what those before it held."""
    o, x = t.observations.c, t.outcomes.c
    latest = conn.execute(
        select(o.gizmo_id, o.observed_at, o.payload_id, o.wrapping)
        .join(t.outcomes, x.observation_id == o.observation_id)
        .where(x.run_id == run_id, x.source_id == source_id, x.verdict == Verdict.DOCUMENT)
        .limit(COMPARED)
    ).all()
    earlier: dict[str, Sequence[Any]] = {
        row.gizmo_id: conn.execute(
            select(o.payload_id, o.wrapping)
            .where(
                o.gizmo_id == row.gizmo_id,
                o.source_id == source_id,
                o.payload_id != t.NOT_FOUND_PAYLOAD,
                o.observed_at < row.observed_at,
            )
            .order_by(o.observed_at.desc())
            .limit(BEFORE)
        ).all()
        for row in latest
    }
    # What has not moved cannot have become poorer, and need not be read.
    moved = [
        row for row in latest if any(b.payload_id != row.payload_id for b in earlier[row.gizmo_id])
    ]
    wanted = {row.payload_id for row in moved}
    wanted |= {before.payload_id for row in moved for before in earlier[row.gizmo_id]}
    payloads = get_payloads(conn, wanted)
    held: dict[tuple[int, str], frozenset[str]] = {}

    def filled_in(row: Any) -> frozenset[str]:
        key = (row.payload_id, row.wrapping)
        if key not in held:
            try:
                held[key] = filled(deriver.document(payloads[row.payload_id], row.wrapping))
            except NormalizeError:  # archived by an older version that could read it
                held[key] = frozenset()
        return held[key]

    is_moved = {row.gizmo_id for row in moved}
    for row in latest:
        before = earlier[row.gizmo_id]
        if not before:
            continue
        if row.gizmo_id not in is_moved:
            yield row.gizmo_id, False
            continue
        fullest = max((filled_in(each) for each in before), key=len)
        yield row.gizmo_id, is_poorer(filled_in(row), fullest)


def filled(document: Document) -> frozenset[str]:
    """The fields of a document that hold anything: neither absent, nor null, nor empty."""
    scalars = {name for name, value in document.scalars.items() if value not in {None, ""}}
    return frozenset(scalars | {name for name, items in document.lists.items() if items})


def is_poorer(now: frozenset[str], before: frozenset[str]) -> bool:
    """Whether much of what was filled before is not filled any more."""
    return bool(before) and len(before - now) >= POORER_FIELDS * len(before)
