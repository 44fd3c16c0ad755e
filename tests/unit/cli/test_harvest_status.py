from __future__ import annotations

import pytest

from catalog.cli.failures import status_of
from catalog.cli.harvest import status_after
from catalog.harvest import Harvested, Stop, Totals

USER = Stop("asked", "stopped by its user")


@pytest.mark.parametrize(
    ("stop", "failed", "left", "status"),
    [
        (None, 0, 0, 0),
        (None, 1, 0, 1),
        (USER, 0, 1, 130),
        (USER, 1, 1, 130),
        # Ctrl-C came when all was asked.
        (USER, 0, 0, 0),
        (USER, 1, 0, 1),
        (Stop("budget", "today's budget is used up"), 0, 1, 1),
        (Stop("refused", "the key is refused"), 0, 1, 3),
        (Stop("refused", "the source is down"), 1, 0, 3),
    ],
)
def test_status_tells_why_a_run_ended_early(
    stop: Stop | None, failed: int, left: int, status: int
) -> None:
    assert status_of(stop, failed=failed, left=left) == status


@pytest.mark.parametrize(
    ("totals", "status"),
    [
        (Totals(run="r", documents=2, not_found=2), 0),
        (Totals(run="r", mismatched=1), 1),
        (Totals(run="r", failed=1), 1),
        (Totals(run="r", left=1), 1),
    ],
)
def test_status_of_a_harvest_counts_a_mismatch_as_a_failure(totals: Totals, status: int) -> None:
    assert status_after(Harvested(totals=totals, stop=None)) == status
