"""Which ids of a run brought no fact, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, select

from catalog.records import Verdict
from catalog.storage import tables as t
from catalog.times import Micros

if TYPE_CHECKING:
    from collections.abc import Iterator

REASONS = 5
"""How many reasons are told."""
_NUMBERED = re.compile(r"\w*\d[\w-]*")


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why ids of a run brought no fact.

    Attributes:
        verdict: what the answers were taken for.
        status: HTTP status, 0 for none.
        detail: what the source said, for people, of the example.
        count: how many ids.
        example: one of them.
    """

    verdict: str
    status: int
    detail: str
    count: int
    example: str

    @property
    def words(self) -> str:
        """What the source said, with its status, where that says more."""
        status = f"HTTP {self.status}"
        said = self.detail or "it said nothing more"
        return f"{status}: {said}" if self.status and not said.startswith(status) else said


class FailedId(msgspec.Struct, frozen=True, kw_only=True):
    """An id that brought no fact in a run.

    Attributes:
        asked_id: the id.
        verdict: what its answer was taken for.
        status: HTTP status, 0 for none.
        detail: what the source said, for people.
        at: when it ended.
    """

    asked_id: str
    verdict: str
    status: int
    detail: str
    at: Micros


def reasons(conn: Connection, run_id: str, limit: int | None = REASONS) -> tuple[Reason, ...]:
    """Why ids of a run brought no fact, the most frequent reason first; all with ``limit`` None."""
    o = t.outcomes.c
    alike = (o.verdict, o.status, o.detail)
    query = (
        select(*alike, func.count().label("count"), func.min(o.asked_id).label("example"))
        .where(_failed(run_id))
        .group_by(*alike)
        .order_by(*alike)
    )
    found: dict[tuple[str, int, str], Reason] = {}
    for row in conn.execute(query).mappings():
        reason = Reason(**row)
        # The number of a request, or of a byte, makes no other reason.
        key = (reason.verdict, reason.status, _NUMBERED.sub("#", reason.detail))
        met = found.setdefault(key, reason)
        if met is not reason:
            found[key] = msgspec.structs.replace(met, count=met.count + reason.count)
    return tuple(sorted(found.values(), key=lambda each: -each.count)[:limit])


def failed_ids(conn: Connection, run_id: str) -> Iterator[FailedId]:
    """The ids of a run that brought no fact, sorted."""
    o = t.outcomes.c
    columns = [o[name] for name in FailedId.__struct_fields__]
    query = select(*columns).where(_failed(run_id)).order_by(o.asked_id)
    for row in conn.execute(query).mappings():
        yield FailedId(**row)


def _failed(run_id: str) -> ColumnElement[bool]:
    o = t.outcomes.c
    facts = [verdict.value for verdict in Verdict if verdict.is_fact]
    return and_(o.run_id == run_id, o.verdict.not_in(facts))
