"""Why ids failed, in rows whose numbers add up."""

from __future__ import annotations

from catalog.cli.failures import reason_rows
from catalog.query.failures import Reason

WHY = [
    Reason(verdict="unavailable", status=503, detail="busy", count=4, example="g-One000000"),
    Reason(verdict="malformed", status=200, detail="no JSON", count=2, example="g-Two000000"),
]


def test_reasons_that_are_all_stand_alone() -> None:
    assert [row[:2] for row in reason_rows(WHY, 6)] == [["4", "unavailable"], ["2", "malformed"]]


def test_reasons_that_are_not_all_say_how_many_ids_are_left() -> None:
    assert reason_rows(WHY, 7)[-1] == ["1", "more", "for other reasons"]
