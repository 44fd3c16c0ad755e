"""Files that cannot be written to, and what a killed writer left in them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import CatalogAway, StorageError
from catalog.storage import sqlite_files
from catalog.storage.engine import open_engine
from catalog.storage.files import copy_file
from tests.contract.test_engine import facts

if TYPE_CHECKING:
    from pathlib import Path


class _Refusing:
    """A connection that may make no file beside the catalog's: root is stopped by no permission."""

    def execute(self, _: str) -> None:
        """Fail as SQLite does."""
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        error.sqlite_errorname = "SQLITE_READONLY"
        raise error

    def close(self) -> None:
        """Nothing is open."""


def test_file_that_nobody_may_write_to_is_read(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "catalog.db"
    shutil.copy(sqlite_template, path)
    connect = sqlite_files.connect_sqlite

    def refusing(path: Path, mode: str, busy_timeout: float) -> Any:
        return _Refusing() if mode == "ro" else connect(path, mode, busy_timeout)

    monkeypatch.setattr(sqlite_files, "connect_sqlite", refusing)
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    # Another may write to it: it could change under the reader.
    with pytest.raises(StorageError):
        facts(engine)
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    assert "catalog_id" in facts(engine)
    engine.dispose()
    tmp_path.chmod(0o755)
    # What is not yet in the file would be passed over without a word.
    (tmp_path / "catalog.db-wal").write_bytes(b"something")
    tmp_path.chmod(0o555)
    with pytest.raises(StorageError):
        facts(engine)
    tmp_path.chmod(0o755)
    engine.dispose()


@pytest.fixture
def half_done(tmp_path: Path) -> Path:
    """A file in rollback mode whose writer was killed: what it had spilled is in the file."""
    path = tmp_path / "whole" / "catalog.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 2")
        writer.execute("CREATE TABLE catalog_info (key TEXT, value TEXT)")
        writer.execute("BEGIN")
        writer.executemany(
            "INSERT INTO catalog_info VALUES (?, ?)", [(str(n), "x" * 900) for n in range(99)]
        )
        left = tmp_path / "left"
        # As a kill leaves them: with no lock on them.
        shutil.copytree(path.parent, left)
    assert (left / "catalog.db-journal").stat().st_size
    return left / "catalog.db"


def test_a_reader_takes_back_what_a_killed_writer_left(half_done: Path) -> None:
    with closing(sqlite_files.connect_reader(half_done, 1)) as reader:
        assert reader.execute("SELECT count(*) FROM catalog_info").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM catalog_info")

    assert not half_done.with_name("catalog.db-journal").exists()


def test_what_a_killed_writer_left_is_not_read_where_nobody_may_take_it_back(
    half_done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write to what is write-protected.
    monkeypatch.setattr(sqlite_files, "_is_frozen", lambda _: True)

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        sqlite_files.connect_reader(half_done, 1)

    assert half_done.with_name("catalog.db-journal").stat().st_size


def test_a_copy_is_of_what_stood_before_a_killed_writer(half_done: Path, tmp_path: Path) -> None:
    copy_file(half_done, tmp_path / "copy.db")

    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(*) FROM catalog_info").fetchone() == (0,)


def test_a_reader_that_is_open_as_a_writer_is_killed_goes_on_reading(
    half_done: Path, tmp_path: Path
) -> None:
    place = tmp_path / "catalog.db"
    with closing(sqlite3.connect(place)) as conn:
        conn.execute("CREATE TABLE catalog_info (key TEXT, value TEXT)")
    reader = open_engine(f"sqlite:///{place}", read_only=True)
    try:
        assert facts(reader) == {}
        with place.open("r+b") as file:
            file.write(half_done.read_bytes())
        journal = half_done.with_name("catalog.db-journal")
        shutil.copyfile(journal, place.with_name(journal.name))

        with pytest.raises(CatalogAway, match=r"ended half-way.*: repeat"):
            facts(reader)

        assert facts(reader) == {}
    finally:
        reader.dispose()
