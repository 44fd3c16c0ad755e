"""The measures as Markdown for people and as JSON for machines."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psutil

import catalog
from tests.benchmarks.bench_browse import Browsed, BrowseResult
from tests.benchmarks.dose import Dose
from tests.benchmarks.growing import Step
from tests.benchmarks.harvests import HarvestResult
from tests.benchmarks.imports import ImportResult
from tests.benchmarks.measure import Measure, Measures, Sample
from tests.benchmarks.peer import PeerResult
from tests.benchmarks.real import RealNoise
from tests.benchmarks.starts import StartResult
from tests.benchmarks.weights import FIRST, KINDS, StorageResult

_PACKAGES = ("aiohttp", "httpx", "msgspec", "psycopg", "sqlalchemy", "zstandard")
_SCENARIOS = {
    "first": "first import",
    "mixed": "second, 5 % changed, 30 % metrics",
    "identical": "second, identical bytes",
    "noise": "second, noise alone",
}
_LEFT = (
    "",
    "engine",
    "import",
    "bytes on disk",
    "question",
    "peer",
    "command",
    "step",
    "contender",
)
_SPLIT = ("decode", "normalize", "decide", "write", "settle", "cpu")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what it was measured.

    Attributes:
        processor: its name.
        cores: how many.
        memory: bytes.
        system: kernel and Python.
        versions: of what does the work, by name.
        load_before: processes that waited or ran, over the minute before.
        load_after: the same at the end.
    """

    processor: str
    cores: int
    memory: int
    system: str
    versions: dict[str, str]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """When and under what a part was measured.

    Attributes:
        day: the date.
        dose: how much.
        load_before: processes that waited or ran, over the minute before.
        load_after: the same at the end.
    """

    day: str
    dose: Dose
    load_before: float
    load_after: float


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured.

    Attributes:
        machine: where.
        taken: when and how, by part.
        imports: by engine and scenario.
        loaded: how fast the peers load, by peer.
        harvest: what asking costs against the simulated gateway.
        asking: the same against a server that does next to nothing, by client.
        storage: bytes.
        starts: what starting takes.
        grown: what each step takes for few GPTs, and for many.
        exported: rows a second and memory of an export of one table, by contender.
        browsed: what browsing and searching many GPTs takes.
        left_out: what was not measured, and why.
    """

    machine: Machine
    taken: dict[str, Taken] = {}
    imports: list[ImportResult] = []
    loaded: list[PeerResult] = []
    harvest: HarvestResult | None = None
    asking: dict[str, Measures] = {}
    storage: StorageResult | None = None
    starts: list[StartResult] = []
    grown: list[Step] = []
    exported: dict[str, Sample] = {}
    browsed: Browsed | None = None
    left_out: list[str] = []


def machine() -> Machine:
    """This machine."""
    return Machine(
        processor=_processor(),
        cores=psutil.cpu_count() or 0,
        memory=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        versions={"gpts-catalog": catalog.__version__}
        | {package: version(package) for package in _PACKAGES},
    )


def load() -> float:
    """Processes that waited or ran, over the last minute."""
    return os.getloadavg()[0]


def to_json(results: Results) -> bytes:
    """The results with every number, as JSON."""
    return msgspec.json.format(msgspec.json.encode(results), indent=1)


def to_markdown(results: Results, *, whole: bool = False) -> str:
    """The results as tables.

    Args:
        results: what was measured.
        whole: name what was not measured, too: others link to it.
    """
    sections = [_head(results.machine)]
    for part, (field, title, section) in SECTIONS.items():
        found = getattr(results, field)
        if found:
            sections.append(f"### {title}\n\n{section(found)}{_said(results, part)}")
        elif whole:
            sections.append(f"### {title}\n\nNot measured.")
    sections += [f"Left out: {reason}" for reason in results.left_out]
    return "\n\n".join(sections) + "\n"


def _head(where: Machine) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in where.versions.items())
    return (
        f"{where.processor}, {where.cores} cores, {where.memory / 2**30:.0f} GiB; {where.system}; "
        f"{versions}. Medians, lowest and highest in brackets."
    )


def _said(results: Results, part: str) -> str:
    """When and how a part was measured; nothing of one whose story is lost."""
    taken = results.taken.get(part)
    if taken is None:
        return ""
    dose = taken.dose
    return (
        f"\n\nMeasured on {taken.day}, at a load of {taken.load_before:.1f} before and"
        f" {taken.load_after:.1f} after; a population of {dose.documents:,} (seed {dose.seed}),"
        f" {dose.runs} runs in turn."
    )


def _imports(results: Sequence[ImportResult]) -> str:
    rows = [
        [
            each.engine,
            _SCENARIOS[each.scenario],
            _range(each.catalog["documents_per_second"], "{:,.0f}"),
            _range(each.floor["documents_per_second"], "{:,.0f}"),
            f"{each.ratio:.1f}",
            *(f"{each.catalog[f'{name}_ms'].median:.3f}" for name in _SPLIT),
            f"{each.floor['cpu_ms'].median:.3f}",
            f"{each.diff['cpu_ms'].median:.3f}" if each.diff else "",
        ]
        for each in results
    ]
    columns = ["engine", "import", "catalog, documents/s", "floor, documents/s", "times as long"]
    columns += [*(f"{name}, ms" for name in _SPLIT), "floor: cpu, ms", "floor with diff: cpu, ms"]
    text = (
        "The columns in ms are for one document. `decode` is everything before a transaction,"
        " `normalize` a part of it; `decide` is the fold; `write` the transactions without it;"
        " `settle` the last one, over all GPTs; `cpu` is this process's alone, so that"
        " PostgreSQL's own work is not in it."
    )
    return f"{_table(columns, rows)}\n\n{text}"


def _asked(name: str, each: Measures, floor: Measures) -> list[str]:
    cpu = each["cpu_ms_per_request"]
    return [
        name,
        _range(each["requests_per_second"], "{:,.0f}"),
        _range(cpu, "{:.3f}"),
        f"{cpu.median / floor['cpu_ms_per_request'].median:.1f}",
    ]


_ASKED = ["", "requests/s", "client CPU, ms a request", "times the floor's CPU"]


def _harvest(result: HarvestResult) -> str:
    rows = [
        _asked(name, each, result.floor)
        for name, each in (
            ("harvest: asked, archived, derived (SQLite, durable)", result.harvest),
            ("fetch alone: asked and read", result.fetch),
            ("httpx on aiohttp's transport: bodies read and thrown away", result.bodies),
            ("floor: aiohttp, downloaded and thrown away", result.floor),
            ("Scrapy: downloaded and thrown away", result.scrapy),
        )
        if each is not None
    ]
    title = (
        f"{result.requests:,} requests to the simulated gateway in a process of its"
        f" own, {result.concurrency} at once; requests/s are bounded by that gateway too."
    )
    return f"{title}\n\n{_table(_ASKED, rows)}"


def _asking(clients: dict[str, Measures]) -> str:
    rows = [_asked(name, each, clients["floor"]) for name, each in clients.items()]
    title = "The same to a server that does next to nothing for an answer."
    return f"{title}\n\n{_table(_ASKED, rows)}"


def _loaded(results: Sequence[PeerResult]) -> str:
    rows = [[each.name, *_speeds(each.first), *_speeds(each.mixed)] for each in results]
    columns = ["peer", "first, documents/s", "cpu, ms", "second, documents/s", "cpu, ms of it"]
    title = (
        "The same documents into SQLite, or into DuckDB where it is named: `core` and"
        " `sqlite-utils` write the floor's rows; the second time 5 % of the documents are changed"
        " and 30 % have other numbers."
    )
    return f"{title}\n\n{_table(columns, rows)}"


def _speeds(each: Measures) -> list[str]:
    return [_range(each["documents_per_second"], "{:,.0f}"), f"{each['cpu_ms'].median:.3f}"]


def _started(results: Sequence[StartResult]) -> str:
    rows = [
        [f"`{each.words}`", _range(each.milliseconds, "{:,.0f}"), f"{each.above:,.0f}"]
        for each in results
    ]
    return _table(["command", "ms by the clock", "above the first, ms"], rows)


def _grown(results: Sequence[Step]) -> str:
    rows = [
        [
            each.name,
            f"{each.gpts:,}",
            f"{each.cpu_ms:.3f}",
            f"{each.seconds:,.1f}",
            f"{each.peak / 10**6:,.0f}",
        ]
        for each in results
    ]
    columns = ["step", "GPTs", "cpu, ms a GPT", "s by the clock", "memory at most, MB"]
    return (
        "Each step in a process of its own, on SQLite; the export is of all tables,"
        f" to Parquet.\n\n{_table(columns, rows)}"
    )


def _exported(results: Mapping[str, Sample]) -> str:
    rows = [
        [name, *(f"{each[key]:,.0f}" for key in ("rows/s", "rows/s of processor", "MB"))]
        for name, each in results.items()
    ]
    columns = ["contender", "rows/s", "rows/s of CPU", "memory at most, MB"]
    return f"The table `gizmos` to Parquet.\n\n{_table(columns, rows)}"


def _storage(result: StorageResult) -> str:
    raw = ["the documents as sent", *_weights(result.raw)]
    rows = [raw, *([name, *_weights(each)] for name, each in result.holders.items())]
    columns = ["bytes on disk", "a document, first"]
    columns += [
        f"further: {said}"
        for said in ("identical", "noise alone", "metrics moved", "content changed")
    ]
    title = (
        f"{result.documents:,} GPTs; a further observation is the mean of"
        f" {result.rounds} rounds of its kind, after a first one that is not counted: PostgreSQL"
        " keeps the room of rows that it replaces, and uses it from then on."
    )
    real = "" if result.real is None else f"\n\n{_real(result.real)}"
    return f"{title}\n\n{_table(columns, rows)}{real}"


def _real(noise: RealNoise) -> str:
    return (
        f"{noise.documents:,} real documents, of a public archive, that differ in noise alone from"
        f" the one before took {noise.catalog:,.0f} bytes each, of {noise.raw:,.0f} as they were"
        " sent: without them the catalog is so much smaller, on SQLite."
    )


def _browsed(result: Browsed) -> str:
    columns = ["engine", "question", "median, ms", "95th percentile, ms"]
    columns += ["bare SQL: median, ms", "its 95th percentile, ms", "times as long"]
    title = f"{result.gpts:,} GPTs."
    memory = "\n".join(
        f"- Iterating over all {each.gpts:,} on {each.engine} took {each.seconds:,.0f} s and"
        f" {each.peak / 2**20:,.0f} MiB of memory at most."
        for each in result.iterations
    )
    table = _table(columns, [_answered(each) for each in result.questions])
    return f"{title}\n\n{table}\n\n{memory}"


def _answered(each: BrowseResult) -> list[str]:
    timings = [each.catalog, *([] if each.floor is None else [each.floor])]
    cells = [f"{number:.2f}" for one in timings for number in (one.median, one.p95)]
    if each.ratio is not None:
        cells.append(f"{each.ratio:.1f}")
    return [each.engine, each.question, *cells, *[""] * (5 - len(cells))]


def _weights(weights: dict[str, float]) -> Iterator[str]:
    return (f"{round(weights[kind]):,}" for kind in (FIRST, *KINDS))


def _range(each: Measure, form: str) -> str:
    low, high = form.format(each.low), form.format(each.high)
    return f"{form.format(each.median)} ({low}–{high})"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[Any]) -> str:
        return f"| {' | '.join(cells)} |"

    aligned = ["---" if column in _LEFT else "---:" for column in columns]
    return "\n".join([line(columns), line(aligned), *map(line, rows)])


SECTIONS: dict[str, tuple[str, str, Callable[[Any], str]]] = {
    "import": ("imports", "Import", _imports),
    "peers": ("loaded", "Peers", _loaded),
    "harvest": ("harvest", "Harvest", _harvest),
    "asking": ("asking", "Asking", _asking),
    "storage": ("storage", "Storage", _storage),
    "starts": ("starts", "Starting", _started),
    "growing": ("grown", "Growing", _grown),
    "export": ("exported", "Export", _exported),
    "browse": ("browsed", "Browse and search", _browsed),
}
"""By part: the member of the results, its title, and what makes tables of it."""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for row in info.read_text(encoding="utf-8").splitlines():
            if row.startswith("model name"):
                return row.partition(":")[2].strip()
    return platform.processor() or platform.machine()
