"""What may stand in an address's query: declared once, as a struct's fields, and read by that.

Everything is refused that is not declared, so that a misspelt condition never means no condition.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta
from msgspec import inspect as kinds

from catalog.web.api.problems import Refused

T = TypeVar("T")

MOST_PAIRS = 1_000
"""Parameters of an address, at most."""
_NO_NUL = "^[^\\u0000]*$"
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_BROKEN = re.compile(r"-?[0-9]{1,40}([.][0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")

Text = Annotated[str, Meta(max_length=1_000, pattern=_NO_NUL)]
"""A text that somebody types."""
Value = Annotated[str, Meta(max_length=200, pattern=_NO_NUL)]
"""One of several values."""
SEVERAL = 50
"""Values of a parameter, at most: an address holds no more."""
Name = Annotated[str, Meta(min_length=1, max_length=500, pattern="^[^\\u0000/]+$")]
"""A name in a path."""
_CURSOR = "^[A-Za-z0-9_-]*$"
Cursor = Annotated[
    str,
    Meta(
        max_length=4_000,
        pattern=_CURSOR,
        description="The `after` of the page before: the next page begins behind it.",
    ),
]
_DAY = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    "(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
)
Day = Annotated[str, Meta(pattern=_DAY, examples=["2026-02-13", "2026-02-13T09:19:19Z"])]
"""A date, or a time; UTC unless it names another zone."""
_EXPECTED = {
    _DAY: "expected a date or a time, as 2026-02-13 or 2026-02-13T09:19:19Z",
    _CURSOR: "it is not as it was given out",
    _NO_NUL: "it holds the character U+0000, which nothing here has",
}
"""What is said where a text is not of a form."""
Limit = Annotated[int, Meta(ge=1, le=1_000, description="Items of a page, at most.")]
Flag = Literal["0", "1"]
"""No or yes, as a form sends it."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter.

    Attributes:
        name: as the address has it.
        field: as the struct has it.
        kind: what it takes, as :mod:`msgspec.inspect` tells.
        schema: the same in JSON Schema, of one value.
        description: what it says.
        many: whether it may be given several times.
        bounds: then JSON Schema of them all, but for ``items``.
        required: whether it has to be given.
        default: what holds where it is not given.
        in_path: whether it is a part of the path.
    """

    name: str
    field: str
    kind: Any
    schema: dict[str, Any]
    description: str = ""
    many: bool = False
    bounds: dict[str, Any] = {}
    required: bool = False
    default: Any = None
    in_path: bool = False


@functools.cache
def parameters(question: type, path: str = "") -> tuple[Parameter, ...]:
    """The parameters that a struct declares.

    Args:
        question: the struct; a field of a list takes several values.
        path: those named in it as ``{name}`` are parts of it.
    """
    info = kinds.type_info(question)
    assert isinstance(info, kinds.StructType)  # noqa: S101  (a declaration of ours)
    schema = msgspec.json.schema(question)
    properties = schema["$defs"][question.__name__]["properties"]
    found = []
    for field in info.fields:
        told = dict(properties[field.encode_name])
        told.pop("default", None)
        description = told.pop("description", "")
        kind, meant = _meant(field.type)
        if "anyOf" in told:
            (told,) = [each for each in told["anyOf"] if each != {"type": "null"}]
        many = told if isinstance(kind, kinds.VarTupleType) else None
        if isinstance(kind, kinds.VarTupleType):
            kind, _ = _meant(kind.item_type)
            told = told["items"]
        if isinstance(kind, kinds.LiteralType):
            told = {"type": "string", "enum": list(kind.values)}
        default = field.default if field.default is not msgspec.NODEFAULT else None
        found.append(
            Parameter(
                name=field.encode_name,
                field=field.name,
                kind=kind,
                schema=told,
                description=meant or description,
                many=many is not None,
                bounds={} if many is None else many,
                required=field.required,
                default=None if default == () else default,
                in_path=f"{{{field.encode_name}}}" in path,
            )
        )
    return tuple(found)


def read(
    question: type[T],
    path: str,
    pairs: Iterable[tuple[str, str]],
    in_path: Mapping[str, str],
    *,
    without: Collection[str] = (),
) -> T:
    """What an address asks for.

    Args:
        question: the struct that declares it.
        path: the path with its parameters.
        pairs: the query, decoded.
        in_path: the values of the path's parameters.
        without: names that are not taken here.

    Raises:
        Refused: something is not as declared; says what, and what may be given.
    """
    known = {
        each.name: each
        for each in parameters(cast("type", question), path)
        if each.name not in without
    }
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in known or known[name].in_path:
            raise unknown(name, [n for n, each in known.items() if not each.in_path])
        given.setdefault(name, []).append(value)
    for name, value in in_path.items():
        given[name] = [value]
    values = {}
    for each in known.values():
        said = given.get(each.name)
        if said is None:
            if each.required:
                raise Refused("missing-parameter", f"{each.name} is missing", parameter=each.name)
            continue
        if len(said) > 1 and not each.many:
            raise _wrong(each, "it is given twice; give one value")
        read_values = [_read(each, value) for value in said]
        values[each.field] = tuple(read_values) if each.many else read_values[0]
    try:
        return msgspec.convert(_renamed(question, values), question)
    except msgspec.ValidationError as error:
        raise _unfit(known, str(error)) from None


def unknown(name: str, known: Iterable[str]) -> Refused:
    """That nobody knows a parameter, and which is nearest."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names) or 'none'}"
    return Refused("unknown-parameter", f"there is no parameter {name!r}; {hint}", parameter=name)


def _meant(kind: Any) -> tuple[Any, str]:
    """A kind without what stands around it, and what is said of it."""
    text = ""
    while isinstance(kind, kinds.Metadata):
        text = text or (kind.extra_json_schema or {}).get("description", "")
        kind = kind.type
    if isinstance(kind, kinds.UnionType):
        (kind,) = [each for each in kind.types if not isinstance(each, kinds.NoneType)]
        return _meant(kind)
    return kind, text


def _read(of: Parameter, text: str) -> Any:
    """One value, by its kind; its bounds are looked at with the others."""
    if isinstance(of.kind, kinds.IntType):
        if not _WHOLE.fullmatch(text):
            raise _wrong(of, f"expected a whole number, got {text!r}")
        return int(text)
    if isinstance(of.kind, kinds.FloatType):
        if not _BROKEN.fullmatch(text):
            raise _wrong(of, f"expected a number, as 4.5, got {text!r}")
        return float(text)
    if isinstance(of.kind, kinds.LiteralType) and text not in of.kind.values:
        words = [str(each) for each in of.kind.values]
        near = difflib.get_close_matches(text, words, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"take one of {', '.join(words)}"
        raise _wrong(of, f"there is no {text!r}; {hint}")
    # Python's $ stands before a line's end as well; that of JSON Schema does not.
    pattern = getattr(of.kind, "pattern", None)
    if pattern is not None and not re.search(pattern.removesuffix("$") + r"\Z", text):
        raise _wrong(of, _EXPECTED.get(pattern, f"expected what matches {pattern}"))
    return text


def _renamed(question: type, values: dict[str, Any]) -> dict[str, Any]:
    names = {each.field: each.name for each in parameters(question)}
    return {names[field]: value for field, value in values.items()}


def _wrong(of: Parameter, reason: str) -> Refused:
    # A path that cannot be right leads nowhere.
    status = HTTPStatus.NOT_FOUND if of.in_path else HTTPStatus.BAD_REQUEST
    return Refused("invalid-parameter", f"{of.name}: {reason}", status=status, parameter=of.name)


def _unfit(known: Mapping[str, Parameter], said: str) -> Refused:
    """What :mod:`msgspec` says of a value out of bounds, with the parameter's name."""
    found = re.search(r"\$\.(\w+)", said)
    of = known.get(found[1]) if found else None
    reason = said.partition(" - at ")[0]
    if of is None:
        return Refused("invalid-parameter", reason)
    return _wrong(of, reason[:1].lower() + reason[1:])
