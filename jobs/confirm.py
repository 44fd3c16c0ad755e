"""``confirm``: ask on another day for GPTs that a source said not to have."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="confirm",
    what="ask again for GPTs that are missing, on another day than they went",
    run="catalog.harvest.confirm:work",
    # Later than refresh, so that what was missing yesterday is asked for today.
    schedule="0 9 * * *",
    time_limit=120,
    expects=(Expectation(count="failed"),),
    takes={"limit": None},
)
