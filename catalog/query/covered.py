"""How much of the world a catalog speaks of, as records. Pure."""

from __future__ import annotations

import msgspec

from catalog.times import Micros


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the world an export speaks of.

    Attributes:
        gpts: GPTs in it.
        listed: of those, that are listed.
        missing: of those, not found once.
        gone: of those, gone.
        authors: authors in it.
        observations: observations that it rests on.
        changes: changes in it.
        first_observed: when the first of the observations was made; None: there is none.
        last_observed: when the last was made.
        days_observed: UTC days with an observation.
        gaps: stretches of days without one, each by its first and its last, as ISO dates.
        confirmed_within: share of listed GPTs whose document was seen in the last 1, 7 and 30 days
            before the moment of the export.
        sources: the names of those who said it.
    """

    gpts: int = 0
    listed: int = 0
    missing: int = 0
    gone: int = 0
    authors: int = 0
    observations: int = 0
    changes: int = 0
    first_observed: Micros | None = None
    last_observed: Micros | None = None
    days_observed: int = 0
    gaps: tuple[tuple[str, str], ...] = ()
    confirmed_within: dict[int, float] = {}
    sources: tuple[str, ...] = ()


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """A month's growth.

    Attributes:
        month: ``2026-02``.
        made: GPTs made until its end, as their documents say.
        seen: GPTs whose first document was seen until its end.
    """

    month: str
    made: int
    seen: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many GPTs have something.

    Attributes:
        name: what.
        gpts: how many.
    """

    name: str
    gpts: int


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """How often GPTs had a tool when a month ended.

    Attributes:
        month: ``2026-02``.
        tool: its type.
        tools: how many there were: of actions every one, of others one a GPT.
    """

    month: str
    tool: str
    tools: int


class Trends(msgspec.Struct, frozen=True, kw_only=True):
    """What the pictures of an export show.

    Attributes:
        growth: month by month, oldest first, none left out.
        categories: current categories, the largest first.
        tools: by month and tool, only those months in which a tool's number moved.
        freshness: listed GPTs by how many days ago, at most, their document was last seen, the
            ages being those of :data:`catalog.query.coverage.AGES`, then all older ones.
    """

    growth: tuple[Growth, ...] = ()
    categories: tuple[Share, ...] = ()
    tools: tuple[ToolUse, ...] = ()
    freshness: tuple[Share, ...] = ()
