"""Which changes are looked at, in SQL: by when they were said, or by which runs brought them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from catalog.fields import FLAPPING
from catalog.query.wanted import CLASSES, Wanted, conditions
from catalog.storage import tables as t
from catalog.times import Micros

_c, _o = t.changes.c, t.observations.c

Lifecycle = Literal["none", "known", "all"]
"""What is told beside content: nothing, that a known GPT came or went, or also that one is new."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes are looked at.

    Attributes:
        since: said then or later; None: whenever.
        until: said then or earlier.
        run_ids: brought by these runs alone; None: by whatever.
        recorded: with ``run_ids``: written down from the first until the second moment.
    """

    since: Micros | None = None
    until: Micros | None = None
    run_ids: tuple[str, ...] | None = None
    recorded: tuple[Micros, Micros] | None = None


class Kinds:
    """What changes can be told apart by, in SQL.

    Args:
        cls: the class.
        event_id: the mass event; empty for none.
    """

    def __init__(self, cls: ColumnElement[str], event_id: ColumnElement[str]) -> None:
        self.told = cls.in_(("content", "lifecycle"))
        self.any = cls.in_(CLASSES)
        self.content = and_(cls == "content", event_id == "")
        self.mass = and_(cls.in_(("content", "platform")), event_id != "")
        self.flaps = and_(
            cls == "content", or_(_c.flap, _c.disagreement), _c.field.in_(sorted(FLAPPING))
        )
        self.lifecycle = cls == "lifecycle"
        self.new = and_(self.lifecycle, _c.kind == "added")
        self.known = and_(self.lifecycle, _c.kind == "changed")

    def came_to(self, status: str) -> ColumnElement[bool]:
        """That a known GPT came to have a status."""
        return and_(self.known, _c.new == msgspec.json.encode(status).decode())

    def wanted(self, field: str | None, lifecycle: Lifecycle) -> ColumnElement[bool]:
        """What is told: of one field all, else content and what else is asked for."""
        if field is not None:
            return _c.field == field
        if lifecycle == "none":
            return self.content
        return or_(self.content, self.known if lifecycle == "known" else self.lifecycle)


# An engine that looked mass events up by their index would walk those of all times.
_EVENT = func.coalesce(_c.event_id, "")
BY_TIME = Kinds(_c.cls, _EVENT)
"""Of changes that are found by when they were said."""
_BY_RUN = Kinds(_c.cls.concat(""), _EVENT)
"""The same, with the class hidden from an engine: its index would lead it through all of history,
where a run's observations lead to few changes."""


def kinds_of(scope: Scope) -> Kinds:
    """What the changes of a scope can be told apart by."""
    return BY_TIME if scope.run_ids is None else _BY_RUN


def scoped(query: Select[Any], scope: Scope, *, noise: bool = False) -> Select[Any]:
    """``query``, of ``changes``, narrowed.

    Args:
        query: the query.
        scope: which changes are looked at.
        noise: flaps as well.
    """
    wanted = Wanted(since=scope.since, until=scope.until, everything=noise)
    query = query.where(*conditions(wanted))
    if scope.run_ids is None:
        return query
    # The GPT is named too, so that an engine that begins with a run finds its changes by key.
    brought = and_(_o.observation_id == _c.observation_id, _o.gizmo_id == _c.gizmo_id)
    query = query.join(t.observations, brought).where(_o.run_id.in_(scope.run_ids))
    return query if scope.recorded is None else query.where(_o.recorded_at.between(*scope.recorded))


def within(scope: Scope, *kinds: ColumnElement[bool], noise: bool = False) -> Select[Any]:
    """How many changes there are, for more columns and groups."""
    query = select(func.count().label("changes")).select_from(t.changes)
    return scoped(query, scope, noise=noise).where(*kinds)
