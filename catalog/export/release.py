"""What an export holds, as records: what its writers, its descriptions and its gate share. Pure."""

from __future__ import annotations

import msgspec

from catalog.query.covered import Coverage
from catalog.query.exported import ColumnType
from catalog.settings import FormatName, ProfileName
from catalog.times import Micros

__all__ = [
    "MANIFEST",
    "Column",
    "ColumnType",
    "Coverage",
    "File",
    "FormatName",
    "Manifest",
    "ProfileName",
    "Release",
    "Table",
]

MANIFEST = "manifest.json"
"""The file of an export that names all the others; written last, so that it makes one whole."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of an exported table.

    Attributes:
        name: what it is called.
        type: what it holds; ``json`` is canonical JSON as text.
        description: what it says.
        nullable: whether it can be null.
        unit: of what its numbers are; None where they are none.
        personal: whether it says something about a person.
    """

    name: str
    type: ColumnType
    description: str
    nullable: bool = False
    unit: str | None = None
    personal: bool = False


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table as a profile exports it.

    Attributes:
        name: what it is called.
        description: what its rows are.
        columns: its columns, in their order.
        key: the columns that name a row, in the order in which rows stand; where they are
            pseudonyms, rows stand in another that says nothing of whom they name.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an export.

    Attributes:
        path: from the export's folder on, with ``/``.
        table: whose rows it holds; None: of all tables, or a description.
        format: ``parquet``, ``csv``, ``ndjson``, ``sqlite``, or of a description its ending.
        rows: how many rows it holds.
        bytes: its length.
        sha256: of its bytes, in hex.
        partition: the month whose rows it holds, as ``2026-02``; None: not parted.
    """

    path: str
    table: str | None
    format: str
    rows: int
    bytes: int
    sha256: str
    partition: str | None = None


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """An export: what was asked for, and what came of it. Nothing in it depends on the wall clock.

    Attributes:
        name: of the dataset.
        version: of this release of it.
        created_at: the moment that it speaks of: the one asked for, else that of the latest thing
            recorded in the catalog; 0 where nothing was recorded yet.
        profile: which fields it may hold.
        format: of its tables.
        filter: which GPTs it was narrowed to, as a URL query; None: all.
        at: the moment as of which it was asked for; None: as the catalog stood.
        since: what was new since then alone; None: everything.
        schema_version: of the catalog.
        catalog_digest: the name of the catalog's state: what ``digest --kept`` says of it.
        licence: SPDX identifier, or other words; None: none was named.
        tables: its tables.
        files: the files with their rows; the descriptions stand in the manifest alone.
        counts: how many rows each table has, over all files.
        coverage: how much it speaks of.
        null_shares: by table and column, the share of rows that are null there.
    """

    name: str
    version: str
    created_at: Micros
    profile: ProfileName
    format: FormatName
    filter: str | None = None
    at: Micros | None = None
    since: Micros | None = None
    schema_version: str
    catalog_digest: str
    licence: str | None = None
    tables: tuple[Table, ...] = ()
    files: tuple[File, ...] = ()
    counts: dict[str, int] = {}
    coverage: Coverage = Coverage()
    null_shares: dict[str, dict[str, float]] = {}

    @property
    def speaks_of(self) -> Micros | None:
        """The moment that it speaks of; None where nothing was recorded yet."""
        return self.created_at or None

    @property
    def has_documents(self) -> bool:
        """Whether it holds what was sent, byte for byte."""
        return any(
            table.name == "observations" and any(each.name == "payload" for each in table.columns)
            for table in self.tables
        )

    def rows(self) -> dict[str, int]:
        """How many rows each table has, over all its files."""
        found = {table.name: 0 for table in self.tables}
        for file in self.files:
            if file.table is not None:
                found[file.table] = found.get(file.table, 0) + file.rows
        return found | self.counts


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """``manifest.json``: what an export consists of.

    Attributes:
        form: the version of this file's own form.
        generator: the program and its version that made it.
        release: what the export is.
        descriptions: the files without rows: ``datapackage.json``, ``README.md``, ...
        options: how CSV was written: ``bom`` and ``safe_cells``.
    """

    form: int
    generator: str
    release: Release
    descriptions: tuple[File, ...] = ()
    options: dict[str, bool] = {}
