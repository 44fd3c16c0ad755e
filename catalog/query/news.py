"""What is new since a mark: in the order of the catalog's knowing, not of the sources' saying.

An observation is new if its number is higher than the mark's, or if it is a not-found that was
given its verdict since: when its run closed, or by a merge. A change is new if a new observation
says its new value, or confirms its old one last: then the step from old to new was another before.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    union_all,
)

from catalog.fields import STATUS
from catalog.storage import tables as t
from catalog.storage.bookmarks import Mark
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import CTE, Select

    from catalog.records import Row
    from catalog.times import Micros

AGAIN = 20_000
"""So many numbers before a mark are looked at again: they may have been given to transactions that
were under way. That is minutes of harvesting, or ten seconds of a fast import."""

_DIGEST_BYTES = 9
_PAGE = 2000


class News:
    """What came after a mark.

    Args:
        conn: a reading transaction.
        mark: the mark.
        again: so many numbers before it are looked at again, :data:`AGAIN` if not given; 0: the
            mark has no digests, and nothing before it was under way.
    """

    def __init__(self, conn: Connection, mark: Mark, again: int | None = None) -> None:
        self._conn = conn
        self._mark = mark
        self._again = AGAIN if again is None else again

    def among(self, query: Select[Any]) -> Select[Any]:
        """``query``, of ``changes``, narrowed to those that may be news; for :meth:`unseen`."""
        c, o = t.changes.c, t.observations.c
        touched = _touched(self._mark.observation_id, self._mark.judgement_id, self._again)
        late = exists().where(
            o.gizmo_id == c.gizmo_id,
            o.observed_at >= c.observed_at,
            o.observation_id <= self._mark.observation_id,
        )
        return query.add_columns(touched.c.is_new, late.label("is_late")).join(
            touched,
            and_(
                *(
                    touched.c[name] == c[name]
                    for name in ("gizmo_id", "observed_at", "field", "element")
                )
            ),
        )

    def unseen(self, rows: Sequence[Row]) -> list[Row]:
        """Those of the rows that were not to be seen at the mark."""
        told = self._told([row for row in rows if row["is_new"] and row["is_late"]])
        return [
            row
            for row in rows
            if (
                _key(row) not in told if row["is_new"] else digest_of(row) not in self._mark.digests
            )
        ]

    def _told(self, rows: Sequence[Row]) -> set[tuple[Any, ...]]:
        """Which steps were told of at the mark, though the time of them is known better now.

        What was known then were the values at the times of the old observations. Between two
        neighbours of these one step could be seen: from the first old value to the last new one.
        """
        gizmo_ids = sorted({row["gizmo_id"] for row in rows})
        fields = sorted({row["field"] for row in rows})
        documents, all_times = self._times(gizmo_ids)
        steps: dict[tuple[str, str, str], list[tuple[Micros, str | None, str | None]]]
        steps = defaultdict(list)
        c = t.changes.c
        for part in chunks(gizmo_ids):
            for at, *key, old, new in self._conn.execute(
                select(c.observed_at, c.gizmo_id, c.field, c.element, c.old, c.new)
                .where(c.gizmo_id.in_(part), c.field.in_(fields))
                .order_by(c.gizmo_id, c.observed_at)
            ):
                steps[key[0], key[1], key[2]].append((at, old, new))
        told = set()
        for row in rows:
            times = (all_times if row["field"] == STATUS else documents)[row["gizmo_id"]]
            place = bisect_left(times, row["observed_at"])
            # A field's first statement is no change, but a GPT's first document is one (rule 5).
            if place == len(times) or (not place and row["field"] != STATUS):
                continue
            last = times[place]
            first = times[place - 1] if place else -1
            between = [
                step
                for step in steps[row["gizmo_id"], row["field"], row["element"]]
                if first < step[0] <= last
            ]
            step = (between[0][1], between[-1][2])
            same = [at for at, old, new in between if (old, new) == step]
            if (row["old"], row["new"]) == step and row["observed_at"] == same[-1]:
                told.add(_key(row))
        return told

    def _times(
        self, gizmo_ids: Sequence[str]
    ) -> tuple[dict[str, list[Micros]], dict[str, list[Micros]]]:
        """When documents, and documents and counted not-founds, were said that were known then."""
        o, j = t.observations.c, t.judgements.c
        documents: dict[str, list[Micros]] = defaultdict(list)
        all_times: dict[str, list[Micros]] = defaultdict(list)
        is_document = o.payload_id != t.NOT_FOUND_PAYLOAD
        since = select(j.observation_id).where(j.judgement_id > self._mark.judgement_id)
        judged = and_(o.verdict == "counted", o.observation_id.not_in(since))
        for part in chunks(gizmo_ids):
            for gizmo_id, at, payload_id in self._conn.execute(
                select(o.gizmo_id, o.observed_at, o.payload_id)
                .where(
                    o.gizmo_id.in_(part),
                    o.observation_id <= self._mark.observation_id,
                    or_(is_document, judged),
                )
                .order_by(o.gizmo_id, o.observed_at)
            ):
                all_times[gizmo_id].append(at)
                if payload_id != t.NOT_FOUND_PAYLOAD:
                    documents[gizmo_id].append(at)
        return documents, all_times


def mark_now(conn: Connection) -> Mark:
    """The mark of what this transaction sees."""
    o, j, c = t.observations.c, t.judgements.c, t.changes.c
    newest = conn.execute(
        select(o.observation_id, o.recorded_at).order_by(o.observation_id.desc()).limit(1)
    ).first()
    if newest is None:
        return Mark(recorded_at=0, observation_id=0)
    judged = conn.execute(select(func.coalesce(func.max(j.judgement_id), 0))).scalar_one()
    touched = _touched(newest.observation_id, judged, AGAIN)
    keys = [touched.c[name] == c[name] for name in ("gizmo_id", "observed_at", "field", "element")]
    found = conn.execute(
        select(c.gizmo_id, c.observed_at, c.field, c.element, c.old, c.new)
        .join(touched, and_(*keys))
        .execution_options(yield_per=_PAGE)
    ).mappings()
    return Mark(
        recorded_at=newest.recorded_at,
        observation_id=newest.observation_id,
        judgement_id=judged,
        digests=frozenset(digest_of(dict(row)) for row in found),
    )


def digest_of(row: Row) -> str:
    """A short name for what a row of ``changes`` says."""
    what = msgspec.json.encode([*_key(row), row["old"], row["new"]])
    return urlsafe_b64encode(hashlib.sha256(what).digest()[:_DIGEST_BYTES]).decode()


def _touched(observation_id: int, judgement_id: int, again: int) -> CTE:
    """The changes that late observations say or confirm.

    Args:
        observation_id: the mark's; ``again`` numbers before it are looked at as well.
        judgement_id: the mark's; likewise.
        again: so many.

    Returns:
        Their keys, and whether one of these observations is new.
    """
    c, o, j = t.changes.c, t.observations.c, t.judgements.c
    columns = (o.observation_id, o.gizmo_id, o.observed_at)
    recorded = select(*columns, _is_beyond(o.observation_id, observation_id)).where(
        o.observation_id > observation_id - again
    )
    judged = (
        select(*columns, _is_beyond(j.judgement_id, judgement_id))
        .join(t.judgements, j.observation_id == o.observation_id)
        .where(j.judgement_id > judgement_id - again)
    )
    late = union_all(recorded, judged).cte("late")
    keys = (c.gizmo_id, c.observed_at, c.field, c.element)
    return (
        select(*keys, func.max(late.c.is_new).label("is_new"))
        .select_from(late)
        .join(
            t.changes,
            and_(
                c.gizmo_id == late.c.gizmo_id,
                c.observed_at >= late.c.observed_at,
                or_(
                    c.observation_id == late.c.observation_id,
                    c.not_before == late.c.observed_at,
                ),
            ),
        )
        .group_by(*keys)
        .cte("touched")
    )


def _is_beyond(number: ColumnElement[int], last: int) -> ColumnElement[int]:
    return case((number > last, 1), else_=0).label("is_new")


def _key(row: Row) -> tuple[Any, ...]:
    return (row["gizmo_id"], row["observed_at"], row["field"], row["element"])
