"""``discover``: new ids from searches, authors' names and lists."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="discover",
    what="search the sources for GPTs that are not known yet",
    run="catalog.harvest.discover:work",
    schedule="30 1 * * *",
    time_limit=120,
    # A source that lists nothing at all for any word does not work.
    expects=(Expectation(count="found", least=1, given="requests"),),
    takes={"queries": (), "authors": 0, "files": ()},
)
