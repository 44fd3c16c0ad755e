"""A catalog of the first released schema, with something in it, brought up to today's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, event, func, select, text

from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.frontier import Lease, claim
from catalog.storage.migrate import config_for, init, upgrade
from catalog.storage.sources import reserve, reserved
from catalog.storage.verify import verify
from catalog.times import DAY
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROWS = (
    "INSERT INTO sources (source_id, name, dialect, added_at) VALUES (7, 's', 'gpts-v2', 1)",
    "INSERT INTO budgets (source_id, day, reserved) VALUES (7, '2026-02-03', 41)",
    "INSERT INTO frontier (gizmo_id, added_at, due_at, attempts) VALUES ('g-000000001', 1, 2, 3)",
)


@pytest.fixture
def first(empty_url: str) -> str:
    """A catalog of revision 0001 that holds :data:`ROWS`."""
    engine = create_engine(
        empty_url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool
    )
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def set_up(connection: object, _: object) -> None:
            connection.isolation_level = None  # type: ignore[attr-defined]

        @event.listens_for(engine, "begin")
        def begin(conn: Connection) -> None:
            conn.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as conn:
        command.upgrade(config_for(conn), "0001")
    with engine.begin() as conn:
        for statement in ROWS:
            conn.execute(text(statement))
    engine.dispose()
    return empty_url


def test_first_schema_is_brought_up_to_date_with_all_it_holds(first: str) -> None:
    done = upgrade(first, NOW)
    assert (done.before, done.changed) == ("0001", True)
    engine = open_engine(first)
    with write(engine) as conn:
        assert reserved(conn, 7, "2026-02-03") == 41
        assert reserved(conn, 7, "2026-02-03", "probes") == 0
        assert reserve(conn, 7, "2026-02-03", 5, 45) == 4
        (held,) = claim(conn, Lease("me", NOW + DAY), ids=None, limit=9, now=NOW)
        assert (held.gizmo_id, held.attempts) == ("g-000000001", 3)
        assert (held.evidence_days, held.stratum, held.cell) == (0.0, "", None)
    with read(engine) as conn:
        assert [f for check in verify(conn) for f in check.findings] == []
        assert conn.execute(select(func.count()).select_from(t.probes)).scalar() == 0
    engine.dispose()


def test_upgraded_first_schema_is_todays(
    first: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What the migrations make of an old catalog is what they make of nothing."""
    upgrade(first, NOW)
    if not first.startswith("sqlite"):
        return
    fresh = f"sqlite:///{tmp_path_factory.mktemp('fresh') / 'catalog.db'}"
    init(fresh, NOW)
    found = []
    for url in (first, fresh):
        engine = open_engine(url, read_only=True)
        with read(engine) as conn:
            rows = conn.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name"))
            found.append([tuple(row) for row in rows])
        engine.dispose()
    assert found[0] == found[1]
