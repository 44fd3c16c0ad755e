"""``make bench``: measure everything, and print each number beside its floor.

Timings decide nothing: they are printed, and kept as JSON in ``GPTS_BENCH_OUT`` or a new folder.
``GPTS_BENCH_SCALE=10`` measures ten times as much, ``GPTS_BENCH_RUNS=5`` takes medians of five,
``GPTS_BENCH_PEERS`` names the Python of the peers' environment. ``GPTS_BENCH_GPTS=1000000`` browses
so many GPTs, which lie in ``GPTS_BENCH_KEPT`` until the next time, and ``GPTS_BENCH_GROWN=100000``
is the size of the large catalog of ``growing``. The names of parts may be given; ``--page`` writes
docs/performance.md, whose other parts stay as they were measured before.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.__main__ import tune_memory
from tests.benchmarks import (
    bench_browse,
    bench_export,
    bench_fetch,
    growing,
    harvests,
    imports,
    page,
    report,
    starts,
    weights,
)
from tests.benchmarks.dose import Dose, read_dose
from tests.benchmarks.measure import over
from tests.benchmarks.peer import SWITCH, WEIGHED, Peers, peers_of
from tests.benchmarks.places import Places, SqlitePlaces, postgres_places
from tests.benchmarks.real import weigh_noise
from tests.benchmarks.rounds import Rounds
from tests.benchmarks.weights import StorageResult

PAGE = "--page"


class Bench:
    """Measures parts.

    Args:
        dose: how much.
        folder: for all that is written meanwhile.
        engines: SQLite, and PostgreSQL where it is measured too.
        peers: what others use; None: they are left out.
        kept: a folder for the GPTs to browse, where they are found again; None: they are thrown
            away.
    """

    def __init__(
        self,
        dose: Dose,
        folder: Path,
        *,
        engines: Sequence[Places],
        peers: Peers | None = None,
        kept: Path | None = None,
    ) -> None:
        self._dose, self._folder = dose, folder
        self._engines, self._peers, self._kept = engines, peers, kept
        self._rounds = Rounds(dose.seed, dose.documents)
        self._left_out: list[str] = []

    def measure(self, parts: Collection[str]) -> report.Results:
        """Measure ``parts``, each with the load under which it was."""
        found: dict[str, Any] = {}
        taken: dict[str, report.Taken] = {}
        for name, work in PARTS.items():
            if name not in parts:
                continue
            before = report.load()
            field, _, _ = report.SECTIONS[name]
            found[field] = work(self)
            taken[name] = report.Taken(
                day=datetime.now(UTC).date().isoformat(),
                dose=self._dose,
                load_before=before,
                load_after=report.load(),
            )
        return report.Results(
            machine=report.machine(), taken=taken, left_out=self._left_out, **found
        )

    def imports(self) -> Any:
        """Imports on each engine."""
        return [
            each
            for engine in self._engines
            for each in imports.run(engine, self._rounds, self._dose, self._folder)
        ]

    def peers(self) -> Any:
        """The peers' loads."""
        if self._peers is None:
            self._left_out.append(f"peers, whose Python {SWITCH} names: see make bench-full.")
            return []
        return self._peers.measure(self._rounds, self._dose.runs)

    def harvest(self) -> Any:
        """A harvest."""
        return harvests.run(self._engines[0], self._dose, self._folder, self._peers)

    def asking(self) -> Any:
        """Asking alone."""
        dose = self._dose
        samples = [bench_fetch.run(dose.requests, harvests.CONCURRENCY) for _ in range(dose.runs)]
        return {name: over([sample[name] for sample in samples]) for name in samples[0]}

    def storage(self) -> StorageResult:
        """Bytes."""
        holders: dict[str, weights.Weights] = {}
        for each in self._engines:
            holders |= weights.run(each, self._rounds, self._dose, self._folder)
        packed = weights.run_git(self._rounds, self._dose, self._folder)
        if packed is None:
            self._left_out.append("git's pack, for there is no git here.")
        else:
            holders[f"git {weights.git_version()}, `repack -adf`"] = packed
        if self._peers is not None:
            name = f"dlt {self._peers.version('dlt')} `{WEIGHED}`"
            holders[name] = self._peers.weigh(self._rounds, self._dose.rounds)
        return StorageResult(
            documents=len(self._rounds.first.documents),
            rounds=self._dose.rounds,
            raw=weights.raw(self._rounds, self._dose),
            holders=holders,
            real=weigh_noise(self._engines[0], self._folder),
        )

    def starts(self) -> Any:
        """Starting the command."""
        return starts.run(self._rounds, self._folder)

    def growing(self) -> Any:
        """The steps over few GPTs and over many."""
        return growing.run(self._dose.grown, self._dose.seed, self._folder)

    def export(self) -> Any:
        """An export of one table."""
        folder = self._kept or self._folder
        path = bench_browse.crowd_file(self._dose.gpts, folder)
        python = None if self._peers is None else self._peers.python
        return bench_export.run(path, self._dose.runs, python)

    def browse(self) -> Any:
        """Browsing and searching."""
        postgres = len(self._engines) > 1
        return bench_browse.run(self._dose.gpts, self._folder, kept=self._kept, postgres=postgres)


PARTS: dict[str, Callable[[Bench], Any]] = {
    "import": Bench.imports,
    "peers": Bench.peers,
    "harvest": Bench.harvest,
    "asking": Bench.asking,
    "storage": Bench.storage,
    "starts": Bench.starts,
    "growing": Bench.growing,
    "export": Bench.export,
    "browse": Bench.browse,
}
"""What measures each part."""


def main(words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Measure, print and keep.

    Raises:
        SystemExit: a word or a variable makes no sense.
    """
    # As the command begins: what is measured in this process is what it does.
    tune_memory()
    parts = [word for word in words if word != PAGE] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    dose = read_dose(environ)
    out, there = environ.get("GPTS_BENCH_OUT"), environ.get("GPTS_BENCH_KEPT")
    kept = Path(out) if out else Path(tempfile.mkdtemp(prefix="gpts-bench-"))
    kept.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        engines: list[Places] = [SqlitePlaces(folder)]
        if {"import", "storage", "browse"} & set(parts):
            # A socket's path must be short, so not below a folder that was given.
            short = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg"))
            engines.append(stack.enter_context(postgres_places(Path(short) / "data")))
        peers = stack.enter_context(peers_of(environ, folder))
        bench = Bench(
            dose, folder, engines=engines, peers=peers, kept=Path(there) if there else None
        )
        results = bench.measure(parts)
    sys.stdout.write(report.to_markdown(results))
    path = kept / "benchmarks.json"
    path.write_bytes(report.to_json(results))
    sys.stdout.write(f"\nEvery number: {path}\n")
    if PAGE in words:
        page.write(page.joined(page.kept(), results))
        sys.stdout.write(f"Written: {page.PAGE}\n")


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
