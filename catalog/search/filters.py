"""Which GPTs are wanted, and in which order: one filter for Python, command line, web and export.

A filter is a text and conditions, all of which must hold. It goes into a URL query and comes back
the same. What it means of a single GPT: :mod:`catalog.search.conditions`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

import msgspec

from catalog.errors import InvalidFilter
from catalog.search.queries import parse_query
from catalog.search.terms import facet_key
from catalog.times import Micros, moment_of, parse_moment, to_iso

Sort = Literal["relevance", "conversations", "rating", "created", "updated", "changed", "name"]
SORTS: tuple[Sort, ...] = get_args(Sort)
"""The orders there are; those of numbers and times begin with the largest and latest."""

STATUSES = ("listed", "missing", "gone")

EVERY = {"categories": "category", "tools": "tool", "tags": "tag"}
"""Lists of a filter of which a GPT must have every value, with the facets they are about."""
ONE_OF = {"statuses": "status", "voices": "voice", "scripts": "script", "years": "year"}
"""Lists of a filter of which a GPT must have one value, with the facets they are about."""

_TEXT = "q"
KEYS = {"text": _TEXT, "authors": "author", **EVERY, **ONE_OF}
"""Fields of a filter whose names in a URL query are others, with these."""
_COUNTS = ("min_conversations", "max_conversations", "min_reviews")
_RATING = "min_rating"
MOMENTS = {
    "created": "created_at",
    "updated": "updated_at",
    "changed": "changed_at",
    "seen": "first_seen_at",
}
"""What the bounds in time of a filter are about, with the moments of a listing."""
_WITH_MOMENTS = tuple(f"{what}_{side}" for what in MOMENTS for side in ("since", "until"))
_A_MOMENT = "a date or a time, as 2024-02-13 or 2024-02-13T09:19:19Z"
_KINDS: dict[type, str] = {int: "whole numbers", str: "texts"}
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_LOWEST_RATING, _HIGHEST_RATING = 1, 5
_LAST_YEAR = 9999
_HIGHEST_COUNT = 2**63 - 1
"""What a column of whole numbers holds at most."""
MOST_VALUES = 500
"""Values of one list of a filter: of more, each search would take seconds."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which GPTs are wanted: those for which everything holds that is given.

    Values are compared without outer blanks, NFKC and casefolded (:func:`facet_key`). A condition
    on a number or a moment that a GPT does not tell does not hold.

    In place of a list with one value the value will do, and in place of microseconds an ISO text,
    an aware datetime or a date; a date means its end for what ends with ``until`` (rule 19).

    Attributes:
        text: a search text, see :mod:`catalog.search.queries`.
        categories: in every one of them.
        tools: with a tool of every one of these types.
        tags: with every one of these tags.
        authors: by one of them: a user_id as it is, or a display name.
        statuses: with one of these statuses.
        voices: with one of these voices.
        scripts: with a name in one of these scripts.
        years: created in one of these years (UTC).
        min_conversations: with so many, going by the lower bound that is told.
        max_conversations: with no more, going by the same.
        min_reviews: with so many reviews.
        min_rating: with a rating of so much, 1 to 5; the bound of
            :func:`catalog.search.listing.rating_bound`, which is also what is sorted by.
        created_since: created then or later, as its source says.
        created_until: created then or earlier.
        updated_since: updated then or later, as its source says.
        updated_until: updated then or earlier.
        changed_since: its content last changed then or later.
        changed_until: its content last changed then or earlier.
        seen_since: first seen then or later.
        seen_until: first seen then or earlier.
    """

    text: str | None = None
    categories: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    years: tuple[int, ...] = ()
    min_conversations: int | None = None
    max_conversations: int | None = None
    min_reviews: int | None = None
    min_rating: float | None = None
    created_since: Micros | None = None
    created_until: Micros | None = None
    updated_since: Micros | None = None
    updated_until: Micros | None = None
    changed_since: Micros | None = None
    changed_until: Micros | None = None
    seen_since: Micros | None = None
    seen_until: Micros | None = None

    def __post_init__(self) -> None:
        """Take what people's programs write: one value for a list of one, moments of every form.

        Raises:
            InvalidFilter: a value is of another kind.
        """
        for field in ("authors", *EVERY, *ONE_OF):
            values = getattr(self, field)
            kind = int if field == "years" else str
            if type(values) is not tuple:
                values = _several(field, values, kind)
                msgspec.structs.force_setattr(self, field, values)
            if not all(isinstance(each, kind) and not isinstance(each, bool) for each in values):
                raise InvalidFilter(field, f"{values!r} are not all {_KINDS[kind]}")
        for field in (*_COUNTS, _RATING):
            value = getattr(self, field)
            kinds = (int, float) if field == _RATING else (int,)
            if value is not None and type(value) not in kinds:
                expected = "a number from 1 to 5" if field == _RATING else "a whole number"
                raise InvalidFilter(field, f"expected {expected}, got {value!r}")
        for field in _WITH_MOMENTS:
            value = getattr(self, field)
            if value is not None and type(value) is not int:
                msgspec.structs.force_setattr(self, field, _moment(field, value))

    def normal(self) -> Filter:
        """The filter that means the same, spelled in the one way that all such have in common.

        Values by their :func:`facet_key`, authors as typed but for outer blanks; each once, sorted;
        none that is empty.
        """
        return _normal(self)


@lru_cache(maxsize=1024)
def _normal(wanted: Filter) -> Filter:
    # Remembered: a search asks for it again and again, for its cursor, its count, its order.
    texts = {
        field: _tidy(map(facet_key, getattr(wanted, field)))
        for field in (*EVERY, *ONE_OF)
        if field != "years"
    }
    return msgspec.structs.replace(
        wanted,
        **texts,
        text=_sendable((wanted.text or "").strip()) or None,
        authors=_tidy(each.strip() for each in wanted.authors),
        years=tuple(sorted(set(wanted.years))),
        min_rating=None if wanted.min_rating is None else float(wanted.min_rating),
    )


def _several(field: str, values: object, kind: type) -> tuple[Any, ...]:
    """One value, or several, as several."""
    if isinstance(values, kind):
        return (values,)
    if isinstance(values, list | set | frozenset):
        return tuple(values)
    raise InvalidFilter(field, f"expected {_KINDS[kind]}, several as a tuple, got {values!r}")


def _moment(field: str, value: object) -> Micros:
    try:
        return moment_of(value, end_of_day=field.endswith("_until"))
    except (TypeError, ValueError, OverflowError):
        raise InvalidFilter(field, f"expected {_A_MOMENT}, got {value!r}") from None


def _tidy(values: Iterator[str]) -> tuple[str, ...]:
    return tuple(sorted({_sendable(each) for each in values if each}))


def _sendable(text: str) -> str:
    """``text`` as a URL can hold it: half characters, which no text of a catalog has, are signs."""
    return text.encode("utf-8", "replace").decode("utf-8")


def to_query(wanted: Filter) -> str:
    """``wanted`` as a URL query, without a question mark; equal filters make equal queries.

    Raises:
        InvalidFilter: a moment lies beyond a calendar's years.
    """
    normal = wanted.normal()
    pairs: list[tuple[str, str]] = []
    for field in Filter.__struct_fields__:
        value = getattr(normal, field)
        key = KEYS.get(field, field)
        if isinstance(value, tuple):
            pairs += [(key, str(each)) for each in value]
        elif value is not None:
            pairs.append((key, _iso(key, value) if _is_moment(field) else str(value)))
    return urlencode(pairs)


def _is_moment(field: str) -> bool:
    return field.endswith(("_since", "_until"))


def _iso(key: str, moment: Micros) -> str:
    try:
        return to_iso(moment)
    except OverflowError:
        raise InvalidFilter(key, f"{moment} microseconds lie beyond the year 9999") from None


def from_query(text: str) -> Filter:
    """The filter that a URL query spells; :func:`check` says whether it makes sense.

    Args:
        text: the query, as after the question mark. Keys without a value are passed over: forms
            send them for what was not filled in.

    Raises:
        InvalidFilter: a key is not known, given twice though it takes one value, or its value
            cannot be read.
    """
    fields = {KEYS.get(field, field): field for field in Filter.__struct_fields__}
    found: dict[str, Any] = {}
    for key, value in parse_qsl(text.removeprefix("?"), keep_blank_values=True):
        if key not in fields:
            raise InvalidFilter(key, f"there is no such filter{_near(key, fields)}")
        if not value.strip():
            continue
        field = fields[key]
        if field == "years" or (field in KEYS and field != "text"):
            read = _whole(key, value) if field == "years" else value
            found[field] = (*found.get(field, ()), read)
        elif field in found:
            raise InvalidFilter(key, "it is given twice; give one value")
        else:
            found[field] = _read_one(field, key, value)
    return Filter(**found)


def _near(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"


def _read_one(field: str, key: str, value: str) -> str | int | float:
    """A value of a field that takes one."""
    if field == "text":
        return value
    if field in _COUNTS:
        return _whole(key, value)
    try:
        if field == _RATING:
            return float(value)
        return parse_moment(value, end_of_day=field.endswith("_until"))
    except (ValueError, OverflowError):
        expected = "a number from 1 to 5, as 4.5" if field == _RATING else _A_MOMENT
        raise InvalidFilter(key, f"expected {expected}, got {value!r}") from None


def _whole(key: str, value: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(value.strip()):
        raise InvalidFilter(key, f"expected a whole number, got {value!r}")
    return int(value)


def check(wanted: Filter) -> None:
    """See whether ``wanted`` makes sense.

    Raises:
        InvalidFilter: a condition cannot hold of any GPT; says which, and what may be given.
        InvalidQuery: the search text cannot be understood.
    """
    if wanted.text is not None and wanted.text.strip():
        parse_query(wanted.text)
    for field in ("authors", *EVERY, *ONE_OF):
        number = len(getattr(wanted, field))
        if number > MOST_VALUES:
            raise InvalidFilter(
                KEYS[field],
                f"{number:,} values are too many for one search: give up to {MOST_VALUES}, and"
                " ask several times",
            )
        if field != "years" and any(not each.strip() for each in getattr(wanted, field)):
            raise InvalidFilter(KEYS[field], "its value is empty; give one, or leave it out")
    for status in wanted.statuses:
        if facet_key(status) not in STATUSES:
            raise InvalidFilter("status", f"{status!r} is no status{_near(status, STATUSES)}")
    for year in wanted.years:
        if not 1 <= year <= _LAST_YEAR:
            raise InvalidFilter("year", f"{year} is no year of four digits")
    _check_numbers(wanted)
    for what in MOMENTS:
        _check_moments(wanted, f"{what}_since", f"{what}_until")


def _check_numbers(wanted: Filter) -> None:
    for field in _COUNTS:
        value = getattr(wanted, field)
        if value is not None and value < 0:
            raise InvalidFilter(field, f"expected 0 or more, got {value}")
        if value is not None and value > _HIGHEST_COUNT:
            raise InvalidFilter(field, f"expected {_HIGHEST_COUNT} or less, got {value}")
    low, high = wanted.min_conversations, wanted.max_conversations
    if low is not None and high is not None and low > high:
        raise InvalidFilter("min_conversations", f"{low} is more than max_conversations, {high}")
    rating = wanted.min_rating
    if rating is not None and not _LOWEST_RATING <= rating <= _HIGHEST_RATING:
        raise InvalidFilter(_RATING, f"expected a number from 1 to 5, got {rating:g}")


def _check_moments(wanted: Filter, since: str, until: str) -> None:
    low, high = getattr(wanted, since), getattr(wanted, until)
    texts = {
        key: _iso(key, each) for key, each in ((since, low), (until, high)) if each is not None
    }
    if low is not None and high is not None and low > high:
        raise InvalidFilter(since, f"{texts[since]} lies after {until}, {texts[until]}")


def default_sort(wanted: Filter) -> Sort:
    """The order where none is asked for: by relevance with a text, else by conversations.

    A text that only says what to leave out finds nothing better than anything else.

    Raises:
        InvalidQuery: the search text cannot be understood.
    """
    text = wanted.normal().text
    return "conversations" if text is None or not parse_query(text).terms else "relevance"
