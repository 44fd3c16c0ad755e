"""From readings to observations: the part of harvest and import that is the same.

Pure but for the rules it is handed: nothing here reads a clock, a file or a network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from catalog.errors import NormalizeError
from catalog.records import Document, Observation, Reading, Verdict
from catalog.times import HOUR, Micros, from_iso

EARLIEST: Micros = from_iso("2023-11-01T00:00:00Z")
"""Custom GPTs were announced on 2023-11-06: a document of before is misdated (rule 2)."""


class Redacts(Protocol):
    """Replaces configured secrets; see :class:`catalog.secrets.Redactor`."""

    def bytes(self, data: bytes) -> tuple[bytes, bool]:
        """``data`` without secrets, and whether there was one."""
        ...

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        ...


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is no fact, with what is needed to understand it.

    Attributes:
        asked: the id that was asked for, or the file and line that was read.
        verdict: what it was taken for.
        detail: what the source said, for people.
        status: HTTP status, 0 for none.
        body: the bytes.
        redacted: whether a secret was replaced in them.
        at: when it came.
    """

    asked: str
    verdict: Verdict
    detail: str
    status: int
    body: bytes
    redacted: bool
    at: Micros


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What one reading comes to.

    Attributes:
        reading: the reading, without secrets.
        observation: the fact it states, if it states one.
        failure: what to keep of it, if it is no fact.
        misdated: how many times it named that were not believable.
    """

    reading: Reading
    observation: Observation | None = None
    failure: Failure | None = None
    misdated: int = 0


def believable(at: Micros, received_at: Micros) -> bool:
    """Whether a time may be when a document was said, given when it was received (rule 2)."""
    return EARLIEST <= at <= received_at + HOUR


def date_of(candidates: Iterable[Micros | None], received_at: Micros) -> tuple[Micros, int]:
    """The first believable time, else when it was received, and how many were passed over."""
    passed = 0
    for at in candidates:
        if at is None:
            continue
        if believable(at, received_at):
            return at, passed
        passed += 1
    return received_at, passed


def take(
    reading: Reading,
    *,
    source: str,
    run_id: str,
    received_at: Micros,
    said_at: Iterable[Micros | None],
    redactor: Redacts,
    normalize: Callable[[bytes, str], Document],
    redacted: bool = False,
) -> Taken:
    """Turn a reading into an observation, or into a failure to be kept.

    Args:
        reading: what an answer or a file says.
        source: the source's name.
        run_id: the run that asked.
        received_at: when its last byte arrived, or when the file is read.
        said_at: further times at which it may have been said, best first; the reading's own
            stands before them.
        redactor: replaces configured secrets (law 10).
        normalize: the document in a payload; raises NormalizeError.
        redacted: whether a secret was replaced already in what the reading was read from.
    """
    payload, found = redactor.bytes(reading.payload)
    redacted = redacted or found
    reading = msgspec.structs.replace(
        reading, payload=payload, detail=redactor.text(reading.detail)
    )
    observed_at, misdated = date_of((reading.said_at, *said_at), received_at)
    if reading.verdict is Verdict.NOT_FOUND:
        observation = Observation(
            gizmo_id=reading.gizmo_id,
            source=source,
            observed_at=observed_at,
            recorded_at=received_at,
            run_id=run_id,
        )
        return Taken(reading=reading, observation=observation, misdated=misdated)
    if reading.verdict.is_fact:
        try:
            document = normalize(payload, reading.wrapping)
        except NormalizeError as error:
            reading = msgspec.structs.replace(
                reading, verdict=Verdict.MALFORMED, detail=redactor.text(str(error))
            )
        else:
            observation = Observation(
                # A document is filed under the id it carries (law 5).
                gizmo_id=document.gizmo_id,
                source=source,
                observed_at=observed_at,
                recorded_at=received_at,
                digest=hashlib.sha256(payload).digest(),
                payload=payload,
                wrapping=reading.wrapping,
                run_id=run_id,
                redacted=redacted,
                document=document,
            )
            return Taken(reading=reading, observation=observation, misdated=misdated)
    failure = Failure(
        asked=reading.asked,
        verdict=reading.verdict,
        detail=reading.detail,
        status=reading.status,
        body=payload,
        redacted=redacted,
        at=received_at,
    )
    return Taken(reading=reading, failure=failure, misdated=misdated)
