"""Memory and CPU a GPT, of a small catalog and of a large one: each step in a process of its own.

``python -m tests.benchmarks.growing STEP URL PATH`` is such a process.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from catalog.__main__ import tune_memory
from catalog.derive import Derivation
from catalog.export.exporting import ExportRequest, export
from catalog.harvest.session import run_harvest
from catalog.simulator.population import Population
from catalog.storage.engine import open_engine
from catalog.storage.rebuild import rebuild_all
from catalog.times import to_iso
from tests.benchmarks import floor_writers
from tests.benchmarks.dose import Dose
from tests.benchmarks.harvests import Gateway, gateway, job_of
from tests.benchmarks.imports import import_file, make_catalog, make_floor
from tests.benchmarks.places import SqlitePlaces

ROOT = Path(__file__).resolve().parents[2]
SMALL = 10_000
"""GPTs of the small one."""
FLOOR = "floor"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a step took.

    Attributes:
        name: import, rebuild, export, harvest, or the floor's import.
        gpts: how many GPTs it was over.
        cpu_ms: CPU of its process, milliseconds a GPT.
        seconds: by the clock.
        peak: bytes of memory, at most.
    """

    name: str
    gpts: int
    cpu_ms: float
    seconds: float
    peak: int


def run(gpts: int, seed: int, folder: Path) -> list[Step]:
    """Take every step over :data:`SMALL` and over ``gpts`` GPTs.

    Args:
        gpts: of the large catalog.
        seed: the population's.
        folder: for all that is written.
    """
    found: list[Step] = []
    for size in sorted({min(SMALL, gpts), gpts}):
        lines = folder / "grown.jsonl"
        count = _write(lines, Population(seed, size))
        places = SqlitePlaces(folder)
        floor, url = make_floor(places), make_catalog(places)
        found.append(_step(FLOOR, count, floor, lines))
        places.drop(floor)
        found.append(_step("import", count, url, lines))
        lines.unlink()
        found.append(_step("rebuild", count, url, folder))
        found.append(_step("export", count, url, folder / f"export-{size}"))
        places.drop(url)
        harvested = make_catalog(places)
        with gateway(folder, Dose(requests=size, seed=seed)) as asked:
            where = folder / "gateway.json"
            where.write_bytes(msgspec.json.encode(asked))
            found.append(_step("harvest", len(asked.ids), harvested, where))
        places.drop(harvested)
    return found


def _write(path: Path, population: Population) -> int:
    """Write one document a GPT, as they come; how many there are."""
    encode, count = msgspec.json.Encoder().encode, 0
    at = to_iso(population.start)
    with path.open("wb") as file:
        for gizmo_id in population.ids():
            gpt = population.document(gizmo_id, population.start)
            if gpt is not None:
                file.write(encode({"observed_at": at, "gpt": gpt}) + b"\n")
                count += 1
    return count


def _step(name: str, gpts: int, url: str, path: Path) -> Step:
    words = [sys.executable, "-m", "tests.benchmarks.growing", name, url, str(path)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT)
    cpu, seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return Step(name=name, gpts=gpts, cpu_ms=cpu / gpts * 1000, seconds=seconds, peak=peak)


def _rebuild(url: str, _path: Path) -> None:
    rebuild_all(open_engine(url), Derivation())


def _export(url: str, path: Path) -> None:
    request = ExportRequest(folder=path, format="parquet", profile="full")
    export(open_engine(url, read_only=True), request)


def _harvest(url: str, path: Path) -> None:
    asked = msgspec.json.decode(path.read_bytes(), type=Gateway)
    asyncio.run(run_harvest(job_of(asked, open_engine(url, durable=True))))


STEPS: dict[str, Callable[[str, Path], object]] = {
    FLOOR: floor_writers.run,
    "import": import_file,
    "rebuild": _rebuild,
    "export": _export,
    "harvest": _harvest,
}


def main(name: str, url: str, path: Path) -> None:
    """Take one step; print CPU seconds, seconds by the clock, and bytes of memory at most."""
    # As the command begins.
    tune_memory()
    cpu, began = time.process_time(), time.perf_counter()
    STEPS[name](url, path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    # getrusage would count what the parent held when it forked.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    sys.stdout.write(json.dumps([cpu, seconds, peak]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
