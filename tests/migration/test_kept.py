"""A catalog of every earlier schema is brought up to date, with all that it holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from catalog.derive import Derivation
from catalog.errors import SchemaMismatch
from catalog.storage import tables as t
from catalog.storage.backup import restore
from catalog.storage.dump import digest
from catalog.storage.engine import open_engine, read, write
from catalog.storage.migrate import upgrade
from catalog.storage.rebuild import rebuild
from catalog.storage.schema import HEAD, check_schema
from catalog.storage.verify import verify
from catalog.times import DAY
from tests.migration.kept import DERIVED_AGAIN, POPULATION, REVISIONS, SIZE, unpack

NOW = POPULATION.start + 9 * DAY


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_kept_catalog_is_brought_up_to_date_with_all_that_it_holds(
    revision: str, tmp_path: Path
) -> None:
    path = tmp_path / "catalog.db"
    unpack(revision, path)
    with closing(sqlite3.connect(path)) as raw:
        ((said,),) = raw.execute("SELECT count(*) FROM observations")
    assert said > SIZE
    done = upgrade(f"sqlite:///{path}", NOW)
    assert (done.before, done.after) == (revision, HEAD)
    engine = open_engine(f"sqlite:///{path}")
    with read(engine) as conn:
        assert [found for check in verify(conn) for found in check.findings] == []
        assert conn.scalar(select(func.count()).select_from(t.observations)) == said
        before = digest(conn)
    with write(engine) as conn:
        rebuild(conn, Derivation())
    with read(engine) as conn:
        if not any(revision < each for each in DERIVED_AGAIN):
            assert digest(conn) == before, "if only a rebuild fills what is new: DERIVED_AGAIN"
        assert [found for check in verify(conn) for found in check.findings] == []
    engine.dispose()


def test_a_kept_catalog_is_refused_until_it_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    unpack(REVISIONS[-1], path)
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    with pytest.raises(SchemaMismatch, match="run gpts-catalog upgrade"):
        check_schema(engine)
    engine.dispose()


def test_a_backup_of_an_earlier_schema_is_put_back_as_todays(tmp_path: Path) -> None:
    unpack("0003", tmp_path / "backup.db")
    restored = tmp_path / "again" / "catalog.db"
    before, after = restore(tmp_path / "backup.db", f"sqlite:///{restored}", NOW, Derivation())
    assert (before, after) == ("0003", HEAD)
    assert sorted(path.name for path in restored.parent.glob("*.db*")) == ["catalog.db"]
