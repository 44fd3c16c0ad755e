"""Backups: one SQLite file that holds a whole catalog at one moment, and the way back.

A backup of a catalog on PostgreSQL is a SQLite file too: it can be looked at, verified and put back
into either engine. It is written beside its place and renamed when it is whole and checked, so that
a backup that is there is one.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import MetaData, Table
from sqlalchemy.schema import DropTable

from catalog.disk import fsync, own
from catalog.errors import CatalogBusy, CatalogCorrupt, StorageError, UsageError
from catalog.settings.urls import file_url
from catalog.storage import tables as t
from catalog.storage.copying import Copied, copy_rows, drop_claims
from catalog.storage.engine import (
    BUSY_TIMEOUT,
    connect_sqlite,
    open_engine,
    read,
    use_ledger,
    write,
)
from catalog.storage.erasing import erase_covered
from catalog.storage.files import Report, copy_file
from catalog.storage.ledger import Ledger
from catalog.storage.migrate import init, upgrade
from catalog.storage.remaking import drop_views
from catalog.storage.schema import revision_of
from catalog.storage.scrubbing import scrub
from catalog.storage.tombstones import sync
from catalog.storage.urls import describe, is_sqlite, parse_url, sqlite_path
from catalog.storage.verify import verify

if TYPE_CHECKING:
    from catalog.records import Deriver
    from catalog.times import Micros

PARTIAL = ".partial"
"""Ends the name of what is not whole yet."""
_COMPANIONS = ("-wal", "-shm", "-journal")


class BackedUp(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made and checked.

    Attributes:
        path: the file.
        size: its length in bytes.
        checked: things that the check of the copy looked at.
    """

    path: Path
    size: int
    checked: int


def back_up(
    url: str, target: Path, now: Micros, report: Report = lambda _: None, *, replace: bool = False
) -> BackedUp:
    """Write the catalog at ``url`` to the file ``target``, while others go on reading and writing.

    The copy is opened and verified as any catalog is before it takes its name: a backup that
    cannot be restored is found when it is made, not when it is needed.

    Args:
        url: the catalog.
        target: the file; its folder is made.
        now: the present moment.
        report: takes lines of progress.
        replace: whether a file of that name may be replaced.

    Raises:
        UsageError: ``target`` is there already, or is the catalog itself.
        CatalogMissing: there is no catalog at ``url``.
        CatalogCorrupt: the copy does not pass its checks.
        StorageError: it cannot be written.
    """
    parsed = parse_url(url)
    if is_sqlite(parsed) and _is_of_catalog(target, sqlite_path(parsed)):
        raise UsageError(f"{target} is the catalog's own file: name another one for its backup")
    if target.exists() and not replace:
        raise UsageError(f"{target} is there already: name another file")
    with _room(target) as partial:
        try:
            if is_sqlite(parsed):
                copy_file(sqlite_path(parsed), partial, report)
            else:
                _copy_tables(url, file_url(partial), now, report)
            checked = _check(partial, report)
            fsync(partial)
            partial.replace(target)
            fsync(target.parent)
        except sqlite3.Error as error:
            raise StorageError(f"no backup could be written to {target} ({error})") from None
    return BackedUp(path=target, size=target.stat().st_size, checked=checked)


def restore(
    source: Path,
    url: str,
    now: Micros,
    deriver: Deriver,
    report: Report = lambda _: None,
    *,
    folder: str | Path | None = None,
) -> tuple[str | None, str]:
    """Put a backup back where no catalog is.

    What was at work when the backup was made is not any more: its claims are dropped. An older
    schema is brought up to date. Whom the ledger of its new place says to forget is not brought
    back.

    Args:
        source: the backup.
        url: where the catalog is to be; nothing may be there.
        now: the present moment.
        deriver: the rules.
        report: takes lines of progress.
        folder: where the ledger of a catalog on PostgreSQL is; that of a file is beside it.

    Returns:
        The schema's revision before and after.

    Raises:
        SettingsError: the key of the backup's tombstones is missing.
        UsageError: there is a catalog at ``url`` already, or no file ``source``.
        CatalogCorrupt: the backup is damaged.
    """
    if not source.is_file():
        raise UsageError(f"there is no file {source}")
    parsed = parse_url(url)
    place = describe(parsed)
    # On SQLite the copy itself becomes the catalog; elsewhere its rows are copied over.
    target = sqlite_path(parsed) if is_sqlite(parsed) else source
    if is_sqlite(parsed) and any(Path(f"{target}{end}").exists() for end in ("", *_COMPANIONS)):
        raise UsageError(
            f"{place} is there already: move it away first, or name another place with --catalog"
        )
    if not is_sqlite(parsed) and _holds_catalog(url):
        raise UsageError(
            f"there is a catalog at {place} already: name an empty database with --catalog"
        )
    with _room(target) as partial:
        try:
            copy_file(source, partial, report)
            upgraded = upgrade(file_url(partial), now)
            if upgraded.backup is not None:
                upgraded.backup.unlink()
            _check(partial, report)
            _free(file_url(partial))
            place_of_ledger = (
                target.absolute().parent if is_sqlite(parsed) else Path(folder or "data")
            )
            _forget(file_url(partial), Ledger(place_of_ledger), source, deriver)
            if is_sqlite(parsed):
                _fold_log(partial)
                fsync(partial)
                partial.rename(target)
                fsync(target.parent)
            else:
                init(url, now)
                try:
                    _fill(file_url(partial), url, report)
                except BaseException:
                    _take_down(url)
                    raise
        except sqlite3.Error as error:
            raise CatalogCorrupt(
                f"{source} cannot be read ({error}): take another backup"
            ) from None
    return upgraded.before, upgraded.after


def _holds_catalog(url: str) -> bool:
    engine = open_engine(url, read_only=True)
    try:
        with read(engine) as conn:
            return revision_of(conn) is not None
    finally:
        engine.dispose()


def _take_down(url: str) -> None:
    """Leave an empty database where one was: the next try finds no half of a catalog."""
    engine = open_engine(url)
    try:
        with write(engine) as conn:
            drop_views(conn)
            t.metadata.drop_all(conn)
            for table in ("search_index", "alembic_version"):
                conn.execute(DropTable(Table(table, MetaData()), if_exists=True))
    finally:
        engine.dispose()


def _copy_tables(source: str, target: str, now: Micros, report: Report) -> None:
    """Write the rows of a catalog into a new file."""
    init(target, now)
    _fill(source, target, report)
    path = sqlite_path(parse_url(target))
    _fold_log(path)
    with closing(connect_sqlite(path, "rw", BUSY_TIMEOUT)) as connection:
        # Room that was given free within keeps bytes of what a new catalog made up, as its own id.
        connection.execute("VACUUM")


def _fill(source: str, target: str, report: Report) -> None:
    """Copy all rows from one catalog to an empty one, in one transaction each."""

    def tell(done: Copied) -> None:
        report(f"{done.rows:,} rows copied, now {done.table}")

    theirs, mine = open_engine(source, read_only=True), open_engine(target, durable=True)
    try:
        with read(theirs) as reading, write(mine) as writing:
            copy_rows(reading, writing, tell)
    finally:
        theirs.dispose()
        mine.dispose()


def _check(path: Path, report: Report) -> int:
    """Verify the copy as any catalog is verified; how many things were looked at.

    Raises:
        CatalogCorrupt: something in it is wrong.
    """
    engine = open_engine(file_url(path), read_only=True)
    looked_at = 0
    try:
        with read(engine) as conn:
            for check in verify(conn):
                looked_at += check.looked_at
                report(f"{looked_at:,} things checked")
                if check.findings:
                    raise CatalogCorrupt(
                        f"the copy does not pass its checks: {check.findings[0].what}; run"
                        " gpts-catalog verify on the catalog"
                    )
    finally:
        engine.dispose()
    return looked_at


def _free(url: str) -> None:
    engine = open_engine(url)
    try:
        with write(engine) as conn:
            drop_claims(conn)
    finally:
        engine.dispose()


def _forget(url: str, ledger: Ledger, source: Path, deriver: Deriver) -> None:
    """Erase from what is put back whom it was to be forgotten since, or elsewhere."""
    # The backup's own folder, and that of the catalog whose backups these are.
    for folder in source.absolute().parents[:2]:
        ledger.learn(Ledger(folder))
    engine = open_engine(url)
    use_ledger(engine, ledger)
    try:
        with write(engine) as conn:
            sync(conn, ledger)
            erased = erase_covered(conn, deriver)
        if erased.rows:
            scrub(engine)
    finally:
        engine.dispose()


def _fold_log(path: Path) -> None:
    """Take the write-ahead log into the file, which then stands alone."""
    with closing(connect_sqlite(path, "rw", BUSY_TIMEOUT)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _is_of_catalog(target: Path, catalog: Path) -> bool:
    """Whether ``target`` is the catalog's file, under any name, or one that SQLite keeps by it."""
    if target.exists() and catalog.exists() and target.samefile(catalog):
        return True
    own = {Path(f"{catalog.resolve()}{end}") for end in ("", *_COMPANIONS)}
    return target.resolve() in own


@contextmanager
def _room(target: Path) -> Iterator[Path]:
    """The place beside ``target`` where what is not whole yet is written: empty, and ours alone."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"no folder for {target} can be made ({error.strerror})") from None
    partial = target.with_name(f"{target.name}{PARTIAL}")
    lock = Path(f"{partial}.lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        own(
            handle,
            CatalogBusy(
                f"another process writes {target}: wait until it has finished, then repeat"
            ),
        )
        _remove(partial)
        try:
            yield partial
        finally:
            _remove(partial)
            lock.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _remove(partial: Path) -> None:
    for end in ("", *_COMPANIONS):
        Path(f"{partial}{end}").unlink(missing_ok=True)
