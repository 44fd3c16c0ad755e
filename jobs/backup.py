"""``backup``: a copy that can be restored."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="backup",
    what="copy the catalog into its folder, and check that the copy can be read",
    run="catalog.care.backups:work",
    schedule="0 5 * * *",
    time_limit=120,
    expects=(Expectation(count="bytes", least=1),),
    takes={"keep": None},
    after=("discover", "refresh", "confirm"),
)
