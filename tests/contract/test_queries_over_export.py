"""One SQL query, three engines: the catalog on SQLite and PostgreSQL, and DuckDB over its export.

Queries are made up from the tables' own columns and values, so that what differs is a storage that
reads otherwise than it wrote, or an export that holds something else than the catalog.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Boolean, Float, text

from catalog.cli.main import run
from catalog.derive import Derivation
from catalog.importing.importer import Importer
from catalog.secrets import Redactor
from catalog.simulator import Population, write_observations
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read
from catalog.storage.migrate import init
from catalog.times import DAY, FixedClock
from tests.libraries import library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.databases import Postgres

DOSE = int(os.environ.get("GPTS_QUERIES", "150"))
"""Queries; the full dose is 10,000."""
SEED = 20261120
GPTS, DAYS = 80, 4
TABLES = (
    "gizmos",
    "gizmo_revisions",
    "gizmo_authors",
    "authors",
    "tools",
    "files",
    "prompt_starters",
    "categories",
    "tags",
    "statuses",
    "vanity_metrics",
    "changes",
)
_SHOWN = 4


class Engines:
    """The three, and what they hold.

    Args:
        one: SQLite.
        other: PostgreSQL.
        over: DuckDB, with a view of each exported table.
        columns: of each table, those that all three have.
    """

    def __init__(
        self, one: Connection, other: Connection, over: Any, columns: dict[str, list[str]]
    ) -> None:
        self.one, self.other, self.over, self.columns = one, other, over, columns
        self.values = {
            (table, column): [
                value
                for (value,) in one.exec_driver_sql(
                    f'SELECT DISTINCT "{column}" FROM "{table}" LIMIT 200'  # noqa: S608
                )
            ]
            for table, names in columns.items()
            for column in names
        }

    def answers(self, query: str) -> list[list[tuple[Any, ...]]]:
        """The rows of each engine, sorted."""
        found = [
            self.one.exec_driver_sql(query).fetchall(),
            # A percent sign would stand for a parameter.
            self.other.execute(text(query.replace(":", "\\:"))).fetchall(),
            self.over.execute(query).fetchall(),
        ]
        return [sorted((tuple(map(_plain, row)) for row in rows), key=repr) for rows in found]


def _plain(value: Any) -> Any:
    """SQLite has 0 and 1 for booleans, and all have numbers of their own."""
    return int(value) if isinstance(value, bool) else value


@pytest.fixture(scope="module")
def engines(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    duckdb = library("duckdb")
    folder = tmp_path_factory.mktemp("queries")
    lines = folder / "days.jsonl"
    population = Population(SEED, GPTS, pace=60)
    write_observations(population, lines, DAYS)
    name = postgres.lend()
    urls = (f"sqlite:///{folder / 'catalog.db'}", postgres.url(name))
    init(urls[0], population.start)
    opened = [open_engine(url) for url in urls]
    for each in opened:
        Importer(
            each,
            "simulated",
            "recorded",
            deriver=Derivation(),
            redactor=Redactor(()),
            clock=FixedClock(population.start + DAYS * DAY),
            rng=random.Random(SEED),
        ).run([lines])
    words = ["export", str(folder / "release"), "--profile", "full", "--catalog", urls[0]]
    assert run(words) == 0
    over = duckdb.connect()
    with read(opened[0]) as one, read(opened[1]) as other:
        yield Engines(one, other, over, _views(over, folder / "release"))
    over.close()
    for each in opened:
        each.dispose()
    postgres.take_back(name)


def _views(over: Any, release: Path) -> dict[str, list[str]]:
    """Name the exported tables as the catalog's, with times as it holds them."""
    columns = {}
    for table in TABLES:
        place = f"'{release / table}.parquet'"
        described = over.execute(f"DESCRIBE SELECT * FROM {place}").fetchall()  # noqa: S608
        kinds = {name: kind for name, kind, *_ in described}
        own = t.metadata.tables[table].c
        columns[table] = [
            name
            for name in kinds
            # Numbers of rows stand for names in exports; floats are written by each in its way.
            if name in own and not isinstance(own[name].type, Float)
        ]
        chosen = ", ".join(
            f'epoch_us("{name}") AS "{name}"' if "TIMESTAMP" in kinds[name] else f'"{name}"'
            for name in columns[table]
        )
        over.execute(f'CREATE VIEW "{table}" AS SELECT {chosen} FROM {place}')  # noqa: S608
    return columns


def make_query(rng: random.Random, engines: Engines) -> str:
    """A query that means the same on all three."""
    table = rng.choice(TABLES)
    names = engines.columns[table]
    where = _where(rng, engines, table)
    shape = rng.random()
    if shape < 0.4:
        chosen = ", ".join(f'a."{name}"' for name in rng.sample(names, min(len(names), 5)))
        distinct = rng.choice(("", "DISTINCT "))
        return f'SELECT {distinct}{chosen} FROM "{table}" a WHERE {where}'  # noqa: S608
    column = rng.choice(names)
    if shape < 0.7:
        least = rng.choice(("", f" HAVING count(*) > {rng.randrange(4)}"))
        other = rng.choice([name for name in names if not _is_boolean(table, name)])
        return (
            f'SELECT a."{column}", count(*), count(DISTINCT a."{other}"), min(a."{other}"),'  # noqa: S608
            f' max(a."{other}") FROM "{table}" a WHERE {where} GROUP BY a."{column}"{least}'
        )
    if "gizmo_id" not in names or table == "gizmos":
        return f'SELECT count(*), count(a."{column}") FROM "{table}" a WHERE {where}'  # noqa: S608
    join = rng.choice(("JOIN", "LEFT JOIN"))
    beside = rng.choice(engines.columns["gizmos"])
    return (
        f'SELECT a."{column}", b."{beside}" FROM "{table}" a'  # noqa: S608
        f' {join} gizmos b ON a.gizmo_id = b.gizmo_id AND b."{beside}" IS NOT NULL WHERE {where}'
    )


def _is_boolean(table: str, column: str) -> bool:
    return isinstance(t.metadata.tables[table].c[column].type, Boolean)


def _where(rng: random.Random, engines: Engines, table: str) -> str:
    told = [_told(rng, engines, table) for _ in range(rng.choice((1, 1, 2, 3)))]
    return rng.choice((" AND ", " OR ")).join(told)


def _told(rng: random.Random, engines: Engines, table: str) -> str:
    """A condition on one column, with a value that stands in it, most often."""
    column = rng.choice(engines.columns[table])
    named = f'a."{column}"'
    values = [each for each in engines.values[table, column] if each is not None]
    if not values or rng.random() < 0.15:
        return f"{named} IS {rng.choice(('', 'NOT '))}NULL"
    value = rng.choice(values)
    if _is_boolean(table, column):
        return f"{named} = {'TRUE' if value else 'FALSE'}"
    if rng.random() < 0.2:
        some = ", ".join(_written(each) for each in rng.sample(values, min(len(values), 4)))
        return f"{rng.choice(('', 'NOT '))}{named} IN ({some})"
    return f"{named} {rng.choice(('=', '<>', '<', '<=', '>', '>='))} {_written(value)}"


def _written(value: Any) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def test_three_engines_answer_made_up_queries_alike(
    engines: Engines, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = 0
    empty = 0
    for number in range(DOSE):
        query = make_query(random.Random(f"{SEED}/{number}"), engines)
        one, other, over = engines.answers(query)
        assert one[:_SHOWN] == other[:_SHOWN], query
        assert one[:_SHOWN] == over[:_SHOWN], query
        assert one == other == over, query
        rows += len(one)
        empty += not one
    with capsys.disabled():
        print(f"\n{DOSE} queries, {rows} rows, {empty} without any")  # noqa: T201 - the figures
    # Queries that find nothing compare nothing.
    assert empty < DOSE / 2
