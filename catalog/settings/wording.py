"""What was expected and what came, in words made from the declared types."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import Any

import msgspec


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``name`` was most likely meant to be, if any comes near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


def kind(value: Any) -> str:
    """What ``value`` is, in words; never the value itself, which may be a secret."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "a text"),
        (list, "a list"),
        (dict, "a table"),
        ((datetime, date, time), "a date or a time"),
    )
    return next(word for types, word in kinds if isinstance(value, types))


def mismatch(declared: Any, value: Any) -> str:
    """What is expected and what came, for a ``value`` that is not of the ``declared`` type."""
    expected = expected_words(declared)
    choices = _choices(declared)
    if isinstance(value, str) and choices:
        near = nearest(value, choices)
        return expected + (f"; did you mean {near!r}?" if near else "")
    if isinstance(value, list):
        choices = _item_choices(declared)
        wrong = [each for each in value if isinstance(each, str) and each not in choices]
        if choices and wrong:
            near = nearest(wrong[0], choices)
            hint = f"; did you mean {near!r}?" if near else ""
            return f"expected texts of {', '.join(choices)}, got {wrong[0]!r}{hint}"
    form = _form(declared)
    if isinstance(value, str) and form:
        return form
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{expected}, got {value}"
    return f"{expected}, got {kind(value)}"


def _choices(declared: Any) -> tuple[str, ...]:
    """The texts that ``declared`` allows, where it lists them."""
    info = _plain(declared)
    return tuple(map(str, info.values)) if isinstance(info, msgspec.inspect.LiteralType) else ()


def _item_choices(declared: Any) -> tuple[str, ...]:
    """The texts that a list of the ``declared`` type may hold, where it lists them."""
    info = _plain(declared)
    if not isinstance(info, msgspec.inspect.VarTupleType):
        return ()
    item = info.item_type
    return tuple(map(str, item.values)) if isinstance(item, msgspec.inspect.LiteralType) else ()


def _plain(declared: Any) -> msgspec.inspect.Type:
    """What msgspec knows of a ``declared`` type, without its comments and its None."""
    *_, info = _layers(declared)
    return info


def _layers(declared: Any) -> Iterator[msgspec.inspect.Type]:
    """A ``declared`` type from its outermost comment to what it is but for its None."""
    info = msgspec.inspect.type_info(declared)
    while True:
        yield info
        if isinstance(info, msgspec.inspect.Metadata):
            info = info.type
        elif isinstance(info, msgspec.inspect.UnionType):
            info = next(
                each for each in info.types if not isinstance(each, msgspec.inspect.NoneType)
            )
        else:
            return


def expected_words(declared: Any) -> str:
    """The ``declared`` type and range, in words."""
    info = _plain(declared)
    words = {
        msgspec.inspect.FloatType: "a number",
        msgspec.inspect.IntType: "a whole number",
        msgspec.inspect.StrType: "a text",
        msgspec.inspect.BoolType: "true or false",
        msgspec.inspect.VarTupleType: "a list of texts",
        msgspec.inspect.DictType: "a table of numbers",
    }
    if isinstance(info, msgspec.inspect.LiteralType):
        return f"expected one of {', '.join(_choices(declared))}"
    bounds = [
        f"{word} {bound:,}"
        for attribute, word in (("gt", "above"), ("ge", "at least"), ("le", "at most"))
        if (bound := getattr(info, attribute, None)) is not None
    ]
    text = " ".join([f"expected {words[type(info)]}", " and ".join(bounds)]).rstrip()
    form = _form(declared)
    return f"{text} that {form}" if form else text


def _form(declared: Any) -> str | None:
    """The form that a text of the ``declared`` type must have, in words, where it has one."""
    schemas = (getattr(info, "extra_json_schema", None) or {} for info in _layers(declared))
    return next((schema["form"] for schema in schemas if "form" in schema), None)
