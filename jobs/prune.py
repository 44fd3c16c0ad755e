"""``prune``: remove what retention says, and no observation unless thinning is asked for."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="prune",
    what="remove old failures, outcomes, answers, reports and backups",
    run="catalog.care.pruning:work",
    # On Sundays, after the backup: what is removed is in one copy more.
    schedule="30 5 * * 0",
    time_limit=120,
    expects=(Expectation(count="removed"),),
    takes={"keep_days": None, "thin": None},
)
