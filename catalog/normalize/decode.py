"""Bytes become a Python value, tolerantly: what strict decoders refuse is met in the wild.

Not tolerated: bytes that are no JSON in UTF-8, UTF-16 or UTF-32, and anything behind the value.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from catalog.errors import NormalizeError

MAX_DEPTH = 100
"""How deep a document may nest.

Real ones stay below 40. A fixed number, far below the interpreter's own limit: that one depends
on the caller's stack, and the same payload must always give the same document (law 2).
"""

_MAX_DIGITS = 4000


class OddNumber(str):
    """A number that no column can take, as sent: NaN, infinite, or of thousands of digits."""

    __slots__ = ()


def decode(payload: bytes) -> Any:
    """The JSON value that ``payload`` holds.

    Lone surrogates, a byte order mark, control characters inside strings, NaN and Infinity are
    taken; of equal keys the last counts.

    Raises:
        NormalizeError: it holds none, or one that nests too deeply.
    """
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, ValueError):
        return _decode_oddities(payload)
    except RecursionError:
        raise NormalizeError("the payload nests too deeply to be a GPT's document") from None


def nests_within(value: Any, levels: int) -> bool:
    """Whether ``value`` has at most ``levels`` lists and objects inside each other."""
    kind = type(value)
    if kind is dict:
        members = value.values()
    elif kind is list:
        members = value
    else:
        return True
    if not levels:
        return False
    return all(nests_within(member, levels - 1) for member in members)


def _decode_oddities(payload: bytes) -> Any:
    try:
        # strict=False: control characters inside strings.
        return json.loads(
            payload, strict=False, parse_int=_integer, parse_float=_float, parse_constant=OddNumber
        )
    except ValueError as error:
        raise NormalizeError(f"the payload is no JSON: {error}") from None
    except RecursionError:
        raise NormalizeError("the payload nests too deeply to be a GPT's document") from None


def _integer(digits: str) -> int | OddNumber:
    # The interpreter refuses longer ones, and their conversion takes quadratic time.
    return int(digits) if len(digits) <= _MAX_DIGITS else OddNumber(digits)


def _float(digits: str) -> float | OddNumber:
    number = float(digits)
    return number if math.isfinite(number) else OddNumber(digits)
