"""Reading what can be read of a damaged SQLite file: table by table, row by row.

SQLite stops at a page that makes no sense. So rows are asked for by ranges of their numbers, halved
where it gives up, until what cannot be read is hemmed in; tables without such numbers are read from
both ends. What it does hand out is not believed because of that: who takes the rows checks them.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import CatalogCorrupt
from catalog.storage.sqlite_files import BESIDE, connect_sqlite

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_PAGE = 4096
"""The length of a page, as every catalog has it."""
# https://www.sqlite.org/fileformat2.html#the_database_header; what is the same in every catalog.
_FIXED = {
    16: _PAGE.to_bytes(2, "big"),
    18: b"\x02\x02",  # write-ahead log
    20: b"\x00\x40\x20\x20",
    44: (4).to_bytes(4, "big"),
    56: (1).to_bytes(4, "big"),
}
_BUSY = 5.0
PART = 2048
"""Numbers of rows asked for at once: bounds memory."""
MOST_NUMBER = 2**32
"""The highest number that an index is believed."""
LEAST_ROW = 16
"""Bytes that a row of a table with numbers takes at least: how many there can be, where neither the
table nor an index of it says its highest number."""


class Wreck:
    """A damaged catalog, copied aside so that the original stays as it is.

    Args:
        path: the damaged file.
        copy: where the copy goes.

    Attributes:
        torn: places by table that could not be read so far: nobody knows how many rows were there.
        unfit: rows by table that are none of the table's.

    Raises:
        CatalogCorrupt: not even its list of tables can be read.
    """

    def __init__(self, path: Path, copy: Path) -> None:
        self.torn: Counter[str] = Counter()
        self.unfit: Counter[str] = Counter()
        shutil.copyfile(path, copy)
        for ending in BESIDE:
            beside = path.with_name(f"{path.name}{ending}")
            if beside.exists():
                shutil.copyfile(beside, copy.with_name(f"{copy.name}{ending}"))
        _mend_header(copy)
        self._most = copy.stat().st_size // LEAST_ROW
        self._copy = copy
        self._connection = self._opened()
        try:
            self._tables = self._named()
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            self._connection.close()
            raise CatalogCorrupt(
                f"{path} is no catalog, or is damaged where it says what tables it has ({error}):"
                " nothing can be saved from it: check its name, or restore a backup"
            ) from None

    def close(self) -> None:
        """Let go of the copy."""
        self._connection.close()

    def mend(self, tables: Iterable[Table], definitions: Mapping[str, str]) -> None:
        """Write anew how tables are made, where that is damaged: their rows lie elsewhere.

        Args:
            tables: as they are declared.
            definitions: the statements that make them in a whole catalog, by name.
        """
        for table in tables:
            told, _ = self._read(f'PRAGMA table_info("{table.name}")', ())
            if {row[1] for row in told}.issuperset(table.columns.keys()):
                continue
            self._read(
                "UPDATE sqlite_master SET type = 'table', name = ?1, tbl_name = ?1, sql = ?2"
                " WHERE type = 'table' AND name = ?1 OR replace(sql, char(34), '') LIKE ?3",
                (table.name, definitions[table.name], f"CREATE TABLE {table.name} (%"),
            )
        # Only a connection that is new reads what was written there.
        self._connection.close()
        self._connection = self._opened()
        self._tables = self._named()

    def _opened(self) -> sqlite3.Connection:
        connection = connect_sqlite(self._copy, "rw", _BUSY)
        connection.text_factory = _text
        return connection

    def _named(self) -> set[str]:
        """The tables that the file names."""
        # What is damaged in the list is passed over, and can be written anew.
        self._connection.execute("PRAGMA writable_schema = ON")
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        return {row[0] for row in self._connection.execute(query)}

    def rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """The rows of a table that can be read, each once, of whatever worth.

        Args:
            table: as it is declared; its number is its first key.
        """
        names = [column.name for column in table.columns]
        quoted = ", ".join(f'"{name}"' for name in names)
        if table.name not in self._tables:
            self.torn[table.name] += 1
            return
        if table.dialect_options["sqlite"]["with_rowid"]:
            found = self._by_number(table, quoted)
        else:
            found = self._from_both_ends(table, quoted)
        keys = table.columns.keys()
        for row in found:
            if all(map(_is_fit, row, table.columns)):
                yield dict(zip(keys, row, strict=True))
            else:
                self.unfit[table.name] += 1

    def row(self, table: Table, number: int) -> dict[str, Any] | None:
        """The row of a number; None where there is none that can be read."""
        quoted = ", ".join(f'"{column.name}"' for column in table.columns)
        rows, _ = self._read(f'SELECT {quoted} FROM "{table.name}" WHERE rowid = ?', (number,))  # noqa: S608
        if not rows or not all(map(_is_fit, rows[0], table.columns)):
            return None
        return dict(zip(table.columns.keys(), rows[0], strict=True))

    def pairs(self, table: Table, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """What an index that has some columns says of the rows: their numbers, then the columns.

        It repeats what the rows say, and is damaged apart from them.
        """
        quoted = ", ".join(f'"{name}"' for name in columns)
        for turn in ("ASC", "DESC"):
            order = ", ".join(f'"{name}" {turn}' for name in columns)
            try:
                yield from self._connection.execute(
                    f'SELECT rowid, {quoted} FROM "{table.name}" ORDER BY {order}'  # noqa: S608
                )
            except (sqlite3.Error, OverflowError):
                continue
            return

    def _by_number(self, table: Table, quoted: str) -> Iterator[tuple[Any, ...]]:
        """Rows by ranges of their numbers; of the ranges that cannot be read, the halves."""
        query = f'SELECT {quoted} FROM "{table.name}" WHERE rowid BETWEEN ? AND ? ORDER BY rowid'  # noqa: S608
        # Of one number SQLite does not look at what comes behind it: the next page may be bad.
        alone = f'SELECT {quoted} FROM "{table.name}" WHERE rowid = ?'  # noqa: S608
        low, last = self._ends(table)
        waiting: list[tuple[int, int]] = []
        while waiting or low <= last:
            if not waiting:
                waiting.append((low, min(low + PART - 1, last)))
                low += PART
            first, high = waiting.pop()
            rows, error = self._read(query, (first, high))
            if error is not None and first == high:
                rows, error = self._read(alone, (first,))
            if error is None:
                yield from rows
            elif first == high:
                self.torn[table.name] += 1
            else:
                middle = (first + high) // 2
                waiting += [(middle + 1, high), (first, middle)]

    def _ends(self, table: Table) -> tuple[int, int]:
        """The first and the last number, as far as they can be told."""
        ends: list[int | None] = []
        for turn in ("ASC", "DESC"):
            rows, error = self._read(
                f'SELECT rowid FROM "{table.name}" ORDER BY rowid {turn} LIMIT 1',  # noqa: S608
                (),
            )
            if error is None and not rows:
                return 1, 0
            ends.append(rows[0][0] if rows else None)
        first, last = ends
        if last is None or not 0 <= last - (first or 0) <= self._most:
            told = self._indexed(table)
            # Numbers far apart are real where an index names them, too.
            if last is None or told < last:
                last = told or self._most
        return max(0, first if first is not None and first <= last else 0), last

    def _indexed(self, table: Table) -> int:
        """The highest number of a row that an index names, as far as one can be read."""
        highest = 0
        names, _ = self._read(f'PRAGMA index_list("{table.name}")', ())
        for _, name, *_ in names:
            query = f'SELECT rowid FROM "{table.name}" INDEXED BY "{name}"'  # noqa: S608
            try:
                for (number,) in self._connection.execute(query):
                    highest = max(highest, number)
            except (sqlite3.Error, OverflowError):
                continue
        return min(highest, MOST_NUMBER)

    def _from_both_ends(self, table: Table, quoted: str) -> Iterator[tuple[Any, ...]]:
        """Rows in the order of their keys up to where they cannot be read, then backwards."""
        keys = [column.name for column in table.primary_key.columns]
        seen: set[tuple[Any, ...]] = set()
        places = [list(table.columns.keys()).index(column.key) for column in table.primary_key]
        for turn in ("ASC", "DESC"):
            order = ", ".join(f'"{key}" {turn}' for key in keys)
            try:
                for row in self._connection.execute(
                    f'SELECT {quoted} FROM "{table.name}" ORDER BY {order}'  # noqa: S608
                ):
                    key = tuple(row[place] for place in places)
                    if key not in seen:
                        seen.add(key)
                        yield row
            except (sqlite3.Error, OverflowError):
                self.torn[table.name] += 1
                continue
            return

    def _read(
        self, query: str, given: tuple[Any, ...]
    ) -> tuple[list[tuple[Any, ...]], Exception | None]:
        try:
            return self._connection.execute(query, given).fetchall(), None
        except (sqlite3.Error, OverflowError, MemoryError) as error:
            return [], error


class _Unreadable:
    """Stands for text that is none."""


def _text(data: bytes) -> str | _Unreadable:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _Unreadable()


def _is_fit(value: object, column: Column[Any]) -> bool:
    """Whether a value can be one of a column's."""
    if value is None:
        return bool(column.nullable)
    wanted = column.type.python_type
    if wanted is bool:
        return value in (0, 1)
    if wanted is float:
        return isinstance(value, int | float)
    return type(value) is wanted


def _mend_header(path: Path) -> None:
    """Write anew what the first bytes of every catalog say, and make the last page whole.

    Without them SQLite takes the file for none of its own.
    """
    size = path.stat().st_size
    whole = -(-size // _PAGE) * _PAGE
    with path.open("r+b") as file:
        header = bytearray(file.read(_HEADER).ljust(_HEADER, b"\0"))
        if not header.startswith(_MAGIC):
            header[: len(_MAGIC)] = _MAGIC
        for place, right in _FIXED.items():
            header[place : place + len(right)] = right
        # How long the file is, as of its last change; free pages are nobody's.
        header[28:40] = (whole // _PAGE).to_bytes(4, "big") + bytes(8)
        header[92:96] = header[24:28]
        file.seek(0)
        file.write(header)
        file.truncate(whole)
