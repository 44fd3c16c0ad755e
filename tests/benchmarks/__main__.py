"""``make bench``: measure everything, and print each number beside its floor.

Timings decide nothing: they are printed, and kept as JSON in ``GPTS_BENCH_OUT`` or a new folder.
``GPTS_BENCH_SCALE=10`` measures ten times as much, ``GPTS_BENCH_RUNS=5`` takes medians of five,
``GPTS_BENCH_PEERS=1`` installs and measures the peer too. ``GPTS_BENCH_GPTS=1000000`` browses so
many GPTs, which lie in ``GPTS_BENCH_KEPT`` until the next time. The names of parts may be given:
import, harvest, asking, storage, browse.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks import bench_browse, bench_fetch, harvests, imports, peer, report, weights
from tests.benchmarks.dose import Dose, read_dose
from tests.benchmarks.measure import over
from tests.benchmarks.places import Places, SqlitePlaces, postgres_places
from tests.benchmarks.rounds import Rounds
from tests.benchmarks.weights import StorageResult

PARTS = ("import", "harvest", "asking", "storage", "browse")


def measure(
    dose: Dose,
    folder: Path,
    *,
    parts: Collection[str] = PARTS,
    peers: bool = False,
    postgres: bool = True,
    kept: Path | None = None,
) -> report.Results:
    """Measure the parts.

    Args:
        dose: how much.
        folder: for all that is written meanwhile.
        parts: of :data:`PARTS`.
        peers: whether the peer is installed and measured.
        postgres: whether PostgreSQL is measured beside SQLite.
        kept: a folder for the GPTs to browse, where they are found again; None: they are thrown
            away.
    """
    before = report.load()
    rounds = Rounds(dose.seed, dose.documents)
    imported: list[imports.ImportResult] = []
    harvest = storage = browsed = None
    asking = {}
    left_out: list[str] = []
    with ExitStack() as stack:
        sqlite = SqlitePlaces(folder)
        engines: list[Places] = [sqlite]
        if postgres and {"import", "storage"} & set(parts):
            # A socket's path must be short, so not below a folder that was given.
            short = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg"))
            engines.append(stack.enter_context(postgres_places(Path(short) / "data")))
        if "import" in parts:
            for each in engines:
                imported += imports.run(each, rounds, dose, folder)
        if "harvest" in parts:
            harvest = harvests.run(sqlite, dose, folder)
        if "asking" in parts:
            samples = [
                bench_fetch.run(dose.requests, harvests.CONCURRENCY) for _ in range(dose.runs)
            ]
            asking = {name: over([sample[name] for sample in samples]) for name in samples[0]}
        if "storage" in parts:
            storage = _weigh(engines, rounds, dose, folder, left_out, peers=peers)
        if "browse" in parts:
            browsed = bench_browse.run(dose.gpts, folder, kept=kept, postgres=postgres)
    return report.Results(
        machine=report.machine(before),
        dose=dose,
        imports=imported,
        harvest=harvest,
        asking=asking,
        storage=storage,
        browsed=browsed,
        left_out=left_out,
    )


def _weigh(
    engines: Sequence[Places],
    rounds: Rounds,
    dose: Dose,
    folder: Path,
    left_out: list[str],
    *,
    peers: bool,
) -> StorageResult:
    holders: dict[str, weights.Weights] = {}
    for each in engines:
        holders |= weights.run(each, rounds, dose, folder)
    packed = weights.run_git(rounds, dose, folder)
    if packed is None:
        left_out.append("git's pack, for there is no git here.")
    else:
        holders[f"git {weights.git_version()}, `repack -adf`"] = packed
    if peers:
        holders[peer.name()] = peer.run(peer.install(folder), rounds, dose, folder)
    else:
        left_out.append(f"{peer.name()}, which is installed and measured with {peer.SWITCH}=1.")
    return StorageResult(
        documents=len(rounds.first.documents),
        rounds=dose.rounds,
        raw=weights.raw(rounds, dose),
        holders=holders,
    )


def main(words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Measure, print and keep.

    Raises:
        SystemExit: a word or a variable makes no sense.
    """
    if unknown := set(words) - set(PARTS):
        raise SystemExit(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    dose = read_dose(environ)
    out, there = environ.get("GPTS_BENCH_OUT"), environ.get("GPTS_BENCH_KEPT")
    kept = Path(out) if out else Path(tempfile.mkdtemp(prefix="gpts-bench-"))
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        results = measure(
            dose,
            Path(folder),
            parts=words or PARTS,
            peers=environ.get(peer.SWITCH) == "1",
            kept=Path(there) if there else None,
        )
    sys.stdout.write(report.to_markdown(results))
    path = kept / "benchmarks.json"
    path.write_bytes(report.to_json(results))
    sys.stdout.write(f"\nEvery number: {path}\n")


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
