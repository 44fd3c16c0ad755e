"""Drift: paths and types that come into, or go out of, a source's documents (rule 10).

One pass over the documents, whose cost does not grow with the number of paths: a path can only
have been away for :data:`WINDOW` documents if every shape that has it was, so paths are looked at
when a shape returns after that long, and at the end. Sets of paths are the bits of integers.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from catalog.fields import NAMED_BY_DATA
from catalog.records import Drift
from catalog.times import DAY, Micros, day_of

WINDOW = 100
"""Documents of the baseline at least, and before and after a path vanishes."""

COMMON = 95
"""In how many of the last :data:`WINDOW` documents a path was whose absence means something."""

AWAY: Micros = 3 * DAY
"""The time that the documents without it span at least."""

_TYPE = re.compile(r"(.+):(?:null|boolean|integer|number|string|array|object)", re.DOTALL)

Document = tuple[Micros, str, int]


def find_drift(documents: Iterable[Document], shapes: Mapping[int, Sequence[str]]) -> list[Drift]:
    """What appeared in, and vanished from, the documents of one source and wrapping.

    The baseline is the first UTC day's documents, and the first 100 where that day has fewer;
    what they have is not news. Documents of one GPT with one ``observed_at`` count as one.

    Args:
        documents: ``observed_at``, GPT and shape of each, in the order of the first two.
        shapes: the paths of each shape.

    Returns:
        The rows in the order of their times, paths and kinds. A path is covered, and left out,
        where one that it lies in appeared or vanished on the same UTC day; a wrong type is
        covered by the path that went with it, never by one that came. Members that are named by
        data come and go without a row.
    """
    watch = _Watch(shapes)
    for at, gizmo_id, shape in _steps(documents):
        watch.take(at, gizmo_id, shape)
    watch.finish()
    known = {(row.path, row.kind == "vanished", day_of(row.at)) for row in watch.rows}
    rows = [
        row
        for row in watch.rows
        if row.kind == "type"
        or (
            row.path.rpartition(".")[0] not in NAMED_BY_DATA
            and not any(
                (above, row.kind == "vanished", day_of(row.at)) in known
                for above in _above(row.path)
            )
        )
    ]
    return sorted(rows, key=lambda row: (row.at, row.path, row.kind))


def _steps(documents: Iterable[Document]) -> Iterator[tuple[Micros, str, frozenset[int] | int]]:
    """The documents, those of one GPT and moment together: their order would mean nothing."""
    known: tuple[Micros, str] | None = None
    together: frozenset[int] | int = 0
    for at, gizmo_id, shape in documents:
        if known is not None and at == known[0] and gizmo_id == known[1]:
            already = together if isinstance(together, frozenset) else frozenset((together,))
            together = already | {shape}
            continue
        if known is not None:
            yield *known, together
        known, together = (at, gizmo_id), shape
    if known is not None:
        yield *known, together


def _above(path: str) -> Iterator[str]:
    """The paths that ``path`` lies in, nearest first."""
    typed = _TYPE.fullmatch(path)
    if typed:
        path = typed[1]
        yield path
    while path:
        path = path[:-2] if path.endswith("[]") else path.rpartition(".")[0]
        if path:
            yield path


class _Stretch(msgspec.Struct):
    """How long a path has been there.

    Attributes:
        since: the first document's ``observed_at``.
        row: the place of the row that says it appeared; None where it was there from the start.
    """

    since: Micros
    row: int | None


class _Sight(msgspec.Struct, gc=False):
    """The last document of a shape: its place in the order, time and GPT."""

    place: int
    at: Micros
    gizmo_id: str


class _Watch:
    """A pass under way.

    Args:
        shapes: the paths of each shape.
    """

    def __init__(self, shapes: Mapping[int, Sequence[str]]) -> None:
        self.rows: list[Drift] = []
        self._shapes = shapes
        self._paths: list[str] = []
        self._bits: dict[str, int] = {}
        # A mask is what a document can be told apart by here.
        self._masks: list[int] = []
        self._by_shape: dict[frozenset[int] | int, int] = {}
        self._by_mask: dict[int, int] = {}
        # By place: the mask's number, and observed_at.
        self._order = array("I")
        self._times = array("q")
        # The mask met last stands last.
        self._last: dict[int, _Sight] = {}
        self._seen = 0
        self._stretches: dict[int, _Stretch] = {}

    def take(self, at: Micros, gizmo_id: str, shape: frozenset[int] | int) -> None:
        """Take the next document."""
        place = len(self._times)
        number = self._by_shape.get(shape)
        if number is None:
            number = self._by_shape[shape] = self._number(shape)
        self._times.append(at)
        self._order.append(number)
        before = self._last.get(number)
        sight = _Sight(place, at, gizmo_id)
        if before is None or place - before.place > WINDOW:
            self._returned(number, sight)
        if before is not None:
            del self._last[number]
        self._last[number] = sight

    def finish(self) -> None:
        """Look at every path once more, behind the last document."""
        end = len(self._times)
        for mask, sight in self._sights(self._seen):
            for bit in _bits(mask):
                if self._went(bit, sight, end):
                    self._vanish(bit, sight)
                else:
                    self._close(bit, sight)

    def _number(self, shape: frozenset[int] | int) -> int:
        """The number of the mask of a shape, or of several together."""
        mask = 0
        for each in shape if isinstance(shape, frozenset) else (shape,):
            for path in self._shapes[each]:
                bit = self._bits.get(path)
                if bit is None:
                    bit = self._bits[path] = len(self._paths)
                    self._paths.append(path)
                mask |= 1 << bit
        number = self._by_mask.setdefault(mask, len(self._masks))
        if number == len(self._masks):
            self._masks.append(mask)
        return number

    def _returned(self, number: int, sight: _Sight) -> None:
        """A shape that none of the last documents had: which of its paths had none of them?"""
        mask = self._masks[number]
        for bit in _bits(mask & ~self._seen):
            self._appear(bit, sight)
        for away, last in self._sights(mask & self._seen):
            if sight.place - last.place <= WINDOW:
                continue
            for bit in _bits(away):
                if self._went(bit, last, sight.place):
                    self._vanish(bit, last)
                    self._appear(bit, sight)
        self._seen |= mask

    def _sights(self, mask: int) -> Iterator[tuple[int, _Sight]]:
        """The last document that had each path of ``mask``, latest first."""
        for number, sight in reversed(self._last.items()):
            if not mask:
                return
            part = mask & self._masks[number]
            if part:
                mask ^= part
                yield part, sight

    def _went(self, bit: int, last: _Sight, place: int) -> bool:
        """Whether a path's absence from ``last`` up to before ``place`` means that it vanished."""
        first, end = last.place + 1, place - 1
        if place - first < WINDOW or self._times[end] - self._times[first] < AWAY:
            return False
        window = self._order[max(0, first - WINDOW) : first]
        lacking = len(window) - COMMON
        for number in reversed(window):
            if not self._masks[number] >> bit & 1:
                lacking -= 1
                if lacking < 0:
                    return False
        return lacking >= 0

    def _appear(self, bit: int, sight: _Sight) -> None:
        day_one = self._times[0] // DAY
        if sight.place < WINDOW or sight.at // DAY == day_one:
            self._stretches[bit] = _Stretch(sight.at, None)
            return
        self._stretches[bit] = _Stretch(sight.at, len(self.rows))
        path = self._paths[bit]
        self.rows.append(
            Drift(
                path=path,
                kind="type" if _TYPE.fullmatch(path) else "appeared",
                at=sight.at,
                gizmo_id=sight.gizmo_id,
                first_seen_at=sight.at,
                last_seen_at=sight.at,
            )
        )

    def _close(self, bit: int, last: _Sight) -> None:
        """Note until when a path that appeared was there."""
        row = self._stretches[bit].row
        if row is not None:
            self.rows[row] = msgspec.structs.replace(self.rows[row], last_seen_at=last.at)

    def _vanish(self, bit: int, last: _Sight) -> None:
        self._close(bit, last)
        self.rows.append(
            Drift(
                path=self._paths[bit],
                kind="vanished",
                at=last.at,
                gizmo_id=last.gizmo_id,
                first_seen_at=self._stretches[bit].since,
                last_seen_at=last.at,
            )
        )


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
