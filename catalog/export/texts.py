"""CSV and NDJSON: how rows become lines, and lines rows again. Pure.

CSV is RFC 4180: lines end with CR LF, every text stands in quotes, and what is null is nothing at
all, so that it differs from an empty text. In both a moment is ISO 8601 with six digits of
fraction, and JSON within a column is text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import IO, Any

import msgspec

from catalog.errors import UsageError
from catalog.export.release import Column, ColumnType
from catalog.times import DAY, HOUR, MINUTE, SECOND, Micros, day_of, from_iso

BOM = "\ufeff"
_FORMULA = frozenset("=+-@")
_MARK = "'"
_CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n?\Z)')
_encode = msgspec.json.Encoder().encode


def iso(moment: Micros) -> str:
    """A moment as ISO 8601, always of one width."""
    day, rest = divmod(moment, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, micros = divmod(rest, SECOND)
    return f"{_day(day)}T{hours:02}:{minutes:02}:{seconds:02}.{micros:06}Z"


@lru_cache(maxsize=20_000)
def _day(day: int) -> str:
    return day_of(day * DAY)


def safe(text: str) -> str:
    """``text`` as a spreadsheet takes no formula from it: behind an apostrophe where it could.

    What begins with an apostrophe gets one too, so that :func:`unsafe` finds the way back.
    """
    return _MARK + text if text[:1] == _MARK or _may_be_formula(text) else text


def unsafe(text: str) -> str:
    """The text that :func:`safe` was given."""
    return text[1:] if text[:1] == _MARK else text


def _may_be_formula(text: str) -> bool:
    if text[:1] in {"\t", "\r", "\n"}:
        return True
    first = text.lstrip()[:1]
    return bool(first) and unicodedata.normalize("NFKC", first)[:1] in _FORMULA


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _plain(value: object) -> str:
    return str(value)


def _boolean(value: object) -> str:
    return "true" if value else "false"


def _cells(kind: ColumnType, *, safe_cells: bool) -> Callable[[Any], str]:
    if kind == "boolean":
        return _boolean
    if kind in {"integer", "number"}:
        return _plain
    if kind == "timestamp":
        return iso
    return (lambda text: _quoted(safe(text))) if safe_cells else _quoted


def csv_lines(
    columns: Sequence[Column], values: Sequence[Sequence[Any]], *, safe_cells: bool
) -> str:
    """Rows as lines of CSV.

    Args:
        columns: the columns.
        values: the values of each column.
        safe_cells: keep spreadsheets from taking texts for formulas.
    """
    told = []
    for column, each in zip(columns, values, strict=True):
        cell = _cells(column.type, safe_cells=safe_cells)
        told.append(["" if value is None else cell(value) for value in each])
    return "".join([",".join(row) + "\r\n" for row in zip(*told, strict=True)])


def csv_head(columns: Sequence[Column], *, bom: bool) -> str:
    """The line of names; after the mark that tells Excel of UTF-8, if it is asked for."""
    return (BOM if bom else "") + ",".join(_quoted(column.name) for column in columns) + "\r\n"


def _members(kind: ColumnType) -> Callable[[Any], str]:
    if kind == "boolean":
        return _boolean
    return _moment if kind == "timestamp" else _string


def _string(value: Any) -> str:
    return _encode(value).decode()


def _moment(value: Micros) -> str:
    return f'"{iso(value)}"'


def json_lines(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> str:
    """Rows as JSON objects, one a line.

    Args:
        columns: the columns.
        values: the values of each column.
    """
    told = []
    for column, each in zip(columns, values, strict=True):
        cell = _members(column.type)
        told.append(["null" if value is None else cell(value) for value in each])
    members = ",".join(f'"{column.name}":%s' for column in columns)
    line = f"{{{members}}}\n"
    return "".join([line % row for row in zip(*told, strict=True)])


def read_csv(
    file: IO[str], columns: Sequence[Column], *, safe_cells: bool
) -> Iterator[dict[str, Any]]:
    """The rows of CSV as :func:`csv_lines` wrote them.

    Args:
        file: opened with ``newline=""``.
        columns: what was declared.
        safe_cells: whether they were written so.

    Raises:
        UsageError: it is no such CSV.
    """
    by_name = {column.name: column for column in columns}
    records = _records(file)
    head = [name or "" for name in next(records, [])]
    if set(head) != set(by_name):
        raise UsageError("the line of names does not have the columns that the manifest names")
    readers = [_reader(by_name[name].type, safe_cells=safe_cells) for name in head]
    for record in records:
        if len(record) != len(head):
            raise UsageError(f"a line has {len(record)} cells, and there are {len(head)} columns")
        try:
            yield {
                name: None if cell is None else read(cell)
                for name, read, cell in zip(head, readers, record, strict=True)
            }
        except ValueError as error:
            raise UsageError(f"a cell cannot be read: {error}") from None


def _records(file: Iterable[str]) -> Iterator[list[str | None]]:
    """The cells of each line; None where there is nothing, not even quotes."""
    held: list[str] = []
    quotes = 0
    first = True
    for line in file:
        part = line.removeprefix(BOM) if first else line
        first = False
        held.append(part)
        quotes += part.count('"')
        # Within quotes a line goes on, whatever ends it.
        if quotes % 2 or not part.endswith("\n"):
            continue
        yield _split("".join(held))
        held, quotes = [], 0
    if held:
        yield _split("".join(held))


def _split(record: str) -> list[str | None]:
    cells: list[str | None] = []
    place = 0
    while True:
        found = _CELL.match(record, place)
        if found is None:
            raise UsageError("a line is no CSV: quotes and commas do not match")
        quoted, plain, end = found.groups()
        cells.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        place = found.end()
        if end != ",":
            return cells


def _reader(kind: ColumnType, *, safe_cells: bool) -> Callable[[str], Any]:
    if kind == "boolean":
        return _read_boolean
    if kind == "integer":
        return int
    if kind == "number":
        return float
    if kind == "timestamp":
        return from_iso
    return unsafe if safe_cells else str


def _read_boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{text[:20]!r} is neither true nor false")
    return text == "true"


def read_json(lines: Iterable[bytes], columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """The rows of NDJSON as :func:`json_lines` wrote them.

    Raises:
        UsageError: it is no such NDJSON.
    """
    moments = [column.name for column in columns if column.type == "timestamp"]
    names = {column.name for column in columns}
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for line in lines:
        try:
            row = decode(line)
            if row.keys() != names:
                raise UsageError("a line does not have the columns that the manifest names")
            for name in moments:
                if row[name] is not None:
                    row[name] = from_iso(row[name])
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, AttributeError) as error:
            raise UsageError(f"a line cannot be read: {error}") from None
        yield row
