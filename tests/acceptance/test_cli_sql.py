from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from pyarrow import parquet

from catalog.errors import UsageError
from catalog.query.named_queries import named_queries
from catalog.wording.rows import json_lines, unique, write_rows
from tests.acceptance.conftest import ROOT
from tests.contract.reading import fill, reader_of
from tests.contract.telling import ID, day, document, said

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.conftest import Cli
    from tests.databases import Postgres

EVIL = "\x1b]0;owned\x07=1+1"
NUMBERS = (
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {}) SELECT n FROM c"
)


@pytest.fixture
def filled(cli: Cli, sqlite_template: Path) -> Cli:
    """The command line beside a catalog with one GPT."""
    (cli.folder / "data").mkdir()
    path = cli.folder / "data" / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    fill(f"sqlite:///{path}", [said(day(1), document(name=EVIL))])
    return cli


def test_query_prints_a_table_that_steers_no_terminal(filled: Cli) -> None:
    ran = filled("sql", "SELECT gizmo_id, name, conversations, 1 AS one FROM v_gpts")
    assert ran.status == 0
    head, row = ran.out.splitlines()
    assert head.split() == ["gizmo_id", "name", "conversations", "one"]
    assert ID in row
    assert "\x1b" not in ran.out
    assert "␛]0;owned" in row
    assert "1 row in" in ran.err


@pytest.mark.parametrize("words", [(), ("--csv",), ("--json",), ("--format", "ndjson")])
def test_titles_steer_no_terminal_in_any_form(filled: Cli, words: tuple[str, ...]) -> None:
    """Law 11."""
    ran = filled("sql", 'SELECT 1 AS "\x1b[2J\u202e"', *words)
    assert ran.status == 0
    assert not {"\x1b", "\u202e"} & {*ran.out, *ran.err}
    if ran.out.startswith("{"):
        assert ran.lines == [{"\x1b[2J\u202e": 1}]
    else:
        assert ran.out.startswith("␛[2J\\u202e")


def test_query_comes_from_stdin(filled: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT count(*) AS n\nFROM v_gpts;\n"))
    assert filled("sql", "-", "--json").lines == [{"n": 1}]


def test_json_prints_an_object_a_line(filled: Cli) -> None:
    ran = filled("sql", "SELECT name, 1.5 AS n, NULL AS n, x'00ff' AS b FROM v_gpts", "--json")
    assert ran.lines == [{"name": EVIL, "n": 1.5, "n_2": None, "b": "00ff"}]
    assert "\x1b" not in ran.out


def test_csv_holds_no_formula(filled: Cli) -> None:
    for words in (("--csv",), ("--format", "csv")):
        ran = filled("sql", "SELECT name, '=1+1' AS sum, 5 AS n FROM v_gpts", *words)
        (row,) = csv.DictReader(io.StringIO(ran.out))
        assert row == {"name": "␛]0;owned␇=1+1", "sum": "'=1+1", "n": "5"}


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "jsonl", "parquet"])
def test_output_is_written_by_its_suffix(filled: Cli, suffix: str) -> None:
    ran = filled("sql", NUMBERS.format(25_000), "--limit", "0", "--output", f"rows.{suffix}")
    assert ran.status == 0, ran.err
    assert "wrote 25,000 rows to" in ran.err
    path = filled.folder / f"rows.{suffix}"
    if suffix == "parquet":
        found = parquet.read_table(path).column("n").to_pylist()
    elif suffix == "csv":
        found = [int(row["n"]) for row in csv.DictReader(path.read_text().splitlines())]
    else:
        found = [json.loads(line)["n"] for line in path.read_text().splitlines()]
    assert found == list(range(1, 25_001))


def test_parquet_goes_into_a_pipe_and_is_read_back(filled: Cli) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "catalog", "sql", "SELECT 1 AS n", "--format", "parquet"],
        cwd=filled.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert parquet.read_table(io.BytesIO(ran.stdout)).to_pylist() == [{"n": 1}]


def test_output_that_fails_leaves_the_file_as_it_was(filled: Cli) -> None:
    path = filled.folder / "rows.csv"
    path.write_text("before")
    ran = filled(
        "sql", NUMBERS.format(10**9), "--limit", "0", "--seconds", "0.2", "--output", "rows.csv"
    )
    assert ran.status == 1
    assert "longer than 0.2 s" in ran.err
    assert path.read_text() == "before"
    assert sorted(each.name for each in filled.folder.iterdir()) == ["data", "rows.csv"]


def test_limit_is_told(filled: Cli) -> None:
    ran = filled("sql", NUMBERS.format(100), "--limit", "3", "--json")
    assert [row["n"] for row in ran.lines] == [1, 2, 3]
    assert "more rows" in ran.err
    assert "more rows" not in filled("sql", NUMBERS.format(3), "--limit", "3", "--json").err


def test_parameters_are_texts_unless_they_are_marked_as_numbers(filled: Cli) -> None:
    given = {
        "a=": "007",
        "b=": "x=y",
        "c:=": "1.5",
        "d:=": "7",
        "e=": "",
        "f:=": "true",
        "g=": ":=",
    }
    query = f"SELECT {', '.join(f':{name[0]} AS {name[0]}' for name in given)}"
    words = [word for name, text in given.items() for word in ("--param", name + text)]
    ran = filled("sql", query, "--json", *words)
    assert ran.lines == [{"a": "007", "b": "x=y", "c": 1.5, "d": 7, "e": "", "f": 1, "g": ":="}]


def test_list_names_every_query(filled: Cli) -> None:
    ran = filled("sql", "--list")
    assert [name for name in named_queries() if name not in ran.out] == []
    listed = filled("sql", "--list", "--json").lines
    assert [each["name"] for each in listed] == list(named_queries())
    assert all(each["purpose"] and each["reading"] and each["columns"] for each in listed)
    assert len(filled("sql", "--list", "--csv").out.splitlines()) == len(listed) + 1


def test_named_query_runs_with_its_parameters(filled: Cli) -> None:
    ran = filled("sql", "--named", "rating-by-age", "--param", "min_reviews=1", "--csv")
    assert ran.status == 0, ran.err
    assert ran.out.splitlines()[0].startswith("age_years,gpts,rated")


@pytest.mark.parametrize(
    ("words", "said_of_it"),
    [
        ((), "name one of"),
        (("SELECT 1", "--named", "survival"), "name one of"),
        (("--named", "survivel"), "did you mean survival"),
        (("--named", "survival", "--param", "x=1"), "no such parameter"),
        (("SELECT 1", "--param", "x"), "NAME=VALUE"),
        (("SELECT :x", "--param", "x:=007"), "with = in place of := it is taken as text"),
        (("SELECT :x", "--param", "x:=inf"), "no number"),
        (("--named", "rating-by-age", "--param", "min_reviews=many"), "a whole number"),
        (("SELECT 1", "--param", "x=1"), "no parameter :x"),
        (("SELECT 1", "--format", "xml"), "table, csv, ndjson, parquet"),
        (("SELECT 1", "--format", "csv", "--json"), "two formats"),
        (("SELECT 1", "--output", "rows.xls"), "--format"),
        (("SELECT 1", "--output", "nowhere/a.csv"), "--output nowhere/a.csv: there is no folder"),
        (("SELECT :a",), "--param a=VALUE"),
        (("SELECT 1", "--output", "rows.csv", "--format", "table"), "not a table"),
        (("SELECT 1; SELECT 2",), "more than one statement"),
        (("DELETE FROM gizmos",), "not allowed"),
        (("ATTACH 'x.db' AS x",), "ATTACH"),
        (("SELECT nothing_there",), "nothing_there"),
        (("--reader-role", "analyst"), "--reader-role: the catalog is an SQLite file"),
        (("--writer-role", "harvester"), "--writer-role: the catalog is an SQLite file"),
    ],
)
def test_wrong_words_are_status_2_and_explained(
    filled: Cli, words: tuple[str, ...], said_of_it: str
) -> None:
    ran = filled("sql", *words)
    assert ran.status == 2
    assert said_of_it in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert not (filled.folder / "x.db").exists()


def test_views_are_shown_with_their_columns(filled: Cli) -> None:
    assert "v_gpts" in filled("sql", "--views").out
    listed = filled("sql", "--views", "--json").lines
    assert {"name", "comment", "columns"} == set(listed[0])
    ran = filled("sql", "--view", "v_tools")
    assert ran.status == 0
    assert "valid_to" in ran.out
    assert filled("sql", "--view", "v_tools", "--json").json["columns"]["gizmo_id"] == "the GPT"
    ran = filled("sql", "--view", "v_tool")
    assert ran.status == 2
    assert "did you mean v_tools?" in ran.err
    assert "the views are v_gpts, " in filled("sql", "--view", "zzz").err


def test_query_that_ships_is_not_taken_for_sql(filled: Cli) -> None:
    ran = filled("sql", "survival")
    assert ran.status == 2
    assert "gpts-catalog sql --named survival" in ran.err


def test_parquet_is_no_text_for_a_terminal(filled: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = filled("sql", "SELECT 1", "--format", "parquet")
    assert ran.status == 2
    assert "name a file with --output" in ran.err


def test_missing_pyarrow_is_explained(filled: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ran = filled("sql", "SELECT 1", "--output", "rows.parquet")
    assert ran.status == 2
    assert "pip install 'gpts-catalog[parquet]'" in ran.err


def test_catalog_stays_as_it_was(filled: Cli) -> None:
    path = filled.folder / "data" / "catalog.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    for query in ("SELECT * FROM v_gpts", "SELECT 1; DROP TABLE gizmos", "DELETE FROM gizmos"):
        filled("sql", query)
    assert path.read_bytes() == before


def test_writer_role_is_printed_and_made(cli: Cli, postgres: Postgres) -> None:
    owner = postgres.url(postgres.lend())
    ran = cli("sql", "--catalog", owner, "--writer-role", "cli_writer")
    assert ran.status == 0
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(ran.out.encode())
        connection.execute(ran.out.encode())
        connection.execute("DROP OWNED BY cli_writer")
        connection.execute("DROP ROLE cli_writer")


def test_reader_role_is_printed_made_and_used(
    cli: Cli, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = postgres.lend()
    owner = postgres.url(name)
    fill(owner, [said(day(1), document())])
    ran = cli("sql", "--catalog", owner, "--reader-role", "cli_reader")
    assert ran.status == 0
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(ran.out.encode())
        connection.execute("DROP OWNED BY cli_reader")
        connection.execute("DROP ROLE cli_reader")

    refused = cli("sql", "SELECT 1", "--catalog", owner)
    assert refused.status == 2
    assert "--reader-role" in refused.err
    with reader_of(owner, "cli_reader") as reader:
        (cli.folder / "catalog.toml").write_text(
            f"[catalog]\nurl = {json.dumps(owner)}\nreader_url = {json.dumps(reader)}\n"
        )
        query = "SELECT gizmo_id, created_at, first_seen_at, conversations FROM v_gpts"
        ran = cli("sql", query, "--json")
        assert ran.status == 0, ran.err
        assert ran.lines == [
            {
                "gizmo_id": ID,
                "created_at": None,
                "first_seen_at": "2026-02-01T09:00:00.000000Z",
                "conversations": 90,
            }
        ]
        written = cli("sql", query, "--output", "rows.parquet")
        assert written.status == 0, written.err
        (cli.folder / "catalog.toml").unlink()
        monkeypatch.setenv("GPTS_CATALOG_URL", owner)
        monkeypatch.setenv("GPTS_CATALOG_READER_URL", reader)
        assert cli("sql", "SELECT 1 AS n", "--json").lines == [{"n": 1}]
    postgres.take_back(name)


def test_names_that_stand_twice_get_numbers() -> None:
    assert unique(["a", "b", "a", "a_2", "a"]) == ["a", "b", "a_2", "a_2_2", "a_3"]


def test_numbers_that_are_none_are_null_in_json() -> None:
    assert list(json_lines(["a"], [(float("nan"),), (float("inf"),)])) == ['{"a": null}\n'] * 2


def test_parquet_takes_the_type_of_a_column_from_its_rows() -> None:
    file = io.BytesIO()
    rows = [(None, 1, None, True, b"x"), ("a", 2.5, None, False, None), (3, 4, None, None, b"")]
    assert write_rows("parquet", file, ["s", "f", "n", "b", "x"], rows) == 3
    table = parquet.read_table(io.BytesIO(file.getvalue()))
    assert [str(each.type) for each in table.schema] == [
        "string",
        "double",
        "string",
        "bool",
        "binary",
    ]
    assert table.column("s").to_pylist() == [None, "a", "3"]
    assert table.column("f").to_pylist() == [1.0, 2.5, 4.0]


@pytest.mark.parametrize("late", ["text", 1.5, 2**70])
def test_value_that_a_column_of_parquet_cannot_take_is_named(late: object) -> None:
    rows = [(n,) for n in range(10_000)] + [(late,)]
    with pytest.raises(UsageError, match=r"column n .*CAST\(n AS TEXT\)"):
        write_rows("parquet", io.BytesIO(), ["n"], rows)
