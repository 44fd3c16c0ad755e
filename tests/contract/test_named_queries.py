"""The queries that ship: each runs on both engines and says the same there."""

from __future__ import annotations

import random
import re
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import text

from catalog.errors import UsageError
from catalog.query.console import run_sql
from catalog.query.named_queries import named_queries, named_query, parse_named
from catalog.storage import runs, work_tables
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.sources import add_source
from catalog.times import DAY, from_iso
from tests.contract.reading import fill, reader_of, simulated
from tests.contract.telling import day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.databases import Postgres

NAMES = sorted(named_queries())


def _add_work(url: str) -> None:
    """A harvest with its outcomes, and drift: what no document says."""
    engine = open_engine(url)
    key = runs.RunKey(command="harvest", source="one", ids_digest="0")
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        run, _ = runs.open_or_resume(conn, key, now=day(1), rng=random.Random(1))
        verdicts = ["document"] * 5 + ["not_found"] * 2 + ["unavailable"]
        runs.add_outcomes(
            conn,
            [
                runs.Outcome(
                    run_id=run.run_id,
                    asked_id=f"g-Many{n:05d}",
                    source_id=number,
                    verdict=verdict,
                    attempts=1,
                    requests=2,
                    status=200,
                    detail="",
                    at=day(1) + n * DAY // 4,
                )
                for n, verdict in enumerate(verdicts)
            ],
        )
        conn.execute(
            work_tables.outcome_days.insert(),
            {
                "day": "2026-01-05",
                "source_id": number,
                "verdict": "document",
                "ids": 7,
                "requests": 9,
            },
        )
        conn.execute(
            t.drift.insert(),
            [
                {
                    "source_id": number,
                    "wrapping": "gizmo",
                    "path": path,
                    "kind": "appeared",
                    "at": day(3),
                    "first_seen_at": day(3),
                    "last_seen_at": day(4),
                    "example": '"x"',
                }
                for path in ("gizmo.b", "gizmo.A", "gizmo.é")
            ],
        )
    engine.dispose()


@pytest.fixture(scope="module")
def urls(
    postgres: Postgres, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """One catalog of simulated GPTs on SQLite and on PostgreSQL."""
    path = tmp_path_factory.mktemp("named") / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    name = postgres.lend()
    owners = [f"sqlite:///{path}", postgres.url(name)]
    observations = simulated(60, 5)
    for url in owners:
        fill(url, observations)
        _add_work(url)
    with reader_of(owners[1], "named_reader") as reader:
        yield [owners[0], reader]
    postgres.take_back(name)


def _same(value: Any) -> Any:
    """A number as what both engines make of it after rounding: the last digit may differ."""
    return pytest.approx(value, abs=0.011) if isinstance(value, float) else value


@pytest.mark.parametrize("name", NAMES)
def test_named_query_says_the_same_on_both_engines(urls: list[str], name: str) -> None:
    query = named_query(name)
    # The fixture's visits are weekly.
    given = query.values({"window_days": "7"} if "window_days" in query.parameters else {})
    results = []
    for url in urls:
        with run_sql(url, query.sql, parameters=given, rows=None) as result:
            results.append(list(result))
            assert list(result.columns) == list(query.columns)
    on_sqlite, on_postgres = results
    assert on_sqlite, "the fixture gives it nothing to say"
    assert len(on_postgres) == len(on_sqlite)
    for mine, other in zip(on_sqlite, on_postgres, strict=True):
        assert [_same(value) for value in mine] == list(other)


@pytest.mark.parametrize("name", NAMES)
def test_named_query_takes_its_parameters(urls: list[str], name: str) -> None:
    query = named_query(name)
    given = query.values(dict.fromkeys(query.parameters, "1"))
    for url in urls:
        with run_sql(url, query.sql, parameters=given) as result:
            rows = list(result)
        assert "top" not in given or len(rows) == 1


@pytest.mark.parametrize("name", NAMES)
def test_named_query_reads_views_alone_and_orders_its_rows(name: str) -> None:
    query = named_query(name)
    own = set(re.findall(r"(\w+)(?:\([\w, ]+\))? AS \(", query.sql))
    read = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", query.sql))
    assert {each for each in read - own if not each.startswith("v_")} == set()
    assert re.search(r"^ORDER BY ", query.sql, re.MULTILINE)
    assert all((query.title, query.purpose, query.reading))
    assert set(re.findall(r"(?<!:):(\w+)", query.sql)) == set(query.parameters)


def test_survival_of_a_known_fate(urls: list[str]) -> None:
    """What the query says of the fixture is what counting by hand says."""
    query = named_query("survival")
    with run_sql(urls[0], query.sql) as result:
        first: tuple[Any, ...] = next(iter(result))
        months, at_risk, ended, percent = first
    with run_sql(urls[0], "SELECT count(*) FROM v_gpts") as result:
        ((gpts,),) = list(result)
    assert (months, at_risk) == (0, gpts)
    assert percent == pytest.approx(100 * (1 - ended / gpts), abs=0.01)


def test_in_use_of_tools_is_what_gpts_have_now(urls: list[str]) -> None:
    query = named_query("tool-adoption")
    with run_sql(urls[1], query.sql) as result:
        latest = {tool: in_use for _, tool, _, _, in_use in result}
    with run_sql(
        urls[1],
        "SELECT type, count(DISTINCT gizmo_id) FROM v_tools WHERE is_current GROUP BY type",
    ) as result:
        assert latest == {tool: in_use for tool, in_use in result}  # noqa: C416  (rows are tuples)


def _with_tools(gizmo_id: str, *domains: str) -> dict[str, Any]:
    tools = [
        {"id": f"gzm_{n}", "type": "plugins_prototype", "metadata": {"domain": domain}}
        for n, domain in enumerate(domains)
    ]
    return document(gizmo_id) | {"tools": tools}


def test_tool_adoption_counts_gpts_and_not_their_actions(engine: Engine) -> None:
    """One has two actions from the start, gives one up, then both; the other takes two up."""
    one, other = "g-HasTwo000", "g-TakesTwo0"
    moments = [from_iso(f"2026-{month:02d}-03T09:00:00Z") for month in (1, 2, 3)]
    tell(
        engine,
        said(moments[0], _with_tools(one, "a.example", "b.example")),
        said(moments[0], _with_tools(other)),
        said(moments[1], _with_tools(one, "a.example")),
        said(moments[1], _with_tools(other, "a.example", "b.example")),
        said(moments[2], _with_tools(one)),
    )
    with read(engine) as conn:
        found = [tuple(row) for row in conn.execute(text(named_query("tool-adoption").sql))]
    action = "plugins_prototype"
    assert found == [
        ("2026-01", action, 0, 0, 1),
        ("2026-02", action, 1, 0, 2),
        ("2026-03", action, 0, 1, 1),
    ]


def test_staleness_of_a_listed_gpt_counts_from_its_document(engine: Engine) -> None:
    """Asked for since and not found: held back by rule 6, that confirms nothing."""
    held = msgspec.structs.replace(said(day(9), None), verdict="held")
    tell(engine, said(day(1), document()), held)
    with read(engine) as conn:
        found = [tuple(row) for row in conn.execute(text(named_query("staleness").sql))]
    assert [row[:4] for row in found] == [("listed", 7, 29, 1)]


def test_renames_are_told_as_names(engine: Engine) -> None:
    old, new = 'A "quoted" name', "Näme\n\u4e2d\\ 😀"
    tell(engine, said(day(1), document(name=old)), said(day(2), document(name=new)))
    query = named_query("renames")
    with read(engine) as conn:
        found = conn.execute(text(query.sql), query.values({})).one()
    assert (found.old, found.new) == (old, new)


def test_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean tool-adoption"):
        named_query("tool-adoptions")
    with pytest.raises(UsageError, match="--list"):
        named_query("zzz")


def test_parameter_is_of_the_kind_of_its_default() -> None:
    query = named_query("rating-by-age")
    assert query.values({}) == {"min_reviews": 5}
    assert query.values({"min_reviews": "9"}) == {"min_reviews": 9}
    for given in ({"min_reviews": "x"}, {"min_reviews": "1.5"}):
        with pytest.raises(UsageError, match="expected a whole number"):
            query.values(given)
    with pytest.raises(UsageError, match="did you mean min_reviews"):
        query.values({"min_review": "1"})
    with pytest.raises(UsageError, match="its parameters are: none"):
        named_query("survival").values({"top": "1"})


def test_parameter_whose_default_is_a_text_takes_any_text() -> None:
    head = "-- title: x\n-- purpose: x\n-- columns:\n--   a: x\n-- reading: x\n"
    named = parse_named("mine", f"{head}-- parameters:\n--   kind = dalle: x\n\nSELECT :kind AS a")
    assert named.values({}) == {"kind": "dalle"}
    assert named.values({"kind": "7"}) == {"kind": "7"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "-- title: x\nSELECT 1",
        "-- titel: x\nSELECT 1",
        "-- title: x\n-- title: y\nSELECT 1",
        "-- title: x\n-- purpose: x\n-- columns:\n--   a b c\n-- reading: x\nSELECT 1",
    ],
)
def test_query_without_a_whole_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mine: "):
        parse_named("mine", text)
