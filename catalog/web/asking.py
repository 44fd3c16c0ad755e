"""What an address asks for: its query, read into what the reader takes. Pure."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from catalog.errors import UsageError
from catalog.fields import field_named
from catalog.query.wanted import CLASSES, ChangeKind, Wanted
from catalog.references import parse_reference
from catalog.search.filters import SORTS, Filter, Sort, from_query, to_query
from catalog.times import DAY, Micros, parse_moment, to_iso

PAGE = 24
"""GPTs, authors or changes on a page: what fits its weight."""
VIEWS = ("list", "cards")
_OF_THE_PAGE = frozenset({"sort", "after", "at", "view"})
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)


class Browsing(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of GPTs is asked for.

    Attributes:
        wanted: which GPTs.
        sort: the order; None: the one that suits.
        after: where the page before ended.
        at: as of when.
        view: ``list`` or ``cards``.
    """

    wanted: Filter
    sort: Sort | None = None
    after: str | None = None
    at: str | None = None
    view: str = "list"

    def query(self, **changed: Any) -> str:
        """The address's query, with some of it changed; from the first page on."""
        wanted = to_query(changed.pop("wanted", self.wanted))
        rest = {"sort": self.sort, "at": self.at, "view": self.view, **changed}
        if rest["view"] == VIEWS[0]:
            rest["view"] = None
        more = urlencode({key: value for key, value in rest.items() if value})
        return "&".join(part for part in (wanted, more) if part)


def browsing(query: QueryParams) -> Browsing:
    """What a list of GPTs is asked for.

    Raises:
        InvalidFilter: a condition makes no sense, or nobody knows it.
    """
    rest = [(key, value) for key, value in query.multi_items() if key not in _OF_THE_PAGE]
    return Browsing(
        wanted=from_query(urlencode(rest)),
        sort=one_of("sort", query.get("sort"), SORTS),
        after=query.get("after") or None,
        at=_checked(query.get("at")),
        view=one_of("view", query.get("view"), VIEWS) or VIEWS[0],
    )


def changes_wanted(query: QueryParams) -> Wanted:
    """Which changes are asked for.

    Raises:
        UsageError: a condition makes no sense.
    """
    ref, field = _said(query, "gpt"), _said(query, "field")
    found = Wanted(
        gizmo_id=None if ref is None else parse_reference(ref),
        since=moment("since", _said(query, "since")),
        until=moment("until", _said(query, "until"), end_of_day=True),
        field=None if field is None else field_named(field),
        cls=one_of("class", _said(query, "class"), CLASSES),
        kind=one_of("kind", _said(query, "kind"), KINDS),
        author=_said(query, "author"),
        category=_said(query, "category"),
        everything=query.get("all") in {"1", "on", "true"},
    )
    if found.since is not None and found.until is not None and found.since > found.until:
        raise UsageError(
            f"since {query['since']} is later than until {query['until']}: nothing lies between"
        )
    return found


def changes_query(wanted: Wanted) -> str:
    """The query that asks for these changes."""
    pairs = {
        "gpt": wanted.gizmo_id,
        "since": None if wanted.since is None else shortest(wanted.since),
        "until": None if wanted.until is None else shortest(wanted.until, end_of_day=True),
        "field": wanted.field,
        "class": wanted.cls,
        "kind": wanted.kind,
        "author": wanted.author,
        "category": wanted.category,
        "all": "1" if wanted.everything else None,
    }
    return urlencode({key: value for key, value in pairs.items() if value is not None})


def shortest(at: Micros, *, end_of_day: bool = False) -> str:
    """A moment as a person would type it: a day, where it is the beginning or end of one."""
    whole = (at + 1) % DAY == 0 if end_of_day else at % DAY == 0
    text = to_iso(at)
    return text[:10] if whole else text


def moment(name: str, text: str | None, *, end_of_day: bool = False) -> Micros | None:
    """The moment that a parameter names; None where it names none.

    Raises:
        UsageError: it names none, and should.
    """
    if text is None or not text.strip():
        return None
    try:
        return parse_moment(text, end_of_day=end_of_day)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{name}: expected a date or a time, as 2024-02-13 or 2024-02-13T09:19:19Z,"
            f" got {text!r}"
        ) from None


def one_of(name: str, value: str | None, known: tuple[Any, ...]) -> Any:
    """``value``, if it is one of those; None where nothing is given.

    Raises:
        UsageError: it is none of them.
    """
    if value is None or not value.strip():
        return None
    if value not in known:
        raise UsageError(f"{name}: there is no {value!r}; take one of {', '.join(known)}")
    return value


def _said(query: QueryParams, name: str) -> str | None:
    """A parameter that a form may send empty."""
    value = (query.get(name) or "").strip()
    return value or None


def _checked(text: str | None) -> str | None:
    moment("at", text, end_of_day=True)
    return text.strip() if text and text.strip() else None
