# ruff: noqa: S608  statements are put together from the words of this file and of the tables
"""How the engines mean to answer what is browsed, on 100,000 GPTs: by look-ups, and in order.

The statements are those that the query layer sends. Timings are in docs/performance.md.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from catalog.query import changes, gizmos
from catalog.query.facets import facets
from catalog.query.search import search
from catalog.query.wanted import Wanted
from catalog.search.filters import SORTS, Filter
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.search_index import Entry, held_terms, order_lexemes, write_index
from catalog.times import DAY
from tests.benchmarks.crowd import DAYS, NOW, Crowd, analyze, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Select

    from catalog.search.filters import Sort
    from tests.databases import Postgres

FIRST = 500
WORDS = 400
TIMES = 200
TAGS = "015c"
"""Kinds of terms that each copy has: plans need no more, and the index is made in seconds."""
COPIED = (
    *(t.gizmos, t.gizmo_authors, t.vanity_metrics, t.changes, t.CHILDREN["categories"]),
    *(t.listings, t.category_ranks, t.authors, t.observations),
)
STEP = 16
"""Bits of a listing's number that tell it from others of its group."""

SERIES = (
    "WITH RECURSIVE series(n) AS"
    f" (SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < {TIMES - 1})"
)

Asked = tuple[str, Any]
"""A statement with its parameters."""


def _multiply(engine: Engine) -> None:
    """Make 100,000 GPTs of a few: each again and again, under other ids."""
    with write(engine) as conn:
        c = t.listings.c
        listed = conn.execute(select(c.doc_id, c.bucket, c.gizmo_id, c.facet_id, c.user_id)).all()
        terms = held_terms(conn, [row.doc_id for row in listed])
        for table in COPIED:
            changed = {
                "gizmo_id": "gizmo_id || CAST(n AS TEXT)",
                "doc_id": f"doc_id + (n << {STEP})",
            }
            if table is t.authors:
                changed["user_id"] = "user_id || CAST(n AS TEXT)"
            if table is t.observations:
                changed["observation_id"] = f"observation_id + n * {FIRST}"
            names = [column.name for column in table.columns]
            values = ", ".join(changed.get(name, name) for name in names)
            conn.exec_driver_sql(
                f"INSERT INTO {table.name} ({', '.join(names)}) {SERIES}"
                f" SELECT {values} FROM {table.name}, series"
            )
        entries = [
            Entry(
                row.doc_id + (n << STEP),
                " ".join(each for each in terms[row.doc_id].split() if each[0] in TAGS),
                order_lexemes(row.bucket, row.gizmo_id),
                f"{row.gizmo_id}{n}",
                row.facet_id,
                row.user_id,
            )
            for row in listed
            for n in range(1, TIMES)
        ]
        write_index(conn, (), sorted(entries, key=lambda entry: entry.doc_id))


@pytest.fixture(scope="module")
def files(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same GPTs in two files: nobody need ever analyse one, and anybody may."""
    folder = tmp_path_factory.mktemp("plans")
    urls = {name: f"sqlite:///{folder / name}.db" for name in ("plain", "analysed")}
    shutil.copyfile(sqlite_template, folder / "plain.db")
    with closing(sqlite3.connect(folder / "plain.db")) as connection:
        # So that each page is written once.
        connection.execute("PRAGMA journal_mode = DELETE")
    _fill(urls["plain"])
    shutil.copyfile(folder / "plain.db", folder / "analysed.db")
    analyze(urls["analysed"])
    return urls


@pytest.fixture(scope="module")
def on_postgres(postgres: Postgres) -> Iterator[str]:
    name = postgres.lend()
    _fill(postgres.url(name))
    analyze(postgres.url(name))
    yield postgres.url(name)
    postgres.take_back(name)


@pytest.fixture(params=["plain", "analysed", "postgres"])
def reading(request: pytest.FixtureRequest) -> Iterator[tuple[Connection, list[Asked]]]:
    """A reading transaction, and the statements that it is asked."""
    if request.param == "postgres":
        url = request.getfixturevalue("on_postgres")
    else:
        url = request.getfixturevalue("files")[request.param]
    engine = open_engine(url, read_only=True)
    asked: list[Asked] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(
        _conn: object, _cursor: object, statement: str, parameters: Any, *_more: object
    ) -> None:
        asked.append((statement, parameters))

    with read(engine) as conn:
        yield conn, asked
    engine.dispose()


def _fill(url: str) -> None:
    engine = open_engine(url)
    fill(engine, Crowd(FIRST, words=WORDS))
    _multiply(engine)
    engine.dispose()


# How each engine tells its plan.


def _of_sqlite(conn: Connection, statement: str, parameters: Any) -> list[str]:
    """What a plan has that it must not have."""
    rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return [
        step
        for *_, step in rows
        if "TEMP B-TREE" in step or (step.startswith("SCAN ") and not _in_order(step))
    ]


def _in_order(step: str) -> bool:
    """Whether a scan is one along an order or a list of hits, or of what is small."""
    if _SMALL.match(step):
        return True
    virtual = re.search(r"VIRTUAL TABLE INDEX (\d+):(\w*)", step)
    if virtual:
        # Of FTS5's own: M, by a match; of its list of terms: any plan but 0.
        return virtual[1] != "0" or virtual[2].startswith("M")
    return " USING " in step


def _of_postgres(conn: Connection, statement: str, parameters: Any) -> list[str]:
    explained = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    return list(_faults(explained.scalar_one()[0]["Plan"]))


def _faults(plan: dict[str, Any]) -> Iterator[str]:
    if "Sort" in plan["Node Type"] or plan["Node Type"] == "Seq Scan":
        yield f"{plan['Node Type']} {plan.get('Relation Name', '')}"
    for each in plan.get("Plans", ()):
        yield from _faults(each)


_SORTS = re.compile("USE TEMP B-TREE|Sort")
_OF_SMALL = re.compile(r"FROM (drift|shapes|sources|mime_sets|stage_queue)\b")
"""Statements over tables that stay small, however many GPTs there are."""
_SMALL = re.compile(r"SCAN (anon_\d+|json_each|sources|CONSTANT)")


def _faults_of(reading: tuple[Connection, list[Asked]], ask: Callable[[], object]) -> list[str]:
    conn, asked = reading
    is_postgres = conn.dialect.name == "postgresql"
    if is_postgres:
        conn.exec_driver_sql("SET enable_seqscan = off")
    asked.clear()
    ask()
    sent = [each for each in asked if not _OF_SMALL.search(each[0])]
    assert sent
    explain = _of_postgres if is_postgres else _of_sqlite
    return [
        f"{fault}: {statement}"
        for statement, parameters in sent
        for fault in explain(conn, statement, parameters)
    ]


# What is asked.


@cache
def _word(code: str, length: int) -> str:
    """A frequent word of a language."""
    words = Crowd(0, words=WORDS).vocabularies[code].words
    return next(word for word in words if len(word) >= length)[: None if code == "en" else length]


def test_a_look_up_by_id_looks_up(reading: tuple[Connection, list[Asked]]) -> None:
    conn, _ = reading
    gizmo_id = conn.execute(select(t.listings.c.gizmo_id).limit(1)).scalar_one()
    found = _faults_of(reading, lambda: gizmos.get(conn, gizmo_id))
    # The rows of one GPT may be sorted.
    assert [fault for fault in found if not _SORTS.match(fault)] == []


@pytest.mark.parametrize("wanted", [Filter(), Filter(categories=("writing",))])
@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "relevance"])
def test_a_page_is_read_in_its_order(
    reading: tuple[Connection, list[Asked]], wanted: Filter, sort: Sort
) -> None:
    conn, _ = reading
    after: list[str | None] = [None]

    def two_pages() -> None:
        for _ in range(2):
            page = search(conn, wanted, sort=sort, after=after[-1])
            assert len(page.items) == 50
            after.append(page.after)

    assert _faults_of(reading, two_pages) == []


@pytest.mark.parametrize(
    ("code", "length", "form"),
    [("zh", 2, "{}"), ("en", 4, "{}"), ("en", 4, "{:.3}"), ("en", 4, '"{}"'), ("zh", 2, "{0} {0}")],
)
def test_a_search_streams_its_hits(
    reading: tuple[Connection, list[Asked]], code: str, length: int, form: str
) -> None:
    conn, _ = reading
    text = form.format(_word(code, length))
    wanted = Filter(text=text)

    def two_pages() -> None:
        first = search(conn, wanted)
        assert first.items
        search(conn, wanted, after=first.after)

    assert _faults_of(reading, two_pages) == []
    assert _faults_of(reading, lambda: facets(conn, wanted)) == []


def test_changes_of_a_day_are_read_in_the_order_of_time(
    reading: tuple[Connection, list[Asked]],
) -> None:
    conn, _ = reading
    since = NOW - DAYS * DAY
    wanted = Wanted(since=since, until=since + DAY - 1)

    def two_pages() -> None:
        page = changes.read_page(conn, wanted)
        assert len(page.items) == 50
        changes.read_page(conn, wanted, after=page.after)

    assert _faults_of(reading, two_pages) == []


def _all(conn: Connection, query: Select[Any]) -> None:
    conn.execute(query).all()


def test_a_plan_that_sorts_or_reads_all_is_seen(reading: tuple[Connection, list[Asked]]) -> None:
    conn, _ = reading
    c = t.listings.c
    # No index has the bucket.
    for query in (select(c.digest).where(c.bucket == 1), select(c.gizmo_id).order_by(c.bucket)):
        assert _faults_of(reading, partial(_all, conn, query.limit(1)))
