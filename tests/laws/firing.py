"""Which rules an example makes work: a law that holds where no rule fires is not tested."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from catalog.decide import drift, mass
from catalog.fields import BY_PATH, ListField
from catalog.storage import tables as t
from catalog.times import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pytest
    from sqlalchemy import Connection, Table

    from catalog.records import Observation
    from tests.laws.worlds import Arrival

FIRED: dict[str, tuple[int, Counter[str]]] = {}
"""By test: its examples, and in how many of them each rule fired."""

RULES = (
    "rule 3: two documents of one moment",
    "rule 3: a document beats a not-found",
    "rule 4: a stale copy",
    "rule 4: an update not to be believed",
    "rule 4: a disagreement",
    "rule 5: a first statement that is no change",
    "rule 6: missing",
    "rule 6: gone",
    "rule 6: a return",
    "rule 6: a not-found that is held",
    "rule 8: a flap",
    "rule 9: a mass event",
    "rule 9: a mass event of several days",
    "rule 10: a path appeared",
    "rule 10: a path vanished",
    "rule 11: an author of several GPTs",
    "law 3: a scalar became null",
    "law 3: a list went between null and empty",
    "law 3: a field that was known is not sent",
    "law 6: noise in an element",
    "an unmapped field",
    "a metric moved",
    "a gateway's counter moved",
    "an element changed",
    "a platform change",
    "law 2: an observation of the past",
    "law 2: a repetition",
    "law 2: settled in between",
)


def make_rules_of_many_small(patch: pytest.MonkeyPatch, gpts: int) -> None:
    """Have the rules that look at many GPTs fire at a few, as small worlds have no more.

    Args:
        patch: undoes it after the test.
        gpts: how many GPTs make a mass event.
    """
    patch.setattr(mass, "LEAST_GPTS", gpts)
    patch.setattr(mass, "LEAST_SHARE", 0.5)
    patch.setattr(drift, "WINDOW", 2)
    patch.setattr(drift, "COMMON", 2)
    patch.setattr(drift, "AWAY", HOUR)


def fired(conn: Connection, world: Sequence[Observation]) -> set[str]:
    """The rules that fired in the settled catalog of ``world``."""
    return {*_in_world(world), *_in_tables(conn), *_in_elements(conn, world)}


def fired_on_arrival(arrivals: Sequence[Arrival]) -> set[str]:
    """What of law 2 an order of arrival puts to the test."""
    found = set()
    if any(arrival.settled for arrival in arrivals[:-1]):
        found.add("law 2: settled in between")
    latest: dict[str, int] = {}
    seen = set()
    for arrival in arrivals:
        for o in arrival.batch:
            key = (o.gizmo_id, o.source, o.observed_at, o.digest)
            if key in seen:
                found.add("law 2: a repetition")
            seen.add(key)
            if o.observed_at < latest.get(o.gizmo_id, o.observed_at):
                found.add("law 2: an observation of the past")
        for o in arrival.batch:
            latest[o.gizmo_id] = max(latest.get(o.gizmo_id, o.observed_at), o.observed_at)
    return found


def _in_world(world: Sequence[Observation]) -> Iterable[str]:
    for (_, _), group in itertools.groupby(
        sorted(world, key=lambda o: (o.gizmo_id, o.observed_at)),
        key=lambda o: (o.gizmo_id, o.observed_at),
    ):
        step = list(group)
        documents = [o for o in step if o.document is not None]
        if len(documents) > 1:
            yield "rule 3: two documents of one moment"
        if documents and any(o.verdict == "counted" for o in step):
            yield "rule 3: a document beats a not-found"
    if any(o.verdict == "held" for o in world):
        yield "rule 6: a not-found that is held"
    sent: dict[str, set[str]] = defaultdict(set)
    for o in world:
        if o.document is None:
            continue
        if (o.document.updated_at or 0) > o.observed_at + DAY:
            yield "rule 4: an update not to be believed"
        if sent[o.gizmo_id] - (now := {*o.document.scalars, *o.document.lists}):
            yield "law 3: a field that was known is not sent"
        sent[o.gizmo_id] |= now


def _rows(conn: Connection, table: Table) -> list[Any]:
    return list(conn.execute(select(table)))


def _in_tables(conn: Connection) -> Iterable[str]:
    yield from _in_changes(conn)
    yield from _in_revisions(conn)
    gpts = _rows(conn, t.gizmos)
    if any(row.stale_copies for row in gpts):
        yield "rule 4: a stale copy"
    for row in _rows(conn, t.mass_events):
        yield "rule 9: a mass event"
        if row.first_day != row.last_day:
            yield "rule 9: a mass event of several days"
    for row in _rows(conn, t.drift):
        if row.kind in ("appeared", "vanished"):
            yield f"rule 10: a path {row.kind}"
    if any(row.gpt_count > 1 for row in _rows(conn, t.authors)):
        yield "rule 11: an author of several GPTs"
    if _rows(conn, t.unmapped_fields):
        yield "an unmapped field"
    for table, rule in (
        (t.vanity_metrics, "a metric moved"),
        (t.source_stats, "a gateway's counter moved"),
    ):
        keys = Counter(
            row[0:2] if table is t.source_stats else row[0] for row in _rows(conn, table)
        )
        if any(count > 1 for count in keys.values()):
            yield rule


def _in_changes(conn: Connection) -> Iterable[str]:
    c = t.changes.c
    changes = list(conn.execute(select(t.changes, c.cls.label("cls"))))
    for row in changes:
        if row.flap:
            yield "rule 8: a flap"
        if row.disagreement:
            yield "rule 4: a disagreement"
        if row.field == "status" and row.kind != "added":
            yield "rule 6: a return" if row.new == '"listed"' else f"rule 6: {row.new[1:-1]}"
        if row.cls == "platform":
            yield "a platform change"
        if isinstance(BY_PATH.get(row.field), ListField):
            if not row.element:
                yield "law 3: a list went between null and empty"
            elif row.kind == "changed":
                yield "an element changed"
        elif row.new is None:
            yield "law 3: a scalar became null"


def _in_revisions(conn: Connection) -> Iterable[str]:
    before: dict[str, set[str]] = {}
    revisions = sorted(_rows(conn, t.gizmo_revisions), key=lambda row: row.valid_from)
    for row in revisions:
        unstated = set(json.loads(row.unstated_fields))
        if before.get(row.gizmo_id, set()) - unstated:
            yield "rule 5: a first statement that is no change"
        before[row.gizmo_id] = unstated


def _in_elements(conn: Connection, world: Sequence[Observation]) -> Iterable[str]:
    """An element whose columns are later than its beginning: they moved, and made no change."""
    begun = {
        (o.gizmo_id, o.observed_at, element["tool_id"])
        for o in world
        if o.document is not None
        for element in (o.document.lists.get("tools") or {}).values()
    }
    for row in _rows(conn, t.CHILDREN["tools"]):
        if (row.gizmo_id, row.valid_from, row.tool_id) not in begun:
            yield "law 6: noise in an element"
