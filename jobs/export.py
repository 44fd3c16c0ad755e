"""``export``: a release of the dataset, to be published."""

from __future__ import annotations

from jobs.declare import OFF, Expectation, Job

JOB = Job(
    name="export",
    what="write a release of the dataset, if anything is new and it holds what is expected",
    run="catalog.export.work:work",
    # To publish is a decision, and Parquet needs a library that not everybody installs.
    schedule=OFF,
    time_limit=240,
    expects=(Expectation(count="rows", least=1),),
    takes={"format": "parquet", "profile": "public", "keep": None},
    after=("discover", "refresh", "confirm"),
)
