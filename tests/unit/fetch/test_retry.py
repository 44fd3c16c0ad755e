from __future__ import annotations

import random

import pytest

from catalog.fetch.retry import delay, is_cut, retry_after, worth_repeating
from catalog.records import Answer, Reading, Verdict
from catalog.times import from_iso

NOON = from_iso("2024-02-13T12:00:00Z")


def test_delays_fill_the_whole_range_that_doubles_up_to_the_ceiling() -> None:
    rng = random.Random(1)
    for attempt, most in enumerate([2, 4, 8, 10, 10], start=1):
        drawn = [delay(attempt, base=2.0, ceiling=10.0, rng=rng) for _ in range(500)]
        assert min(drawn) < most * 0.05
        assert most * 0.95 < max(drawn) <= most


def test_delay_after_very_many_attempts_is_still_a_number() -> None:
    assert delay(10**6, base=1.0, ceiling=60.0, rng=random.Random(1)) <= 60


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 120 "}, 120.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "9" * 400}, float("inf")),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Tue, 13 Feb 2024 12:01:00 GMT"}, 60.0),
        ({"retry-after": "Tue, 13 Feb 2024 12:01:00 -0000"}, 60.0),
        ({"retry-after": "Tuesday, 13-Feb-24 12:01:00 GMT"}, 60.0),
        ({"retry-after": "Tue Feb 13 12:01:00 2024"}, 60.0),
        ({"retry-after": "Tue, 13 Feb 2024 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Tue, 99 Feb 2024 11:00:00 GMT"}, None),
        (
            {
                "retry-after": "Tue, 13 Feb 2024 15:00:30 GMT",
                "date": "Tue, 13 Feb 2024 15:00:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "Tue, 13 Feb 2024 12:00:30 GMT", "date": "today"}, 30.0),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOON) == seconds


def answer(body: bytes) -> Answer:
    return Answer(status=200, headers={}, body=body, received_at=NOON)


@pytest.mark.parametrize(
    ("verdicts", "body", "worth"),
    [
        ("throttled", b"{}", True),
        ("unavailable", b"{}", True),
        ("malformed", b"{}", False),
        ("malformed", b'{"a', True),
        ("malformed", b"", True),
        ("malformed", b"<html>", False),
        ("document", b'{"a', False),
        ("not_found", b"", False),
        ("mismatched", b"", False),
        ("denied", b"", False),
        ("quota_used_up", b"", False),
        ("unavailable unavailable", b"{}", True),
        ("document unavailable", b"{}", False),
        ("document malformed", b'{"a', False),
        ("unavailable denied", b"{}", False),
        ("malformed throttled", b"<html>", True),
        ("", b"{}", False),
    ],
)
def test_only_what_repeating_can_help_is_repeated(
    verdicts: str, body: bytes, *, worth: bool
) -> None:
    readings = [Reading(verdict=Verdict(verdict)) for verdict in verdicts.split()]
    assert worth_repeating(answer(body), readings) is worth


def test_no_answer_at_all_is_worth_repeating() -> None:
    assert worth_repeating(None, [Reading(verdict=Verdict.UNAVAILABLE)])


@pytest.mark.parametrize(
    ("body", "cut"),
    [
        (b"", True),
        (b" \r\n", True),
        (b"{", True),
        (b'  {"a": "b', True),
        (b'{"a": tru', True),
        (b"[1, 2", True),
        (b"[1, 2]", False),
        (b'{"a": 1}} extra', False),
        (b'{"a": nope}', False),
        (b"<!doctype html>", False),
        (b"\xff\xfe", False),
        (b'{"a": "\xff"}', False),
    ],
)
def test_cut_is_told_from_wrong(body: bytes, *, cut: bool) -> None:
    assert is_cut(body) is cut
