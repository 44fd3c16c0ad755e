"""When a question is worth repeating, and how long to wait before. Pure."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import msgspec

from catalog.records import Verdict
from catalog.times import SECOND, from_datetime

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from catalog.records import Answer, Reading
    from catalog.times import Micros

_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)
_CUT = "Input data was truncated"  # msgspec's own words for JSON that ends too early
_HIGHEST_POWER = 32  # beyond it every delay is the longest anyhow


def delay(attempt: int, *, base: float, ceiling: float, rng: random.Random) -> float:
    """Seconds before the next attempt: exponential backoff with full jitter.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        attempt: how many attempts there were, from 1.
        base: the longest delay after the first.
        ceiling: the longest delay of all.
        rng: where the jitter comes from.
    """
    return rng.uniform(0.0, min(ceiling, base * 2.0 ** min(attempt - 1, _HIGHEST_POWER)))


def retry_after(headers: Mapping[str, str], received_at: Micros) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait, or None where there is no usable one.

    A date is read against the answer's own ``Date``, so that two clocks need not agree.

    Args:
        headers: names in lower case.
        received_at: when the answer arrived, where it does not say itself.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    said_at = _http_date(headers.get("date", ""))
    return max(0.0, (until - (received_at if said_at is None else said_at)) / SECOND)


def _http_date(text: str) -> Micros | None:
    try:
        moment = parsedate_to_datetime(text.strip())
        # RFC 9110: an HTTP date is always UTC, also where its zone is missing or "-0000".
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def worth_repeating(answer: Answer | None, readings: Sequence[Reading]) -> bool:
    """Whether the same question may get a better answer.

    Only where nothing at all was learnt: an answer that names one GPT of many is not bought twice,
    the rest is asked singly (rule 7).

    Args:
        answer: what came back, or None where nothing did.
        readings: what it says about the ids that were asked for.
    """
    verdicts = {reading.verdict for reading in readings}
    if any(verdict.is_fact for verdict in verdicts) or verdicts & {Verdict.DENIED, Verdict.QUOTA}:
        return False
    if verdicts & {Verdict.THROTTLED, Verdict.UNAVAILABLE}:
        return True
    return Verdict.MALFORMED in verdicts and answer is not None and is_cut(answer.body)


def is_cut(body: bytes) -> bool:
    """Whether ``body`` is nothing, or JSON that ends too early."""
    text = body.strip()
    if not text:
        return True
    if text[:1] not in {b"{", b"["}:
        return False
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        return str(error) == _CUT
    return False
