"""``croissant.json``: an export in the vocabulary of ML Croissant 1.0. Pure.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html. How the data was gathered and where
it is thin is said in the terms of the Responsible AI extension (``rai:``).
"""

from __future__ import annotations

import re
from typing import Any

from catalog.export.citing import bibtex
from catalog.export.datapackage import MEDIA_TYPES
from catalog.export.layout import Laid, laid_out
from catalog.export.licences import spdx_url
from catalog.export.release import Column, ColumnType, File, Release
from catalog.export.telling import HARVESTED, LIMITS, lead, personal
from catalog.settings import ExportSettings
from catalog.times import day_of

_DATED = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:\.(\d+))?", re.ASCII)
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
# The vocabulary knows these by other names than they are registered under.
_ENCODINGS = MEDIA_TYPES | {
    "parquet": "application/x-parquet",
    "ndjson": "application/jsonlines",
}
_TYPES: dict[ColumnType, str] = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "timestamp": "sc:DateTime",
    "date": "sc:Date",
    "json": "sc:Text",
}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The vocabulary's own, which its readers expect whole."""


def croissant(release: Release, about: ExportSettings) -> dict[str, Any]:
    """An export as a Croissant dataset.

    Args:
        release: the export.
        about: what it is called, and whose it is.
    """
    laid = laid_out(release)
    covered = release.coverage
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": release.name,
        "alternateName": about.title,
        "description": lead(release),
        "version": semantic(release.version),
        "citeAs": bibtex(release, about),
        "keywords": ["custom GPTs", "GPT store"],
        "isLiveDataset": False,
        "rai:dataCollection": " ".join(HARVESTED),
        "rai:dataLimitations": list(LIMITS),
        "rai:personalSensitiveInformation": list(personal(release)),
    }
    if release.speaks_of is not None:
        found["datePublished"] = day_of(release.speaks_of)
    if covered.first_observed is not None and covered.last_observed is not None:
        found["rai:dataCollectionTimeFrame"] = [
            day_of(covered.first_observed),
            day_of(covered.last_observed),
        ]
    if release.licence is not None:
        found["license"] = spdx_url(release.licence) or release.licence
    if about.homepage is not None:
        found["url"] = about.homepage
    if about.creator is not None:
        found["creator"] = {"@type": "sc:Organization", "name": about.creator}
    found["distribution"] = [
        *(_file(file) for file in release.files),
        *(_set(each) for each in laid if each.is_parted),
    ]
    found["recordSet"] = [_records(each) for each in laid]
    return found


def semantic(version: str) -> str:
    """A version as the vocabulary wants it: that of a day, 2026-02-03.2, is 2026.2.3+2 there."""
    dated = _DATED.fullmatch(version)
    if dated is None:
        return version
    *day, again = dated.groups()
    return ".".join(str(int(part)) for part in day) + (f"+{again}" if again else "")


def _file(file: File) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": _ENCODINGS[file.format],
        "sha256": file.sha256,
    }


def _set(laid: Laid) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": _set_id(laid),
        "name": _set_id(laid),
        "description": f"The rows of {laid.table.name}, a file a month.",
        "encodingFormat": _ENCODINGS[laid.files[0].format],
        "includes": laid.pattern,
    }


def _set_id(laid: Laid) -> str:
    return f"{laid.table.name}-files"


def _records(laid: Laid) -> dict[str, Any]:
    table = laid.table
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.description,
        "key": [{"@id": f"{table.name}/{name}"} for name in table.key],
        "field": [_field(laid, column) for column in table.columns],
    }


def _field(laid: Laid, column: Column) -> dict[str, Any]:
    source = (
        {"fileSet": {"@id": _set_id(laid)}}
        if laid.is_parted
        else {"fileObject": {"@id": laid.files[0].path}}
    )
    return {
        "@type": "cr:Field",
        "@id": f"{laid.table.name}/{column.name}",
        "name": column.name,
        "description": column.description,
        "dataType": _TYPES[column.type],
        "source": source | {"extract": {"column": column.name}},
    }
