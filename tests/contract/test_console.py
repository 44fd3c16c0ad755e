"""SQL that people write: it reads, whatever it says; on both engines."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from catalog.errors import (
    InvalidSql,
    UsageError,
)
from catalog.query.console import run_sql
from catalog.query.reader import Reader
from catalog.query.schema import meant, view_called
from catalog.storage.dump import digest
from catalog.storage.engine import open_engine, read
from tests.contract.reading import reader_of
from tests.contract.telling import ID, day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from catalog.query.console import Parameter


@pytest.fixture
def url(catalog_url: str, engine: Engine) -> Iterator[str]:
    """A catalog with one GPT, as those open it who write SQL."""
    tell(engine, said(day(1), document()))
    with reader_of(catalog_url) as found:
        yield found


def rows_of(url: str, query: str, **more: Any) -> list[tuple[Any, ...]]:
    with run_sql(url, query, **more) as result:
        return list(result)


def state_of(url: str) -> str:
    engine = open_engine(url)
    with read(engine) as conn:
        found = digest(conn)
    engine.dispose()
    return found


COUNT = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d) "
EVERYWHERE = (
    "DELETE FROM gizmos",
    "INSERT INTO catalog_info VALUES ('a', 'b')",
    "UPDATE gizmos SET name = 'x'",
    "DROP TABLE gizmos",
    "CREATE TABLE mine (n INTEGER)",
    "CREATE TEMPORARY TABLE mine (n INTEGER)",
    "ALTER TABLE gizmos ADD COLUMN x TEXT",
    "CREATE VIEW mine AS SELECT 1",
    "WITH x AS (SELECT 1) DELETE FROM gizmos",
    "BEGIN",
    "COMMIT",
    "SAVEPOINT here",
    "VACUUM",
    "ANALYZE",
    "REINDEX TABLE gizmos",
    "EXPLAIN",
    "SELECT 1; DELETE FROM gizmos",
    "SELECT 1; SELECT 2",
    "SELECT 1;;DROP TABLE gizmos",
    "/* SELECT */ DELETE FROM gizmos",
    "-- SELECT 1\nDELETE FROM gizmos",
    "SELECT load_extension('x')",
    "SELECT writefile('x', 'y')",
    "SELECT readfile('/etc/passwd')",
)
SQLITE = (
    "ATTACH 'other.db' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "PRAGMA writable_schema = ON",
    "PRAGMA query_only = OFF",
    "PRAGMA trusted_schema = ON",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA temp_store_directory = 'x'",
    "PRAGMA user_version = 5",
    "PRAGMA database_list",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "SELECT * FROM pragma_database_list",
    "VACUUM INTO 'copy.db'",
    "UPDATE sqlite_master SET sql = ''",
    "CREATE VIRTUAL TABLE temp.v USING fts5(x)",
    "INSERT INTO search_index(search_index) VALUES ('delete-all')",
    "INSERT INTO search_index(search_index, rank) VALUES ('rank', 'x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT fts3_tokenizer('simple', x'0000000000000000')",
    "SELECT edit('x')",
    "EXPLAIN DELETE FROM gizmos",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(1000000000)",
    "SELECT hex(zeroblob(16000000))",
    "SELECT 'x' LIKE printf('%.100000c', '%')",
    "SELECT 1 FROM dbstat; SELECT 2",
)
POSTGRES = (
    "COPY (SELECT 1) TO PROGRAM 'touch harm'",
    "COPY (SELECT 1) TO '/tmp/harm'",
    "COPY gizmos FROM PROGRAM 'echo'",
    "COPY gizmos TO STDOUT",
    "DO $$ BEGIN PERFORM 1; END $$",
    """DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(100);
    EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$""",
    "RESET ROLE",
    "RESET ALL",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SET statement_timeout = 0",
    "SET TRANSACTION READ WRITE",
    "DISCARD ALL",
    "LISTEN harm",
    "NOTIFY harm",
    "LOCK TABLE gizmos",
    "CALL harm()",
    "PREPARE p AS SELECT 1",
    "DECLARE c CURSOR FOR SELECT 1",
    "LOAD 'x'",
    "CHECKPOINT",
    "SELECT 1 INTO mine",
    "TRUNCATE gizmos",
    "GRANT ALL ON gizmos TO PUBLIC",
    "WITH x AS (DELETE FROM gizmos RETURNING 1) SELECT * FROM x",
    "EXPLAIN ANALYZE DELETE FROM gizmos",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/harm')",
    "SELECT dblink('host=localhost', 'SELECT 1')",
    "SELECT set_config('role', 'postgres', false)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT set_config('session_authorization', 'postgres', false)",
    "SELECT pg_reload_conf()",
    "SELECT pg_switch_wal()",
    "SELECT nextval('observations_observation_id_seq')",
    "SELECT * FROM pg_authid",
    "SELECT * FROM gizmos FOR UPDATE",
    "SELECT query_to_xml('DELETE FROM gizmos', true, true, '')",
    "SELECT 1\\; DELETE FROM gizmos",
)


def test_attacks_are_refused_on_both_engines(url: str, catalog_url: str) -> None:
    before = state_of(catalog_url)
    for attack in EVERYWHERE:
        with pytest.raises(InvalidSql):
            rows_of(url, attack, seconds=5)
    assert state_of(catalog_url) == before


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_attacks_on_sqlite_are_refused(
    url: str, catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    before = state_of(catalog_url)
    for attack in SQLITE:
        with pytest.raises(InvalidSql):
            rows_of(url, attack, seconds=5)
    assert state_of(catalog_url) == before
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_attacks_on_postgresql_are_refused(url: str, catalog_url: str) -> None:
    before = state_of(catalog_url)
    for attack in POSTGRES:
        with pytest.raises(InvalidSql):
            rows_of(url, attack, seconds=5)
    assert state_of(catalog_url) == before


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_large_object_does_not_outlast_its_query(url: str, catalog_url: str) -> None:
    """Servers before 16 let a READ ONLY transaction make one; it is undone."""
    with contextlib.suppress(InvalidSql):
        rows_of(url, "SELECT lo_from_bytea(0, 'harm')")
    with psycopg.connect(catalog_url) as owner:
        assert owner.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT '; DELETE FROM gizmos' AS a", "; DELETE FROM gizmos"),
        ("SELECT 'it''s; --' AS a -- ; DELETE FROM gizmos", "it's; --"),
        ("/* ; */ SELECT 'x' AS a /* DROP */ ;", "x"),
        ("-- first; second\nSELECT 'x' AS a;\n-- end ; end\n", "x"),
        ('SELECT 5 AS "a; DROP TABLE gizmos"', 5),
        ("VALUES (5)", 5),
        ("WITH x AS (SELECT 5 AS n) SELECT n FROM x", 5),
        ("SELECT ':no parameter' AS a", ":no parameter"),
        ("SELECT '100 %s %' AS a", "100 %s %"),
        ("SELECT '漢字 😀' AS a", "漢字 😀"),
    ],
)
def test_text_that_looks_like_a_second_statement_is_none(
    url: str, query: str, expected: object
) -> None:
    assert rows_of(url, query) == [(expected,)]


def test_rows_and_columns_come_as_they_are_asked_for(url: str) -> None:
    with run_sql(url, "SELECT gizmo_id, name AS a, status AS a FROM v_gpts") as result:
        assert result.columns == ("gizmo_id", "a", "a")
        assert list(result) == [(ID, "A name", "listed")]
        assert not result.truncated
        assert 0 < result.seconds < 30


def test_query_without_rows_still_names_its_columns(url: str) -> None:
    with run_sql(url, "SELECT gizmo_id, name FROM v_gpts WHERE 1 = 0") as result:
        assert result.columns == ("gizmo_id", "name")
        assert list(result) == []


def test_plan_of_a_query_can_be_seen(url: str, engine_name: str) -> None:
    query = "EXPLAIN SELECT * FROM v_gpts WHERE gizmo_id = 'x'"
    if engine_name == "sqlite":
        query = query.replace("EXPLAIN", "EXPLAIN QUERY PLAN")
    assert rows_of(url, query)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_pragmas_that_only_tell_are_allowed(url: str) -> None:
    assert ("gizmo_id",) in rows_of(url, "SELECT name FROM pragma_table_info('v_gpts')")
    assert rows_of(url, "PRAGMA table_info(gizmos)")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_tables_that_are_functions_can_be_read(url: str) -> None:
    assert rows_of(url, "SELECT value FROM json_each('[3, 4]')") == [(3,), (4,)]


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_search_index_can_be_read(url: str) -> None:
    assert rows_of(url, "SELECT count(*) FROM search_index WHERE search_index MATCH 'nothing'") == [
        (0,)
    ]


def test_parameters_stand_for_values(url: str) -> None:
    given: dict[str, Parameter] = {"id": ID, "least": 1, "no": None, "half": 0.5}
    query = (
        "SELECT gizmo_id FROM v_gpts WHERE gizmo_id = :id AND starters >= :least"
        " AND 0.4 < CAST(:half AS DOUBLE PRECISION) AND CAST(:no AS TEXT) IS NULL"
        " AND name <> ':id' /* :id */"
    )
    assert rows_of(url, query, parameters=given) == [(ID,)]
    assert rows_of(url, "SELECT name FROM v_gpts LIMIT :least", parameters={"least": 0}) == []


def test_parameter_is_a_value_and_never_sql(url: str) -> None:
    evil = "' OR 1 = 1; DELETE FROM gizmos --"
    query = "SELECT gizmo_id FROM v_gpts WHERE name = :name"
    assert rows_of(url, query, parameters={"name": evil}) == []


def test_parameter_that_is_not_in_the_query_is_named(url: str) -> None:
    with pytest.raises(InvalidSql, match="no parameter :idd"):
        rows_of(url, "SELECT 1 WHERE 'a' = :id", parameters={"id": "a", "idd": "b"})


def test_parameter_without_a_value_is_an_error(url: str) -> None:
    told = "nothing gives a value for :id: --param id=VALUE does, in Python parameters"
    with pytest.raises(InvalidSql, match=f"{told}$"):
        rows_of(url, "SELECT 1 AS a WHERE 'a' = :id")


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("SELECT name FROM gpts", "did you mean v_gpts?"),
        ("SELECT name FROM zzz", "the views are v_gpts, v_revisions,"),
        ("SELECT nme FROM v_gpts", "did you mean name?"),
        ("SELECT g.nme FROM v_gpts AS g", "did you mean name?"),
        ("SELECT nme FROM gizmos", "did you mean name?"),
        ("SELECT zzz FROM v_authors", "the columns of v_authors are user_id, display_name,"),
    ],
)
def test_name_that_there_is_not_brings_those_that_there_are(
    url: str, query: str, hint: str
) -> None:
    with pytest.raises(InvalidSql, match=re.escape(hint)):
        rows_of(url, query)


def test_name_of_a_table_that_the_query_does_not_call_is_told_from_a_wrong_column() -> None:
    said = meant("no such column: g.Name", "SELECT g.Name FROM v_gpts")

    assert said == "the query calls no table g; v_gpts has name"


def test_name_that_no_view_could_have_brings_no_advice(url: str) -> None:
    with pytest.raises(InvalidSql, match=r"zzz[^;]*$"):
        rows_of(url, "SELECT zzz FROM (SELECT 1 AS one) AS x")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_reader_of_a_file_asks_that_file(url: str) -> None:
    with Reader.open(url) as reader, reader.sql("SELECT gizmo_id FROM v_gpts") as result:
        assert list(result) == [(ID,)]


def test_view_is_told_by_its_name_or_the_nearest_is() -> None:
    assert view_called("v_tools").name == "v_tools"
    for name, hint in (("v_tool", "did you mean v_tools?"), ("zzz", "the views are v_gpts, ")):
        with pytest.raises(UsageError, match=re.escape(f"there is no view {name!r}; {hint}")):
            view_called(name)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_value_that_is_too_long_says_what_to_do(url: str) -> None:
    told = r"^a value is longer than \d+ MiB: take a part of it with substr\(\)$"
    with pytest.raises(InvalidSql, match=told):
        rows_of(url, "SELECT zeroblob(1000000000)")
