"""``/gpts``: search, facets, orders; list and cards. Every state is a link."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from catalog.errors import UsageError
from catalog.query.facets import Facet
from catalog.search.filters import SORTS, Filter
from catalog.search.terms import facet_key
from catalog.web.asking import PAGE, VIEWS, Browsing, browsing
from catalog.web.reading import Asking
from catalog.web.rendering import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.query.facets import Facets
    from catalog.web.reading import Reading

SHOWN: tuple[Facet, ...] = (
    "category",
    "tool",
    "status",
    "year",
    "script",
    "voice",
    "tag",
    "author",
)
"""The facets, in the order a person narrows by."""
FIRST = 8
"""Values of a facet that are seen at once; those that are chosen are always."""
MORE = 20
"""Values of a facet that a page holds at most."""
_FIELDS = {
    "category": "categories",
    "tool": "tools",
    "tag": "tags",
    "author": "authors",
    "status": "statuses",
    "voice": "voices",
    "script": "scripts",
    "year": "years",
}
_LABELS = {
    "min_conversations": "conversations from",
    "max_conversations": "conversations up to",
    "min_reviews": "reviews from",
    "min_rating": "rating from",
    "q": "text",
}


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a facet, to be chosen.

    Attributes:
        value: as the address has it.
        label: as it is shown.
        count: GPTs that have it; None: it is chosen, and none has it here.
        chosen: whether it is.
    """

    value: str
    label: str
    count: int | None
    chosen: bool


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A facet.

    Attributes:
        name: the facet.
        values: seen at once.
        more: the others.
        partial: whether it was counted over the first GPTs alone.
        opened: whether something of it is chosen.
    """

    name: str
    values: tuple[Value, ...]
    more: tuple[Value, ...]
    partial: bool
    opened: bool


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A condition that is set, and the address without it."""

    label: str
    value: str
    without: str


async def show(request: Request) -> Response:
    """The page."""
    reading: Reading = request.app.state.reading
    try:
        asked = browsing(request.query_params)
    except UsageError as error:
        return _refused(request, error)
    try:
        page, told = await asyncio.gather(
            reading.ask(
                lambda reader: reader.search(
                    asked.wanted, sort=asked.sort, limit=PAGE, after=asked.after, at=asked.at
                )
            ),
            # What is common is counted over many GPTs, and asked for again with each page of them.
            reading.soon(facets(asked)),
        )
    except UsageError as error:
        return _refused(request, error, asked)
    return render(
        request,
        "gpts.html",
        asked=asked,
        page=page,
        count=told.found.count if told.found else None,
        groups=_groups(asked.wanted, told.found),
        is_counting=not told.is_known,
        age=told.age,
        conditions=_conditions(asked),
        sorts=SORTS,
        views=VIEWS,
        problem=None,
        next=f"/gpts?{asked.query(after=page.after)}",
        first=f"/gpts?{asked.query()}" if asked.after else None,
        download=asked.query(view=None),
    )


def facets(asked: Browsing) -> Asking[Facets]:
    """How many GPTs are like that, by facet."""
    return Asking(
        ("facets", asked.wanted.normal(), asked.at),
        lambda reader: reader.facets(asked.wanted, names=SHOWN, at=asked.at),
    )


def _refused(request: Request, error: UsageError, asked: Browsing | None = None) -> Response:
    """The page with what is wrong, and everything that was typed, to be mended."""
    asked = asked or Browsing(wanted=Filter(text=request.query_params.get("q")))
    return render(
        request,
        "gpts.html",
        status_code=400,
        asked=asked,
        page=None,
        count=None,
        groups=(),
        is_counting=False,
        age=None,
        conditions=(),
        sorts=SORTS,
        views=VIEWS,
        problem=str(error),
        next=None,
        first=None,
        download=None,
    )


def _groups(wanted: Filter, facets: Facets | None) -> tuple[Group, ...]:
    groups = []
    for name in SHOWN:
        chosen = [str(each) for each in getattr(wanted, _FIELDS[name])]
        keys = {each if name == "author" else facet_key(each) for each in chosen}
        values = [
            Value(
                value=each.value,
                label=each.label or each.value,
                count=each.count,
                chosen=(each.value if name == "author" else facet_key(each.value)) in keys,
            )
            for each in (facets.values.get(name, ()) if facets else ())
        ]
        known = {each.value if name == "author" else facet_key(each.value) for each in values}
        values += [
            Value(value=each, label=each, count=None, chosen=True)
            for each in chosen
            if (each if name == "author" else facet_key(each)) not in known
        ]
        values.sort(key=lambda each: not each.chosen)
        most = max(FIRST, sum(each.chosen for each in values))
        if values:
            groups.append(
                Group(
                    name=name,
                    values=tuple(values[:most]),
                    more=tuple(values[most:MORE]),
                    partial=facets is not None and name in facets.partial,
                    opened=bool(chosen),
                )
            )
    return tuple(groups)


def _conditions(asked: Browsing) -> tuple[Condition, ...]:
    """Each condition that is set, with the address that leaves it out."""
    query = asked.query()
    pairs = parse_qsl(query, keep_blank_values=True)
    found = []
    for place, (key, value) in enumerate(pairs):
        if key in {"sort", "view"}:
            continue
        rest = urlencode([pair for at, pair in enumerate(pairs) if at != place])
        label: Any = _LABELS.get(key, "as of" if key == "at" else key.replace("_", " "))
        found.append(
            Condition(label=label, value=value, without=f"/gpts?{rest}" if rest else "/gpts")
        )
    return tuple(found)
