"""What the numbers and times of a filter ask of ``listings``: one SQL for all filters of a shape.

A condition holds its value as a parameter, named as the filter's member is. So statements are
written once for the members that are given, whatever their values.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, bindparam

from catalog.storage import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.search.filters import Filter

SHAPES = 256
"""Shapes of filters of which statements are kept."""
_TURNED = "_turned"
"""Ends the name of the parameter that has the value with its sign turned."""
_c = t.listings.c
_KNOWN = {
    "min_rating": _c.by_rating,
    **{
        f"{what}_{side}": column
        for what, column in (
            ("created", _c.by_created),
            ("updated", _c.by_updated),
            ("changed", _c.by_changed),
        )
        for side in ("since", "until")
    },
}
"""Members that ask of a column which holds the value with its sign turned, and 0 for none."""
_PLAIN = {
    "min_conversations": _c.conversations,
    "max_conversations": _c.conversations,
    "min_reviews": _c.reviews,
    "seen_since": _c.first_seen_at,
    "seen_until": _c.first_seen_at,
}
"""Members that ask of a column as it is; no value meets no condition."""
_ALSO = {"min_conversations": _c.by_conversations, "max_conversations": _c.by_conversations}
"""Columns that say the same of an order, so that a walk along it begins and ends where it may."""


class Bounds(NamedTuple):
    """The numbers and times of a filter.

    Attributes:
        names: the members that are given: the shape of its statements.
        given: the parameters of its conditions.
    """

    names: tuple[str, ...]
    given: dict[str, float]


def bounds_of(wanted: Filter) -> Bounds:
    """The numbers and times that a filter asks for."""
    given: dict[str, float] = {}
    for name in (*_PLAIN, *_KNOWN):
        value = getattr(wanted, name)
        if value is not None:
            given |= {name: value, name + _TURNED: -value}
    return Bounds(tuple(name for name in given if not name.endswith(_TURNED)), given)


@lru_cache(maxsize=SHAPES)
def conditions(names: tuple[str, ...]) -> tuple[ColumnElement[bool], ...]:
    """What some members of a filter ask of a row of ``listings``."""
    return tuple(each for name in names for each in _conditions(name))


def _conditions(name: str) -> Iterator[ColumnElement[bool]]:
    is_least = name.startswith("min_") or name.endswith("_since")
    value: BindParameter[float] = bindparam(name)
    turned: BindParameter[float] = bindparam(name + _TURNED)
    if name in _PLAIN:
        yield _PLAIN[name] >= value if is_least else _PLAIN[name] <= value
    for columns in (_ALSO, _KNOWN):
        if name in columns:
            yield columns[name] <= turned if is_least else columns[name] >= turned
    if name in _KNOWN:
        yield _KNOWN[name] != 0
