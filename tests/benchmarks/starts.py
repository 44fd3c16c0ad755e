"""How long the command takes to start, beside a Python that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from tests.benchmarks.imports import import_file, make_catalog
from tests.benchmarks.measure import Measure, Sample, interleaved, over
from tests.benchmarks.places import SqlitePlaces
from tests.benchmarks.rounds import Rounds

ROOT = Path(__file__).resolve().parents[2]
RUNS = 15
NOTHING = "python -c pass"
_LIBRARY = "import sys, catalog; assert 'sqlalchemy' not in sys.modules"


class StartResult(msgspec.Struct, frozen=True, kw_only=True):
    """What starting takes.

    Attributes:
        words: what is run.
        milliseconds: by the clock, from start to end of the process.
        above: median milliseconds above a Python that does nothing.
    """

    words: str
    milliseconds: Measure
    above: float


def run(rounds: Rounds, folder: Path) -> list[StartResult]:
    """Start each :data:`RUNS` times, in turn.

    Args:
        rounds: of which the first is imported, so that there is something to show.
        folder: where.
    """
    places = SqlitePlaces(folder)
    url = make_catalog(places)
    import_file(url, rounds.first.write_lines(folder / "started.jsonl"))
    some = next(iter(rounds.first.documents))
    python, command = [sys.executable, "-c"], [sys.executable, "-m", "catalog"]
    contenders = {
        NOTHING: [*python, "pass"],
        "import catalog": [*python, _LIBRARY],
        "gpts-catalog --help": [*command, "--help"],
        "gpts-catalog show ID": [*command, "--catalog", url, "show", some],
    }
    samples = interleaved({name: partial(_once, words) for name, words in contenders.items()}, RUNS)
    places.drop(url)
    found = {name: over(each)["milliseconds"] for name, each in samples.items()}
    return [
        StartResult(words=name, milliseconds=each, above=each.median - found[NOTHING].median)
        for name, each in found.items()
    ]


def _once(words: Sequence[str]) -> Sample:
    began = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True, cwd=ROOT)
    return {"milliseconds": (time.perf_counter() - began) * 1000}
