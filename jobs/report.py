"""``report``: the morning's reading."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="report",
    what="write what is new, changed, gone and failed, as pages and feeds",
    run="catalog.report.work:work",
    # After the night's jobs, before people are up.
    schedule="0 6 * * *",
    time_limit=30,
    expects=(Expectation(count="files", least=1),),
    after=("discover", "refresh", "confirm"),
)
