from __future__ import annotations

import shutil
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from catalog.errors import (
    CatalogBusy,
    CatalogCorrupt,
    CatalogMissing,
    SettingsError,
    StorageError,
)
from catalog.storage.dialects import insert_new
from catalog.storage.engine import lock_keys, open_engine, read, write
from catalog.storage.tables import catalog_info

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.databases import Postgres

INFO = {"key": "colour", "value": "blue"}


def facts(engine: Engine) -> dict[str, str]:
    with read(engine) as conn:
        return {row.key: row.value for row in conn.execute(select(catalog_info))}


def test_write_commits_at_its_end(engine: Engine) -> None:
    with write(engine) as conn:
        conn.execute(insert(catalog_info), INFO)

    assert facts(engine)["colour"] == "blue"


def test_write_is_undone_by_an_error(engine: Engine) -> None:
    def fail() -> None:
        with write(engine) as conn:
            conn.execute(insert(catalog_info), INFO)
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()

    assert "colour" not in facts(engine)


def test_read_sees_one_state_while_others_write(catalog_url: str, engine: Engine) -> None:
    other = open_engine(catalog_url)
    count = text("SELECT count(*) FROM catalog_info")
    with read(engine) as conn:
        before = conn.execute(count).scalar()
        with write(other) as writing:
            writing.execute(insert(catalog_info), INFO)
        assert conn.execute(count).scalar() == before
    other.dispose()

    assert "colour" in facts(engine)


def test_read_cannot_write(engine: Engine) -> None:
    def attempt() -> None:
        with read(engine) as conn:
            conn.execute(insert(catalog_info), INFO)

    with pytest.raises(StorageError, match="opened for reading"):
        attempt()
    # The connection went back to the pool and serves a writer.
    with write(engine) as conn:
        conn.execute(insert(catalog_info), INFO)


def test_read_only_engine_refuses_every_write(catalog_url: str) -> None:
    engine = open_engine(catalog_url, read_only=True)

    def attempt() -> None:
        with write(engine) as conn:
            conn.execute(insert(catalog_info), INFO)

    with pytest.raises(StorageError, match="opened for reading"):
        attempt()
    assert "catalog_id" in facts(engine)
    engine.dispose()


def test_locked_catalog_is_busy(catalog_url: str, engine: Engine) -> None:
    """SQLite locks the whole file, PostgreSQL what was touched."""
    other = open_engine(catalog_url)

    def attempt() -> None:
        with write(engine) as conn:
            lock_keys(conn, ["g-000000001"])
            conn.execute(insert(catalog_info), INFO)

    with write(other) as holding:
        lock_keys(holding, ["g-000000001"])
        with pytest.raises(CatalogBusy, match="held by another process"):
            attempt()
    attempt()
    other.dispose()

    assert facts(engine)["colour"] == "blue"


def test_locks_on_other_keys_do_not_wait_on_postgres(postgres: Postgres) -> None:
    name = postgres.lend()
    url = postgres.url(name)
    engine, other = open_engine(url, busy_timeout=0.2), open_engine(url)
    with write(other) as holding, write(engine) as conn:
        lock_keys(holding, ["g-000000001", "g-000000002"])
        lock_keys(conn, ["g-000000003", "g-000000004"])
        conn.execute(insert(catalog_info), INFO)

    assert facts(other)["colour"] == "blue"
    engine.dispose()
    other.dispose()
    postgres.take_back(name)


def test_deadlock_on_postgres_undoes_who_is_in_the_way_and_may_repeat(postgres: Postgres) -> None:
    name = postgres.lend()
    url = postgres.url(name)
    met, lost = threading.Barrier(2), list[str]()

    def add(first: str, second: str) -> None:
        engine = open_engine(url, busy_timeout=30)
        for attempt in range(9):
            try:
                with write(engine) as conn:
                    conn.execute(insert_new(conn, catalog_info), {"key": first, "value": "x"})
                    if not attempt:
                        met.wait()
                    conn.execute(insert_new(conn, catalog_info), {"key": second, "value": "x"})
                break
            except CatalogBusy:
                lost.append(first)
        engine.dispose()

    with ThreadPoolExecutor(2) as both:
        list(both.map(add, ("colour", "sound"), ("sound", "colour")))
    engine = open_engine(url)
    # The server may end both.
    assert lost
    assert {"colour", "sound"} <= facts(engine).keys()
    engine.dispose()
    postgres.take_back(name)


def test_conflict_of_serializable_transactions_on_postgres_is_busy(postgres: Postgres) -> None:
    name = postgres.lend()
    engine = open_engine(postgres.url(name))
    own = update(catalog_info).where(catalog_info.c.key == "schema_of").values(value="y")
    with write(engine) as conn:
        conn.execute(insert(catalog_info), {"key": "schema_of", "value": "x"})

    def lose() -> None:
        with write(engine.execution_options(isolation_level="SERIALIZABLE")) as conn:
            conn.execute(select(catalog_info)).all()
            with write(engine) as other:
                other.execute(own)
            conn.execute(own)

    with pytest.raises(CatalogBusy):
        lose()
    engine.dispose()
    postgres.take_back(name)


def test_statement_that_takes_too_long_is_ended_by_postgres(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.storage.engine.STATEMENT_TIMEOUT", 0.05)
    name = postgres.lend()
    engine = open_engine(postgres.url(name))
    with pytest.raises(StorageError, match="took too long and was ended"), read(engine) as conn:
        conn.execute(text("SELECT pg_sleep(20)"))
    engine.dispose()
    postgres.take_back(name)


def test_conflicting_inserts_are_named_a_mistake_of_the_program(engine: Engine) -> None:

    def attempt() -> None:
        with write(engine) as conn:
            conn.execute(insert(catalog_info), [INFO, INFO])

    with pytest.raises(StorageError, match=r"(?i)unique.*mistake in gpts-catalog"):
        attempt()


@pytest.mark.parametrize("text_of_a_stranger", ["a secret \ud800", "a secret \x00", "a secret"])
def test_errors_show_no_parameters(engine: Engine, text_of_a_stranger: str) -> None:
    """What is written came from strangers, and an error is shown and logged (law 11)."""

    def attempt() -> None:
        with write(engine) as conn:
            row = {"key": "colour", "value": text_of_a_stranger}
            conn.execute(insert(catalog_info), [row, row])

    with pytest.raises(StorageError, match="mistake in gpts-catalog") as caught:
        attempt()
    assert "a secret" not in str(caught.value)


def test_errors_of_wrong_sql_show_no_parameters(engine: Engine) -> None:
    with read(engine) as conn, pytest.raises(DBAPIError) as caught:
        conn.execute(text("SELECT :value FROM no_such_table"), {"value": "a secret"})
    assert "a secret" not in str(caught.value)


def test_any_number_of_keys_can_be_locked_on_postgres(postgres: Postgres) -> None:
    """The server's table of locks has a few thousand places, for all sessions together."""
    name = postgres.lend()
    engine = open_engine(postgres.url(name))
    with write(engine) as conn:
        lock_keys(conn, [f"g-{number:09d}" for number in range(30_000)])
        held = conn.execute(text("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"))
        assert 0 < held.scalar_one() < 3_000
    engine.dispose()
    postgres.take_back(name)


def test_statement_in_a_transaction_that_failed_is_explained(postgres: Postgres) -> None:
    name = postgres.lend()
    engine = open_engine(postgres.url(name))
    with write(engine) as conn:
        with pytest.raises(StorageError):
            conn.execute(text("SELECT 1 / 0"))
        with pytest.raises(StorageError, match=r"undone for an earlier error.*repeat"):
            conn.execute(text("SELECT 1"))
        conn.rollback()
    engine.dispose()
    postgres.take_back(name)


def test_statement_that_is_too_deep_is_explained(postgres: Postgres) -> None:
    name = postgres.lend()
    engine = open_engine(postgres.url(name))
    with read(engine) as conn, pytest.raises(StorageError, match=r"larger than.*stack depth"):
        conn.execute(text("SELECT " + "1 + " * 50_000 + "1"))
    engine.dispose()
    postgres.take_back(name)


def test_foreign_keys_hold(engine: Engine) -> None:
    def attempt() -> None:
        with write(engine) as conn:
            conn.execute(
                text(
                    "INSERT INTO budgets (source_id, day, kind, reserved)"
                    " VALUES (7, '2026-02-03', 'requests', 1)"
                )
            )

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        attempt()


@pytest.mark.parametrize(("durable", "full"), [(False, False), (True, True)])
def test_durable_engine_waits_for_the_disk(
    catalog_url: str, engine_name: str, *, durable: bool, full: bool
) -> None:
    engine = open_engine(catalog_url, durable=durable)
    with read(engine) as conn:
        if engine_name == "sqlite":
            assert conn.execute(text("PRAGMA synchronous")).scalar() == (2 if full else 1)
            assert conn.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        else:
            found = conn.execute(text("SHOW synchronous_commit")).scalar()
            assert found == ("on" if full else "off")
            assert conn.execute(text("SHOW TimeZone")).scalar() == "UTC"
    engine.dispose()


@pytest.mark.parametrize("read_only", [True, False])
def test_missing_file_names_init_and_is_not_made(tmp_path: Path, *, read_only: bool) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(CatalogMissing, match="gpts-catalog init"):
        open_engine(f"sqlite:///{path}", read_only=read_only)

    assert not path.exists()


def test_missing_database_is_missing(postgres: Postgres) -> None:
    engine = open_engine(postgres.url("nobody_made_this"))

    def attempt() -> None:
        with read(engine):
            pass

    with pytest.raises(CatalogMissing, match="gpts-catalog init"):
        attempt()
    engine.dispose()


def test_file_that_is_no_catalog_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear reader, this is not a database, and long enough to be looked at. " * 20)
    engine = open_engine(f"sqlite:///{path}")

    def attempt() -> None:
        with read(engine) as conn:
            conn.execute(select(catalog_info))

    with pytest.raises(CatalogCorrupt, match="no SQLite file"):
        attempt()
    engine.dispose()


def test_damaged_file_is_corrupt(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    content = bytearray(sqlite_template.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    engine = open_engine(f"sqlite:///{path}")

    def attempt() -> None:
        with read(engine) as conn:
            conn.execute(select(catalog_info)).all()

    with pytest.raises(CatalogCorrupt, match="restore a backup"):
        attempt()
    engine.dispose()


def test_file_names_are_taken_literally(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "50% off & more #1.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")

    assert "catalog_id" in facts(engine)
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///catalog.db?mode=ro",
        "mysql://user:hunter2@host/db",
        "postgresql+asyncpg://user:hunter2@host/db",
        "postgresql://user:hunter2@host:port/db",
    ],
)
def test_strange_urls_are_refused_without_their_passwords(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_engine(url)

    assert "hunter2" not in str(caught.value)


def test_unreachable_server_is_named_without_the_password() -> None:
    # Port 1 on this machine: nobody listens.
    engine = open_engine("postgresql://user:hunter2@127.0.0.1:1/gpts")

    def attempt() -> None:
        with read(engine):
            pass

    with pytest.raises(StorageError, match=r"gpts on PostgreSQL at 127\.0\.0\.1") as caught:
        attempt()
    engine.dispose()

    assert "hunter2" not in repr(caught.value)
    assert "hunter2" not in repr(caught.value.__cause__)


def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match=r"gpts-catalog\[postgres\]"):
        open_engine("postgresql://host/db")


def test_writers_of_one_file_wait_for_each_other(sqlite_template: Path, tmp_path: Path) -> None:
    """The lock is taken at the start, so a writer that began as a reader cannot lose its work."""
    path = tmp_path / "catalog.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}", busy_timeout=0)
    with (
        write(engine),
        closing(sqlite3.connect(path, timeout=0)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
    engine.dispose()


def test_file_that_is_removed_or_replaced_is_not_written_to(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """The system would let us: into a file that nobody can open again."""
    path = tmp_path / "catalog.db"
    shutil.copy(sqlite_template, path)
    engine = open_engine(f"sqlite:///{path}")
    with write(engine) as conn:
        conn.execute(insert(catalog_info), INFO)
    path.rename(tmp_path / "elsewhere.db")
    with pytest.raises(CatalogMissing, match="removed or replaced"), write(engine) as conn:
        conn.execute(insert(catalog_info), {"key": "more", "value": ""})
    shutil.copy(sqlite_template, path)
    with pytest.raises(CatalogMissing, match="removed or replaced"), write(engine) as conn:
        conn.execute(insert(catalog_info), {"key": "more", "value": ""})
    engine.dispose()
