"""``datapackage.json``: an export as a Frictionless Data Package, version 1. Pure.

https://specs.frictionlessdata.io/data-package/ and, for what a column holds, Table Schema.
"""

from __future__ import annotations

from typing import Any

from catalog.export.layout import Laid, laid_out, together
from catalog.export.licences import is_spdx, spdx_url
from catalog.export.release import Column, ColumnType, File, Release
from catalog.settings import ExportSettings
from catalog.times import to_iso

MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "sqlite": "application/vnd.sqlite3",
}
"""As registered where they are, else as they are commonly written."""
_TYPES: dict[ColumnType, str] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "timestamp": "datetime",
    "date": "date",
    # Any JSON value, as text: Table Schema has types for objects and arrays alone.
    "json": "string",
}
_TEXTS = {"csv", "ndjson"}


def data_package(release: Release, about: ExportSettings) -> dict[str, Any]:
    """An export as a Data Package.

    Args:
        release: the export.
        about: what it is called, and whose it is.
    """
    package: dict[str, Any] = {
        "profile": "data-package",
        "name": release.name,
        "title": about.title,
        "version": release.version,
    }
    if release.speaks_of is not None:
        package["created"] = to_iso(release.speaks_of)
    if about.homepage is not None:
        package["homepage"] = about.homepage
    if release.licence is not None:
        package["licenses"] = [_licence(release.licence)]
    if about.creator is not None:
        package["contributors"] = [{"title": about.creator, "role": "publisher"}]
    package["catalog"] = {
        "digest": release.catalog_digest,
        "schema_version": release.schema_version,
        "profile": release.profile,
        "filter": release.filter,
        "at": None if release.at is None else to_iso(release.at),
        "since": None if release.since is None else to_iso(release.since),
    }
    package["resources"] = [
        # Readers of lines take an empty file for a broken one.
        *(_tabular(laid) for laid in laid_out(release) if laid.rows or release.format != "ndjson"),
        *(_whole(file) for file in together(release)),
    ]
    return package


def _licence(licence: str) -> dict[str, str]:
    link = spdx_url(licence)
    return {"name": licence, "path": link} if link and is_spdx(licence) else {"title": licence}


def _tabular(laid: Laid) -> dict[str, Any]:
    table, first = laid.table, laid.files[0]
    resource: dict[str, Any] = {
        "profile": "tabular-data-resource",
        "name": table.name,
        "description": table.description,
        "path": first.path if not laid.is_parted else [file.path for file in laid.files],
        "format": first.format,
        "mediatype": MEDIA_TYPES[first.format],
        "rows": laid.rows,
    }
    if first.format in _TEXTS:
        resource["encoding"] = "utf-8"
    # These are of one file; the manifest has those of all.
    if not laid.is_parted:
        resource["bytes"] = first.bytes
        resource["hash"] = f"sha256:{first.sha256}"
    is_csv = first.format == "csv"
    resource["schema"] = {
        "fields": [_field(column, is_csv=is_csv) for column in table.columns],
        "primaryKey": list(table.key),
        # The other formats have a null of their own, and an empty text is a text.
        "missingValues": [""] if is_csv else [],
    }
    return resource


def _field(column: Column, *, is_csv: bool) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES[column.type],
        "description": column.description,
    }
    # A reader of CSV takes an empty text for none, for all that it is quoted.
    if not column.nullable and not (is_csv and _TYPES[column.type] == "string"):
        field["constraints"] = {"required": True}
    if column.unit is not None:
        field["unit"] = column.unit
    return field


def _whole(file: File) -> dict[str, Any]:
    return {
        "profile": "data-resource",
        "name": file.path.rpartition("/")[2].partition(".")[0],
        "path": file.path,
        "format": file.format,
        "mediatype": MEDIA_TYPES[file.format],
        "bytes": file.bytes,
        "hash": f"sha256:{file.sha256}",
    }
