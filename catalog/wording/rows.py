"""Rows written as CSV, NDJSON or Parquet, as they come: any number of them in flat memory."""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import IO, Any, Literal

from catalog.errors import SettingsError, UsageError
from catalog.text import unescape_text
from catalog.wording.text import harmless, shown, to_json

Form = Literal["csv", "ndjson", "parquet"]
Kind = Literal["bool", "int", "float", "str", "bytes", "datetime"]
"""What a column of Parquet holds, beside nothing."""

BATCH = 10_000
"""Rows of a row group of Parquet; the first of them decide the types of the columns."""
_INT64 = 2**63
_FORMULA = frozenset("=+-@")
"""Signs, of whatever width, that a spreadsheet takes for the beginning of a formula."""
_SKIPPED = ("\t", "\n")
"""What some spreadsheets drop at the beginning of a cell; a carriage return is written out."""


def write_rows(
    form: Form,
    file: IO[bytes],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    kinds: Sequence[Kind] | None = None,
) -> int:
    """Write rows to ``file``.

    Args:
        form: how.
        file: where to; need not be seekable.
        columns: names, which need not differ.
        rows: values: None, yes or no, numbers, texts, bytes, moments; and what JSON has beside,
            which is its text in Parquet.
        kinds: of the columns, for Parquet; None: as the first rows are.

    Returns:
        How many rows there were.

    Raises:
        UsageError: a column holds what Parquet cannot take in one column.
        SettingsError: pyarrow is not installed.
    """
    if form == "parquet":
        return _write_parquet(file, unique(columns), rows, kinds)
    lines = csv_lines(columns, rows) if form == "csv" else json_lines(columns, rows)
    written = -1 if form == "csv" else 0
    for line in lines:
        file.write(line.encode("utf-8", "replace"))
        written += 1
    return written


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows as CSV under a line of names; texts as in :func:`catalog.cli.table.print_csv`."""
    line = io.StringIO()
    writer = csv.writer(line)
    for row in chain([columns], rows):
        writer.writerow([csv_cell(plain(value)) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def csv_cell(value: Any) -> Any:
    """A value as it stands in CSV, for :mod:`csv` to quote; made safe for spreadsheets.

    Lists are joined by ``; ``. A text that a spreadsheet would take for a formula gets an
    apostrophe before it, and what steers a terminal is written out (law 11).
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        value = "; ".join(value)
    text = unescape_text(value) if isinstance(value, str) else shown(value)
    text = harmless(text.replace("\r\n", "\n"), lines=True)
    return f"'{text}" if _may_be_formula(text) else text


def _may_be_formula(text: str) -> bool:
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return first in _FORMULA or text.startswith(_SKIPPED)


def json_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows as JSON objects, one a line."""
    names = unique(columns)
    for row in rows:
        values = {name: plain(value) for name, value in zip(names, row, strict=True)}
        yield to_json(values) + "\n"


def unique(columns: Sequence[str]) -> list[str]:
    """``columns`` with a number behind each that stands there already: ``n``, ``n_2``."""
    found: list[str] = []
    for name in columns:
        number, fresh = 1, name
        while fresh in found:
            number += 1
            fresh = f"{name}_{number}"
        found.append(fresh)
    return found


def plain(value: Any) -> Any:
    """A value as text where JSON has no kind for it: moments as ISO 8601, bytes in hex.

    What is no number (NaN, infinity) is null.
    """
    if isinstance(value, datetime):
        # Of one width, as the views on SQLite have it, so that it sorts.
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _write_parquet(
    file: IO[bytes],
    names: list[str],
    rows: Iterable[Sequence[Any]],
    told: Sequence[Kind] | None,
) -> int:
    try:
        # Slow to load, and not everybody has it.
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise SettingsError(
            "Parquet needs pyarrow, which is not installed: pip install 'gpts-catalog[parquet]'"
        ) from None
    if not names:
        raise UsageError("the query gives no columns: there is nothing to write as Parquet")
    source = iter(rows)
    batch = list(islice(source, BATCH))
    kinds = told or [_kind({type(row[at]) for row in batch}) for at in range(len(names))]
    types = {
        "bool": pa.bool_(),
        "int": pa.int64(),
        "float": pa.float64(),
        "str": pa.string(),
        "bytes": pa.binary(),
        "datetime": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in zip(names, kinds, strict=True)])
    written = 0
    with parquet.ParquetWriter(pa.PythonFile(file, mode="w"), schema, compression="zstd") as writer:
        while batch:
            columns = [
                [_fitted(row[at], kinds[at], name) for row in batch]
                for at, name in enumerate(names)
            ]
            arrays = [
                pa.array(each, type=of.type) for each, of in zip(columns, schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            written += len(batch)
            batch = list(islice(source, BATCH))
    return written


def _kind(found: set[type]) -> Kind:
    """The kind of a column that holds values of these types: text where they differ in kind."""
    kinds = found - {type(None)}
    if len(kinds) == 1 and (only := kinds.pop()) in _KINDS:
        return _KINDS[only]
    return "float" if kinds == {int, float} else "str"


_KINDS: dict[type, Kind] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    bytes: "bytes",
    datetime: "datetime",
}


def _fitted(value: Any, kind: Kind, name: str) -> Any:
    """A value as its column takes it.

    Raises:
        UsageError: it cannot be taken without a loss.
    """
    if value is None or type(value).__name__ == kind:
        if kind == "int" and value is not None and not -_INT64 <= value < _INT64:
            raise _unfit(name, "a number of more than 64 bits", kind)
        # Parquet's text is UTF-8, which has no half characters.
        return value.encode("utf-8", "replace").decode() if kind == "str" and value else value
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind == "str":
        return to_json(value) if isinstance(value, list | tuple | dict) else str(plain(value))
    raise _unfit(name, f"a value of another kind ({type(value).__name__})", kind)


def _unfit(name: str, what: str, kind: str) -> UsageError:
    return UsageError(
        f"column {name} holds {what} beside {kind}: give it one type, as CAST({name} AS TEXT)"
    )
