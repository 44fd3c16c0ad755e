"""What a harvest of a population would have recorded: input for imports, without any HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from catalog.simulator.population import Population
from catalog.times import DAY, HOUR, Micros, to_iso

_LINE = msgspec.json.Encoder()


def observations(
    population: Population,
    days: int,
    *,
    every: Micros = DAY,
    limit: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Lines ``{"observed_at", "gpt"}`` of one visit to each GPT a day, oldest first.

    Within a round the GPTs are asked one after the other over its first hour, as a harvest would;
    those born meanwhile come at its end, those that vanished are left out.

    Args:
        population: the GPTs.
        days: how many rounds.
        every: the time between two rounds.
        limit: take the first so many GPTs alone, and none of those born later.
    """
    count = population.size if limit is None else min(limit, population.size)
    step = HOUR // (count + 1)
    for day in range(days):
        start = population.start + day * every
        for place, gizmo_id in enumerate(_ids(population, start, limit)):
            at = start + min(place * step, HOUR)
            document = population.document(gizmo_id, at)
            if document is not None:
                yield {"observed_at": to_iso(at), "gpt": document}


def write_observations(
    population: Population, path: Path, days: int, *, limit: int | None = None
) -> int:
    """Write :func:`observations` as NDJSON; how many lines they were."""
    written = 0
    with path.open("wb") as file:
        for line in observations(population, days, limit=limit):
            file.write(_LINE.encode(line) + b"\n")
            written += 1
    return written


def _ids(population: Population, now: Micros, limit: int | None) -> Iterator[str]:
    for place, gizmo_id in enumerate(population.ids()):
        if place == limit:
            return
        yield gizmo_id
    if limit is None:
        for gizmo_id, _ in population.born(population.start, now):
            yield gizmo_id
