"""What storage is not given, and says so: places, files and rows that are none."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import create_engine, delete, select, update
from sqlalchemy.exc import TimeoutError as PoolTimeout

from catalog.errors import CatalogBusy, CatalogCorrupt, SettingsError, StorageError
from catalog.query.raw import original
from catalog.query.selecting import Selection
from catalog.search.filters import Filter
from catalog.storage import engine as engines
from catalog.storage import sqlite_files
from catalog.storage import tables as t
from catalog.storage.backup import back_up
from catalog.storage.dataset_file import DatasetFile, read_dataset
from catalog.storage.driver_errors import translated
from catalog.storage.engine import ledger_of, read, write
from catalog.storage.mentions import names_to_search, note_searched
from catalog.storage.migrate import init, migrations_folder, upgrade
from catalog.storage.repricing import move_due
from catalog.storage.rows import insert_rows
from catalog.storage.scrubbing import scrub
from catalog.storage.search_index import held_terms
from catalog.storage.urls import parse_url
from catalog.storage.view_sql import expand
from tests.contract.telling import DERIVER, ID, day, document, said, tell
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


@pytest.mark.parametrize(
    ("readable", "advice"), [(False, "somebody who may read it"), (True, "may write to its folder")]
)
def test_file_that_cannot_be_opened_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, readable: bool, advice: str
) -> None:
    """Who may not read it was told to look at the folder. Root may read all: so it is played."""
    monkeypatch.setattr("os.access", lambda _, mode: mode == os.F_OK or readable)
    url = parse_url(f"sqlite:///{tmp_path / 'catalog.db'}")
    with pytest.raises(StorageError, match=advice), translated(url):
        sqlite3.connect(tmp_path / "none" / "catalog.db")


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


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_terms_that_cannot_be_read_name_rebuild(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with write(engine) as conn:
        conn.exec_driver_sql("UPDATE search_index_terms SET terms = x'00'")
    with (
        read(engine) as conn,
        pytest.raises(CatalogCorrupt, match=r"cannot be read .* gpts-catalog rebuild"),
    ):
        held_terms(conn, conn.execute(select(t.listings.c.doc_id)).scalars().all())


def test_copy_that_does_not_pass_its_checks_is_no_backup(engine: Engine, tmp_path: Path) -> None:
    tell(engine, said(day(1), document()))
    with write(engine) as conn:
        conn.execute(delete(t.gizmo_revisions))
    target = tmp_path / "backup.db"
    with pytest.raises(
        CatalogCorrupt,
        match=r"does not pass its checks: .*; run gpts-catalog verify on the catalog$",
    ):
        back_up(engine.url.render_as_string(hide_password=False), target, NOW)
    assert list(tmp_path.glob("backup.db*")) == []


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("place", ["backup", "migrate"])
def test_disk_that_fails_a_copy_is_named(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setattr(f"catalog.storage.{place}.copy_file", fail)
    if place == "backup":
        with pytest.raises(StorageError, match=r"no backup .* \(disk I/O error\)"):
            back_up(url, tmp_path / "backup.db", NOW)
        return
    with write(engine) as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")
    with pytest.raises(StorageError, match=r"no backup .* nothing was changed"):
        upgrade(url, NOW)


def test_installation_without_migrations_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog_url: str
) -> None:
    empty = tmp_path / "migrations"
    (empty / "versions").mkdir(parents=True)
    (empty / "env.py").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="carries no migrations"):
        upgrade(catalog_url, NOW, folder=empty)
    monkeypatch.setattr("catalog.__file__", str(tmp_path / "catalog" / "__init__.py"))
    (empty / "env.py").unlink()
    with pytest.raises(SettingsError, match="carries no migrations"):
        migrations_folder()


@pytest.mark.usefixtures("engine")
def test_engine_of_somebody_else_has_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="open_engine"):
        ledger_of(create_engine(f"sqlite:///{tmp_path / 'other.db'}"))


def test_error_that_tells_nothing_of_the_catalog_stays_as_it_is() -> None:
    url = parse_url("postgresql://postgres@/test")
    with pytest.raises(psycopg.InterfaceError, match="closed"), translated(url):
        raise psycopg.InterfaceError("closed")


def test_document_that_is_not_there_any_more_is_damage(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with write(engine) as conn:
        conn.execute(update(t.gizmos).values(observation_id=99))
        with pytest.raises(CatalogCorrupt, match="names observation 99, which is not there"):
            original(conn, ID, DERIVER)


def test_more_readers_than_connections_are_told_so(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr("catalog.storage.engine._reach", none_left)
    with pytest.raises(CatalogBusy, match="connections of this process"), read(engine):
        pass


@pytest.mark.parametrize("engine_name", ["postgres"], indirect=True)
def test_transaction_that_never_ends_is_not_taken_for_committed(
    engine: Engine, catalog_url: str
) -> None:
    """Its server may not have noticed that nobody is there any more: it is asked a few times."""
    waited: list[float] = []
    asker = engines.open_engine(catalog_url, wait=waited.append)
    with write(engine) as conn:
        number, started, _ = conn.exec_driver_sql(engines._BEGIN_WRITING).one()  # noqa: SLF001
        assert not engines._was_committed(asker, number, started)  # noqa: SLF001
    assert waited == list(engines.RETURN_PAUSES)
    assert engines._was_committed(asker, number, started)  # noqa: SLF001
    asker.dispose()


def test_disk_that_can_only_be_read_is_frozen(
    sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = os.statvfs(sqlite_template)
    read_only = type("Flags", (), {"f_flag": kept.f_flag | os.ST_RDONLY})
    assert not sqlite_files._is_frozen(sqlite_template)  # noqa: SLF001
    monkeypatch.setattr("os.statvfs", lambda _: read_only)
    assert sqlite_files._is_frozen(sqlite_template)  # noqa: SLF001


def test_candidates_of_no_words_are_all_as_wanted(engine: Engine) -> None:
    with read(engine) as conn:
        assert Selection(Filter(statuses=("listed",))).verified(conn, [ID]) == {ID}
