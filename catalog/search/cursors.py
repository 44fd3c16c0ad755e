"""Where a page ended, as an opaque text: the next page begins behind that row.

A cursor holds the place itself, not a number of rows: rows that come or go meanwhile neither repeat
nor hide others. It belongs to one question, and says so.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, urlsafe_b64encode
from typing import Annotated, Any

import msgspec

from catalog.errors import InvalidCursor
from catalog.search.filters import Filter, Sort, to_query
from catalog.times import Micros

Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number of a key, as a catalog can compare it."""

_VERSION = 1
_DIGEST = 8
_CHECKSUM = 4
_PAD = 4
_DAMAGED = "is damaged: it is not as it was given out"


class _Cursor(msgspec.Struct, array_like=True, frozen=True):
    version: int
    question: bytes
    key: msgspec.Raw


def encode(question: object, key: tuple[Any, ...]) -> str:
    """The cursor behind a row.

    Args:
        question: what was asked, in which order: plain values, and structs.
        key: where the row stands.
    """
    packed = msgspec.Raw(msgspec.msgpack.encode(key))
    body = msgspec.msgpack.encode(_Cursor(_VERSION, _digest(question), packed))
    return _spelled(body + _checksum(body))


def decode(cursor: str, question: object, type_: Any) -> Any:
    """The key of the row that ``cursor`` stands behind.

    Args:
        cursor: as given out.
        question: what is asked.
        type_: of the key.

    Raises:
        InvalidCursor: it is damaged, or was given out for another question.
    """
    found = _read(cursor.strip())
    if found.version != _VERSION:
        raise InvalidCursor("was given out by another version of this program")
    if found.question != _digest(question):
        raise InvalidCursor("is of another question: a filter, the order or the moment differs")
    try:
        return msgspec.msgpack.decode(found.key, type=type_)
    except msgspec.MsgspecError:
        raise InvalidCursor(_DAMAGED) from None


def encode_cursor(
    wanted: Filter, sort: Sort, key: tuple[Any, ...], *, at: Micros | None = None
) -> str:
    """The cursor behind a row of a search.

    Args:
        wanted: the filter of the search.
        sort: its order.
        key: the row's :func:`catalog.search.filters.order_key`.
        at: the moment that is looked at; None: now.
    """
    return encode(_search(wanted, sort, at), key)


def decode_cursor(
    cursor: str, wanted: Filter, sort: Sort, *, at: Micros | None = None
) -> tuple[Any, ...]:
    """The key of the row of a search that ``cursor`` stands behind.

    Args:
        cursor: as given out.
        wanted: the filter of this search.
        sort: its order.
        at: the moment that is looked at; None: now.

    Raises:
        InvalidCursor: it is damaged, or was given out for another search.
    """
    key: tuple[Any, ...] = decode(cursor, _search(wanted, sort, at), _key_type(sort))
    return key


def _key_type(sort: Sort) -> Any:
    if sort == "relevance":
        return tuple[Number, Number, str]
    first: Any = {"name": str, "rating": float}.get(sort, Number)
    return tuple[first, str]


def _search(wanted: Filter, sort: Sort, at: Micros | None) -> tuple[object, ...]:
    return "search", sort, at, to_query(wanted)


def _read(text: str) -> _Cursor:
    try:
        data = b64decode(text + "=" * (-len(text) % _PAD), altchars=b"-_", validate=True)
        body, checksum = data[:-_CHECKSUM], data[-_CHECKSUM:]
        if checksum != _checksum(body) or _spelled(data) != text:
            raise InvalidCursor(_DAMAGED)
        return msgspec.msgpack.decode(body, type=_Cursor)
    except (ValueError, msgspec.MsgspecError):
        raise InvalidCursor(_DAMAGED) from None


def _spelled(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _digest(question: object) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode(question)).digest()[:_DIGEST]


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_CHECKSUM]
