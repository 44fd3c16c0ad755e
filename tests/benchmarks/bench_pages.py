"""How long the pages and the API's calls that count whole tables take, of a catalog in its size.

A server in a thread is asked over loopback. First answers are those of a server that just began,
with the catalog's file where the system keeps it, one for each page. Then another one, which has
counted what it counts by itself when it starts, is asked for each page again and again, of other
GPTs, texts and authors each time where it is about one. Beside the time that passed stands what the
processor worked, for client and server: a busy machine moves that less.

``python -m tests.benchmarks.bench_pages URL…`` measures catalogs that ``make bench`` kept;
``GPTS_BENCH_GPTS=1000000 python -m tests.benchmarks.bench_pages`` makes one of so many GPTs first.
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote, urlencode

import httpx
import msgspec
from sqlalchemy import select

from catalog.query.reader import Reader
from catalog.storage import tables as t
from catalog.times import FixedClock
from catalog.web.options import PATIENCE
from tests.benchmarks.crowd import CATEGORIES, NOW, Crowd, load
from tests.benchmarks.dose import read_dose
from tests.serving import options, served

TIMES = 40
"""Times that each page is asked once it is warm."""
WARMING = 3
"""Times that it is asked before."""
LONGEST = 600.0
"""Seconds that an answer may take."""
LAST_COUNTED = ("/trends", "/runs")
"""Pages that tell what a server counts last."""
PAUSE = 0.2
"""Seconds until they are looked at again."""
WORDS = 300
"""The most frequent words, of which the searched ones are drawn."""


class PageResult(msgspec.Struct, frozen=True, kw_only=True):
    """One page on one engine; times in ms.

    Attributes:
        engine: which.
        page: its name.
        first: how long the first answer of a server took.
        whole: how long it took until one told all: the first may say that it is being counted.
        median: once warm.
        p95: the 95th percentile, once warm.
        processor: the same percentile of what the processor worked for an answer.
        weight: bytes of the heaviest, without what it brings along.
    """

    engine: str
    page: str
    first: float
    whole: float
    median: float
    p95: float
    processor: float
    weight: int


Addresses = Callable[[], str]


def measured(engine: str, url: str) -> Iterator[PageResult]:
    """Every page of a catalog of a crowd.

    Args:
        engine: what the engine is called.
        url: the catalog.
    """
    pages = list(_Addresses(url).all())
    firsts = {name: _first(url, address) for name, address in pages}
    with _serving(url) as client:
        # What a server counts by itself when it starts is over once these tell all.
        while any(_ask(client, path).is_counting for path in LAST_COUNTED):
            time.sleep(PAUSE)
        for name, address in pages:
            yield _page(client, engine, name, address, firsts[name])


@contextmanager
def _serving(url: str) -> Iterator[httpx.Client]:
    """Whoever asks a server that just began, as ``serve`` starts it."""
    asked = options(url, clock=FixedClock(NOW), patience=PATIENCE, is_warmed=True)
    with served(asked) as home, httpx.Client(base_url=home, timeout=LONGEST) as client:
        yield client


class _Asked(NamedTuple):
    """One answer: the ms that passed, those that the processor worked, its bytes; is it all?"""

    passed: float
    worked: float
    weight: int
    is_counting: bool


class _First(NamedTuple):
    """The ms until a server's first answer, and until one that tells all; the first's bytes."""

    passed: float
    whole: float
    weight: int


def _first(url: str, address: Addresses) -> _First:
    # A server of its own: nothing is remembered from the page before.
    with _serving(url) as client:
        begun, found = time.perf_counter(), _ask(client, address())
        whole = found
        while whole.is_counting:
            time.sleep(PAUSE)
            whole = _ask(client, address())
        return _First(found.passed, 1000 * (time.perf_counter() - begun), found.weight)


def _page(
    client: httpx.Client, engine: str, name: str, address: Addresses, first: _First
) -> PageResult:
    for _ in range(WARMING):
        _ask(client, address())
    warm = [_ask(client, address()) for _ in range(TIMES)]
    passed, worked = (sorted(each) for each in list(zip(*warm, strict=True))[:2])
    return PageResult(
        engine=engine,
        page=name,
        first=first.passed,
        whole=first.whole,
        median=passed[TIMES // 2],
        p95=passed[math.ceil(0.95 * TIMES) - 1],
        processor=worked[math.ceil(0.95 * TIMES) - 1],
        weight=max(first.weight, *(each.weight for each in warm)),
    )


def _ask(client: httpx.Client, address: str) -> _Asked:
    begun, working = time.perf_counter(), time.process_time()
    found = client.get(address)
    passed, worked = time.perf_counter() - begun, time.process_time() - working
    if found.status_code != httpx.codes.OK:
        raise RuntimeError(f"{address} answered {found.status_code}: {found.text[:200]}")
    is_counting = "data-counting" in found.text
    return _Asked(1000 * passed, 1000 * worked, len(found.content), is_counting)


class _Addresses:
    """What is asked for.

    Args:
        url: the catalog.
    """

    def __init__(self, url: str) -> None:
        self._drawn = random.Random(3)
        with Reader.open(url) as reader:
            c = t.listings.c
            step = select(c.gizmo_id, c.user_id).order_by(c.name_key, c.gizmo_id).limit(2000)
            rows = reader.ask(lambda conn: conn.execute(step).all())
            self._authors = [each.user_id for each in reader.authors(limit=TIMES).items]
        self._gpts = [row.gizmo_id for row in rows]
        self._few = [row.user_id for row in rows if row.user_id]
        self._words = Crowd(0).vocabularies["en"].words[:WORDS]

    def all(self) -> Iterator[tuple[str, Addresses]]:
        """Each page's name, and what draws an address of it."""
        yield "overview", lambda: "/"
        yield "GPTs", lambda: "/gpts"
        yield "GPTs, a word", lambda: "/gpts?" + urlencode({"q": self._one(self._words)})
        yield "GPTs, a category", lambda: "/gpts?" + urlencode({"category": self._one(CATEGORIES)})
        yield "GPTs, as cards", lambda: "/gpts?view=cards"
        yield "a GPT", lambda: f"/gpts/{self._one(self._gpts)}"
        yield "two dates of a GPT", lambda: f"/gpts/{self._one(self._gpts)}/compare"
        yield "authors", lambda: "/authors"
        yield "authors by conversations", lambda: "/authors?sort=conversations"
        yield "an author", lambda: f"/authors/{quote(self._one(self._few))}"
        yield "an author of thousands", lambda: f"/authors/{quote(self._one(self._authors))}"
        yield "changes", lambda: "/changes"
        yield "changes of a field", lambda: "/changes?field=gizmo.display.description"
        yield "changes of an author", lambda: "/changes?author=" + quote(self._one(self._authors))
        yield "trends", lambda: "/trends"
        yield "runs", lambda: "/runs"
        yield "SQL", lambda: "/sql"
        yield "API: stats", lambda: "/api/stats"
        yield "API: overview", lambda: "/api/overview"
        yield "API: status", lambda: "/api/status"
        yield "API: authors", lambda: "/api/authors?sort=conversations"
        yield (
            "API: changes of an author",
            lambda: "/api/changes?author=" + quote(self._one(self._authors)),
        )
        yield "feed of changes", lambda: "/feeds/changes.atom"

    def _one(self, several: Sequence[str]) -> str:
        return self._drawn.choice(several)


def to_markdown(results: Sequence[PageResult]) -> str:
    """A table of them."""
    lines = [
        "| engine | page | first, s | all told, s | median, ms | p95, ms | processor, ms | kB |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.engine} | {each.page} | {each.first / 1000:.2f} | {each.whole / 1000:.2f} |"
        f" {each.median:.0f} | {each.p95:.0f} | {each.processor:.0f} | {each.weight / 1000:.0f} |"
        for each in results
    ]
    return "\n".join(lines) + "\n"


def main(words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Measure, and print a table.

    Args:
        words: catalogs; none: one is made.
        environ: says of how many GPTs.
    """
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        urls = list(words)
        if not urls:
            urls = [f"sqlite:///{folder}/crowd.db"]
            load(urls[0], Crowd(read_dose(environ).gpts))
        results = [each for url in urls for each in measured(_engine(url), url)]
    sys.stdout.write(to_markdown(results))


def _engine(url: str) -> str:
    return "SQLite" if url.startswith("sqlite") else "PostgreSQL"


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
