"""What the tests of fetch share: a source, a way to read answers, a fetcher."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from catalog.fetch.client import Asked, Fetcher
from catalog.records import Answer, Reading, Request, Verdict
from catalog.settings import SourceSettings
from catalog.times import Clock, FixedClock, from_iso
from tests.unit.fetch.loopback import Loopback, Reply, VirtualTimer

KEY = "sk-loop/back+0123456789"
NOON = from_iso("2024-02-13T12:00:00Z")
ID = "g-aaaaaaaaa"

_BY_STATUS = {
    401: Verdict.DENIED,
    402: Verdict.QUOTA,
    404: Verdict.NOT_FOUND,
    429: Verdict.THROTTLED,
}


def read(answer: Answer) -> list[Reading]:
    """One reading, mostly by the status alone."""
    return [
        Reading(
            asked=ID,
            verdict=_verdict(answer),
            status=answer.status,
            detail=answer.body[:100].decode("utf-8", "replace"),
        )
    ]


def _verdict(answer: Answer) -> Verdict:
    if answer.status >= 500:
        return Verdict.UNAVAILABLE
    if answer.status in _BY_STATUS:
        return _BY_STATUS[answer.status]
    try:
        return Verdict.DOCUMENT if json.loads(answer.body)["id"] else Verdict.MALFORMED
    except (ValueError, TypeError, KeyError):
        return Verdict.MALFORMED


def make_source(base_url: str, **options: Any) -> SourceSettings:
    """A source without delays, but for what a test sets."""
    quick: dict[str, Any] = {
        "requests_per_second": 10_000.0,
        "connect_timeout": 5.0,
        "read_timeout": 5.0,
        "total_timeout": 10.0,
        "api_key_env": "LOOPBACK_KEY",
    }
    return SourceSettings(
        name="loopback", dialect="gpts-v2", base_url=base_url, **{**quick, **options}
    )


def make_fetcher(
    source: SourceSettings,
    *,
    key: str | None = KEY,
    clock: Clock | None = None,
    reserve: Callable[[int], Awaitable[int]] | None = None,
    timer: VirtualTimer | None = None,
    share: Callable[[], Awaitable[tuple[float, float]]] | None = None,
) -> Fetcher:
    """A fetcher on virtual time."""
    return Fetcher(
        source,
        key=key,
        clock=clock or FixedClock(NOON),
        rng=random.Random(1),
        reserve=reserve,
        timer=timer or VirtualTimer(),
        share=share,
    )


def get(base_url: str, path: str = f"/v2/gpts/{ID}", asked: Sequence[str] = (ID,)) -> Request:
    """A question for one GPT."""
    return Request(method="GET", url=base_url + path, asked=tuple(asked))


async def ask(server: Loopback, **options: Any) -> Asked:
    """Put one question to ``server``."""
    async with make_fetcher(make_source(server.url, **options)) as fetcher:
        return await fetcher.ask(get(server.url), read)


def asked_of(*replies: Reply, tls: bool = False, **options: Any) -> tuple[Asked, Loopback]:
    """Ask once of a server that answers so, which is handed out too."""

    async def main() -> tuple[Asked, Loopback]:
        async with Loopback(*replies, tls=tls) as server:
            asked = await ask(server, **options)
            await server.quiet()
            return asked, server

    return asyncio.run(main())
