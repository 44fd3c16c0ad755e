from __future__ import annotations

import pytest

from catalog.fetch.breaker import Breaker
from catalog.records import Reading, Verdict


def breaker_after(ends: str, *, failures: int = 3, detail: str = "words") -> Breaker:
    """A breaker that saw ``ends``: verdicts, ``-`` for no answer at all, ``a+b`` for a batch."""
    breaker = Breaker("here", key_from="HERE_KEY", failures=failures)
    for end in ends.split():
        verdicts = "unavailable" if end == "-" else end
        readings = [
            Reading(verdict=Verdict(each), detail=detail, status=0 if end == "-" else 500)
            for each in verdicts.split("+")
            if each != "nothing"
        ]
        breaker.record(readings, answered=end != "-")
    return breaker


@pytest.mark.parametrize(
    ("ends", "opens"),
    [
        ("", False),
        ("document", False),
        ("denied", True),
        ("quota_used_up", True),
        ("- denied", True),
        ("document denied", False),
        ("document denied denied", True),
        ("document denied quota_used_up", True),
        ("document denied document denied", False),
        ("document denied mismatched denied", False),
        ("document denied not_found denied", True),
        ("document denied unavailable denied", True),
        ("unavailable denied", False),
        ("unavailable denied denied", True),
        ("- -", False),
        ("- - -", True),
        ("unavailable throttled malformed", True),
        ("- - not_found - -", False),
        ("- - document - -", False),
        ("- - nothing - -", False),
        ("document+unavailable - -", False),
        ("document+denied denied", False),
        ("unavailable+unavailable+unavailable", False),
    ],
)
def test_breaker_opens(ends: str, *, opens: bool) -> None:
    assert (breaker_after(ends).reason is not None) is opens


def test_first_reason_stays() -> None:
    breaker = breaker_after("denied")
    reason = breaker.reason
    breaker.open("another")
    breaker.record([Reading(verdict=Verdict.QUOTA)], answered=True)
    assert breaker.reason == reason


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ("denied", "refuses the key (HTTP 500: words). Check the key in HERE_KEY, then run"),
        ("quota_used_up", "the quota of its key is used up (HTTP 500: words). Top it up there"),
        ("- - -", "3 questions in a row without an answer about a GPT, the last one unavailable"),
    ],
)
def test_reason_says_what_and_what_next(ends: str, words: str) -> None:
    reason = breaker_after(ends).reason
    assert reason is not None
    assert words in reason
    assert reason.startswith("source here")


def test_reason_without_a_configured_key_names_the_setting() -> None:
    breaker = Breaker("here", key_from=None, failures=3)
    breaker.record([Reading(verdict=Verdict.DENIED)], answered=True)
    assert breaker.reason is not None
    assert "(it gave no reason). Check its api_key_env" in breaker.reason


def test_reason_holds_the_sources_words_harmless_and_short() -> None:
    reason = breaker_after("denied", detail="a\x1b[2J\n b\u202e" + "x" * 5000).reason
    assert reason is not None
    assert reason.isprintable()
    assert "a [2J b x" in reason
    assert len(reason) < 400
