"""Parquet: batches of Arrow arrays as row groups, and rows read back."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from catalog.errors import SettingsError, UsageError
from catalog.export.files import HashedFile
from catalog.export.release import Column

GROUP_ROWS = 65_536
GROUP_BYTES = 8 * 2**20
"""A row group ends after so many rows or so much memory, whichever comes first; writing it takes
as much again."""
_READ_ROWS = 1000


def arrow() -> Any:
    """The library.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        # Slow to load, and an extra.
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    except ImportError:
        raise SettingsError(
            "Parquet needs pyarrow, which is not installed: pip install 'gpts-catalog[parquet]'"
        ) from None


def arrow_type(column: Column) -> Any:
    """What holds the values of a column."""
    pa = arrow()
    return {
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }.get(column.type, pa.string())


def to_array(values: Any, column: Column) -> Any:
    """Values as an array of the column's type: a sequence, or an array as the engine gave it."""
    pa = arrow()
    wanted = arrow_type(column)
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values if values.type == wanted else values.cast(wanted)
    if wanted == pa.string():
        # Makes what pa.array makes, which loads the whole of pandas where that is installed.
        builder = pa.lib.StringBuilder()
        builder.append_values(values)
        return builder.finish()
    return pa.array(values, type=wanted)


def to_places(places: Sequence[int]) -> Any:
    """Whole numbers as an array; see :func:`to_array` for why not by the usual way."""
    pa = arrow()
    return pa.Array.from_buffers(
        pa.int64(), len(places), [None, pa.py_buffer(array("q", places).tobytes())]
    )


class ParquetTable:
    """A table, or one month of it, as one file.

    Args:
        path: where.
        columns: its columns.

    Attributes:
        file: the file.
        held: bytes of rows that are not written yet.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        pa = arrow()
        self.file = HashedFile(path)
        self.held = 0
        self._pa = pa
        self._schema = pa.schema(
            [
                pa.field(column.name, arrow_type(column), nullable=column.nullable)
                for column in columns
            ]
        )
        self._columns = columns
        self._batches: list[Any] = []
        self._rows = 0
        self._writer = pa.parquet.ParquetWriter(
            pa.PythonFile(self.file, mode="w"), self._schema, compression="zstd"
        )

    def write(self, values: Sequence[Any]) -> None:
        """Add rows, given by columns."""
        arrays = [
            to_array(each, column) for each, column in zip(values, self._columns, strict=True)
        ]
        batch = self._pa.record_batch(arrays, schema=self._schema)
        self._batches.append(batch)
        self._rows += batch.num_rows
        self.held += batch.nbytes
        if self._rows >= GROUP_ROWS or self.held >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held as a row group."""
        if self._batches:
            table = self._pa.Table.from_batches(self._batches, self._schema)
            self._writer.write_table(table, row_group_size=max(self._rows, 1))
            self._batches, self._rows, self.held = [], 0, 0

    def close(self) -> None:
        """Write the rest, and the file's end."""
        self.flush()
        self._writer.close()
        self.file.close()

    def discard(self) -> None:
        """Let go of a file that is not wanted."""
        self._batches = []
        self._writer.close()
        self.file.close()


def read_parquet(path: Path, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """The rows of a file; moments as microseconds.

    Raises:
        UsageError: it is no such file.
    """
    pa = arrow()
    names = [column.name for column in columns]
    moments = [column.name for column in columns if column.type == "timestamp"]
    try:
        with pa.parquet.ParquetFile(path) as file:
            if set(file.schema_arrow.names) != set(names):
                raise UsageError("the file does not have the columns that the manifest names")
            for batch in file.iter_batches(batch_size=_READ_ROWS, columns=names):
                found = {name: batch.column(name) for name in names}
                for name in moments:
                    found[name] = found[name].cast(pa.int64())
                lists = [found[name].to_pylist() for name in names]
                for row in zip(*lists, strict=True):
                    yield dict(zip(names, row, strict=True))
    except pa.ArrowException as error:
        raise UsageError(f"it cannot be read as Parquet: {error}") from None
