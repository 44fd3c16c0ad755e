"""The sections of ``catalog.toml`` that say what runs by itself: jobs, plan, probes, news."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from catalog.settings.exports import FormatName, ProfileName

if TYPE_CHECKING:
    from catalog.search.filters import Filter

StatusName = Literal["listed", "missing", "gone"]
ObjectiveName = Literal["changes", "freshness"]
NewsName = Literal["alarm", "report", "watch"]

_Count = Annotated[int, Meta(ge=0)]
_Share = Annotated[float, Meta(ge=0, le=1)]


class JobSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What of a job differs from its default; None where nothing does."""

    schedule: Annotated[
        str | None,
        Meta(
            description='cron: minute hour day month weekday; "off" for never',
            examples=["0 3 * * *"],
        ),
    ] = None
    sources: Annotated[
        tuple[str, ...] | None,
        Meta(description="the sources it asks", examples=[["example"]]),
    ] = None
    time_limit: Annotated[
        Annotated[float, Meta(gt=0, le=10_080)] | None,
        Meta(description="minutes after which it is told to stop", examples=[120]),
    ] = None
    limit: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="GPTs of one run, at most", examples=[5000]),
    ] = None
    least: Annotated[
        _Count | None,
        Meta(description="fewer results of a run raise an alarm", examples=[1]),
    ] = None
    most: Annotated[
        _Count | None,
        Meta(description="more results of a run raise an alarm", examples=[100_000]),
    ] = None
    queries: Annotated[
        tuple[str, ...] | None,
        Meta(description="discover: what to search for", examples=[["translation", "travel"]]),
    ] = None
    authors: Annotated[
        _Count | None,
        Meta(description="discover: authors whose names are searched for, a run", examples=[20]),
    ] = None
    files: Annotated[
        tuple[str, ...] | None,
        Meta(description="discover: lists of references", examples=[["ids.txt"]]),
    ] = None
    second_opinion: Annotated[
        _Share | None,
        Meta(description="refresh: share of GPTs asked at a second source", examples=[0.01]),
    ] = None
    keep_days: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="prune: days that failures, outcomes and the like stay", examples=[90]),
    ] = None
    thin: Annotated[
        bool | None,
        Meta(
            description="prune: drop observations that say again what others say", examples=[True]
        ),
    ] = None
    keep: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="backup, export: how many stay", examples=[7]),
    ] = None
    format: Annotated[
        FormatName | None,
        Meta(description=f"export: {', '.join(get_args(FormatName))}", examples=["parquet"]),
    ] = None
    profile: Annotated[
        ProfileName | None,
        Meta(description=f"export: {', '.join(get_args(ProfileName))}", examples=["public"]),
    ] = None


class PlanSettings(msgspec.Struct, frozen=True, kw_only=True):
    """When GPTs are looked at again."""

    objective: Annotated[
        ObjectiveName,
        Meta(
            description="changes: see as many as can be; freshness: be right as often as can be",
        ),
    ] = "changes"
    ceiling_days: Annotated[
        float, Meta(gt=0, le=3650, description="no GPT is left alone for longer")
    ] = 30.0
    floor_hours: Annotated[
        float, Meta(gt=0, le=8760, description="no GPT is asked again sooner")
    ] = 20.0
    jitter: Annotated[_Share, Meta(description="how much of a pause is left to chance")] = 0.1
    weights: Annotated[
        dict[str, Annotated[float, Meta(gt=0, le=1_000_000)]],
        Meta(
            description="how much more the GPTs of a watch count",
            examples=[{"rivals": 10}],
        ),
    ] = {}


class ProbeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What GPTs are asked over chat completions. Every documented parameter can be set."""

    question: Annotated[str, Meta(min_length=1, max_length=100_000, description="the words")] = (
        "What can you do for me? Answer in one sentence."
    )
    stream: Annotated[bool, Meta(description="take the answer piece by piece")] = False
    seconds: Annotated[float, Meta(gt=0, le=3600, description="how long an answer may take")] = (
        120.0
    )
    max_tokens: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="of the answer", examples=[200])
    ] = 200
    temperature: Annotated[Annotated[float, Meta(ge=0, le=2)] | None, Meta(examples=[0.0])] = None
    top_p: Annotated[Annotated[float, Meta(ge=0, le=1)] | None, Meta(examples=[1.0])] = None
    n: Annotated[
        Annotated[int, Meta(ge=1, le=128)] | None,
        Meta(description="answers; each is paid for", examples=[1]),
    ] = None
    stop: Annotated[tuple[str, ...] | None, Meta(examples=[["END"]])] = None
    presence_penalty: Annotated[
        Annotated[float, Meta(ge=-2, le=2)] | None, Meta(examples=[0.0])
    ] = None
    frequency_penalty: Annotated[
        Annotated[float, Meta(ge=-2, le=2)] | None, Meta(examples=[0.0])
    ] = None
    logit_bias: Annotated[
        dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None,
        Meta(examples=[{"50256": -100}]),
    ] = None
    user: Annotated[
        str | None, Meta(description="whom the gateway counts it for", examples=["catalog"])
    ] = None


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told, and of what. Addresses hold secrets: they stand in the environment."""

    webhook_env: Annotated[
        str | None,
        Meta(
            description="the environment variable with the URL that takes JSON by POST",
            examples=["EXAMPLE_WEBHOOK"],
        ),
    ] = None
    urls_env: Annotated[
        str | None,
        Meta(
            description="the environment variable with Apprise's URLs, blanks between",
            examples=["EXAMPLE_NOTIFY"],
        ),
    ] = None
    on: Annotated[
        tuple[NewsName, ...],
        Meta(description=f"of {', '.join(get_args(NewsName))}"),
    ] = ("alarm",)


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where monitors can ask."""

    listen: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):[0-9]{1,5}$",
                extra_json_schema={"form": "must be HOST:PORT, as 127.0.0.1:9877 or [::1]:9877"},
            ),
        ]
        | None,
        Meta(
            description="where schedule serves /metrics and /healthz",
            examples=["127.0.0.1:9877"],
        ),
    ] = None


class WatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A saved filter, all of it to be met: a section, a feed, and if wished a notification."""

    search: Annotated[str | None, Meta(description="words to find", examples=["translation"])] = (
        None
    )
    category: Annotated[
        str | None, Meta(description="a category of the store", examples=["productivity"])
    ] = None
    tool: Annotated[str | None, Meta(description="a tool's type", examples=["dalle"])] = None
    tag: Annotated[str | None, Meta(description="a mark of the platform", examples=["public"])] = (
        None
    )
    author: Annotated[
        str | None, Meta(description="an author's name or user_id", examples=["Example Author"])
    ] = None
    status: Annotated[
        StatusName | None,
        Meta(description=f"one of {', '.join(get_args(StatusName))}", examples=["listed"]),
    ] = None
    min_conversations: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="conversations, at least", examples=[1000]),
    ] = None
    field: Annotated[
        str | None, Meta(description="changes of this field alone", examples=["name"])
    ] = None
    notify: Annotated[bool, Meta(description="tell whom [notify] names")] = False

    def wanted(self) -> Filter:
        """Which GPTs it is about."""
        from catalog.search.filters import Filter  # noqa: PLC0415  (slow, and few have a watch)

        return Filter(
            text=self.search,
            categories=_one(self.category),
            tools=_one(self.tool),
            tags=_one(self.tag),
            authors=_one(self.author),
            statuses=_one(self.status),
            min_conversations=self.min_conversations,
        )


def _one(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)
