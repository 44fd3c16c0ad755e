"""``refresh``: ask again for what is due."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="refresh",
    what="ask the sources for the GPTs that are due",
    run="catalog.harvest.refresh:work",
    schedule="0 3 * * *",
    time_limit=480,
    expects=(
        # How many documents are enough is for the settings to say: on a day on which only GPTs
        # are due that are gone, there is none.
        Expectation(count="documents", given="requested"),
        # A day on which nothing is due brings nothing, and is none to worry about.
        Expectation(count="answered", least=1, given="asked"),
    ),
    takes={"limit": None, "second_opinion": 0.0},
)
