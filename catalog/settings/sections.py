"""The sections of ``catalog.toml`` as frozen types.

Types, ranges, defaults, descriptions and examples stand here once: the reader checks by them, and
the file that ``init`` writes is made from them.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from catalog.settings.exports import ExportSettings
from catalog.settings.work import (
    JobSettings,
    MetricsSettings,
    NotifySettings,
    PlanSettings,
    ProbeSettings,
    WatchSettings,
)

DEFAULT_URL = "sqlite:///data/catalog.db"

DialectName = Literal["gpts-v1", "gpts-v2", "mj-flat", "chat-query", "recorded"]

_Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class CatalogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the catalog is. Each description below stands in the file that ``init`` writes."""

    url: Annotated[str, Meta(description="an SQLite file, or postgresql://USER@HOST/DATABASE")] = (
        DEFAULT_URL
    )
    reader_url: Annotated[
        str | None,
        Meta(
            description="PostgreSQL: the role that runs SQL people write; see docs/sql.md",
            examples=["postgresql://READER@HOST/DATABASE"],
        ),
    ] = None
    folder: Annotated[
        str, Meta(min_length=1, description="where reports, feeds and backups are written")
    ] = "data"
    timezone: Annotated[str, Meta(description="the zone that schedules are written in")] = "UTC"


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One source: how it is asked, and how much of it we may use."""

    name: str
    dialect: Annotated[
        DialectName,
        Meta(description=f"one of {', '.join(get_args(DialectName))}", examples=["gpts-v2"]),
    ]
    base_url: Annotated[
        str,
        Meta(
            description="what stands before the dialect's paths",
            examples=["https://gateway.example"],
        ),
    ] = ""
    api_key_env: Annotated[
        str | None,
        Meta(
            description="the environment variable that holds the key; never the key itself",
            examples=["EXAMPLE_API_KEY"],
        ),
    ] = None
    requests_per_second: Annotated[
        float, Meta(gt=0, le=10_000, description="how fast we ask, at most")
    ] = 5.0
    max_concurrency: Annotated[
        int, Meta(ge=1, le=1_000, description="requests in flight, at most")
    ] = 8
    requests_per_day: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="the budget of a UTC day: calls cost money", examples=[20_000]),
    ] = None
    price_per_request: Annotated[
        Annotated[float, Meta(ge=0, le=1_000_000)] | None,
        Meta(description="for reports and plans", examples=[0.001]),
    ] = None
    prefer: Annotated[
        int,
        Meta(ge=0, le=1_000, description="sources with smaller numbers are asked first"),
    ] = 0
    probes_per_day: Annotated[
        int, Meta(ge=0, description="the budget of a UTC day for probes, apart from the other")
    ] = 0
    tokens_per_day: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="tokens that the probes of a UTC day may take", examples=[100_000]),
    ] = None
    price_per_1k_tokens: Annotated[
        Annotated[float, Meta(ge=0, le=1_000_000)] | None,
        Meta(description="what 1,000 tokens of a probe cost", examples=[0.01]),
    ] = None
    connect_timeout: Annotated[_Seconds, Meta(description="seconds to reach the source")] = 10.0
    read_timeout: Annotated[
        _Seconds, Meta(description="seconds without a further byte of an answer")
    ] = 30.0
    total_timeout: Annotated[_Seconds, Meta(description="seconds for a whole answer")] = 120.0
    max_body_bytes: Annotated[
        int, Meta(ge=1024, le=2**31, description="an answer's size once decompressed, at most")
    ] = 16 * 2**20
    max_attempts: Annotated[
        int, Meta(ge=1, le=100, description="attempts for an id, the first included")
    ] = 4
    backoff_base: Annotated[_Seconds, Meta(description="seconds before the first repeat")] = 1.0
    backoff_max: Annotated[_Seconds, Meta(description="seconds before any repeat, at most")] = 60.0
    retry_after_max: Annotated[
        _Seconds, Meta(description="seconds that a source's Retry-After can make us wait, at most")
    ] = 300.0
    chat_path: Annotated[
        str,
        Meta(
            pattern=r"^/[^\s?#]+$",
            description="the path of chat completions",
            extra_json_schema={"form": "must begin with / and hold no blank, no ? and no #"},
        ),
    ] = "/v1/chat/completions"
    batch_size: Annotated[
        int, Meta(ge=1, le=100, description="ids asked at once, where the dialect is chat-query")
    ] = 1
    breaker_failures: Annotated[
        int, Meta(ge=1, description="questions in a row that bring no fact, and stop a run")
    ] = 20
    model_prefix: Annotated[
        str,
        Meta(
            pattern=r"^\S+$",
            description="a probe's model is this and the id",
            extra_json_schema={"form": "must hold a character, and no blank"},
        ),
    ] = "gpt-4-gizmo-"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a person can set.

    Attributes:
        catalog: where the catalog is; ``url`` is in its one form, as
            :func:`~catalog.settings.urls.normalize_catalog_url` makes it.
        sources: by name.
        jobs: by name; those not named run by their defaults.
        plan: when to look again.
        probe: what GPTs are asked.
        notify: who is told.
        metrics: where monitors can ask.
        watch: by name.
        export: what datasets are called, and what they must hold.
        clock: what ``GPTS_CATALOG_CLOCK`` holds, a time or the simulator's URL; None means
            the machine's clock.
    """

    catalog: CatalogSettings = CatalogSettings()
    sources: dict[str, SourceSettings] = {}
    jobs: dict[str, JobSettings] = {}
    plan: PlanSettings = PlanSettings()
    probe: ProbeSettings = ProbeSettings()
    notify: NotifySettings = NotifySettings()
    metrics: MetricsSettings = MetricsSettings()
    watch: dict[str, WatchSettings] = {}
    export: ExportSettings = ExportSettings()
    clock: str | None = None
