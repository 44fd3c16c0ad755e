"""Making a catalog and bringing it to the current schema: the only place where tables come from.

SQLite needs care (design, section 11): with foreign keys on, rebuilding a parent table deletes its
children, and the driver's own transactions let a failing migration leave half a schema. So an
engine of its own, keys off, one explicit transaction for each migration, and the keys checked
before it is committed.
"""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)

import catalog
from catalog.disk import fsync
from catalog.errors import CatalogCorrupt, SettingsError, StorageError
from catalog.storage.driver_errors import map_errors
from catalog.storage.engine import (
    BUSY_TIMEOUT,
    connect_sqlite,
    create_postgres,
    missing,
    open_engine,
    write,
)
from catalog.storage.files import copy_file
from catalog.storage.relisting import make_listings, queue_outdated
from catalog.storage.schema import HEAD, check_schema, refuse_newer, revision_of
from catalog.storage.sqlite_files import make_private
from catalog.storage.urls import describe, is_sqlite, parse_url, sqlite_path
from catalog.times import to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import URL

    from catalog.times import Micros

__all__ = ["Upgraded", "check_schema", "config_for", "init", "migrations_folder", "upgrade"]

_ADVISORY_LOCK = 0x6770746D
"""PostgreSQL's lock that one migrating process holds; the number ("gptm") is its own."""


class Upgraded(msgspec.Struct, frozen=True, kw_only=True):
    """What an upgrade did.

    Attributes:
        before: the revision it found; None where it made the catalog.
        after: the revision now.
        backup: the copy made first, if any.
    """

    before: str | None
    after: str
    backup: Path | None = None

    @property
    def changed(self) -> bool:
        """Whether anything was to be done."""
        return self.before != self.after


def init(url: str, now: Micros) -> Upgraded:
    """Make the catalog at ``url``; one that is there already is left as it is, or upgraded.

    Args:
        url: the catalog.
        now: the present moment, for the name of a backup.

    Raises:
        StorageError: there is something else at ``url``.
        SchemaMismatch: a newer program made it.
    """
    parsed = parse_url(url)
    if is_sqlite(parsed):
        path = sqlite_path(parsed)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"no folder for {path} can be made ({error.strerror}): name another place"
            ) from None
    return _migrate(parsed, now, create=True)


def upgrade(url: str, now: Micros, *, folder: Path | None = None) -> Upgraded:
    """Bring the catalog at ``url`` to the current schema, with a backup of a SQLite file first.

    A migration that fails leaves the catalog as it was before that migration.

    Args:
        url: the catalog.
        now: the present moment, for the name of the backup.
        folder: where the migrations are, if not in the usual place.

    Raises:
        CatalogMissing: there is none.
        SchemaMismatch: a newer program made it.
        CatalogCorrupt: it does not pass its own checks.
    """
    return _migrate(parse_url(url), now, create=False, folder=folder)


def migrations_folder() -> Path:
    """Where the migrations are: in the wheel, or in the checkout.

    Raises:
        SettingsError: in neither: the installation is broken.
    """
    package = Path(catalog.__file__).parent
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise SettingsError("this installation carries no migrations: install gpts-catalog again")


def config_for(connection: Connection, folder: Path | None = None) -> Config:
    """Alembic's configuration, made here: there is no ``alembic.ini``.

    Args:
        connection: what ``env.py`` works on, outside any transaction.
        folder: where the migrations are, if not in the usual place.
    """
    config = Config()
    # A percent sign is an interpolation there.
    config.set_main_option("script_location", str(folder or migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = _check_foreign_keys
    return config


def _migrate(url: URL, now: Micros, *, create: bool, folder: Path | None = None) -> Upgraded:
    path = sqlite_path(url) if is_sqlite(url) else None
    is_new = path is not None and not path.exists()
    if is_new and not create:
        raise missing(url)
    engine = _engine(url, create=create)
    try:
        with engine.connect() as connection, _alone(connection):
            upgraded = _run(connection, url, now, create=create, folder=folder)
    except BaseException:
        engine.dispose()
        if is_new and path is not None:
            for leftover in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                leftover.unlink(missing_ok=True)
        raise
    engine.dispose()
    if upgraded.after == HEAD:
        _make_listings(url)
    return upgraded


def _make_listings(url: URL) -> None:
    """Make the listings that a migration asks for, or newer terms, part by part.

    Whatever ends this half-way, the next upgrade goes on, and so does the next run that settles.
    """
    engine = open_engine(url.render_as_string(hide_password=False))
    try:
        with write(engine) as connection:
            queue_outdated(connection)
        more = True
        while more:
            with write(engine) as connection:
                more = make_listings(connection)
    finally:
        engine.dispose()


def _run(
    connection: Connection, url: URL, now: Micros, *, create: bool, folder: Path | None
) -> Upgraded:
    place = describe(url)
    before = revision_of(connection)
    others = before is None and bool(inspect(connection).get_table_names())
    connection.rollback()
    config = config_for(connection, folder)
    head = _head(config)
    if before is not None:
        refuse_newer(before, head, place)
    elif others:
        raise StorageError(f"{place} holds tables that are no catalog's: name another place")
    elif not create:
        raise missing(url)
    backup = None
    if before is not None and before != head and is_sqlite(url):
        backup = _back_up(sqlite_path(url), before, now)
    if before != head:
        command.upgrade(config, "head")
    return Upgraded(before=before, after=head, backup=backup)


def _head(config: Config) -> str:
    head = ScriptDirectory.from_config(config).get_current_head()
    if head is None:
        raise SettingsError("this installation carries no migrations: install gpts-catalog again")
    return head


def _engine(url: URL, *, create: bool) -> Engine:
    if not is_sqlite(url):
        # Rewriting a table may take long; waiting for a lock may not, for it stops all others.
        settings = {"TimeZone": "UTC", "lock_timeout": f"{round(BUSY_TIMEOUT)}s"}
        engine = create_postgres(url, settings, poolclass=NullPool)
        map_errors(engine)
        return engine
    path = sqlite_path(url)
    mode = "rwc" if create else "rw"
    if create:
        make_private(path)
    engine = create_engine(
        url,
        creator=lambda: connect_sqlite(path, mode, BUSY_TIMEOUT),
        poolclass=NullPool,
        hide_parameters=True,
    )
    map_errors(engine)

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # Without effect inside a transaction, so it cannot be done later.
        connection.execute("PRAGMA foreign_keys = OFF")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Let no other process migrate the same PostgreSQL database; SQLite's own lock is enough."""
    if connection.dialect.name != "postgresql":
        yield
        return
    # Held by the session, over all the transactions of the migrations.
    connection.execute(select(func.pg_advisory_lock(_ADVISORY_LOCK)))
    connection.commit()
    yield


def _check_foreign_keys(*, ctx: MigrationContext, **_: Any) -> None:
    """Refuse a migration that leaves rows without their parents, before it is committed."""
    connection = ctx.connection
    if connection is None or connection.dialect.name != "sqlite":
        return
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise CatalogCorrupt(
            f"row {broken[1]} of {broken[0]} names a row of {broken[2]} that is not there:"
            " nothing was changed; run gpts-catalog verify"
        )


def _back_up(path: Path, revision: str, now: Micros) -> Path:
    """Copy the file, checked, before it is changed."""
    stamp = to_datetime(now).strftime("%Y%m%dT%H%M%SZ")
    name = f"{path.name}.backup-{revision}-{stamp}"
    # An upgrade that was cut off, and given again within the second, has left one.
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    target = next(place for place in map(path.with_name, names) if not place.exists())
    partial = target.with_name(f"{target.name}.partial")
    try:
        copy_file(path, partial)
        fsync(partial)
        partial.rename(target)
        fsync(target.parent)
    except sqlite3.Error as error:
        raise StorageError(
            f"no backup of {path} could be made ({error}): nothing was changed"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target
