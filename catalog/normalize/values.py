"""Single values: which a column takes, what is made of them, and canonical text and JSON.

Text is canonical after one HTML-unescape (the payloads of January 2024 are escaped, later ones
are plain) and after :func:`catalog.text.escape_text`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from html import unescape
from html.entities import html5
from typing import Any, Final, NamedTuple

from catalog.errors import NormalizeError
from catalog.fields import FieldType
from catalog.normalize.decode import MAX_DEPTH, OddNumber, decode, nests_within
from catalog.text import escape_text
from catalog.times import DAY, from_iso

EXAMPLE_LENGTH = 200
"""How much of a value stands as the example of its path."""


class Unreadable:
    """The type of :data:`UNREADABLE`."""


UNREADABLE: Final = Unreadable()
"""What a reader returns for a value that its column cannot take: nothing is stated by it."""

COERCIONS: Final[dict[FieldType, str]] = {
    "text": "a string, HTML-unescaped once; nothing else",
    "integer": "an integer of 64 bits, a float without fraction, or a string of decimal digits; "
    "never a boolean",
    "real": "a finite number, or a string that writes one in decimal digits; never a boolean",
    "boolean": "true or false; nothing else",
    "time": "an ISO 8601 string of the years 1 to 9999; without a zone it means UTC",
    "json": "any value but NaN and infinite numbers, as canonical JSON; floats without fraction "
    "are integers",
}
"""Every coercion there is, for columns. A field that is a list takes a JSON string of one too.

Anything else states nothing and is reported as unmapped under its path and type.
"""

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_REAL = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,19})?", re.ASCII)
_CONVERSATIONS = re.compile(
    r"(?P<whole>[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.(?P<part>[0-9]{1,3}))?"
    r"(?P<unit>[KMB]?)(?P<more>\+?)",
    re.ASCII | re.IGNORECASE,
)
_UNITS = {"": 1, "K": 1_000, "M": 1_000_000, "B": 1_000_000_000}
_INT64 = 2**63
_EXACT_FLOAT = 2**53
# What datetime can hold: 0001-01-01 to 9999-12-31.
_FIRST_MOMENT = -719_162 * DAY
_LAST_MOMENT = 2_932_897 * DAY - 1
_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    OddNumber: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class Canonical(NamedTuple):
    """A JSON value in its one form.

    Attributes:
        text: keys sorted, no blanks, strings canonical.
        leaves: how many values in it are neither null nor containers.
        odd: it holds a number that JSON cannot write, which stands as a string in ``text``.
    """

    text: str
    leaves: int
    odd: bool


class _Count:
    __slots__ = ("leaves", "odd")

    def __init__(self) -> None:
        self.leaves = 0
        self.odd = False


def unescape_html(text: str) -> str:
    """``text`` after one HTML-unescape, of entities that end in a semicolon alone.

    HTML knows some without: ``&copy=1`` in a URL would turn into ``©=1``.
    """
    return _ENTITY.sub(_entity, text) if "&" in text else text


def canonical_text(text: str) -> str:
    """``text`` as tables hold it."""
    if text.isascii() and "&" not in text and "\x00" not in text:
        return text
    return escape_text(unescape_html(text))


def canonical_json(
    value: Any, depth: int = 0, text: Callable[[str], str] = canonical_text
) -> Canonical:
    """The canonical JSON of ``value``.

    Args:
        value: as decoded.
        depth: how deep it lies in its document.
        text: makes its strings and keys canonical.

    Raises:
        NormalizeError: it nests too deeply.
    """
    count = _Count()
    plain = _plain(value, depth, count, text)
    return Canonical(_ENCODER.encode(plain), count.leaves, count.odd)


def example(value: Any, depth: int = 0) -> str:
    """The beginning of ``value`` as canonical JSON.

    Raises:
        NormalizeError: it nests too deeply.
    """
    return canonical_json(value, depth).text[:EXAMPLE_LENGTH]


def json_type(value: Any) -> str:
    """The JSON name of the type of a decoded ``value``."""
    return _TYPES[type(value)]


def digest(text: str) -> str:
    """A short name for a canonical ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_text(value: Any) -> str | Unreadable:
    """See :data:`COERCIONS`."""
    return canonical_text(value) if type(value) is str else UNREADABLE


def read_lower(value: Any) -> str | Unreadable:
    """Text in lower case: gateways damage the case of types (sources.md, section 6)."""
    return canonical_text(value).lower() if type(value) is str else UNREADABLE


def read_integer(value: Any) -> int | Unreadable:
    """See :data:`COERCIONS`."""
    kind = type(value)
    if kind is int:
        number: int = value
    elif (kind is float and value.is_integer()) or (kind is str and _INTEGER.fullmatch(value)):
        number = int(value)
    else:
        return UNREADABLE
    return number if -_INT64 <= number < _INT64 else UNREADABLE


def read_real(value: Any) -> float | Unreadable:
    """See :data:`COERCIONS`. Zero has no sign: SQLite would drop it, PostgreSQL would not."""
    kind = type(value)
    if kind is float:
        return float(value) + 0.0
    if kind is int and -_INT64 <= value < _INT64:
        return float(value)
    if kind is str and _REAL.fullmatch(value):
        return float(value) + 0.0
    return UNREADABLE


def read_boolean(value: Any) -> bool | Unreadable:
    """See :data:`COERCIONS`."""
    return bool(value) if type(value) is bool else UNREADABLE


def read_time(value: Any) -> int | Unreadable:
    """See :data:`COERCIONS`."""
    if type(value) is not str:
        return UNREADABLE
    try:
        moment = from_iso(value)
    except ValueError:
        return UNREADABLE
    return moment if _FIRST_MOMENT <= moment <= _LAST_MOMENT else UNREADABLE


READERS: Final[dict[FieldType, Callable[[Any], Any]]] = {
    "text": read_text,
    "integer": read_integer,
    "real": read_real,
    "boolean": read_boolean,
    "time": read_time,
}
"""How the columns of each type read a value that is not null; JSON has a member of its own."""


def read_list(value: Any) -> list[Any] | Unreadable:
    """A list, or the list that a JSON string holds: one dump of 2025 has ``"[]"`` for ``[]``."""
    if type(value) is list:
        return value
    if type(value) is not str:
        return UNREADABLE
    try:
        inner = decode(value.encode("utf-8", "surrogatepass"))
    except NormalizeError:
        return UNREADABLE
    # Too deep says the same as undecodable: which one the decoder meets depends on the stack.
    return inner if type(inner) is list and nests_within(inner, MAX_DEPTH // 2) else UNREADABLE


def conversations(text: str | None) -> tuple[int | None, bool | None]:
    """The lower bound that ``num_conversations_str`` names, and whether it is the number itself.

    ``96`` is exact, ``25K+`` means at least 25,000; so does ``25K``, which was rounded.

    Returns:
        Two None where it names no number.
    """
    match = _CONVERSATIONS.fullmatch(text) if text else None
    if match is None:
        return None, None
    unit = _UNITS[match["unit"].upper()]
    part = match["part"] or ""
    number = int(match["whole"].replace(",", "") + part) * unit
    rest = number % 10 ** len(part)
    return number // 10 ** len(part), not (match["unit"] or match["more"] or rest)


def _entity(match: re.Match[str]) -> str:
    entity = match[0]
    if entity[1] != "#":
        return html5.get(entity[1:], entity)
    character = unescape(entity)
    # HTML drops or replaces the code points that it forbids; nothing said is lost here.
    return entity if character in {"", "\ufffd"} else character


def _plain(value: Any, depth: int, count: _Count, text: Callable[[str], str]) -> Any:
    kind = type(value)
    if kind is dict or kind is list:
        if depth > MAX_DEPTH:
            raise NormalizeError("the payload nests too deeply to be a GPT's document")
        if kind is dict:
            return _plain_object(value, depth + 1, count, text)
        return [_plain(member, depth + 1, count, text) for member in value]
    if value is None:
        return None
    count.leaves += 1
    if kind is str:
        return text(value)
    return _plain_number(value, count)


def _plain_object(
    value: dict[str, Any], depth: int, count: _Count, text: Callable[[str], str]
) -> dict[str, Any]:
    members = {}
    # A loop: a comprehension would cost a third stack frame a level.
    for key, member in value.items():
        if type(member) is str:
            count.leaves += 1
            members[text(key)] = text(member)
        else:
            members[text(key)] = _plain(member, depth, count, text)
    if len(members) == len(value):
        return members
    # Keys that differ in their HTML escapes alone: none may hide another.
    return {escape_text(key): _plain(value[key], depth, _Count(), text) for key in value}


def _plain_number(value: Any, count: _Count) -> Any:
    kind = type(value)
    if kind is float:
        whole = value.is_integer() and -_EXACT_FLOAT <= value <= _EXACT_FLOAT
        return int(value) if whole else value
    if kind is OddNumber:
        count.odd = True
        return str(value)
    return value
