"""Operations on what changed: changes, what is new since a mark, mass events, movers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from catalog.errors import UsageError
from catalog.fields import field_named
from catalog.query.changes import ChangePage, MassEvent, events
from catalog.query.marks import mark_from, mark_small, mark_text, news_since
from catalog.query.moments import end, start
from catalog.query.movers import GONE, By, Mover
from catalog.query.wanted import ChangeClass, ChangeKind, Wanted
from catalog.references import parse_reference
from catalog.times import to_iso
from catalog.web.api.operations import Asked, Operation, Rows
from catalog.web.api.parameters import Cursor, Day, Flag, Limit, Text, Value
from catalog.web.api.shapes import ChangeSaid, ChangesSaid, Shape
from catalog.web.api.wire import Wire, same, wire
from catalog.wording.changes import as_json_line

PART = 1_000
"""Changes that are read at once for a download."""
Since = Annotated[Day, Meta(description="Observed then or later.")] | None
Until = Annotated[Day, Meta(description="Observed then or earlier; a date means its end.")] | None


class Changing(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes are asked for: the same for lists, downloads and feeds."""

    gpt: Annotated[Text, Meta(description="Of this GPT alone: any reference.")] | None = None
    since: Since = None
    until: Until = None
    field: (
        Annotated[
            Text,
            Meta(description="Of this field alone: its path, column or table; see docs/fields.md."),
        ]
        | None
    ) = None
    cls: Annotated[ChangeClass, Meta(description="Of this class alone.")] | None = msgspec.field(
        default=None, name="class"
    )
    kind: Annotated[ChangeKind, Meta(description="Of this kind alone.")] | None = None
    author: (
        Annotated[Text, Meta(description="Of the GPTs of this author, by user_id or name.")] | None
    ) = None
    category: (
        Annotated[Text, Meta(description="Of the GPTs that stand in this category now.")] | None
    ) = None
    all: Annotated[
        Flag, Meta(description="1: also the class `platform`, and what comes and goes.")
    ] = "0"


class Listing(Changing, frozen=True, kw_only=True):
    """Which changes, and which page of them."""

    order: Annotated[Literal["latest", "oldest"], Meta(description="Which come first.")] = "latest"
    limit: Limit = 50
    after: Cursor | None = None


class News(Changing, frozen=True, kw_only=True):
    """Which changes, and since which mark."""

    mark: (
        Annotated[
            str,
            Meta(
                max_length=200,
                pattern="^[A-Za-z0-9_-]*$",
                description="What was given out last time; without it nothing is new yet.",
            ),
        ]
        | None
    ) = None
    limit: Limit = 500


class Eventful(msgspec.Struct, frozen=True, kw_only=True):
    """Which mass events."""

    id: Annotated[
        tuple[Value, ...], Meta(min_length=1, max_length=100, description="As changes name them.")
    ]


class Moving(msgspec.Struct, frozen=True, kw_only=True):
    """Whose numbers grew, and when."""

    since: Annotated[Day, Meta(description="When the window begins.")]
    until: Annotated[Day, Meta(description="When it ends; a date means its end.")]
    by: Annotated[By, Meta(description="Which number.")] = "conversations"
    limit: Limit = 20


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """When."""

    since: Since = None
    until: Until = None
    limit: Limit = 50
    after: Cursor | None = None


class NewsSaid(Shape, frozen=True, kw_only=True):
    """What came to be known since a mark."""

    items: Annotated[list[ChangeSaid], Meta(description="The changes, oldest first.")]
    more: Annotated[
        bool, Meta(description="Whether some were left out: with the new mark they count as seen.")
    ]
    mark: Annotated[
        str, Meta(description="To be kept by whoever looked, and given next time: all is seen.")
    ]
    marked_at: (
        Annotated[str, Meta(description="When the newest of all that is known was recorded.")]
        | None
    )


def wanted(q: Changing) -> Wanted:
    """The changes that a question is about.

    Raises:
        UsageError: a condition makes no sense.
    """
    found = Wanted(
        gizmo_id=parse_reference(q.gpt) if q.gpt else None,
        since=start(q.since),
        until=end(q.until),
        field=field_named(q.field) if q.field else None,
        cls=q.cls,
        kind=q.kind,
        author=q.author or None,
        category=q.category or None,
        everything=q.all == "1",
    )
    if found.since is not None and found.until is not None and found.since > found.until:
        raise UsageError(f"since {q.since} lies after until {q.until}: swap them")
    return found


def _page(page: ChangePage) -> dict[str, Any]:
    return {"items": [as_json_line(each) for each in page.items], "after": page.after}


def _list(asked: Asked) -> Any:
    q, which = asked.question, wanted(asked.question)
    return _page(
        asked.reader.changes_page(
            which, latest=q.order == "latest", after=q.after or None, limit=q.limit
        )
    )


def _rows(asked: Asked) -> Iterable[dict[str, Any]]:
    which, latest = wanted(asked.question), asked.question.order == "latest"
    return _all(
        lambda after: asked.reader.changes_page(which, latest=latest, after=after, limit=PART)
    )


def _all(page: Callable[[str | None], ChangePage]) -> Iterable[dict[str, Any]]:
    """All changes, a page after the other: no transaction waits for whoever reads them."""
    after = None
    while True:
        found = page(after)
        yield from map(as_json_line, found.items)
        after = found.after
        if after is None:
            return


def _news(asked: Asked) -> Any:
    q, which = asked.question, wanted(asked.question)
    known = None if not q.mark else mark_from(q.mark)

    def look(conn: Any) -> Any:
        mark = mark_small(conn)
        items: list[dict[str, Any]] = []
        if known is not None:
            with closing(news_since(conn, known, which)) as news:
                for change in news:
                    if len(items) == q.limit:
                        return items, True, mark
                    items.append(as_json_line(change))
        return items, False, mark

    items, more, mark = asked.reader.ask(look)
    return {
        "items": items,
        "more": more,
        "mark": mark_text(mark),
        "marked_at": to_iso(mark.recorded_at) if mark.recorded_at else None,
    }


def _lifecycle(asked: Asked, kind: ChangeKind) -> Wanted:
    q = asked.question
    return Wanted(cls="lifecycle", kind=kind, since=start(q.since), until=end(q.until))


def _arrivals(asked: Asked) -> Any:
    q = asked.question
    return _page(
        asked.reader.changes_page(_lifecycle(asked, "added"), after=q.after or None, limit=q.limit)
    )


def _departures(asked: Asked) -> Any:
    """Those of a page of changes of status that say ``gone``: few, or none, of many."""
    q, reader = asked.question, asked.reader
    page = reader.changes_page(_lifecycle(asked, "changed"), after=q.after or None, limit=q.limit)
    items = [as_json_line(each) for each in page.items if each.new == GONE]
    return {"items": items, "after": page.after}


_EVENT, _MOVER = wire(MassEvent), wire(Mover)
_CHANGE = Wire(ChangeSaid, same)


def _movers(asked: Asked) -> list[dict[str, Any]]:
    q = asked.question
    found = asked.reader.movers(q.since, q.until, by=q.by, limit=q.limit)
    return [_MOVER.plain(each) for each in found]


def _events(asked: Asked) -> list[dict[str, Any]]:
    found = asked.reader.ask(lambda conn: events(conn, asked.question.id))
    return [_EVENT.plain(found[each]) for each in sorted(found)]


OPERATIONS = (
    Operation(
        name="listChanges",
        group="Changes",
        path="/api/changes",
        summary="What changed.",
        question=Listing,
        answer=ChangesSaid,
        ask=_list,
        rows=Rows(each=_CHANGE, all=_rows),
    ),
    Operation(
        name="listNews",
        group="Changes",
        path="/api/news",
        summary="What came to be known since a mark: since somebody's last visit.",
        description=(
            "The server keeps nothing of its visitors: whoever looks keeps the mark. Late news of"
            " old times counts, too."
        ),
        question=News,
        answer=NewsSaid,
        ask=_news,
    ),
    Operation(
        name="getMassEvents",
        group="Changes",
        path="/api/mass-events",
        summary="Differences that many GPTs showed at once.",
        question=Eventful,
        answer=list[_EVENT.type],  # type: ignore[name-defined]  # (made at run time)
        ask=_events,
    ),
    Operation(
        name="listMovers",
        group="Changes",
        path="/api/movers",
        summary="The GPTs whose number grew most in a window.",
        question=Moving,
        answer=list[_MOVER.type],  # type: ignore[name-defined]  # (made at run time)
        ask=_movers,
        rows=Rows(each=_MOVER, all=_movers),
    ),
    Operation(
        name="listArrivals",
        group="Changes",
        path="/api/arrivals",
        summary="The GPTs whose first document was said in a window, oldest first.",
        question=Window,
        answer=ChangesSaid,
        ask=_arrivals,
    ),
    Operation(
        name="listDepartures",
        group="Changes",
        path="/api/departures",
        summary="The GPTs that were gone in a window, oldest first.",
        description="A page may hold fewer than its limit, or none, while more follow.",
        question=Window,
        answer=ChangesSaid,
        ask=_departures,
    ),
)
