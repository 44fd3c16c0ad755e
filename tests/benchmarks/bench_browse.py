"""Browsing and searching a crowd of GPTs, each question beside the bare SQL that answers it."""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from sqlalchemy import Connection, select

from catalog.query.candidates import Memory, index_of
from catalog.query.reader import Reader
from catalog.query.selecting import Selection
from catalog.query.wanted import Wanted
from catalog.search.cursors import encode_cursor
from catalog.search.filters import Filter
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read
from catalog.times import DAY, Micros
from tests.benchmarks.crowd import CATEGORIES, DAYS, NOW, Crowd, load
from tests.benchmarks.floor_browse import PAGE, Floor, make_floor, open_floor
from tests.benchmarks.places import PostgresPlaces, SqlitePlaces, postgres_server

DRAWN = 40
"""Parameters of each question."""
TIMES = 5
"""Times that each is asked, after a first one that is not counted; its median counts."""
_COMMON, _RARE = 1, 8000
"""Ranks between which words are drawn, evenly by their logarithms."""
_DEEP = 100
_ITERATE = """
import pathlib, resource, sys, time
from catalog.query.reader import Reader
begun = time.perf_counter()
with Reader.open(sys.argv[1]) as reader:
    number = sum(1 for _ in reader.iterate())
spent = time.perf_counter() - begun
status = pathlib.Path("/proc/self/status")
if status.exists():
    # getrusage would count what the parent held when it forked.
    peak = int(status.read_text().partition("VmHWM:")[2].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(number, spent, peak * 1024)
"""

Asked = Callable[[], Any]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How long one question takes, over its parameters; in ms.

    Attributes:
        median: of the parameters.
        p95: the 95th percentile.
    """

    median: float
    p95: float


class BrowseResult(msgspec.Struct, frozen=True, kw_only=True):
    """One question on one engine.

    Attributes:
        engine: which.
        question: what is asked.
        catalog: by the catalog.
        floor: by bare SQL; None: nobody wrote it.
    """

    engine: str
    question: str
    catalog: Timing
    floor: Timing | None

    @property
    def ratio(self) -> float | None:
        """How many times as long as the bare SQL it takes."""
        return None if self.floor is None else self.catalog.median / self.floor.median


class IterateResult(msgspec.Struct, frozen=True, kw_only=True):
    """An iteration over all GPTs, in a process of its own.

    Attributes:
        engine: which.
        gpts: how many there were.
        seconds: how long it took.
        peak: bytes of memory that the process held at most.
    """

    engine: str
    gpts: int
    seconds: float
    peak: int


class Browsed(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured of browsing.

    Attributes:
        gpts: how many there were.
        questions: by engine and question.
        iterations: by engine.
    """

    gpts: int
    questions: list[BrowseResult]
    iterations: list[IterateResult]


class _Home(msgspec.Struct, frozen=True):
    """Where a crowd and its floor lie."""

    engine: str
    url: str
    floor: Path


def run(gpts: int, folder: Path, *, kept: Path | None = None, postgres: bool = True) -> Browsed:
    """Measure.

    Args:
        gpts: how many.
        folder: for what is made and thrown away.
        kept: a folder in which it is kept, and found again by the next run.
        postgres: whether PostgreSQL is measured, too.
    """
    questions: list[BrowseResult] = []
    iterations: list[IterateResult] = []
    with ExitStack() as stack:
        homes = [_sqlite_home(gpts, kept or folder)]
        if postgres:
            homes.append(stack.enter_context(_postgres_home(gpts, kept)))
        for home in homes:
            questions += _measured(home, Crowd(0))
            iterations.append(_iterate(home))
    return Browsed(gpts=gpts, questions=questions, iterations=iterations)


def crowd_file(gpts: int, folder: Path) -> Path:
    """A SQLite catalog of so many GPTs in a folder, made where it is not there yet."""
    path = folder / f"crowd-{gpts}.db"
    if not path.exists():
        load(f"sqlite:///{path}", Crowd(gpts))
    return path


def _sqlite_home(gpts: int, folder: Path) -> _Home:
    url = f"sqlite:///{crowd_file(gpts, folder)}"
    home = _Home(SqlitePlaces(folder).name, url, folder / f"floor-{gpts}.db")
    if not home.floor.exists():
        make_floor(home.url, home.floor)
    return home


@contextmanager
def _postgres_home(gpts: int, kept: Path | None) -> Iterator[_Home]:
    with postgres_server(None if kept is None else kept / "postgres") as url:
        name = f"crowd_{gpts}"
        home = _Home(PostgresPlaces(url).name, url(name), Path())
        with psycopg.connect(url("postgres"), autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            is_there = connection.execute(query, (name,)).fetchone()
            if not is_there:
                connection.execute(f"CREATE DATABASE {name}".encode())
        if not is_there:
            load(home.url, Crowd(gpts))
            make_floor(home.url, home.floor)
        yield home


def _measured(home: _Home, crowd: Crowd) -> Iterator[BrowseResult]:
    """Every question of one engine."""
    floor = open_floor(home.url, home.floor)
    with Reader.open(home.url) as reader:
        # All at once: a transaction does not stay open while others are measured.
        for question, pairs in list(Questions(home.url, crowd, reader, floor).all()):
            timings = [_asked([ask for ask, _ in pairs])]
            bare = [sql for _, sql in pairs if sql is not None]
            if bare:
                timings.append(_asked(bare))
            yield BrowseResult(
                engine=home.engine,
                question=question,
                catalog=timings[0],
                floor=timings[1] if bare else None,
            )
    floor.close()


def _asked(asked: Sequence[Asked]) -> Timing:
    """The times of some questions, once they are warm."""
    taken: list[list[float]] = [[] for _ in asked]
    for number in range(TIMES + 1):
        for times, ask in zip(taken, asked, strict=True):
            begun = time.perf_counter()
            ask()
            if number:
                times.append(time.perf_counter() - begun)
    medians = sorted(1000 * statistics.median(times) for times in taken)
    place = min(len(medians) - 1, math.ceil(0.95 * len(medians)) - 1)
    return Timing(median=statistics.median(medians), p95=medians[place])


def _iterate(home: _Home) -> IterateResult:
    done = subprocess.run(
        [sys.executable, "-c", _ITERATE, home.url], check=True, capture_output=True, text=True
    )
    number, seconds, peak = done.stdout.split()
    return IterateResult(
        engine=home.engine, gpts=int(number), seconds=float(seconds), peak=int(peak)
    )


Pairs = list[tuple[Asked, Asked | None]]


class Questions:
    """What is asked, of the catalog and of bare SQL.

    Args:
        url: the catalog.
        crowd: whose words are asked for.
        reader: the catalog, opened.
        floor: the bare SQL.
    """

    def __init__(self, url: str, crowd: Crowd, reader: Reader, floor: Floor) -> None:
        self._chosen = random.Random(2)
        self._reader = reader
        self._floor = floor
        self._url = url
        vocabularies = crowd.vocabularies
        self._latin = vocabularies["en"].words
        self._pairs = [word for word in vocabularies["zh"].words if len(word) == 2]

    def all(self) -> Iterator[tuple[str, Pairs]]:
        """Each question with its parameters."""
        reader, floor = self._reader, self._floor
        engine = open_engine(self._url, read_only=True)
        with read(engine) as conn:
            yield "look-up by id", self._by_id(conn)
            everywhere: Pairs = [(reader.search, floor.page)]
            yield "everything, first page", everywhere * DRAWN
            yield "category by conversations, first page", self._categories()
            yield f"the same, page {_DEEP}", self._deep(conn)
            yield "category by rating", self._rated()
            chinese = [self._draw(self._pairs) for _ in range(DRAWN)]
            latin = [self._draw(self._latin) for _ in range(DRAWN)]
            yield "two Chinese characters", self._texts(conn, chinese)
            yield "a Latin word", self._texts(conn, latin)
            yield "the first three letters of one", self._texts(conn, [w[:3] for w in latin])
            several = [f"{one} {other}" for one, other in self._couples(self._latin)]
            yield "two Latin words", self._texts(conn, several)
            four = [f"{one}{other}" for one, other in self._couples(self._pairs)]
            yield "four Chinese characters", self._texts(conn, four)
            yield "a Latin word by rating", self._by_rating(conn, latin)
            yield "facets within a Latin word", self._facets(conn, latin)
            yield "facets within two Chinese characters", self._facets(conn, chinese)
            yield "facets within a category", self._facets_of_categories(conn)
            yield "changes of a day", self._changes()
        engine.dispose()

    def _by_id(self, conn: Connection) -> Pairs:
        c = t.gizmos.c.gizmo_id
        found: Pairs = []
        for _ in range(DRAWN):
            begin = "g-" + self._chosen.choice("0123456789ABCDEFGHIabcdefghi")
            query = select(c).where(c >= begin).order_by(c).limit(1)
            gizmo_id = conn.execute(query).scalar_one()
            found.append(
                (
                    partial(self._reader.get, gizmo_id),
                    partial(self._floor.gpt, gizmo_id),
                )
            )
        return found

    def _some(self) -> list[str]:
        return [CATEGORIES[number % len(CATEGORIES)] for number in range(DRAWN)]

    def _categories(self) -> Pairs:
        return [
            (
                partial(self._reader.search, Filter(categories=(c,))),
                partial(self._floor.category, c, None),
            )
            for c in self._some()
        ]

    def _rated(self) -> Pairs:
        return [
            (
                partial(self._reader.search, Filter(categories=(c,)), sort="rating"),
                partial(self._floor.category_by_rating, c),
            )
            for c in self._some()
        ]

    def _deep(self, conn: Connection) -> Pairs:
        found: Pairs = []
        c = t.category_ranks.c
        for category in self._some():
            wanted = Filter(categories=(category,))
            before = (_DEEP - 1) * PAGE
            query = (
                select(c.by_conversations, c.gizmo_id)
                .where(c.category == category)
                .order_by(c.by_conversations, c.gizmo_id)
            )
            row = conn.execute(query.offset(before - 1).limit(1)).first()
            key = None if row is None else (row[0], row[1])
            after = None if key is None else encode_cursor(wanted, "conversations", key)
            found.append(
                (
                    partial(self._reader.search, wanted, after=after),
                    partial(self._floor.category, category, key),
                )
            )
        return found

    def _texts(self, conn: Connection, texts: Sequence[str]) -> Pairs:
        """Searches; bare SQL takes the candidates, where a text would have to be looked at."""
        index = index_of(conn)
        found: Pairs = []
        for text in texts:
            selection = Selection(Filter(text=text))
            tiers = [
                index.asking(conn, candidates.expression, selection.memory)["match"]
                for tier in selection.tiers
                if (candidates := selection.in_tier(tier)) is not None
            ]
            found.append(
                (
                    partial(self._reader.search, Filter(text=text)),
                    partial(self._floor.text, tiers),
                )
            )
        return found

    def _by_rating(self, conn: Connection, texts: Sequence[str]) -> Pairs:
        return [
            (
                partial(self._reader.search, Filter(text=text), sort="rating"),
                partial(self._floor.text_by_rating, match),
            )
            for text, match in self._anywhere(conn, texts)
        ]

    def _facets(self, conn: Connection, texts: Sequence[str]) -> Pairs:
        return [
            (
                partial(self._reader.facets, Filter(text=text)),
                partial(self._floor.facets, match),
            )
            for text, match in self._anywhere(conn, texts)
        ]

    def _facets_of_categories(self, conn: Connection) -> Pairs:
        """Bare SQL counts the first of each; the catalog all, but by author the first."""
        found: Pairs = []
        for category in self._some():
            wanted = Filter(categories=(category,))
            candidates = Selection(wanted).anywhere()
            if candidates is not None:
                asking = index_of(conn).asking(conn, candidates.expression, Memory())
                floor = partial(self._floor.facets, asking["match"])
                found.append((partial(self._reader.facets, wanted), floor))
        return found

    @staticmethod
    def _anywhere(conn: Connection, texts: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Texts, with what the index is asked for their hits."""
        for text in texts:
            found = Selection(Filter(text=text)).anywhere()
            if found is not None:
                yield text, index_of(conn).asking(conn, found.expression, Memory())["match"]

    def _changes(self) -> Pairs:
        first: Micros = NOW - DAYS * DAY
        found: Pairs = []
        for number in range(DRAWN):
            since = first + number % DAYS * DAY
            wanted = Wanted(since=since, until=since + DAY - 1)
            found.append(
                (
                    partial(self._reader.changes_page, wanted, limit=PAGE),
                    partial(self._floor.changes, since, since + DAY - 1),
                )
            )
        return found

    def _draw(self, words: Sequence[str]) -> str:
        """A word, common or rare."""
        low, high = math.log(_COMMON), math.log(min(_RARE, len(words)))
        return words[int(math.exp(self._chosen.uniform(low, high))) - 1]

    def _couples(self, words: Sequence[str]) -> list[tuple[str, str]]:
        return [(self._draw(words), self._draw(words)) for _ in range(DRAWN)]
