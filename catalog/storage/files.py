"""Copying the file of a SQLite catalog, as it is at one moment, and making files last."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from catalog.errors import CatalogCorrupt
from catalog.settings.urls import file_url
from catalog.storage.engine import BUSY_TIMEOUT, connect_sqlite, missing
from catalog.storage.sqlite_files import connect_reader, make_private
from catalog.storage.urls import parse_url

PAGES = 4096
"""Pages copied in one go, between reports of how far it is."""

Report = Callable[[str], None]
"""Takes a line of progress."""


def copy_file(path: Path, target: Path, report: Report = lambda _: None) -> None:
    """Copy a SQLite catalog as it is at one moment, whatever others do with it meanwhile.

    Args:
        path: the catalog.
        target: where the copy goes, a file that needs no companions to be read.
        report: takes lines of progress.

    Raises:
        CatalogMissing: there is none.
        CatalogCorrupt: the copy does not pass SQLite's own check.
    """
    if not path.is_file():
        raise missing(parse_url(file_url(path)))

    def progress(_status: int, remaining: int, total: int) -> None:
        report(f"{(total - remaining) * 100 // max(1, total)} % of {total:,} pages copied")

    make_private(target)
    try:
        with (
            closing(connect_reader(path, BUSY_TIMEOUT)) as source,
            closing(connect_sqlite(target, "rwc", BUSY_TIMEOUT)) as copy,
        ):
            # Within a transaction, so that a writer does not make it begin again and again.
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            source.backup(copy, pages=PAGES, progress=progress)
            # A copy in WAL mode would need its two companions to be read.
            copy.execute("PRAGMA journal_mode = DELETE")
            found = [row[0] for row in copy.execute("PRAGMA integrity_check(3)")]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CORRUPT:
            raise
        found = [str(error)]
    if found != ["ok"]:
        raise CatalogCorrupt(
            f"{path} is damaged ({'; '.join(found)}): nothing was changed; restore a backup, or"
            " save what can be saved of it with gpts-catalog recover"
        )
