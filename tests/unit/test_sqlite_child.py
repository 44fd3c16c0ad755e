"""The program that runs people's SQL on a file, called in this process, where branches are seen.

That it is capped, killed and jailed in a process of its own is tried in tests/contract.
"""

from __future__ import annotations

import io
import json
import resource
import sqlite3
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from catalog.storage import sqlite_child

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Ask = Callable[..., list[Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a few rows and a revision."""
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            """
            CREATE TABLE alembic_version (version_num TEXT);
            INSERT INTO alembic_version VALUES ('0042');
            CREATE TABLE words (number INTEGER, word TEXT);
            INSERT INTO words VALUES (1, 'one'), (2, NULL), (3, 'drei');
            CREATE VIRTUAL TABLE found USING fts5(word);
            INSERT INTO found VALUES ('one and two');
            """
        )
    return path


@pytest.fixture
def ask(path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Sends a request and reads the answer's lines; no limit of this process is lowered."""
    capped: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: capped.append((kind, limits)))

    def answer(text: str, *parameters: Any, **more: Any) -> list[Any]:
        usual = {"memory": 10**9, "file": 10**8, "processor": 60, "busy": 100, "heap": 0}
        request = usual | {"path": str(path), "text": text, "parameters": parameters} | more
        given, out = io.BytesIO(json.dumps(request).encode()), io.BytesIO()
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=given))
        monkeypatch.setattr("sys.stdout", SimpleNamespace(buffer=out))
        sqlite_child.main()
        return [json.loads(line) for line in out.getvalue().splitlines()]

    return answer


def rows_of(lines: list[Any]) -> list[Any]:
    """The rows in an answer that ended well."""
    assert lines[-1] == ["end"]
    return [row for kind, *rest in lines if kind == "rows" for row in rest[0]]


def test_answer_is_revision_columns_rows_and_end(ask: Ask) -> None:
    assert ask("SELECT number, word FROM words ORDER BY number") == [
        ["revision", "0042"],
        ["columns", ["number", "word"]],
        ["rows", [[1, "one"]]],
        ["rows", [[2, None], [3, "drei"]]],
        ["end"],
    ]


def test_answer_without_rows_ends_as_well(ask: Ask) -> None:
    assert ask("SELECT word FROM words WHERE number = ?", 9) == [
        ["revision", "0042"],
        ["columns", ["word"]],
        ["end"],
    ]
    assert ask("")[1:] == [["columns", []], ["end"]]


def test_bytes_are_told_apart_from_text_and_text_that_is_none_is_mended(ask: Ask) -> None:
    lines = ask("SELECT x'00ff', CAST(x'61ff' AS TEXT)")
    assert rows_of(lines) == [[{"b": "AP8="}, "a\ufffd"]]


def test_file_without_a_revision_has_none(ask: Ask, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.commit()
        assert ask("SELECT 1")[0] == ["revision", None]
        connection.execute("DROP TABLE alembic_version")
        assert ask("SELECT 1")[0] == ["revision", None]


def test_file_that_is_no_catalog_is_an_error_of_its_own(ask: Ask, path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    ((kind, code, text, refused),) = ask("SELECT 1")
    assert (kind, code, refused) == ("error", sqlite3.SQLITE_NOTADB, None)
    assert "not a database" in text


def test_rows_come_one_two_four_at_a_time_and_then_many(ask: Ask) -> None:
    lines = ask(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000)"
        " SELECT x FROM n"
    )
    sizes = [len(line[1]) for line in lines if line[0] == "rows"]
    assert sizes[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert set(sizes[10:-1]) == {512}
    assert [row[0] for row in rows_of(lines)] == list(range(1, 2001))


def test_wide_rows_go_by_themselves(ask: Ask) -> None:
    many = "VALUES (printf('%.*c', 200000, 'a'))"
    lines = ask(" UNION ALL ".join([many] * 5))
    assert [len(line[1]) for line in lines if line[0] == "rows"] == [1, 1, 1, 1, 1]


def test_row_that_is_too_wide_is_said_to_be(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_child, "WIDEST_ROW", 10)
    assert ask("SELECT 'aaaaa', 'bbbbb'")[-1] == ["end"]
    assert ask("SELECT 'aaaaa', 'bbbbbb'")[-1] == ["wide"]


def test_revision_that_cannot_be_read_now_is_no_missing_one() -> None:
    class Locked(sqlite3.Connection):
        def execute(self, *_: Any) -> sqlite3.Cursor:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error

    with closing(Locked(":memory:")) as connection, pytest.raises(sqlite3.OperationalError):
        sqlite_child._revision(connection)  # noqa: SLF001 - a lock at that moment cannot be timed


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ATTACH ':memory:' AS other", "ATTACH"),
        ("DETACH main", "DETACH"),
        ("PRAGMA writable_schema = ON", "this PRAGMA"),
        ("SELECT load_extension('x')", "this function"),
        ("INSERT INTO words VALUES (4, 'vier')", "this statement"),
        ("UPDATE words SET word = 'x'", "this statement"),
        ("CREATE TEMP TABLE t (x)", "this statement"),
        ("DROP TABLE words", "this statement"),
    ],
)
def test_what_does_more_than_read_is_refused_by_name(ask: Ask, text: str, what: str) -> None:
    kind, code, _, refused = ask(text)[-1]
    assert (kind, refused) == ("error", what)
    # Of a function SQLite says no more than that there was an error.
    assert code in {sqlite3.SQLITE_AUTH, sqlite3.SQLITE_ERROR}


@pytest.mark.parametrize(
    "text",
    [
        "PRAGMA table_info(words)",
        "PRAGMA TABLE_INFO(words)",
        "SELECT value FROM json_each('[1]')",
        "SELECT word FROM found WHERE found MATCH 'two'",
        "SELECT upper(word) FROM words",
    ],
)
def test_what_reads_is_let(ask: Ask, text: str) -> None:
    assert rows_of(ask(text))


def test_words_that_are_no_sql_are_an_error_and_nothing_refused(ask: Ask) -> None:
    kind, code, text, refused = ask("SELEC 1")[-1]
    assert (kind, code, refused) == ("error", sqlite3.SQLITE_ERROR, None)
    assert "syntax error" in text


def test_memory_that_is_used_up_is_said_to_be(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def used_up(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(sqlite_child, "connect_reader", used_up)
    assert ask("SELECT 1") == [["memory"]]


@pytest.mark.parametrize("hard", [resource.RLIM_INFINITY, 50])
def test_system_is_told_its_limits_below_those_it_has(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, hard: int
) -> None:
    told: dict[int, tuple[int, int]] = {}

    def some_are_unknown(kind: int, limits: tuple[int, int]) -> None:
        told[kind] = limits
        if kind == resource.RLIMIT_AS:
            raise ValueError("no such limit here")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, hard))
    monkeypatch.setattr(resource, "setrlimit", some_are_unknown)

    assert ask("SELECT 1", memory=1000, file=40, processor=60)[-1] == ["end"]

    most = 10**9 if hard == resource.RLIM_INFINITY else hard
    assert told == {
        resource.RLIMIT_AS: (min(1000, most), hard),
        resource.RLIMIT_FSIZE: (40, hard),
        resource.RLIMIT_CPU: (min(60, most), hard),
        resource.RLIMIT_CORE: (0, hard),
    }
