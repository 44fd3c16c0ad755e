"""The sections of ``catalog.toml`` about datasets: their names, and what they must hold."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

FormatName = Literal["parquet", "csv", "ndjson", "sqlite"]
ProfileName = Literal["public", "research", "full"]
DaysName = Literal["1", "7", "30"]

_Count = Annotated[int, Meta(ge=0)]
_Share = Annotated[float, Meta(ge=0, le=1)]


class ExpectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an export must hold, or it is not published."""

    least_rows: Annotated[
        dict[str, _Count],
        Meta(description="of a table, at least", examples=[{"gizmos": 1000}]),
    ] = msgspec.field(default_factory=lambda: {"gizmos": 1})
    most_rows: Annotated[
        dict[str, _Count],
        Meta(description="of a table, at most", examples=[{"gizmos": 5_000_000}]),
    ] = {}
    most_null: Annotated[
        dict[str, _Share],
        Meta(
            description="share of nulls in a column, at most",
            examples=[{"gizmos.name": 0.01}],
        ),
    ] = {}
    most_gone: Annotated[
        _Share | None,
        Meta(description="share of GPTs gone since the last export, at most", examples=[0.1]),
    ] = 0.1
    least_fresh: Annotated[
        dict[DaysName, _Share],
        Meta(
            description=f"share of listed GPTs seen within {', '.join(get_args(DaysName))} days",
            examples=[{"30": 0.9}],
        ),
    ] = {}


class ExportSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What datasets are called, and whose they are."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$",
            description="the dataset's short name",
            extra_json_schema={"form": "must be made of a-z, 0-9, and single - _ . within"},
        ),
    ] = "gpts-catalog"
    title: Annotated[str, Meta(min_length=1, description="the dataset's title")] = "GPTs catalog"
    licence: Annotated[
        str | None,
        Meta(description="SPDX identifier, or a licence's name", examples=["CC-BY-4.0"]),
    ] = None
    creator: Annotated[
        str | None,
        Meta(description="who is to be cited", examples=["Example Observatory"]),
    ] = None
    homepage: Annotated[
        Annotated[str, Meta(pattern=r"^https?://\S+$")] | None,
        Meta(
            description="where it is published",
            examples=["https://data.example/gpts"],
            extra_json_schema={"form": "must begin with https:// or http://"},
        ),
    ] = None
    pseudonym_key_env: Annotated[
        str | None,
        Meta(
            description="the environment variable with the key of pseudonyms; else a file has it",
            examples=["EXAMPLE_PSEUDONYM_KEY"],
        ),
    ] = None
    partition_rows: Annotated[
        int, Meta(ge=1, description="a table with more rows is parted by month")
    ] = 1_000_000
    expect: ExpectSettings = ExpectSettings()
