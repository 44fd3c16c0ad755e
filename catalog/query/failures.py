"""Which ids of a run brought no fact, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, select

from catalog.records import Verdict
from catalog.storage import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterator

REASONS = 5
"""How many reasons are told."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why ids of a run brought no fact.

    Attributes:
        verdict: what the answers were taken for.
        status: HTTP status, 0 for none.
        detail: what the source said, for people.
        count: how many ids.
        example: one of them.
    """

    verdict: str
    status: int
    detail: str
    count: int
    example: str


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
    at: int


def reasons(conn: Connection, run_id: str, limit: int = REASONS) -> tuple[Reason, ...]:
    """Why ids of a run brought no fact, the most frequent reason first."""
    o = t.outcomes.c
    number = func.count()
    query = (
        select(
            o.verdict,
            o.status,
            o.detail,
            number.label("count"),
            func.min(o.asked_id).label("example"),
        )
        .where(_failed(run_id))
        .group_by(o.verdict, o.status, o.detail)
        .order_by(number.desc(), o.verdict, o.status, o.detail)
        .limit(limit)
    )
    return tuple(Reason(**row) for row in conn.execute(query).mappings())


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
