"""The conditions on GPTs as parameters: made from the filter's fields, and read by its rule."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal, TypeVar, cast
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from catalog.search.filters import KEYS, STATUSES, Filter, from_query
from catalog.web.api.parameters import SEVERAL, Day, Text, Value
from catalog.web.api.wire import described, told

T = TypeVar("T", bound=msgspec.Struct)

_KINDS: dict[str, Any] = {
    "text": Text,
    "statuses": Literal[STATUSES],
    "years": Annotated[int, Meta(ge=1, le=9999)],
    "min_rating": Annotated[float, Meta(ge=1, le=5)],
}
_COUNT = Annotated[int, Meta(ge=0, le=10**18 - 1)]
_TEXTS = told(Filter) | {
    "text": (
        'words, `"phrases"`, `prefix*`, `-exclusions`, all of which must hold; the last word may'
        " go on"
    )
}


@functools.cache
def filtered(base: type[T]) -> type[T]:
    """A question with all conditions on GPTs beside its own fields.

    Args:
        base: the question without them.
    """
    fields: list[Any] = []
    rename = {}
    for field in msgspec.structs.fields(Filter):
        rename[field.name] = KEYS.get(field.name, field.name)
        text = Meta(description=_sentence(_TEXTS[field.name]))
        if field.default == ():
            several: Any = tuple.__class_getitem__((_KINDS.get(field.name, Value), ...))
            bounded = Meta(max_length=SEVERAL)
            fields.append((field.name, Annotated[several, bounded, text], ()))
            continue
        is_moment = field.name.endswith(("_since", "_until"))
        kind = Day if is_moment else _KINDS.get(field.name, _COUNT)
        fields.append((field.name, Annotated[kind, text] | None, None))
    made = msgspec.defstruct(
        f"{base.__name__}OfGpts", fields, bases=(base,), frozen=True, kw_only=True, rename=rename
    )
    return cast("type[T]", made)


def wanted(question: msgspec.Struct) -> Filter:
    """The filter that a question holds.

    Raises:
        InvalidFilter: a condition makes no sense.
    """
    pairs: list[tuple[str, str]] = []
    for field in Filter.__struct_fields__:
        value = getattr(question, field)
        name = KEYS.get(field, field)
        if isinstance(value, tuple):
            pairs += [(name, str(each)) for each in value]
        elif value is not None:
            pairs.append((name, str(value)))
    return from_query(urlencode(pairs))


def _sentence(text: str) -> str:
    text = described(text)
    return text[:1].upper() + text[1:]
