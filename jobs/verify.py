"""``verify``: whether the catalog is whole."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="verify",
    what="check that the catalog is whole: its bytes, keys, intervals and counts",
    run="catalog.care.verifying:work",
    schedule="0 4 * * 0",
    time_limit=240,
    expects=(
        Expectation(count="findings", most=0),
        Expectation(count="looked_at", least=1),
    ),
)
