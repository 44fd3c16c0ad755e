"""What is measured on: rounds of documents of one simulated population, the same at every run.

The simulator's own rates are those of real days, in which next to nothing happens to most GPTs.
To have enough of each kind, the further rounds here say themselves which GPTs change and how. Each
document is asked anew, so that lists are shuffled and pictures re-signed as they always are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from catalog.simulator.population import Population
from catalog.times import DAY, HOUR, Micros, to_iso

KINDS = ("identical", "noise", "mixed", "metrics", "content")
"""What a further round does to its GPTs: ``identical`` bytes; ``noise`` alone, that is shuffled
lists and re-signed pictures; ``mixed``: noise, 5 % with changed content, 30 % with moved metrics
and 77 % with a later ``updated_at``; noise and ``metrics`` moved, or ``content`` changed, for
all."""

_BUMPED_PERCENT = 77
_LINE = msgspec.json.Encoder()


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One visit to every GPT.

    Attributes:
        at: when it was.
        documents: the bytes of each document, by GPT.
    """

    at: Micros
    documents: dict[str, bytes]

    @property
    def size(self) -> int:
        """Bytes of all documents."""
        return sum(map(len, self.documents.values()))

    def write_lines(self, path: Path) -> Path:
        """Write the round as NDJSON, the form that ``import`` takes; the path."""
        with path.open("wb") as file:
            for document in self.documents.values():
                line = {"observed_at": to_iso(self.at), "gpt": msgspec.Raw(document)}
                file.write(_LINE.encode(line) + b"\n")
        return path

    def write_files(self, folder: Path) -> None:
        """Write one JSON file a GPT, as it was sent."""
        for gizmo_id, document in self.documents.items():
            (folder / f"{gizmo_id}.json").write_bytes(document)


class Rounds:
    """The rounds of one population.

    Args:
        seed: the population's.
        size: how many GPTs it has.
    """

    def __init__(self, seed: int, size: int) -> None:
        self._population = Population(seed, size)
        self._start = self._population.start
        self._ids = [g for g in self._population.ids() if self._population.exists(g, self._start)]
        self._first = self._round(0, lambda _place, _gpt: None)

    @property
    def first(self) -> Round:
        """The first visit."""
        return self._first

    def further(self, kind: str, number: int = 1) -> Round:
        """A later visit, ``number`` days after the first.

        Args:
            kind: one of :data:`KINDS`.
            number: from 1; each differs from the one before it as ``kind`` says.
        """
        if kind == "identical":
            return Round(at=self._start + number * DAY, documents=self._first.documents)

        def edit(place: int, gpt: dict[str, Any]) -> None:
            mixed = kind == "mixed"
            if kind == "content" or (mixed and place % 20 == 0):
                self._change(place, gpt, number)
            if kind == "metrics" or (mixed and place % 10 in (1, 2, 3)):
                _move(gpt, number)
            if mixed and place * 37 % 100 < _BUMPED_PERCENT:
                gpt["gizmo"]["updated_at"] = to_iso(self._start + number * DAY - HOUR)

        return self._round(number, edit)

    def _round(self, number: int, edit: Callable[[int, dict[str, Any]], None]) -> Round:
        documents: dict[str, bytes] = {}
        for place, gizmo_id in enumerate(self._ids):
            gpt = self._ask(gizmo_id, number)
            edit(place, gpt)
            documents[gizmo_id] = _LINE.encode(gpt)
        return Round(at=self._start + number * DAY, documents=documents)

    def _ask(self, gizmo_id: str, number: int) -> dict[str, Any]:
        """The GPT's document, its noise as of another moment, and nothing else."""
        gpt = self._population.document(gizmo_id, self._start + number)
        if gpt is None:
            raise LookupError(f"{gizmo_id} vanished within a few microseconds")
        return gpt

    def _change(self, place: int, gpt: dict[str, Any], number: int) -> None:
        """Give it another GPT's words, and a starter of its own."""
        other = self._ask(self._ids[(place + number) % len(self._ids)], number)
        display = gpt["gizmo"]["display"]
        words = other["gizmo"]["display"]["description"]
        display["description"] = f"{words} ({number})"
        display["prompt_starters"] = [*(display["prompt_starters"] or [])[1:], words[:60]]


def _move(gpt: dict[str, Any], number: int) -> None:
    """Give it that many five-star reviews more."""
    reviews = gpt["gizmo"]["vanity_metrics"]["review_stats"]
    reviews["count"] += number
    reviews["total"] += 5 * number
    reviews["by_rating"]["5"] = reviews["by_rating"].get("5", 0) + number
