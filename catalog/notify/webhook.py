"""A webhook: JSON by POST, through the one place that speaks HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from catalog.errors import CatalogError
from catalog.fetch.client import Fetcher
from catalog.records import Answer, Reading, Request, Verdict
from catalog.settings import SourceSettings
from catalog.times import to_iso

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from catalog.notify.messages import Message
    from catalog.times import Clock

ATTEMPTS = 3
"""With pauses of some seconds between: longer outages are for the next message."""
HOOK = SourceSettings(
    name="webhook",
    dialect="recorded",
    connect_timeout=10.0,
    read_timeout=15.0,
    total_timeout=30.0,
    max_attempts=ATTEMPTS,
    backoff_base=1.0,
    backoff_max=10.0,
    retry_after_max=30.0,
    max_body_bytes=2**20,
)
"""How patiently it is called; it is no source, and asked in the same way."""
_TRANSIENT = frozenset({408, 425, 429})
_SUCCESS = range(200, 300)
_SERVER = 500


def deliver_webhook(message: Message, url: str, clock: Clock, rng: random.Random) -> str | None:
    """Post a message.

    Args:
        message: what.
        url: where; a secret.
        clock: the clock.
        rng: for the pauses between attempts.

    Returns:
        Why it was not taken, without the address; None where it was.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        return "the webhook's address is no http:// or https:// URL"
    try:
        return asyncio.run(_post(Request(method="POST", url=url, body=body(message)), clock, rng))
    except CatalogError as error:
        return str(error)


def body(message: Message) -> bytes:
    """What is posted: ``text`` is whole, as chat services read it; the rest is for programs."""
    return msgspec.json.encode(
        {
            "text": f"{message.title}\n{message.text}".rstrip(),
            "kind": message.kind,
            "title": message.title,
            "at": to_iso(message.at),
            "items": message.items,
        }
    )


async def _post(request: Request, clock: Clock, rng: random.Random) -> str | None:
    async with Fetcher(HOOK, key=None, clock=clock, rng=rng) as fetcher:
        asked = await fetcher.ask(request, _read)
    last = asked.readings[0]
    return None if last.verdict is Verdict.DOCUMENT else last.detail


def _read(answer: Answer) -> Sequence[Reading]:
    """Whether it was taken; what a service says in words is not repeated, it may name secrets."""
    if answer.status in _SUCCESS:
        return (Reading(verdict=Verdict.DOCUMENT),)
    again = answer.status in _TRANSIENT or answer.status >= _SERVER
    return (
        Reading(
            verdict=Verdict.UNAVAILABLE if again else Verdict.DENIED,
            status=answer.status,
            detail=f"the webhook answered HTTP {answer.status}",
        ),
    )
