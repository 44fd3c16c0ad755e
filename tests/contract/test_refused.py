"""What storage is not given, and says so: places, files and rows that are none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from catalog.errors import CatalogBusy, CatalogCorrupt, StorageError
from catalog.storage import tables as t
from catalog.storage.backup import back_up
from catalog.storage.dataset_file import DatasetFile, read_dataset
from catalog.storage.engine import read, write
from catalog.storage.mentions import names_to_search, note_searched
from catalog.storage.migrate import init
from catalog.storage.repricing import move_due
from catalog.storage.rows import insert_rows
from catalog.storage.scrubbing import scrub
from catalog.storage.view_sql import expand
from tests.contract.telling import day, document, said, tell
from tests.databases import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def test_place_below_a_file_is_no_folder(tmp_path: Path, engine: Engine) -> None:
    below = tmp_path / "file" / "catalog.db"
    below.parent.write_bytes(b"")
    with pytest.raises(StorageError, match=r"no folder for .* can be made"):
        init(f"sqlite:///{below}", NOW)
    with pytest.raises(StorageError, match=r"no folder for .* can be made"):
        back_up(engine.url.render_as_string(hide_password=False), below, NOW)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("held", ["BEGIN", "BEGIN IMMEDIATE"])
def test_file_that_others_read_or_write_is_not_written_anew(engine: Engine, held: str) -> None:
    """Somebody who reads keeps the log, in which what was erased may stand."""
    tell(engine, said(day(1), document()))
    with closing(sqlite3.connect(engine.url.database or "", isolation_level=None)) as other:
        other.execute(held)
        other.execute("SELECT count(*) FROM gizmos").fetchone()
        with pytest.raises(CatalogBusy, match="is held by another process"):
            scrub(engine, busy_timeout=0.1)
        other.execute("ROLLBACK")
    scrub(engine, busy_timeout=0.1)


def test_file_that_is_no_dataset_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dataset.sqlite"
    path.write_bytes(b"nothing that SQLite knows" * 99)
    with pytest.raises(CatalogCorrupt, match="take another copy of it"):
        list(read_dataset(path, "gizmos", ["gizmo_id"]))


def test_dataset_may_have_tables_without_a_key_and_is_nothing_till_it_is_closed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "dataset.sqlite"
    file = DatasetFile(path)
    file.create("plain", {"name": "string", "number": "integer"}, ())
    file.insert("plain", [["a", "a"], [1, 1]])
    file.close()
    assert list(read_dataset(path, "plain", ["number", "name"])) == [(1, "a"), (1, "a")]
    other = DatasetFile(tmp_path / "other.sqlite")
    other.create("plain", {"name": "string"}, ("name",))
    other.discard()
    with (
        closing(sqlite3.connect(tmp_path / "other.sqlite")) as left,
        pytest.raises(sqlite3.Error),
    ):
        left.execute("SELECT * FROM plain").fetchall()


def test_rows_of_different_columns_are_refused(engine: Engine) -> None:
    rows = [{"key": "a", "value": "1"}, {"key": "b"}]
    with write(engine) as conn, pytest.raises(ValueError, match="catalog_info have other columns"):
        insert_rows(conn, t.catalog_info, rows)


def test_no_visits_are_moved(engine: Engine) -> None:
    with write(engine) as conn:
        assert move_due(conn, []) == 0


def test_names_are_searched_for_in_turn_and_again_from_the_first(engine: Engine) -> None:
    def author(number: int, name: str) -> dict[str, str]:
        return {"user_id": f"user-{number}", "display_name": name}

    for number, name in enumerate(("Ann", "Ben", "Cyd")):
        tell(engine, said(day(1), document(f"g-Author0{number}0", author=author(number, name))))
    with write(engine) as conn:
        assert names_to_search(conn, 2) == ["Ann", "Ben"]
        note_searched(conn, "Ben")
        assert names_to_search(conn, 2) == ["Cyd", "Ann"]
        assert names_to_search(conn, 9) == ["Cyd", "Ann", "Ben"]
    with read(engine) as conn:
        assert names_to_search(conn, 1) == ["Cyd"]


def test_macro_of_a_view_that_is_not_closed_is_refused() -> None:
    with pytest.raises(ValueError, match="a bracket is not closed"):
        expand("SELECT @day(observed_at FROM t", "sqlite")
