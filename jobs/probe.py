"""``probe``: put the question of ``[probe]`` to GPTs."""

from __future__ import annotations

from jobs.declare import Expectation, Job

JOB = Job(
    name="probe",
    what="ask GPTs over chat completions whether and how they answer",
    run="catalog.harvest.probe:work",
    # Answers cost tokens: nobody pays for them unasked.
    schedule="off",
    time_limit=120,
    expects=(Expectation(count="answered", least=1, given="asked"),),
    takes={"limit": 20},
)
