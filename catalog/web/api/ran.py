"""Operations on what ran: runs, jobs, alarms, whether all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from catalog.health.line import headline
from catalog.query.failures import FailedId, failed_ids
from catalog.query.work import (
    AlarmPage,
    JobNow,
    JobRun,
    JobRunPage,
    JobStatus,
    Run,
    RunDetail,
    RunPage,
    RunStatus,
    Standing,
    alarms_page,
    job_runs_page,
    jobs_now,
    run_detail,
    runs_page,
)
from catalog.records import Alarm
from catalog.times import to_iso
from catalog.web.api.operations import Asked, Operation, Rows
from catalog.web.api.parameters import Cursor, Flag, Limit, Name, Text
from catalog.web.api.shapes import Shape
from catalog.web.api.whole import Nothing
from catalog.web.api.wire import Moment, wire

PART = 1_000
"""Rows that are read at once for a download."""


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs."""

    source: Annotated[Text, Meta(description="Of this source alone.")] | None = None
    status: Annotated[RunStatus, Meta(description="Of this status alone.")] | None = None
    command: Annotated[Text, Meta(description="Of this command alone.")] | None = None
    limit: Limit = 50
    after: Cursor | None = None


class OneRun(msgspec.Struct, frozen=True, kw_only=True):
    """Which run."""

    run_id: Annotated[Name, Meta(description="The run.")]


class JobRuns(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs of jobs."""

    job: Annotated[Text, Meta(description="Of this job alone.")] | None = None
    status: Annotated[JobStatus, Meta(description="Of this status alone.")] | None = None
    limit: Limit = 50
    after: Cursor | None = None


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """Which alarms."""

    standing: (
        Annotated[Flag, Meta(description="1: those that stand; 0: those that are over.")] | None
    ) = None
    limit: Limit = 50
    after: Cursor | None = None


_ALARM = wire(Alarm)


class HealthSaid(Shape, frozen=True, kw_only=True):
    """Whether all is well."""

    at: Annotated[Moment, Meta(description="When it was looked at: some seconds ago at most.")]
    well: Annotated[bool, Meta(description="Whether no alarm stands; warnings may.")]
    line: Annotated[str, Meta(description="One line that says all.")]
    alarms: Annotated[
        list[_ALARM.type],  # type: ignore[name-defined]  # (made at run time)
        Meta(description="What somebody should look at now, alarms first."),
    ]


_RUN, _RUNS, _DETAIL = wire(Run), wire(RunPage), wire(RunDetail)
_FAILED = wire(FailedId)
_JOB, _JOB_RUN, _JOB_RUNS = wire(JobNow), wire(JobRun), wire(JobRunPage)
_STANDING, _ALARMS = wire(Standing), wire(AlarmPage)


def _health(asked: Asked) -> Any:
    found = asked.reading.looks.now()
    return {
        "at": to_iso(found.at),
        "well": found.is_well,
        "line": headline(found),
        "alarms": [_ALARM.plain(each) for each in found.alarms],
    }


def _runs(asked: Asked, after: str | None, limit: int) -> RunPage:
    q = asked.question
    return asked.reader.ask(
        lambda conn: runs_page(
            conn,
            source=q.source or None,
            status=q.status,
            command=q.command or None,
            after=after,
            limit=limit,
        )
    )


def _job_runs(asked: Asked, after: str | None, limit: int) -> JobRunPage:
    q = asked.question
    return asked.reader.ask(
        lambda conn: job_runs_page(
            conn, job=q.job or None, status=q.status, after=after, limit=limit
        )
    )


def _alarms(asked: Asked, after: str | None, limit: int) -> AlarmPage:
    standing = None if asked.question.standing is None else asked.question.standing == "1"
    return asked.reader.ask(
        lambda conn: alarms_page(conn, standing=standing, after=after, limit=limit)
    )


def _failed(asked: Asked) -> list[dict[str, Any]]:
    run_id = asked.question.run_id

    def look(conn: Any) -> list[dict[str, Any]]:
        run_detail(conn, run_id)  # raises, where there is none
        return [_FAILED.plain(each) for each in failed_ids(conn, run_id)]

    return asked.reader.ask(look)


def _jobs(asked: Asked) -> Any:
    planned = asked.options.jobs
    return [_JOB.plain(each) for each in asked.reader.ask(lambda conn: jobs_now(conn, planned))]


def _paged(
    page: Callable[[Asked, str | None, int], Any], plain: Callable[[Any], Any]
) -> Callable[[Asked], Any]:
    """What answers with one page."""
    return lambda asked: plain(page(asked, asked.question.after or None, asked.question.limit))


def _all(
    page: Callable[[Asked, str | None, int], Any], plain: Callable[[Any], dict[str, Any]]
) -> Callable[[Asked], Iterable[dict[str, Any]]]:
    """What gives the rows of all pages."""

    def every(asked: Asked) -> Iterable[dict[str, Any]]:
        after = None
        while True:
            found = page(asked, after, PART)
            yield from map(plain, found.items)
            after = found.after
            if after is None:
                return

    return every


OPERATIONS = (
    Operation(
        name="getHealth",
        group="What ran",
        path="/api/health",
        summary="Whether all is well, and which alarms stand.",
        question=Nothing,
        answer=HealthSaid,
        ask=_health,
        lasts="never",
    ),
    Operation(
        name="listAlarms",
        group="What ran",
        path="/api/alarms",
        summary="Alarms that were written down, the latest first.",
        question=Alarms,
        answer=_ALARMS.type,
        ask=_paged(_alarms, _ALARMS.plain),
        rows=Rows(each=_STANDING, all=_all(_alarms, _STANDING.plain)),
    ),
    Operation(
        name="listRuns",
        group="What ran",
        path="/api/runs",
        summary="Runs and what they brought and cost, the latest first.",
        question=Runs,
        answer=_RUNS.type,
        ask=_paged(_runs, _RUNS.plain),
        rows=Rows(each=_RUN, all=_all(_runs, _RUN.plain)),
    ),
    Operation(
        name="getRun",
        group="What ran",
        path="/api/runs/{run_id}",
        summary="A run, and why ids of it brought no fact.",
        question=OneRun,
        answer=_DETAIL.type,
        ask=lambda asked: _DETAIL.plain(
            asked.reader.ask(lambda conn: run_detail(conn, asked.question.run_id))
        ),
    ),
    Operation(
        name="listFailed",
        group="What ran",
        path="/api/runs/{run_id}/failed",
        summary="The ids of a run that brought no fact.",
        question=OneRun,
        answer=list[_FAILED.type],  # type: ignore[name-defined]  # (made at run time)
        ask=_failed,
        rows=Rows(each=_FAILED, all=_failed),
    ),
    Operation(
        name="listJobs",
        group="What ran",
        path="/api/jobs",
        summary="The jobs: their schedules, and how they ended last.",
        question=Nothing,
        answer=list[_JOB.type],  # type: ignore[name-defined]  # (made at run time)
        ask=_jobs,
    ),
    Operation(
        name="listJobRuns",
        group="What ran",
        path="/api/job-runs",
        summary="Runs of jobs, the latest first.",
        question=JobRuns,
        answer=_JOB_RUNS.type,
        ask=_paged(_job_runs, _JOB_RUNS.plain),
        rows=Rows(each=_JOB_RUN, all=_all(_job_runs, _JOB_RUN.plain)),
    ),
)
