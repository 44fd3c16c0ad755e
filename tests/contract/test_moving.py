from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine, func, insert, select, update

from catalog.errors import CatalogBusy, CatalogCorrupt, StorageError, UsageError
from catalog.storage import copying, moving
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.frontier import Lease, add_ids, claim
from catalog.storage.migrate import config_for, init, upgrade
from catalog.storage.moving import move
from catalog.storage.schema import check_schema
from catalog.storage.urls import is_sqlite, parse_url, sqlite_path
from catalog.times import HOUR
from tests.contract.telling import changed, day, document, said, tell
from tests.contract.test_backup import other_url, state, told, told_url
from tests.databases import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from catalog.storage.copying import Copied

__all__ = ["other_url", "told", "told_url"]


class Broken(Exception):
    """Stands for a machine that dies."""


def breaking_at(rows: int, stage: str = "") -> object:
    """A report that dies once ``rows`` are there, or at the stage of that name."""

    def report(done: Copied) -> None:
        if done.table == stage or (not stage and done.rows >= rows):
            raise Broken

    return report


def count(url: str, table: str) -> int:
    opened = open_engine(url)
    try:
        with read(opened) as conn:
            table_ = t.metadata.tables[table]
            return conn.execute(select(func.count()).select_from(table_)).scalar_one()
    finally:
        opened.dispose()


def test_move_gives_an_equal_catalog(told: Engine, told_url: str, other_url: str) -> None:
    moved = move(told, other_url, NOW)
    assert moved.digest == state(other_url) == state(told_url)
    assert moved.before == 0
    assert count(other_url, "listings") == count(told_url, "listings") > 0


def test_move_there_and_back_is_equal(told: Engine, told_url: str, other_url: str) -> None:
    first = move(told, other_url, NOW)
    there = open_engine(other_url, read_only=True)
    back = (
        "sqlite:///" + str(told.url.database) + ".back"
        if told.url.get_backend_name() == "sqlite"
        else None
    )
    try:
        if back is not None:
            assert move(there, back, NOW).digest == first.digest == state(back)
    finally:
        there.dispose()
    assert state(told_url) == first.digest


@pytest.mark.parametrize("rows", [1, 100, 400, 900])
def test_broken_move_goes_on_where_it_was(
    told: Engine, told_url: str, other_url: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PART", 16)
    monkeypatch.setattr(moving, "_TOGETHER", 2)
    with pytest.raises(Broken):
        move(told, other_url, NOW, breaking_at(rows))  # type: ignore[arg-type]
    seen: list[int] = []
    moved = move(told, other_url, NOW, lambda done: seen.append(done.rows))
    assert moved.before >= rows
    assert min(seen) >= moved.before
    assert moved.digest == state(other_url) == state(told_url)


def test_move_that_broke_off_while_listing_goes_on(told: Engine, other_url: str) -> None:
    with pytest.raises(Broken):
        move(told, other_url, NOW, breaking_at(0, "listings"))  # type: ignore[arg-type]
    assert move(told, other_url, NOW).digest == state(other_url)


def test_half_a_catalog_is_refused_by_everyone(told: Engine, other_url: str) -> None:
    with pytest.raises(Broken):
        move(told, other_url, NOW, breaking_at(1))  # type: ignore[arg-type]
    half = open_engine(other_url)
    try:
        with pytest.raises(StorageError, match="gpts-catalog move again"):
            check_schema(half)
    finally:
        half.dispose()
    for refused in (init, upgrade):
        with pytest.raises(StorageError, match="gpts-catalog move again"):
            refused(other_url, NOW)


def test_move_begins_again_where_the_old_place_has_changed(
    told: Engine, told_url: str, other_url: str
) -> None:
    with pytest.raises(Broken):
        move(told, other_url, NOW, breaking_at(1))  # type: ignore[arg-type]
    tell(told, said(day(8), changed(document("g-Made00001"), description="meanwhile")))
    moved = move(told, other_url, NOW)
    assert moved.before == 0
    assert moved.digest == state(other_url) == state(told_url)


def test_move_does_not_touch_a_catalog_that_is_there(told: Engine, other_url: str) -> None:
    init(other_url, NOW)
    there = open_engine(other_url)
    try:
        with write(there) as conn:
            add_ids(conn, ["g-Another001"], NOW)
        with pytest.raises(UsageError, match="holds a catalog already"):
            move(told, other_url, NOW)
        with read(there) as conn:
            assert conn.execute(select(t.frontier.c.gizmo_id)).scalars().all() == ["g-Another001"]
    finally:
        there.dispose()


@pytest.mark.parametrize("revision", ["0001", "0003"])
def test_move_that_was_killed_while_it_made_the_tables_goes_on(
    told: Engine, other_url: str, tmp_path: Path, revision: str
) -> None:
    """Each migration is there for good once it is done: a kill leaves some of them."""
    url = parse_url(other_url)
    if is_sqlite(url):
        sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
    made = create_engine(url)
    with made.connect() as connection:
        command.upgrade(config_for(connection), revision)
        connection.commit()
    made.dispose()
    before = set(tmp_path.rglob("*.db"))
    assert move(told, other_url, NOW).digest == state(other_url)
    # Nothing was worth a backup.
    assert {path.name for path in set(tmp_path.rglob("*.db")) - before} <= {"other.db"}


def test_move_into_an_empty_catalog_is_a_move(told: Engine, other_url: str) -> None:
    init(other_url, NOW)
    assert move(told, other_url, NOW).digest == state(other_url)


def test_second_move_to_a_place_is_refused_while_the_first_goes_on(
    told: Engine, other_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told that a row contradicts another, or that the place holds a catalog."""
    monkeypatch.setattr(moving, "_PATIENCE", 0.2)
    refused: list[str] = []

    def start_another(done: Copied) -> None:
        if not refused and done.rows:
            with pytest.raises(CatalogBusy, match="another gpts-catalog move to") as caught:
                move(told, other_url, NOW)
            refused.append(str(caught.value))

    moved = move(told, other_url, NOW, start_another)
    assert refused
    assert moved.digest == state(other_url)


def test_move_whose_lock_a_server_forgot_gives_way_to_the_next(
    told: Engine, other_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections are made anew, and go on; but locks are gone, and both would write at once."""
    monkeypatch.setattr(moving, "_PATIENCE", 0.2)
    ended: list[str] = []

    def start_another(done: Copied) -> None:
        if ended or not done.rows:
            return
        if is_sqlite(parse_url(other_url)):
            # A file's lock is the system's, and no restart loses it.
            monkeypatch.setattr(moving, "own", lambda *_: None)
        else:
            with psycopg.connect(other_url) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        ended.append(move(told, other_url, NOW).digest)

    with pytest.raises(CatalogBusy, match="another gpts-catalog move to"):
        move(told, other_url, NOW, start_another)
    assert ended == [state(other_url)]
    with pytest.raises(UsageError, match="holds a catalog already"):
        move(told, other_url, NOW)


def test_move_to_its_own_place_is_refused(told: Engine, told_url: str) -> None:
    with pytest.raises(UsageError, match="where it is"):
        move(told, told_url, NOW)


def test_claims_do_not_come_along(told: Engine, other_url: str) -> None:
    with write(told) as conn:
        add_ids(conn, ["g-Claimed0001"], NOW)
        lease = Lease(owner="somebody", until=NOW + HOUR)
        assert claim(conn, lease, ids=None, limit=5, now=NOW)
    move(told, other_url, NOW)
    there = open_engine(other_url)
    try:
        with read(there) as conn:
            held = select(func.count()).where(t.frontier.c.lease_owner.is_not(None))
            assert conn.execute(held).scalar_one() == 0
    finally:
        there.dispose()


def test_row_that_arrived_wrong_is_found(told: Engine, other_url: str) -> None:
    def spoil(done: Copied) -> None:
        if done.table == "listings":
            there = open_engine(other_url)
            with write(there) as conn:
                conn.execute(update(t.sources).values(dialect="another"))
            there.dispose()

    with pytest.raises(CatalogCorrupt, match="not what was there"):
        move(told, other_url, NOW, spoil)
    there = open_engine(other_url)
    try:
        with pytest.raises(StorageError, match="gpts-catalog move again"):
            check_schema(there)
    finally:
        there.dispose()


def test_rows_may_be_written_after_a_move(told: Engine, other_url: str) -> None:
    move(told, other_url, NOW)
    there = open_engine(other_url)
    try:
        tell(there, said(day(9), document("g-Later0001")))
        with write(there) as conn:
            conn.execute(
                insert(t.sources), [{"name": "later", "dialect": "recorded", "added_at": NOW}]
            )
    finally:
        there.dispose()
    state(other_url)
