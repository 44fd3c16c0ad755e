"""JSON values with the exact bytes that each was written in.

The archive keeps what was received byte for byte (law 1), so a part of an answer is cut out of the
received bytes and never written anew. msgspec reads what is strictly JSON. What only a tolerant
reader accepts (``NaN``, lone surrogates, control characters in strings, numbers beyond a double)
is read by :mod:`json`, and the parts are found by a small scanner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from catalog.errors import NormalizeError

CUT = "cut: it ends before the JSON is complete"
"""How the detail of an answer begins whose JSON stops half-way."""

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_ANY = msgspec.json.Decoder()
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
# A quote that nothing closes is a token of its own: scanning stops there and stays linear.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},:]', re.DOTALL)


class Node:
    """A JSON value and its bytes.

    Args:
        raw: the bytes it was written in.
        value: what they mean.
        strict: whether msgspec could read them.
    """

    __slots__ = ("_parts", "_strict", "raw", "value")

    def __init__(self, raw: bytes, value: Any, *, strict: bool = True) -> None:
        self.raw = raw
        self.value = value
        self._strict = strict
        self._parts: dict[str, bytes] | None = None

    def member(self, name: str) -> Node:
        """The member ``name`` of an object.

        Raises:
            KeyError: there is none.
        """
        value = self.value[name]
        if self._parts is None:
            self._parts = self._strict_members() if self._strict else _members(self.raw)
        return Node(self._parts[name], value, strict=self._strict)

    def elements(self) -> list[Node]:
        """The elements of an array, in order."""
        slices = self._strict_elements() if self._strict else _elements(self.raw)
        return [
            Node(raw, value, strict=self._strict)
            for raw, value in zip(slices, self.value, strict=True)
        ]

    # How deep msgspec can go depends on the caller's stack, so that it may read a value whole and
    # not again from deeper down; the scanner has no such limit.
    def _strict_members(self) -> dict[str, bytes]:
        try:
            return {key: bytes(raw) for key, raw in _OBJECT.decode(self.raw).items()}
        except RecursionError:
            return _members(self.raw)

    def _strict_elements(self) -> list[bytes]:
        try:
            return [bytes(raw) for raw in _ARRAY.decode(self.raw)]
        except RecursionError:
            return _elements(self.raw)


def parse(body: bytes) -> Node:
    """The JSON value in ``body``; a byte order mark in front is not part of it.

    Raises:
        NormalizeError: it holds none; the text says why and begins with :data:`CUT` where it
            stops half-way.
    """
    raw = body.removeprefix(_BOM)
    try:
        return Node(raw, _ANY.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Node(raw, _tolerant(raw), strict=False)


def value_end(raw: bytes, start: int = 0) -> int | None:
    """Where the object or array that begins at ``start`` ends, or None if it does not."""
    depth = 0
    for token in _TOKEN.finditer(raw, start):
        sign = token.group()
        if sign in {b"{", b"["}:
            depth += 1
        elif sign in {b"}", b"]"}:
            depth -= 1
            if depth <= 0:
                return token.end()
        elif sign == b'"':
            return None
    return None


def whole_elements(raw: bytes) -> list[bytes]:
    """The objects and arrays that are complete in an array which is cut."""
    found = []
    position = raw.find(b"[") + 1
    opening = re.compile(rb"[\s,]*(?=[{\[])")
    while at := opening.match(raw, position):
        end = value_end(raw, at.end())
        if end is None:
            break
        found.append(raw[at.end() : end])
        position = end
    return found


def _tolerant(raw: bytes) -> Any:
    """The value in ``raw``, read by the standard library."""
    if not raw.strip(_BLANK):
        raise NormalizeError("an empty body")
    try:
        return json.loads(raw.decode(), strict=False, parse_int=_integer)
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte {error.start})"
    except RecursionError:
        reason = "nested too deep"
    except ValueError as error:
        reason = _why_malformed(raw, error)
    raise NormalizeError(reason)


def _why_malformed(raw: bytes, error: ValueError) -> str:
    """Why ``raw`` is no JSON, for people."""
    text = raw.lstrip(_BLANK)
    if text[:1] == b"<":
        return "a web page, not JSON: the source has no such route, or something stands before it"
    if text.startswith((b"data:", b"event:", b": ")):
        return "an event stream, not JSON"
    if text[:1] in {b"{", b"["} and value_end(text) is None:
        return CUT
    return f"not JSON: {error}"


def _integer(digits: str) -> int | float:
    """A whole number of any length; beyond what Python converts, its size alone."""
    try:
        return int(digits)
    except ValueError:
        return float(digits)


def _parts(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The members or elements of the object or array ``raw``, which is known to be complete.

    Yields:
        The key as written (empty in an array) and the exact bytes of the value.
    """
    depth, start, key = 0, 0, b""
    for token in _TOKEN.finditer(raw):
        sign = token.group()
        if sign in {b"{", b"["}:
            depth += 1
            if depth == 1:
                start = token.end()
            continue
        closes = sign in {b"}", b"]"}
        depth -= closes
        if depth == 1 and sign == b":":
            key, start = raw[start : token.start()].strip(_BLANK), token.end()
        elif (depth == 1 and sign == b",") or (depth == 0 and closes):
            part = raw[start : token.start()].strip(_BLANK)
            if part:
                yield key, part
            key, start = b"", token.end()


def _members(raw: bytes) -> dict[str, bytes]:
    """The members of the object ``raw``; of a key that is written twice, the last one."""
    return {json.loads(key.decode(), strict=False): part for key, part in _parts(raw)}


def _elements(raw: bytes) -> list[bytes]:
    """The elements of the array ``raw``."""
    return [part for _, part in _parts(raw)]
