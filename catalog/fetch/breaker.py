"""Stops a run early where a source refuses the key or is down. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.records import Reading

_REFUSED = frozenset({Verdict.DENIED, Verdict.QUOTA})
_DOCUMENTS = frozenset({Verdict.DOCUMENT, Verdict.MISMATCHED})
_REFUSALS = 2
_LONGEST_DETAIL = 200


class Breaker:
    """Watches how questions end, one source's, in the order in which they end.

    Opens for good: a run is started again by its user, who was told why.

    Args:
        source: the source's name.
        key_from: the environment variable that holds its key, if it has one.
        failures: so many questions in a row without an answer about a GPT open it.
    """

    def __init__(self, source: str, *, key_from: str | None, failures: int) -> None:
        self.reason: str | None = None
        self._source = source
        self._key_from = key_from
        self._limit = failures
        self._failures = 0
        self._refusals = 0
        self._answered = False

    def open(self, reason: str) -> None:
        """Open it, unless it is open already; ``reason`` is for the user."""
        self.reason = self.reason or reason

    def record(self, readings: Sequence[Reading], *, answered: bool) -> None:
        """Take how one question ended, after all its repeats.

        Args:
            readings: what was learnt about the ids it asked for; none counts as an answer.
            answered: whether the source answered at all, over HTTP.
        """
        verdicts = {reading.verdict for reading in readings}
        first, self._answered = answered and not self._answered, self._answered or answered
        if verdicts & _DOCUMENTS:
            self._refusals = 0
        if not verdicts or any(verdict.is_fact for verdict in verdicts):
            self._failures = 0
            return
        refusal = next((each for each in readings if each.verdict in _REFUSED), None)
        if refusal is not None:
            self._refusals += 1
            if first or self._refusals >= _REFUSALS:
                self.open(self._refused(refusal))
        self._failures += 1
        if self._failures >= self._limit:
            self.open(self._down(readings[-1]))

    def _refused(self, refusal: Reading) -> str:
        said = _said(refusal)
        if refusal.verdict is Verdict.QUOTA:
            return (
                f"source {self._source}: the quota of its key is used up ({said}). "
                "Top it up there, then run the same command again"
            )
        key = f"the key in {self._key_from}" if self._key_from else "its api_key_env"
        return (
            f"source {self._source} refuses the key ({said}). "
            f"Check {key}, then run the same command again"
        )

    def _down(self, last: Reading) -> str:
        return (
            f"source {self._source} seems to be down or wrongly configured: {self._failures} "
            f"questions in a row without an answer about a GPT, the last one {last.verdict} "
            f"({_said(last)}). Try `gpts-catalog sources check {self._source}`, "
            "and run the same command again when it is well"
        )


def _said(reading: Reading) -> str:
    """The source's words, made harmless and short (law 11)."""
    words = "".join(each if each.isprintable() else " " for each in reading.detail)
    words = " ".join(words.split())
    if len(words) > _LONGEST_DETAIL:
        words = words[: _LONGEST_DETAIL - 1] + "…"
    status = f"HTTP {reading.status}" if reading.status else ""
    return ": ".join(part for part in (status, words) if part) or "it gave no reason"
