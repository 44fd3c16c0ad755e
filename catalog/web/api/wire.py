"""Records as JSON has them: their types are made from the records', and so is what is sent.

Moments go out as ISO 8601, stretches of time as seconds, sets as sorted lists; everything else as
it stands. A type says what its fields mean in the words of the record's own docstring.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from catalog.query.authors import Author
from catalog.query.movers import Mover
from catalog.times import to_iso

Plain = Callable[[Any], Any]

Moment = Annotated[
    str, Meta(extra_json_schema={"format": "date-time", "examples": ["2026-02-13T09:19:19Z"]})
]
"""A moment as it is sent: ISO 8601, UTC."""
Seconds = Annotated[float, Meta(description="Seconds.")]
"""A stretch of time as it is sent."""
_NAMES = {
    "Micros": Moment,
    "Sequence": Sequence,
    "Mapping": Mapping,
    "Collection": Collection,
    "Any": Any,
    "Literal": Literal,
}
"""What stands for a name in the annotations of a record: some are imported for checkers alone."""
BESIDE: dict[type, tuple[str, ...]] = {Author: ("rating",), Mover: ("growth",)}
"""Properties of records that are sent beside their fields."""
_SECOND = 1_000_000
_MEMBER = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


class Wire(msgspec.Struct, frozen=True):
    """How something is sent.

    Attributes:
        type: its type as JSON has it.
        plain: makes what is sent of a value.
    """

    type: Any
    plain: Plain


def told(cls: type) -> dict[str, str]:
    """What the docstring of a record says of its fields."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    _, _, members = doc.partition("Attributes:\n")
    members = members.partition("\n\n")[0]
    return {name: " ".join(text.split()) for name, text in _MEMBER.findall(members)}


def lead(cls: type) -> str:
    """The first sentence of the docstring of a record."""
    return inspect.cleandoc(cls.__doc__ or "").partition("\n")[0].replace("``", "`")


def described(text: str) -> str:
    """Words of a docstring as Markdown."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


@functools.cache
def wire(
    record: type,
    *,
    name: str | None = None,
    spans: frozenset[str] = frozenset(),
) -> Wire:
    """How a record is sent.

    Args:
        record: a frozen struct.
        name: what its type is called; None: as the record.
        spans: its fields that hold stretches of time in microseconds, not moments.
    """
    scope = vars(sys.modules[record.__module__])
    hints = get_type_hints(record, scope, _NAMES, include_extras=True)
    also = BESIDE.get(record, ())
    for each in also:
        getter = inspect.getattr_static(record, each).fget
        hints[each] = get_type_hints(getter, scope, _NAMES, include_extras=True)["return"]
    texts = told(record)
    fields, makers = [], []
    for field in (*record.__struct_fields__, *also):  # type: ignore[attr-defined]  # (a struct)
        found = _spanned(hints[field]) if field in spans else _of(hints[field])
        text = texts.get(field)
        if text is None and field in also:
            text = lead(inspect.getattr_static(record, field))
        kind: Any = found.type
        if text:
            meaning = Meta(description=described(text[:1].upper() + text[1:]))
            kind = Annotated[kind, meaning]
        fields.append((field, kind))
        makers.append((field, found.plain))
    made = msgspec.defstruct(
        name or record.__name__,
        fields,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        namespace={"__doc__": described(lead(record))},
    )
    return Wire(made, lambda value: {key: make(getattr(value, key)) for key, make in makers})


def same(value: Any) -> Any:
    """The value itself: JSON has it."""
    return value


def _of(kind: Any) -> Wire:
    """How a value of a type is sent."""
    if kind is Moment:
        return Wire(Moment, to_iso)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return wire(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        some = [each for each in inner if each is not types.NoneType]
        return _or_none(_of(some[0])) if len(some) == 1 else Wire(kind, same)
    if origin in (list, Sequence) or (origin is tuple and inner[1:] == (Ellipsis,)):
        return _many(_of(inner[0]))
    if origin in (frozenset, set):
        each = _of(inner[0])
        return Wire(list[each.type], lambda value: sorted(each.plain(one) for one in value))  # type: ignore[name-defined]
    if origin is dict:
        each = _of(inner[1])
        return Wire(
            dict[str, each.type],  # type: ignore[name-defined]  # (made at run time)
            lambda value: {str(key): each.plain(one) for key, one in value.items()},
        )
    return Wire(kind, same)


def _many(each: Wire) -> Wire:
    return Wire(
        list[each.type],  # type: ignore[name-defined]  # (made at run time)
        lambda value: [each.plain(one) for one in value],
    )


def _or_none(found: Wire) -> Wire:
    if found.plain is same:
        return Wire(found.type | None, same)
    return Wire(found.type | None, lambda value: None if value is None else found.plain(value))


def _spanned(kind: Any) -> Wire:
    """How stretches of time are sent."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (some,) = [each for each in inner if each is not types.NoneType]
        return _or_none(_spanned(some))
    if origin is dict:
        return Wire(
            dict[str, Seconds],
            lambda value: {key: one / _SECOND for key, one in value.items()},
        )
    return Wire(Seconds, lambda value: value / _SECOND)
