"""Where the tables of an export go: files of their own, or one SQLite file for all."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import msgspec

from catalog.disk import fsync
from catalog.export.files import digest_of
from catalog.export.formats import Options, TableWriter, to_text_columns
from catalog.export.release import File, FormatName, Table
from catalog.storage.dataset_file import DatasetFile

_AHEAD = 1
"""Batches that are read while one is written."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A table that was written.

    Attributes:
        rows: how many rows.
        shares: by column, the share of rows in which it is null.
    """

    rows: int
    shares: dict[str, float]


class Writer(Protocol):
    """Takes tables, one after the other."""

    def begin(self, table: Table, by: str | None) -> None:
        """Begin a table, parted by the month of a column, if any is named."""
        ...

    def write(self, values: Sequence[Any]) -> None:
        """Add rows to it, given by columns."""
        ...

    def end(self) -> Written:
        """End it."""
        ...

    def close(self) -> list[File]:
        """End all; the files that were made."""
        ...

    def discard(self) -> None:
        """Let go of files that are not wanted."""
        ...


class FilesWriter:
    """Writes each table to files of its own, while the next rows are read.

    Args:
        folder: of the export.
        form: of the files.
        options: how CSV is written.
    """

    def __init__(self, folder: Path, form: FormatName, options: Options) -> None:
        self._folder = folder
        self._form: FormatName = form
        self._options = options
        self._table: TableWriter | None = None
        self._files: list[File] = []
        # One thread alone: batches are written in the order in which they are read.
        self._pool = ThreadPoolExecutor(1, "export")
        self._pending: list[Future[None]] = []

    def begin(self, table: Table, by: str | None) -> None:
        """Begin a table."""
        self._table = TableWriter(self._folder, table, self._form, self._options, by)

    def write(self, values: Sequence[Any]) -> None:
        """Add rows to it."""
        if self._table is None:
            raise ValueError("no table was begun")
        self._pending.append(self._pool.submit(self._table.write, values))
        self._wait(_AHEAD)

    def end(self) -> Written:
        """End it."""
        if self._table is None:
            raise ValueError("no table was begun")
        self._wait(0)
        self._files += self._table.close()
        rows = self._table.rows
        shares = {name: nulls / rows if rows else 0.0 for name, nulls in self._table.nulls.items()}
        self._table = None
        return Written(rows=rows, shares=shares)

    def close(self) -> list[File]:
        """End all."""
        self._pool.shutdown()
        return self._files

    def discard(self) -> None:
        """Let go of files that are not wanted."""
        self._pool.shutdown(cancel_futures=True)
        if self._table is not None:
            self._table.discard()

    def _wait(self, most: int) -> None:
        while len(self._pending) > most:
            self._pending.pop(0).result()


class DatasetWriter:
    """Writes all tables to one SQLite file.

    Args:
        path: where.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = DatasetFile(path)
        self._table: Table | None = None
        self._nulls: list[int] = []
        self._rows = 0
        self._all = 0

    def begin(self, table: Table, by: str | None) -> None:  # noqa: ARG002  (one file for all)
        """Begin a table."""
        self._table = table
        self._nulls, self._rows = [0] * len(table.columns), 0
        kinds = {column.name: str(column.type) for column in table.columns}
        self._file.create(table.name, kinds, table.key)

    def write(self, values: Sequence[Any]) -> None:
        """Add rows to it."""
        if self._table is None:
            raise ValueError("no table was begun")
        self._rows += len(values[0])
        self._nulls = [
            nulls + each.count(None) for nulls, each in zip(self._nulls, values, strict=True)
        ]
        self._file.insert(self._table.name, to_text_columns(self._table, values))

    def end(self) -> Written:
        """End it."""
        if self._table is None:
            raise ValueError("no table was begun")
        self._all += self._rows
        shares = {
            column.name: nulls / self._rows if self._rows else 0.0
            for column, nulls in zip(self._table.columns, self._nulls, strict=True)
        }
        return Written(rows=self._rows, shares=shares)

    def close(self) -> list[File]:
        """End all."""
        self._file.close()
        fsync(self._path)
        size, sha256 = digest_of(self._path)
        return [
            File(
                path=self._path.name,
                table=None,
                format="sqlite",
                rows=self._all,
                bytes=size,
                sha256=sha256,
            )
        ]

    def discard(self) -> None:
        """Let go of a file that is not wanted."""
        self._file.discard()
