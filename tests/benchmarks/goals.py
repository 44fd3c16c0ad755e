"""What is aimed at, beside what was measured: the first table of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from tests.benchmarks.bench_browse import Browsed
from tests.benchmarks.growing import FLOOR, SMALL, Step
from tests.benchmarks.imports import ImportResult
from tests.benchmarks.measure import Measures
from tests.benchmarks.report import Results
from tests.benchmarks.weights import FIRST, Weights

MEMORY = 300.0
"""Megabytes that each step may take, however many GPTs there are."""
_DAYS = 29
"""Further observations of a GPT in 30 days."""
_CHANGED, _MOVED = 0.05, 0.30
"""Shares of observations with changed content, and with moved metrics; the rest is noise."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio to reach.

    Attributes:
        path: of what.
        against: beside what.
        at: ``least`` or ``most``.
        limit: the ratio.
        measure: what was measured; None where a part of it was not.
        cause: why it falls short, where it does; or why it is not there to be measured.
        is_there: whether the program does it at all.
        form: how the number is written.
    """

    path: str
    against: str
    at: Literal["least", "most"]
    limit: float
    measure: Callable[[Results], float | None]
    cause: str = ""
    is_there: bool = True
    form: str = "{:.2f}"

    def is_reached(self, measured: float) -> bool:
        """Whether ``measured`` is good enough."""
        return measured >= self.limit if self.at == "least" else measured <= self.limit


def _imported(results: Results, engine: str, scenario: str) -> ImportResult | None:
    for each in results.imports:
        if each.engine.startswith(engine) and each.scenario == scenario:
            return each
    return None


def _speed(measures: Measures) -> float:
    return measures["documents_per_second"].median


def _of_floor(engine: str, scenario: str) -> Callable[[Results], float | None]:
    """Documents a second, as a share of the floor's."""

    def measure(results: Results) -> float | None:
        each = _imported(results, engine, scenario)
        return None if each is None else 1 / each.ratio

    return measure


def _of_diff(results: Results) -> float | None:
    each = _imported(results, "SQLite", "mixed")
    return _speed(each.catalog) / _speed(each.diff) if each and each.diff else None


def _of_peer(scenario: str, name: str) -> Callable[[Results], float | None]:
    """How many times the documents a second of a peer."""

    def measure(results: Results) -> float | None:
        each = _imported(results, "SQLite", scenario)
        peer = next((one for one in results.loaded if one.name == name), None)
        if each is None or peer is None:
            return None
        return _speed(each.catalog) / _speed(peer.first if scenario == "first" else peer.mixed)

    return measure


def _of_first(scenario: str) -> Callable[[Results], float | None]:
    """How many times the documents a second of the first import."""

    def measure(results: Results) -> float | None:
        first = _imported(results, "SQLite", "first")
        each = _imported(results, "SQLite", scenario)
        return _speed(each.catalog) / _speed(first.catalog) if first and each else None

    return measure


def _asked(against: Literal["bodies", "scrapy"]) -> Callable[[Results], float | None]:
    """CPU of the other, as a share of the harvest's."""

    def measure(results: Results) -> float | None:
        harvest = results.harvest
        if harvest is None:
            return None
        other = harvest.bodies if against == "bodies" else harvest.scrapy
        name = "cpu_ms_per_request"
        return None if other is None else other[name].median / harvest.harvest[name].median

    return measure


def _real(results: Results) -> float | None:
    noise = None if results.storage is None else results.storage.real
    return None if noise is None else noise.catalog / noise.raw


def _weights(results: Results, name: str) -> Weights | None:
    if results.storage is None:
        return None
    if name == "raw":
        return results.storage.raw
    holders = results.storage.holders
    return next((each for key, each in holders.items() if key.startswith(name)), None)


def _weighed(kind: str, against: str) -> Callable[[Results], float | None]:
    def measure(results: Results) -> float | None:
        ours, other = _weights(results, "catalog, SQLite"), _weights(results, against)
        return ours[kind] / other[kind] if ours and other else None

    return measure


def _month(weights: Weights) -> float:
    """Bytes of a GPT after 30 daily observations."""
    noise = 1 - _CHANGED - _MOVED
    daily = weights["noise"] * noise + weights["metrics"] * _MOVED + weights["content"] * _CHANGED
    return weights[FIRST] + _DAYS * daily


def _of_git(results: Results) -> float | None:
    ours, git = _weights(results, "catalog, SQLite"), _weights(results, "git")
    return _month(ours) / _month(git) if ours and git else None


def _steps(results: Results, name: str) -> dict[int, Step]:
    return {each.gpts: each for each in results.grown if each.name == name}


def _rebuilt(results: Results) -> float | None:
    imports, rebuilds = _steps(results, "import"), _steps(results, "rebuild")
    largest = max(imports.keys() & rebuilds.keys(), default=None)
    return None if largest is None else imports[largest].seconds / rebuilds[largest].seconds


def _peak(name: str) -> Callable[[Results], float | None]:
    def measure(results: Results) -> float | None:
        return max((each.peak / 10**6 for each in _steps(results, name).values()), default=None)

    return measure


def _growth(results: Results) -> float | None:
    """How much more a GPT costs in the large catalog, over how much more it costs the floor."""

    def grown(name: str) -> float | None:
        steps = _steps(results, name)
        few, many = min(steps, default=0), max(steps, default=0)
        return steps[many].cpu_ms / steps[few].cpu_ms if few < many else None

    ours, floor = grown("import"), grown(FLOOR)
    return ours / floor if ours and floor else None


def _exported(results: Results) -> float | None:
    found = results.exported
    if not {"export", "adbc"} <= found.keys():
        return None
    return found["export"]["rows/s of processor"] / found["adbc"]["rows/s of processor"]


def _above(words: str) -> Callable[[Results], float | None]:
    def measure(results: Results) -> float | None:
        return next((each.above for each in results.starts if each.words == words), None)

    return measure


def _browsed(engine: str) -> Callable[[Results], float | None]:
    """The middle of all questions, in times of the bare SQL."""

    def measure(results: Results) -> float | None:
        ratios = sorted(_ratios(results.browsed, engine))
        return ratios[len(ratios) // 2] if ratios else None

    return measure


def _ratios(browsed: Browsed | None, engine: str) -> Iterator[float]:
    for each in browsed.questions if browsed else ():
        if each.engine.startswith(engine) and each.ratio is not None:
            yield each.ratio


_PARTS = (
    "the floor knows decoding, hashing, packing and plain rows; the fold, changes, sources,"
    " statuses, listings and the terms of the search index are more than half of a document's CPU,"
    " and normalisation takes any form of document, member by member; see Profiles"
)
_SERVER = (
    "two thirds are the server's: nine indexes and the search index beside COPY's plain tables"
)
_PAGE = (
    "a page is put together from six tables, and its records and cursor are made in Python; see"
    " Browse and search"
)

GOALS: tuple[Goal, ...] = (
    Goal(
        path="first import, SQLite, documents/s",
        against="the floor, which hashes and keeps raw zstd",
        at="least",
        limit=0.8,
        measure=_of_floor("SQLite", "first"),
        cause=_PARTS,
    ),
    Goal(
        path="the same, with both cores at work",
        against="that floor",
        at="least",
        limit=1.0,
        measure=lambda _: None,
        is_there=False,
        cause="an import is one process; what could run beside it, reading and normalising, is a"
        " quarter of its CPU, and what it finds would have to be handed over",
    ),
    Goal(
        path="first import, SQLite",
        against="dlt, merge",
        at="least",
        limit=6,
        measure=_of_peer("first", "dlt-merge-sqlite"),
        form="{:.1f}",
        cause="dlt keeps no archive, no changes and no search index",
    ),
    Goal(
        path="second observation, 5 % changed, 30 % metrics moved",
        against="the floor's own diff",
        at="least",
        limit=0.7,
        measure=_of_diff,
        cause=_PARTS,
    ),
    Goal(
        path="the same",
        against="dlt, scd2",
        at="least",
        limit=15,
        measure=_of_peer("mixed", "dlt-scd2-sqlite"),
        form="{:.1f}",
        cause="dlt keeps no archive, no changes and no search index",
    ),
    Goal(
        path="second observation, identical bytes",
        against="first import",
        at="least",
        limit=4,
        measure=_of_first("identical"),
        cause="an import decodes and normalises before it knows that the payload is there",
    ),
    Goal(
        path="second observation, noise alone",
        against="first import",
        at="least",
        limit=1.2,
        measure=_of_first("noise"),
    ),
    *(
        Goal(
            path=f"{said}, PostgreSQL",
            against="psycopg COPY of the same rows",
            at="least",
            limit=0.5,
            measure=_of_floor("PostgreSQL", scenario),
            cause=_SERVER,
        )
        for said, scenario in (
            ("first import", "first"),
            ("second, 5 % changed", "mixed"),
            ("second, identical", "identical"),
        )
    ),
    Goal(
        path="harvest, 64 in flight, everything stored, by CPU",
        against="httpx on aiohttp's transport, bodies alone",
        at="least",
        limit=0.6,
        measure=_asked("bodies"),
        cause="storing is an import, with a durable outcome for each request beside it",
    ),
    Goal(
        path="the same",
        against="Scrapy",
        at="least",
        limit=3,
        measure=_asked("scrapy"),
        cause="Scrapy stores nothing",
    ),
    Goal(
        path="bytes on disk, first document",
        against="the raw JSON",
        at="most",
        limit=1.0,
        measure=_weighed(FIRST, "raw"),
        cause="it stands there packed, in columns, in the fold's state and in the search index",
    ),
    Goal(
        path="bytes on disk, after 30 daily observations",
        against="git's pack of the same",
        at="most",
        limit=1.25,
        measure=_of_git,
        cause="git packs all versions of all GPTs together, and answers nothing without unpacking",
    ),
    Goal(
        path="bytes of a further observation, noise alone",
        against="its raw JSON",
        at="most",
        limit=0.12,
        measure=_weighed("noise", "raw"),
        cause="an observation, an outcome and their indexes are 200 bytes; the delta holds what is"
        " signed anew",
    ),
    Goal(
        path="the same, of real documents",
        against="its raw JSON",
        at="most",
        limit=0.05,
        measure=_real,
        cause="a row and five index entries are 220 bytes, and the delta 240: a picture signed"
        " anew, a later `updated_at`, MIME types in another order",
    ),
    Goal(
        path="rebuild",
        against="first import",
        at="least",
        limit=1.0,
        measure=_rebuilt,
    ),
    Goal(
        path="export of one table to Parquet, rows/s of CPU",
        against="ADBC's SQLite driver into pyarrow",
        at="least",
        limit=0.8,
        measure=_exported,
    ),
    *(
        Goal(
            path=f"browse and search, {engine}, the middle question",
            against="the bare SQL with ideal indexes",
            at="most",
            limit=1.5,
            measure=_browsed(engine),
            form="{:.1f}",
            cause=_PAGE,
        )
        for engine in ("SQLite", "PostgreSQL")
    ),
    *(
        Goal(
            path=f"`{words}`, ms",
            against="above a Python that does nothing",
            at="most",
            limit=limit,
            measure=_above(words),
            form="{:.0f}",
            cause="the libraries that it loads",
        )
        for words, limit in (
            ("import catalog", 60),
            ("gpts-catalog --help", 150),
            ("gpts-catalog show ID", 350),
        )
    ),
    *(
        Goal(
            path=f"memory of {name}, MB",
            against="–",
            at="most",
            limit=MEMORY,
            measure=_peak(name),
            form="{:.0f}",
            cause="see Growing",
        )
        for name in ("import", "harvest", "export", "rebuild")
    ),
    Goal(
        path=f"CPU a GPT, from {SMALL:,} GPTs on",
        against="the floor's own growth",
        at="most",
        limit=1.5,
        measure=_growth,
        cause="see Growing",
    ),
)


def to_markdown(results: Results) -> str:
    """The table of goals, with the cause of each that is missed."""
    rows = ["| path | against | reach | measured | |", "| --- | --- | ---: | ---: | --- |"]
    for goal in GOALS:
        sign = "≥" if goal.at == "least" else "≤"
        measured = goal.measure(results)
        said = "not measured" if measured is None else goal.form.format(measured)
        met = measured is not None and goal.is_reached(measured)
        last = "" if measured is None else "reached" if met else f"short: {goal.cause or 'unknown'}"
        if not goal.is_there:
            said, last = "not built", goal.cause
        rows.append(f"| {goal.path} | {goal.against} | {sign} {goal.limit:g} | {said} | {last} |")
    return "\n".join(rows)
