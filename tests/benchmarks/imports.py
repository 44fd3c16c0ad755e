"""Documents a second that ``import`` takes, with its split, beside the floor."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import Engine, event

from catalog.derive import Derivation
from catalog.importing import Importer
from catalog.records import Document, Folded, Statement
from catalog.secrets import Redactor
from catalog.storage.engine import open_engine
from catalog.storage.migrate import init
from catalog.times import SystemClock
from tests.benchmarks import floor_diff, floor_writers
from tests.benchmarks.dose import Dose
from tests.benchmarks.measure import Measures, Sample, interleaved, over
from tests.benchmarks.places import Places, SqlitePlaces
from tests.benchmarks.rounds import Rounds

SCENARIOS = ("first", "mixed", "identical", "noise")
"""The first import, then one further round of each of these kinds upon it."""


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario on one engine.

    Attributes:
        engine: which, with its version.
        scenario: one of :data:`SCENARIOS`.
        documents: how many were imported.
        catalog: ``documents_per_second``, CPU of this process and the split, in milliseconds a
            document.
        floor: the same, without a split.
        diff: the same of the floor that tells changes from noise, and keeps them; None on
            PostgreSQL, for which nobody wrote it.
    """

    engine: str
    scenario: str
    documents: int
    catalog: Measures
    floor: Measures
    diff: Measures | None = None

    @property
    def ratio(self) -> float:
        """How many times as long as the floor takes."""
        return (
            self.floor["documents_per_second"].median / self.catalog["documents_per_second"].median
        )


class TimedDerivation(Derivation):
    """The rules, timed.

    Attributes:
        normalizing: seconds in normalisation.
        folding: seconds in the fold.
    """

    def __init__(self) -> None:
        self.normalizing = 0.0
        self.folding = 0.0

    def document(self, payload: bytes, wrapping: str) -> Document:
        """Normalise."""
        started = time.perf_counter()
        try:
            return super().document(payload, wrapping)
        finally:
            self.normalizing += time.perf_counter() - started

    def fold(self, gizmo_id: str, state: bytes | None, statements: Sequence[Statement]) -> Folded:
        """Fold."""
        started = time.perf_counter()
        try:
            return super().fold(gizmo_id, state, statements)
        finally:
            self.folding += time.perf_counter() - started


@contextmanager
def transactions(engine: Engine) -> Iterator[list[float]]:
    """The seconds of each transaction of ``engine`` while the block runs, commit included."""
    spans: list[float] = []
    begun: list[float] = []

    def out(*_: object) -> None:
        begun.append(time.perf_counter())

    def back(*_: object) -> None:
        spans.append(time.perf_counter() - begun.pop())

    event.listen(engine, "checkout", out)
    event.listen(engine, "checkin", back)
    try:
        yield spans
    finally:
        event.remove(engine, "checkout", out)
        event.remove(engine, "checkin", back)


def import_file(url: str, path: Path) -> Sample:
    """Import the file as the command does.

    ``decode`` is reading, finding the documents, normalising and hashing; ``decide`` the fold;
    ``write`` the transactions without it, and closing; ``settle`` the last transaction, over all
    GPTs.
    """
    engine = open_engine(url)
    rules = TimedDerivation()
    importer = Importer(
        engine,
        "archive",
        "recorded",
        deriver=rules,
        redactor=Redactor([]),
        clock=SystemClock(),
        # Runs of one second are told apart by it.
        rng=random.SystemRandom(),
    )
    with transactions(engine) as spans:
        cpu, started = time.process_time(), time.perf_counter()
        done = importer.run([path])
        worked = time.perf_counter() - started
        # The last to close a SQLite file moves its log into it; the floor pays for that too.
        engine.dispose()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    if done.set_aside:
        raise ValueError(f"the simulator's own documents were not taken: {done.set_aside[0]}")
    split = {
        "total": seconds,
        "decode": worked - sum(spans),
        "normalize": rules.normalizing,
        "decide": rules.folding,
        "write": sum(spans[:-1]) - rules.folding + seconds - worked,
        "settle": spans[-1],
        "cpu": cpu,
    }
    return {"documents_per_second": done.documents / seconds} | {
        f"{name}_ms": each / done.documents * 1000 for name, each in split.items()
    }


def floor_file(
    url: str, path: Path, work: Callable[[str, Path], int] = floor_writers.run
) -> Sample:
    """Import the file by hand."""
    cpu, started = time.process_time(), time.perf_counter()
    count = work(url, path)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"documents_per_second": count / seconds, "cpu_ms": cpu / count * 1000}


def make_catalog(places: Places) -> str:
    """The URL of an empty catalog."""
    url = places.create()
    init(url, SystemClock().now())
    return url


def make_floor(places: Places, prepare: Callable[[str], None] = floor_writers.prepare) -> str:
    """The URL of the floor's empty tables."""
    url = places.create()
    prepare(url)
    return url


def run(
    places: Places,
    rounds: Rounds,
    dose: Dose,
    folder: Path,
    scenarios: Sequence[str] = SCENARIOS,
) -> list[ImportResult]:
    """Measure scenarios on one engine.

    Args:
        places: the engine.
        rounds: what to import.
        dose: how often.
        folder: for the files.
        scenarios: of :data:`SCENARIOS`.
    """
    first = rounds.first.write_lines(folder / "first.jsonl")
    empty = {"catalog": make_catalog(places), "floor": make_floor(places)}
    work = {"catalog": import_file, "floor": floor_file}
    if isinstance(places, SqlitePlaces):
        empty["diff"] = make_floor(places, floor_diff.prepare_diff)
        work["diff"] = partial(floor_file, work=floor_diff.run_diff)
    begun = {name: places.copy(url) for name, url in empty.items()}
    for name, url in begun.items():
        work[name](url, first)
    results: list[ImportResult] = []
    for scenario in scenarios:
        path, start = first, empty
        if scenario != "first":
            path = rounds.further(scenario).write_lines(folder / f"{scenario}.jsonl")
            start = begun
        samples = interleaved(
            {name: partial(_upon_a_copy, places, start[name], work[name], path) for name in work},
            dose.runs,
        )
        results.append(
            ImportResult(
                engine=places.name,
                scenario=scenario,
                documents=len(rounds.first.documents),
                **{name: over(each) for name, each in samples.items()},
            )
        )
    for url in (*empty.values(), *begun.values()):
        places.drop(url)
    return results


def _upon_a_copy(
    places: Places, url: str, work: Callable[[str, Path], Sample], path: Path
) -> Sample:
    copy = places.copy(url)
    try:
        return work(copy, path)
    finally:
        places.drop(copy)
