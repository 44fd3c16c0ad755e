from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text

from catalog.errors import (
    CatalogCorrupt,
    CatalogMissing,
    SchemaMismatch,
    StorageError,
)
from catalog.storage import columns, tables
from catalog.storage.browse_tables import is_declared
from catalog.storage.engine import open_engine, read, write
from catalog.storage.migrate import (
    check_schema,
    config_for,
    init,
    migrations_folder,
    upgrade,
)
from catalog.storage.schema import HEAD
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Connection

NEXT = f"{int(HEAD) + 1:04}"
HEADER = f"""
revision = "{NEXT}"
down_revision = "{HEAD}"
"""
FAILING = """
import sqlalchemy as sa
from alembic import op
def upgrade():
    with op.batch_alter_table("sources") as batch:
        batch.add_column(sa.Column("colour", sa.Text))
    op.execute("DELETE FROM catalog_info")
    raise RuntimeError("half-way")
"""
GOOD = """
import sqlalchemy as sa
from alembic import op
from catalog.storage.remaking import views_set_aside
def upgrade():
    with views_set_aside(op.get_bind()):
        with op.batch_alter_table("payloads", recreate="auto") as batch:
            batch.add_column(sa.Column("colour", sa.Text))
            batch.alter_column("size", nullable=True)
"""
ORPHANING = """
from alembic import op
def upgrade():
    op.execute("DELETE FROM sources")
"""


def versions(tmp_path: Path, further: str) -> Path:
    """A copy of the migrations, with one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations_folder(), folder)
    (folder / "versions" / "further.py").write_text(HEADER + further)
    return folder


def is_plain(table: str) -> bool:
    """Whether a table can be read like any other: the search index's own cannot."""
    return is_declared(table, "table")


def contents(url: str) -> dict[str, list[Any]]:
    """Everything that is in a catalog, its schema included."""
    engine = open_engine(url)
    with read(engine) as conn:
        found: dict[str, list[Any]] = {}
        for table in sorted(filter(is_plain, inspect(conn).get_table_names())):
            found[f"{table} columns"] = [str(c) for c in inspect(conn).get_columns(table)]
            found[table] = sorted(map(repr, conn.execute(text(f'SELECT * FROM "{table}"'))))  # noqa: S608
    engine.dispose()
    return found


def add_observation(url: str) -> None:
    """A row with two parents, of which a careless migration would lose something."""
    engine = open_engine(url)
    with write(engine) as conn:
        conn.execute(
            tables.sources.insert(),
            {"source_id": 1, "name": "s", "dialect": "recorded", "added_at": NOW},
        )
        conn.execute(
            tables.observations.insert(),
            {
                "gizmo_id": "g-000000001",
                "source_id": 1,
                "observed_at": NOW,
                "payload_id": tables.NOT_FOUND_PAYLOAD,
                "wrapping": "",
                "verdict": "counted",
                "recorded_at": NOW,
                "run_id": "",
            },
        )
    engine.dispose()


def stamp(url: str, revision: str) -> None:
    engine = open_engine(url)
    with write(engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    engine.dispose()


def test_migrations_make_what_the_tables_declare(engine: Engine) -> None:
    with read(engine) as conn:
        context = MigrationContext.configure(
            conn,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": is_declared,
            },
        )
        found = compare_metadata(context, tables.metadata)

    assert found == []


def test_migrations_sort_text_by_code_point(engine: Engine) -> None:
    declared = {
        (table.name, column.name)
        for table in tables.metadata.tables.values()
        for column in table.columns
        if column.type is columns.TEXT
    }
    with read(engine) as conn:
        if conn.dialect.name == "postgresql":
            rows = conn.execute(
                text(
                    "SELECT table_name, column_name FROM information_schema.columns"
                    " WHERE table_schema = 'public' AND data_type = 'text' AND collation_name = 'C'"
                )
            )
            found = {tuple(row) for row in rows if row.table_name in tables.metadata.tables}
            assert found == declared
        else:
            schemas = conn.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
            assert not [sql for (sql,) in schemas if "COLLATE" in sql.upper()]


def test_migrations_make_narrow_tables_where_declared(
    catalog_url: str, engine_name: str, engine: Engine
) -> None:
    if engine_name == "postgres":
        assert catalog_url.startswith("postgresql:")
        return
    declared = {
        table.name
        for table in tables.metadata.tables.values()
        if not table.dialect_options["sqlite"]["with_rowid"]
    }
    with read(engine) as conn:
        rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        found = {name for name, sql in rows if "WITHOUT ROWID" in sql}
        assert set(filter(is_plain, found)) == declared


def test_new_catalog_holds_the_payload_of_not_found(engine: Engine) -> None:
    with read(engine) as conn:
        row = conn.execute(select(tables.payloads)).mappings().one()

    assert dict(row) == {
        "payload_id": tables.NOT_FOUND_PAYLOAD,
        "digest": b"",
        "size": 0,
        "encoding": 0,
        "base_id": None,
        "redacted": False,
        "data": b"",
    }


def test_new_catalogs_differ_by_their_ids(empty_url: str, tmp_path: Path) -> None:
    ids: set[str] = set()
    for url in (empty_url, f"sqlite:///{tmp_path / 'other.db'}"):
        init(url, NOW)
        engine = open_engine(url)
        with read(engine) as conn:
            rows = conn.execute(select(tables.catalog_info)).all()
        engine.dispose()
        ids.update(value for key, value in rows if key == "catalog_id")

    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_revisions_are_a_line_of_numbers_that_ends_at_head(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'c.db'}"
    init(url, NOW)
    engine = open_engine(url)
    with engine.connect() as conn:
        script = ScriptDirectory.from_config(config_for(conn))
    engine.dispose()
    revisions = [each.revision for each in script.walk_revisions()]

    assert revisions == [f"{n:04}" for n in range(len(revisions), 0, -1)]
    assert revisions[0] == HEAD


def test_init_twice_changes_nothing(empty_url: str) -> None:
    first = init(empty_url, NOW)
    before = contents(empty_url)
    second = init(empty_url, NOW)

    assert (first.before, first.after, first.changed) == (None, HEAD, True)
    assert (second.before, second.changed, second.backup) == (HEAD, False, None)
    assert contents(empty_url) == before


def test_upgrade_twice_is_a_no_op(catalog_url: str, tmp_path: Path) -> None:
    folder = versions(tmp_path, GOOD)
    add_observation(catalog_url)
    first = upgrade(catalog_url, NOW, folder=folder)
    before = contents(catalog_url)
    second = upgrade(catalog_url, NOW, folder=folder)

    assert (first.before, first.after) == (HEAD, NEXT)
    assert not second.changed
    assert second.backup is None
    assert contents(catalog_url) == before


def test_upgrade_keeps_the_rows_of_a_rebuilt_parent_and_its_children(
    catalog_url: str, tmp_path: Path
) -> None:
    add_observation(catalog_url)
    before = contents(catalog_url)
    upgrade(catalog_url, NOW, folder=versions(tmp_path, GOOD))
    after = contents(catalog_url)

    assert after["observations"] == before["observations"]
    assert len(after["payloads"]) == 1
    assert len(after["payloads columns"]) == len(before["payloads columns"]) + 1


def test_failing_migration_leaves_the_catalog_as_it_was(catalog_url: str, tmp_path: Path) -> None:
    add_observation(catalog_url)
    before = contents(catalog_url)
    with pytest.raises(RuntimeError, match="half-way"):
        upgrade(catalog_url, NOW, folder=versions(tmp_path, FAILING))

    assert contents(catalog_url) == before


def test_failing_migration_leaves_the_file_byte_for_byte(
    sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="half-way"):
        upgrade(f"sqlite:///{path}", NOW, folder=versions(tmp_path, FAILING))

    assert path.read_bytes() == before


def test_failing_migration_releases_its_lock(catalog_url: str, tmp_path: Path) -> None:
    folder = versions(tmp_path, FAILING)
    with pytest.raises(RuntimeError, match="half-way"):
        upgrade(catalog_url, NOW, folder=folder)
    (folder / "versions" / "further.py").write_text(HEADER + GOOD)

    assert upgrade(catalog_url, NOW + 1_000_000, folder=folder).after == NEXT


def test_migration_that_orphans_rows_is_undone(catalog_url: str, tmp_path: Path) -> None:
    add_observation(catalog_url)
    before = contents(catalog_url)
    with pytest.raises(Exception, match=r"names a row of sources|violates foreign key") as caught:
        upgrade(catalog_url, NOW, folder=versions(tmp_path, ORPHANING))

    assert contents(catalog_url) == before
    if catalog_url.startswith("sqlite"):
        assert isinstance(caught.value, CatalogCorrupt)


def test_upgrade_backs_up_a_file_first(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    url = f"sqlite:///{path}"
    add_observation(url)
    before = contents(url)
    backup = upgrade(url, NOW, folder=versions(tmp_path, GOOD)).backup

    assert backup == tmp_path / f"catalog.db.backup-{HEAD}-20260203T040506Z"
    assert contents(f"sqlite:///{backup}") == before
    assert not list(tmp_path.glob("*.partial*"))


def test_upgrade_cut_off_behind_its_backup_is_given_again_within_the_second(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """Found by `make crashes`: the backup of the first try stood in the way of the second."""
    path = tmp_path / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    first = tmp_path / f"catalog.db.backup-{HEAD}-20260203T040506Z"
    first.write_bytes(b"the first")
    done = upgrade(f"sqlite:///{path}", NOW, folder=versions(tmp_path, GOOD))
    assert done.backup == tmp_path / f"{first.name}-2"
    assert first.read_bytes() == b"the first"


def test_upgrade_refuses_a_damaged_file(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    with closing(sqlite3.connect(path)) as raw:
        (size,) = raw.execute("PRAGMA page_size").fetchone()
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_frontier_due_at'"
        (page,) = raw.execute(query).fetchone()
    with path.open("r+b") as file:
        # An index that is none: the tables are readable, yet the file is not whole.
        file.seek((page - 1) * size)
        file.write(bytes(size))
    before = path.read_bytes()
    with pytest.raises(CatalogCorrupt, match="nothing was changed"):
        upgrade(f"sqlite:///{path}", NOW, folder=versions(tmp_path, GOOD))

    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.backup*"))


def test_newer_schema_is_refused_everywhere(catalog_url: str, engine: Engine) -> None:
    stamp(catalog_url, "9999")

    for refused in (
        lambda: check_schema(engine),
        lambda: upgrade(catalog_url, NOW),
        lambda: init(catalog_url, NOW),
    ):
        with pytest.raises(SchemaMismatch, match="install a newer gpts-catalog"):
            refused()


def test_older_schema_is_refused_with_the_command_that_helps(
    catalog_url: str, engine: Engine
) -> None:
    check_schema(engine)
    stamp(catalog_url, "0000")

    with pytest.raises(SchemaMismatch, match="run gpts-catalog upgrade"):
        check_schema(engine)


def test_upgrade_of_nothing_names_init(empty_url: str) -> None:
    with pytest.raises(CatalogMissing, match="gpts-catalog init"):
        upgrade(empty_url, NOW)


def test_init_leaves_a_strange_database_alone(empty_url: str) -> None:
    if empty_url.startswith("sqlite"):
        with closing(sqlite3.connect(empty_url.removeprefix("sqlite:///"))) as raw:
            raw.execute("CREATE TABLE diary (line TEXT)")
    else:
        engine = open_engine(empty_url)
        with write(engine) as conn:
            conn.execute(text("CREATE TABLE diary (line TEXT)"))
        engine.dispose()

    with pytest.raises(StorageError, match="no catalog's"):
        init(empty_url, NOW)


def test_failed_init_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "catalog.db"

    def fail(_connection: Connection) -> None:
        raise RuntimeError("at once")

    monkeypatch.setattr("catalog.storage.migrate.revision_of", fail)
    with pytest.raises(RuntimeError, match="at once"):
        init(f"sqlite:///{path}", NOW)

    assert list(path.parent.iterdir()) == []
