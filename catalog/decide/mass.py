"""Mass events: one difference that many GPTs show at once is the platform's doing (rule 9)."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

import msgspec

from catalog.fields import BY_PATH, ListField
from catalog.records import Change, MassEvent
from catalog.times import Micros

LEAST_GPTS = 20
LEAST_SHARE = 0.1
DAYS_APART = 3
"""Equal differences this many days apart, or fewer, are one event."""

Member = tuple[str, Micros]


class _Sighting(msgspec.Struct):
    """One difference on one day, and who shows it."""

    field: str
    added: str
    removed: str
    members: list[Member]


def find_mass_events(
    days: Iterable[tuple[str, Iterable[Change]]],
    compared: Callable[[Sequence[str]], int],
) -> list[MassEvent]:
    """The mass events of some days.

    A day's changes are read once and in order; of a difference that few GPTs show nothing stays.

    Args:
        days: each UTC day in order, with its changes of content and platform; those of one
            (gizmo_id, observed_at, field) follow each other.
        compared: how many GPTs have a neighbouring pair on some of those days: a document that
            is not the GPT's first.

    Returns:
        The events in the order of their first days.
    """
    runs: dict[bytes, list[tuple[str, _Sighting]]] = {}
    events: list[list[tuple[str, _Sighting]]] = []
    for day, changes in days:
        for digest, sighting in _of_day(day, changes, compared):
            run = runs.get(digest)
            if run is None or _apart(run[-1][0], day) > DAYS_APART:
                run = runs[digest] = []
                events.append(run)
            run.append((day, sighting))
    found = [_event(run, compared) for run in events]
    return sorted(found, key=lambda event: (event.first_day, event.event_id))


def _of_day(
    day: str, changes: Iterable[Change], compared: Callable[[Sequence[str]], int]
) -> Iterator[tuple[bytes, _Sighting]]:
    """The differences that enough of the day's GPTs show."""
    sightings: dict[bytes, _Sighting] = {}
    for (gizmo_id, at, field), rows in itertools.groupby(
        changes, key=lambda change: (change.gizmo_id, change.observed_at, change.field)
    ):
        digest, added, removed = _difference(field, list(rows))
        sighting = sightings.get(digest)
        if sighting is None:
            sighting = sightings[digest] = _Sighting(field, added, removed, [])
        sighting.members.append((gizmo_id, at))
    for digest, sighting in sightings.items():
        if len(sighting.members) < LEAST_GPTS:
            continue
        gpts = _gpts(sighting.members)
        if gpts >= LEAST_GPTS and gpts >= LEAST_SHARE * compared((day,)):
            yield digest, sighting


def _difference(field: str, rows: Sequence[Change]) -> tuple[bytes, str, str]:
    """What a field's rows at one moment say: its digest, what came and what went, as JSON.

    An element that changed went as it was and came as it is.
    """
    if isinstance(BY_PATH.get(field), ListField):
        came = sorted((row.element, row.new) for row in rows if row.new is not None)
        went = sorted((row.element, row.old) for row in rows if row.old is not None)
        added, removed = _array(came), _array(went)
    else:
        (row,) = rows
        added, removed = row.new or "null", row.old or "null"
        came, went = [("", added)], [("", removed)]
    said = msgspec.json.encode((field, came, went))
    return hashlib.blake2b(said, digest_size=16).digest(), added, removed


def _array(elements: Iterable[tuple[str, str]]) -> str:
    return f"[{','.join(sorted(value for _, value in elements))}]"


def _event(
    run: Sequence[tuple[str, _Sighting]], compared: Callable[[Sequence[str]], int]
) -> MassEvent:
    """One event of equal differences on neighbouring days."""
    days = [day for day, _ in run]
    members = tuple(itertools.chain.from_iterable(sighting.members for _, sighting in run))
    first = run[0][1]
    said = (first.field, first.added, first.removed, days[0])
    return MassEvent(
        event_id=hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:32],
        field=first.field,
        added=first.added,
        removed=first.removed,
        first_day=days[0],
        last_day=days[-1],
        gpts=_gpts(members),
        compared=compared(days),
        members=members,
    )


def _gpts(members: Iterable[Member]) -> int:
    return len({gizmo_id for gizmo_id, _ in members})


def _apart(earlier: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days
