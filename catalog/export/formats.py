"""Tables written to files, whatever the format, by the month where they are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from catalog.export.files import HashedFile
from catalog.export.parquet import ParquetTable, arrow, to_array, to_places
from catalog.export.release import Column, File, FormatName, Table
from catalog.export.texts import csv_head, csv_lines, iso, json_lines
from catalog.times import DAY, day_of

MOST_HELD = 64 * 2**20
"""Bytes of rows that the months of a table hold together, before the fullest writes its own."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How CSV is written.

    Attributes:
        bom: with the mark that tells Excel of UTF-8.
        safe_cells: so that spreadsheets take no text for a formula.
    """

    bom: bool = False
    safe_cells: bool = False


class Part(Protocol):
    """One file of a table under way."""

    file: HashedFile
    held: int

    def write(self, values: Sequence[Any]) -> None:
        """Add rows, given by columns."""
        ...

    def flush(self) -> None:
        """Write what is held."""
        ...

    def close(self) -> None:
        """Write the rest, and the file's end."""
        ...

    def discard(self) -> None:
        """Let go of a file that is not wanted."""
        ...


class TextTable:
    """A table, or one month of it, as lines.

    Args:
        path: where.
        columns: its columns.
        form: ``csv`` or ``ndjson``.
        options: how CSV is written.

    Attributes:
        file: the file.
        held: nothing is held.
    """

    held = 0

    def __init__(
        self, path: Path, columns: Sequence[Column], form: FormatName, options: Options
    ) -> None:
        self.file = HashedFile(path)
        self._columns = columns
        self._form = form
        self._options = options
        if form == "csv":
            self.file.write(csv_head(columns, bom=options.bom).encode())

    def write(self, values: Sequence[Any]) -> None:
        """Add rows, given by columns."""
        if self._form == "csv":
            lines = csv_lines(self._columns, values, safe_cells=self._options.safe_cells)
        else:
            lines = json_lines(self._columns, values)
        self.file.write(lines.encode())

    def flush(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """End the file."""
        self.file.close()

    discard = close


class TableWriter:
    """Writes one table.

    Args:
        folder: of the export.
        table: the table.
        form: how.
        options: how CSV is written.
        by: the column of moments by whose month the rows are parted; None: they are not.

    Attributes:
        rows: how many were written.
        nulls: of each column, in how many of them it is null.
    """

    def __init__(
        self,
        folder: Path,
        table: Table,
        form: FormatName,
        options: Options,
        by: str | None = None,
    ) -> None:
        self._folder = folder
        self._table = table
        self._form = form
        self._options = options
        self._by = None if by is None else [each.name for each in table.columns].index(by)
        self._parts: dict[str | None, Part] = {}
        self._counts: dict[str | None, int] = defaultdict(int)
        self.rows = 0
        self.nulls = dict.fromkeys((each.name for each in table.columns), 0)
        if by is None:
            self._part(None)

    def write(self, values: Sequence[Any]) -> None:
        """Add rows, given by columns: sequences or, for Parquet, arrays."""
        count = len(values[0])
        if not count:
            return
        if self._form == "parquet":
            values = [
                to_array(each, column)
                for each, column in zip(values, self._table.columns, strict=True)
            ]
        self.rows += count
        for column, each in zip(self._table.columns, values, strict=True):
            nulls = each.null_count if hasattr(each, "null_count") else each.count(None)
            self.nulls[column.name] += nulls
        if self._by is None:
            self._add(None, values, count)
            return
        for month, part in self._months(values, self._by):
            self._add(month, part, len(part[0]))

    def _months(self, values: Sequence[Any], by: int) -> list[tuple[str, Sequence[Any]]]:
        """The rows by the month of a column, in the order of the months."""
        places: dict[str, list[int]] = defaultdict(list)
        moments = values[by]
        if self._form == "parquet":
            moments = moments.cast(arrow().int64()).to_pylist()
        days: dict[int, str] = {}
        for place, moment in enumerate(moments):
            day = moment // DAY
            month = days.get(day)
            if month is None:
                month = days[day] = day_of(moment)[:7]
            places[month].append(place)
        if len(places) == 1:
            return [(next(iter(places)), values)]
        found: list[tuple[str, Sequence[Any]]] = []
        for month in sorted(places):
            wanted = places[month]
            if self._form == "parquet":
                taken = to_places(wanted)
                found.append((month, [each.take(taken) for each in values]))
            else:
                found.append((month, [[each[at] for at in wanted] for each in values]))
        return found

    def _add(self, month: str | None, values: Sequence[Any], count: int) -> None:
        self._part(month).write(values)
        self._counts[month] += count
        while sum(each.held for each in self._parts.values()) > MOST_HELD:
            max(self._parts.values(), key=lambda each: each.held).flush()

    def _part(self, month: str | None) -> Part:
        if month not in self._parts:
            path = self._folder / self._path(month)
            self._parts[month] = (
                ParquetTable(path, self._table.columns)
                if self._form == "parquet"
                else TextTable(path, self._table.columns, self._form, self._options)
            )
        return self._parts[month]

    def _path(self, month: str | None) -> str:
        name = self._table.name
        return f"{name}.{self._form}" if month is None else f"{name}/{month}.{self._form}"

    def close(self) -> list[File]:
        """End the files; what they are."""
        found = []
        for month in sorted(self._parts, key=lambda each: each or ""):
            part = self._parts[month]
            part.close()
            found.append(
                File(
                    path=self._path(month),
                    table=self._table.name,
                    format=self._form,
                    rows=self._counts[month],
                    bytes=part.file.bytes,
                    sha256=part.file.sha256,
                    partition=month,
                )
            )
        return found

    def discard(self) -> None:
        """Let go of files that are not wanted."""
        for part in self._parts.values():
            part.discard()


def to_text_columns(table: Table, values: Sequence[Any]) -> list[Sequence[Any]]:
    """Rows, given by columns, as an SQLite file holds them: moments as ISO texts."""
    return [
        [None if value is None else iso(value) for value in each]
        if column.type == "timestamp"
        else each
        for column, each in zip(table.columns, values, strict=True)
    ]
