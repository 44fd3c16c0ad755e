"""What others use for the same work: each in a process of its own, by the Python of an environment.

The environment is that of ``peers/requirements.txt``; ``make bench-full`` makes it.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tests.benchmarks.measure import Measures, Sample, over
from tests.benchmarks.rounds import Round, Rounds
from tests.benchmarks.weights import Weights, weigh

ROOT = Path(__file__).resolve().parents[2]
SWITCH = "GPTS_BENCH_PEERS"
"""The environment variable that names the Python of the peers."""
LOADERS = (
    "core",
    "sqlite-utils",
    *(
        f"dlt-{way}-{engine}"
        for engine in ("sqlite", "duckdb")
        for way in ("append", "merge", "scd2")
    ),
)
"""The ways of ``peers/loading.py``."""
WEIGHED = "dlt-scd2-sqlite"
"""The one that keeps history, and so is weighed."""
_TOLD = 2000


class Loaded(msgspec.Struct, frozen=True):
    """A round that a peer loaded.

    Attributes:
        seconds: by the clock.
        cpu: seconds of its process.
        size: bytes of its database afterwards.
    """

    seconds: float
    cpu: float
    size: int


class PeerResult(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a peer loads.

    Attributes:
        name: one of :data:`LOADERS`.
        first: ``documents_per_second`` and ``cpu_ms`` of a first load.
        mixed: the same of a second one, 5 % of it changed, 30 % with moved metrics.
    """

    name: str
    first: Measures
    mixed: Measures


class Peers:
    """The peers' environment.

    Args:
        python: its Python.
        folder: for what they write.

    Attributes:
        python: the same.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        self.python = python
        self._folder = folder

    def version(self, package: str) -> str:
        """The version of a package there."""
        code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
        return self.run("-c", code, package).strip()

    def load(self, name: str, rounds: Sequence[Round]) -> list[Loaded]:
        """Load rounds into an empty database, which is thrown away."""
        with (
            tempfile.TemporaryDirectory(dir=self._folder) as where,
            tempfile.TemporaryDirectory(dir=self._folder) as work,
        ):
            for number, each in enumerate(rounds):
                each.write_lines(Path(where) / f"{number:03}.jsonl")
            said = self.run("-m", "tests.benchmarks.peers.loading", name, where, work)
        lines = [line for line in said.splitlines() if line.startswith("{")]
        return [msgspec.convert(json.loads(line), Loaded) for line in lines]

    def measure(self, rounds: Rounds, runs: int) -> list[PeerResult]:
        """How fast each loads the first round and a mixed one."""
        loaded = [rounds.first, rounds.further("mixed")]
        count = len(rounds.first.documents)
        samples: dict[str, list[list[Sample]]] = {name: [] for name in LOADERS}
        for _ in range(runs):
            for name in LOADERS:
                samples[name].append([_sample(each, count) for each in self.load(name, loaded)])
        return [
            PeerResult(
                name=name,
                first=over([first for first, _ in found]),
                mixed=over([mixed for _, mixed in found]),
            )
            for name, found in samples.items()
        ]

    def weigh(self, rounds: Rounds, count: int) -> Weights:
        """Weigh the database that dlt makes of the same documents.

        It cannot be copied half-way with all it remembers, so each kind begins with the first
        round.
        """

        def sizes(loaded: list[Round]) -> list[int]:
            return [each.size for each in self.load(WEIGHED, loaded)]

        return weigh(
            rounds,
            count,
            lambda first: sizes([first])[-1],
            lambda _kind, further: sizes([rounds.first, *further])[1:],
        )

    def crawl(self, urls: Sequence[str], key: str, concurrency: int) -> tuple[float, float]:
        """Ask for all of ``urls`` with Scrapy; seconds by the clock, and of its process.

        Raises:
            ValueError: not every address was answered.
        """
        with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=".txt") as file:
            file.write("\n".join(urls))
            file.flush()
            module = "tests.benchmarks.peers.crawling"
            said = json.loads(self.run("-m", module, file.name, key, str(concurrency)))
        if said["answers"] != len(urls):
            raise ValueError(f"Scrapy had {said['answers']} answers to {len(urls)} questions")
        return said["seconds"], said["cpu"]

    def run(self, *words: str) -> str:
        """Run its Python from the checkout; what it prints.

        Raises:
            SystemExit: it failed; with the end of what it wrote.
        """
        environ = os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [str(self.python), *words],
            cwd=ROOT,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-_TOLD:]}")
        return done.stdout


@contextmanager
def peers_of(environ: Mapping[str, str], folder: Path) -> Iterator[Peers | None]:
    """The peers that the environment names; None where it names none.

    Raises:
        SystemExit: there is no such Python.
    """
    named = environ.get(SWITCH)
    if not named:
        yield None
        return
    python = Path(named).absolute()
    if not python.exists():
        raise SystemExit(f"{SWITCH} names {named}, which is not there: run make bench-full")
    yield Peers(python, folder)


def _sample(each: Loaded, count: int) -> Sample:
    return {"documents_per_second": count / each.seconds, "cpu_ms": each.cpu / count * 1000}
