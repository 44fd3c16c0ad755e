from __future__ import annotations

import pytest

from catalog.cli.harvest import status_of
from catalog.harvest import Harvested, Stop, Totals


@pytest.mark.parametrize(
    ("totals", "stop", "status"),
    [
        (Totals(run="r", documents=2), None, 0),
        (Totals(run="r", not_found=2), None, 0),
        (Totals(run="r", failed=1), None, 1),
        (Totals(run="r", mismatched=1), None, 1),
        (Totals(run="r", left=1), Stop("asked", "stopped by its user"), 1),
        (Totals(run="r", left=1), Stop("budget", "today's budget is used up"), 1),
        (Totals(run="r", left=1), Stop("refused", "the key is refused"), 3),
        (Totals(run="r", failed=1), Stop("refused", "the source is down"), 3),
    ],
)
def test_status_tells_a_refusal_from_a_failure(
    totals: Totals, stop: Stop | None, status: int
) -> None:
    assert status_of(Harvested(totals=totals, stop=stop)) == status
