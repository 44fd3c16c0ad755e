"""What goes wrong, with which GPTs, and how a harvest must end for them.

A plan draws for each id whether it fails, with which kind, and whether for its first attempts only
or always; all from the seed, so a harvest's right outcome is known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalog.errors import UsageError
from catalog.records import Verdict
from catalog.simulator.draw import Draw, Weighted


class FaultKind(StrEnum):
    """A way to fail. The words are those of ``--faults`` and of the control endpoint."""

    RESET = "reset"
    """The connection is reset before a byte is sent."""
    SHORT_BODY = "short-body"
    """The connection ends in the middle of the body."""
    SLOW_DRIP = "slow-drip"
    """A byte now and then, and in the end a reset."""
    HANG = "hang"
    """No byte at all, and in the end a reset."""
    WRONG_LENGTH = "wrong-length"
    """``Content-Length`` is smaller than the body."""
    BAD_GZIP = "bad-gzip"
    """``Content-Encoding: gzip`` over something else."""
    ZIP_BOMB = "zip-bomb"
    """Some kilobytes that grow to tens of megabytes."""
    ENDLESS = "endless"
    """A body that does not end."""
    THROTTLED = "throttled"
    """429 with an empty body and no Retry-After: one-api's own rate limit."""
    THROTTLED_SECONDS = "throttled-seconds"
    """429 with Retry-After in seconds."""
    THROTTLED_DATE = "throttled-date"
    """429 with Retry-After as a date of the simulated clock."""
    NO_CHANNEL = "no-channel"
    """503: no channel for the model."""
    SERVER_ERROR = "server-error"
    """500."""
    HTML = "html"
    """200 and a web page: one-api's answer on paths that it does not know."""
    BAD_KEY = "bad-key"
    """401: the key is not known."""
    KEY_QUOTA = "key-quota"
    """401: the key's own quota is used up."""
    ACCOUNT_QUOTA = "account-quota"
    """403: the account's balance is used up."""
    CUT_JSON = "cut-json"
    """The JSON ends in the middle, the HTTP body does not."""
    OTHER_ID = "other-id"
    """The document of another GPT."""
    REDIRECT = "redirect"
    """302 to another host."""
    NULL_DATA = "null-data"
    """A success without a document."""
    NEW_FIELD = "new-field"
    """A document with fields that nobody knows."""
    INVALID_UTF8 = "invalid-utf8"
    """A document with bytes that are no UTF-8."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind of fault means for a harvest.

    Attributes:
        verdict: how an id ends that always meets it.
        repeated: whether a client asks again after it; if not, the first time decides.
        weight: how often it is drawn in the mix of all kinds. Slow ones are rare, and those that
            speak of the key stay below what opens a breaker.
        on_document: whether it happens to documents alone, and never to "not found".
        refuses: whether it speaks of the key or its quota: a run that meets it again and again
            stops.
    """

    verdict: Verdict
    repeated: bool = True
    weight: float = 1.0
    on_document: bool = False
    refuses: bool = False


EFFECTS: dict[FaultKind, Effect] = {
    FaultKind.RESET: Effect(Verdict.UNAVAILABLE),
    FaultKind.SHORT_BODY: Effect(Verdict.UNAVAILABLE),
    FaultKind.SLOW_DRIP: Effect(Verdict.UNAVAILABLE, weight=0.05),
    FaultKind.HANG: Effect(Verdict.UNAVAILABLE, weight=0.1),
    FaultKind.WRONG_LENGTH: Effect(Verdict.MALFORMED, weight=0.3, on_document=True),
    FaultKind.BAD_GZIP: Effect(Verdict.UNAVAILABLE),
    FaultKind.ZIP_BOMB: Effect(Verdict.UNAVAILABLE, repeated=False, weight=0.05),
    FaultKind.ENDLESS: Effect(Verdict.UNAVAILABLE, repeated=False, weight=0.03),
    FaultKind.THROTTLED: Effect(Verdict.THROTTLED, weight=0.2),
    FaultKind.THROTTLED_SECONDS: Effect(Verdict.THROTTLED, weight=0.03),
    FaultKind.THROTTLED_DATE: Effect(Verdict.THROTTLED, weight=0.03),
    FaultKind.NO_CHANNEL: Effect(Verdict.UNAVAILABLE),
    FaultKind.SERVER_ERROR: Effect(Verdict.UNAVAILABLE),
    FaultKind.HTML: Effect(Verdict.MALFORMED, repeated=False),
    FaultKind.BAD_KEY: Effect(Verdict.DENIED, repeated=False, weight=0.02, refuses=True),
    FaultKind.KEY_QUOTA: Effect(Verdict.QUOTA, repeated=False, weight=0.02, refuses=True),
    FaultKind.ACCOUNT_QUOTA: Effect(Verdict.QUOTA, repeated=False, weight=0.02, refuses=True),
    FaultKind.CUT_JSON: Effect(Verdict.MALFORMED, on_document=True),
    FaultKind.OTHER_ID: Effect(Verdict.MISMATCHED, repeated=False, on_document=True),
    FaultKind.REDIRECT: Effect(Verdict.UNAVAILABLE, repeated=False, weight=0.5),
    FaultKind.NULL_DATA: Effect(Verdict.MALFORMED, repeated=False, on_document=True),
    FaultKind.NEW_FIELD: Effect(Verdict.DOCUMENT, repeated=False, on_document=True),
    FaultKind.INVALID_UTF8: Effect(Verdict.MALFORMED, repeated=False, on_document=True),
}
ALL_KINDS: tuple[FaultKind, ...] = tuple(FaultKind)

MAX_TRANSIENT = 2
"""A transient fault hits at most so many attempts: fewer than any sensible client makes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one id.

    Attributes:
        kind: how it fails.
        failures: for how many attempts; None always.
    """

    kind: FaultKind
    failures: int | None

    @property
    def effect(self) -> Effect:
        """What it means for a harvest."""
        return EFFECTS[self.kind]

    def hits(self, attempt: int) -> bool:
        """Whether the ``attempt``-th question, from 1, fails."""
        return self.failures is None or attempt <= self.failures

    def verdict(self, *, exists: bool) -> Verdict:
        """How a harvest that asks more than ``MAX_TRANSIENT`` times must end."""
        honest = Verdict.DOCUMENT if exists else Verdict.NOT_FOUND
        if self.effect.on_document and not exists:
            return honest
        if self.failures is not None and self.effect.repeated:
            return honest
        return self.effect.verdict


@dataclass(frozen=True, slots=True)
class FaultTimes:
    """How long and how large slow and large faults are.

    Attributes:
        hang: seconds after which a hanging or dripping connection is reset.
        drip: seconds between two bytes of a slow drip.
        retry_after: what 429 asks for, in seconds.
        bomb: bytes that a zip bomb grows to.
        endless: bytes after which even an endless body is given up.
    """

    hang: float = 2.0
    drip: float = 0.1
    retry_after: int = 1
    bomb: int = 32 * 2**20
    endless: int = 256 * 2**20


class FaultPlan:
    """Which ids fail, and how.

    Args:
        seed: everything follows from it.
        share: how many of all ids fail, from 0 to 1.
        kinds: which kinds there are.
        permanent: how many of the failing ones fail always; kinds after which no client asks
            again always do.

    Raises:
        UsageError: a share outside 0 to 1, or no kinds.
    """

    def __init__(
        self,
        seed: int,
        share: float,
        kinds: Sequence[FaultKind] = ALL_KINDS,
        permanent: float = 0.3,
    ) -> None:
        if not (0 <= share <= 1 and 0 <= permanent <= 1):
            raise UsageError("shares of faults lie between 0 and 1")
        if not kinds:
            raise UsageError(f"no kinds of faults; there are {', '.join(ALL_KINDS)}")
        self.seed = seed
        self.share = share
        self.kinds = tuple(kinds)
        self.permanent = permanent
        self._kinds = Weighted([(kind, EFFECTS[kind].weight) for kind in kinds])

    def for_id(self, gizmo_id: str) -> Fault | None:
        """What is wrong with ``gizmo_id``, if anything."""
        draw = Draw(self.seed, gizmo_id, "fault")
        if not draw.chance(self.share):
            return None
        kind = self._kinds.at(draw.unit())
        permanent = draw.chance(self.permanent)
        effect = EFFECTS[kind]
        if effect.refuses:
            # In a mix they come once, else a run would rightly stop at the second.
            return Fault(kind, 1 if len(self.kinds) > 1 else None)
        if permanent or not effect.repeated:
            return Fault(kind, None)
        return Fault(kind, 1 + draw.below(MAX_TRANSIENT))

    def expected(self, gizmo_id: str, *, exists: bool = True) -> Verdict:
        """How a harvest of ``gizmo_id`` must end."""
        fault = self.for_id(gizmo_id)
        if fault is None:
            return Verdict.DOCUMENT if exists else Verdict.NOT_FOUND
        return fault.verdict(exists=exists)
