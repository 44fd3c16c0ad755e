"""Randomness with a name: every draw is a pure function of the key it was made from.

Nothing here keeps state between questions, so what the simulator says about one GPT never depends
on what it was asked before.
"""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import accumulate
from math import log
from random import Random
from typing import Generic, TypeVar

from catalog.times import DAY, Micros

T = TypeVar("T")


def number(*key: object) -> int:
    """A 64-bit number that belongs to ``key``."""
    text = "/".join(map(str, key)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def share(*key: object) -> float:
    """A number in [0, 1) that belongs to ``key``."""
    return (number(*key) >> 11) / (1 << 53)


def token(*key: object) -> str:
    """24 letters and digits that belong to ``key``: the form of the platform's own ids."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=18).digest()
    return b64encode(digest, b"aZ").decode()


def hexadecimal(length: int, *key: object) -> str:
    """``length`` (at most 128) hex digits that belong to ``key``."""
    size = (length + 1) // 2
    return blake2b("/".join(map(str, key)).encode(), digest_size=size).hexdigest()[:length]


def uuid(*key: object) -> str:
    """A UUID's text that belongs to ``key``."""
    text = hexadecimal(32, *key)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


class Draw:
    """A stream of draws that belongs to a key.

    Only ``Random.random`` is used, whose sequence is the one that Python promises to keep.

    Args:
        key: whatever names the stream.
    """

    __slots__ = ("unit",)

    def __init__(self, *key: object) -> None:
        self.unit = Random(number(*key)).random

    def chance(self, probability: float) -> bool:
        """True in ``probability`` of all draws."""
        return self.unit() < probability

    def below(self, limit: int) -> int:
        """A whole number in [0, ``limit``)."""
        return int(self.unit() * limit)

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``."""
        return items[int(self.unit() * len(items))]

    def gap(self, mean: float) -> float:
        """An exponential waiting time."""
        return -mean * log(1.0 - self.unit())

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """``items`` in another order."""
        result = list(items)
        unit = self.unit
        for last in range(len(result) - 1, 0, -1):
            other = int(unit() * (last + 1))
            result[last], result[other] = result[other], result[last]
        return result

    def moments(self, per_day: float, since: Micros, until: Micros) -> Iterator[Micros]:
        """The moments of a Poisson process in (``since``, ``until``], in order."""
        if per_day <= 0:
            return
        at = since
        while True:
            at += max(1, int(self.gap(DAY / per_day)))
            if at > until:
                return
            yield at


class Weighted(Generic[T]):
    """Items of which some are more likely than others.

    Args:
        items: each with its weight; the weights need not add up to anything.
    """

    def __init__(self, items: Sequence[tuple[T, float]]) -> None:
        self._items = [item for item, _ in items]
        self._bounds = list(accumulate(weight for _, weight in items))

    def at(self, unit: float) -> T:
        """The item at ``unit`` in [0, 1) of the whole weight."""
        return self._items[bisect_right(self._bounds, unit * self._bounds[-1])]
