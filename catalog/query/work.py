"""What this catalog itself did, a page after the other: runs, runs of jobs, alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from sqlalchemy import Connection, select, tuple_

from catalog.query.failures import Reason, reasons
from catalog.query.limits import check_limit
from catalog.search.cursors import Number, decode, encode
from catalog.storage import jobs as job_store
from catalog.storage import tables as t
from catalog.storage.alarms import Standing
from catalog.storage.jobs import JobRun
from catalog.storage.runs import Run, get_run
from catalog.storage.work_tables import alarms as alarm_rows
from catalog.storage.work_tables import job_runs as job_run_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Select

    from catalog.times import Micros
    from catalog.working import PlannedJob

__all__ = [
    "AlarmPage",
    "JobNow",
    "JobRun",
    "JobRunPage",
    "JobStatus",
    "Run",
    "RunDetail",
    "RunPage",
    "RunStatus",
    "Standing",
    "alarms_page",
    "job_runs_page",
    "jobs_now",
    "run_detail",
    "runs_page",
]

RunStatus = Literal["open", "finished", "stopped", "failed"]
JobStatus = Literal["open", "done", "partly", "failed", "stopped", "lost"]
_r, _j, _a = t.runs.c, job_run_rows.c, alarm_rows.c


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of runs.

    Attributes:
        items: the runs, the latest first.
        after: where the next page begins; None: this is the last.
    """

    items: tuple[Run, ...]
    after: str | None


class RunDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A run, and why ids of it brought no fact.

    Attributes:
        run: the run.
        reasons: the most frequent first.
    """

    run: Run
    reasons: tuple[Reason, ...]


class JobRunPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of runs of jobs.

    Attributes:
        items: the runs, the latest first.
        after: where the next page begins; None: this is the last.
    """

    items: tuple[JobRun, ...]
    after: str | None


class AlarmPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of alarms that stand or stood.

    Attributes:
        items: the alarms, the latest first.
        after: where the next page begins; None: this is the last.
    """

    items: tuple[Standing, ...]
    after: str | None


class JobNow(msgspec.Struct, frozen=True, kw_only=True):
    """A job.

    Attributes:
        job: its name.
        schedule: a cron line; None: it runs by hand alone.
        running: whether somebody runs it now.
        slot_at: the slot that was taken last; None: none yet.
        last: its latest run; None: it never ran.
    """

    job: str
    schedule: str | None
    running: bool
    slot_at: Micros | None
    last: JobRun | None


def runs_page(
    conn: Connection,
    *,
    source: str | None = None,
    status: RunStatus | None = None,
    command: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> RunPage:
    """A page of runs, the latest first.

    Args:
        conn: a reading transaction.
        source: of this source alone.
        status: of this status alone.
        command: of this command alone.
        limit: how many at most.
        after: where the page before ended.

    Raises:
        InvalidCursor: ``after`` is damaged, or of another question.
        UsageError: ``limit`` is no number of runs to be asked for at once.
    """
    query = select(*(_r[name] for name in Run.__struct_fields__))
    given = {_r.source: source, _r.status: status, _r.command: command}
    query = query.where(*(column == value for column, value in given.items() if value is not None))
    rows, mark = _page(
        conn, query, (_r.started_at, _r.run_id), ("runs", source, status, command), limit, after
    )
    return RunPage(items=tuple(Run(**row) for row in rows), after=mark)


def run_detail(conn: Connection, run_id: str) -> RunDetail:
    """A run, and why ids of it brought no fact.

    Raises:
        NotFound: there is no such run.
    """
    return RunDetail(run=get_run(conn, run_id), reasons=reasons(conn, run_id, None))


def job_runs_page(
    conn: Connection,
    *,
    job: str | None = None,
    status: JobStatus | None = None,
    limit: int = 50,
    after: str | None = None,
) -> JobRunPage:
    """A page of runs of jobs, the latest first.

    Args:
        conn: a reading transaction.
        job: of this job alone.
        status: of this status alone.
        limit: how many at most.
        after: where the page before ended.

    Raises:
        InvalidCursor: ``after`` is damaged, or of another question.
        UsageError: ``limit`` is no number of runs to be asked for at once.
    """
    query = select(job_run_rows)
    given = {_j.job: job, _j.status: status}
    query = query.where(*(column == value for column, value in given.items() if value is not None))
    rows, mark = _page(
        conn, query, (_j.started_at, _j.job_run_id), ("job runs", job, status), limit, after
    )
    items = tuple(JobRun(**{**row, "numbers": msgspec.json.decode(row["numbers"])}) for row in rows)
    return JobRunPage(items=items, after=mark)


def alarms_page(
    conn: Connection, *, standing: bool | None = None, limit: int = 50, after: str | None = None
) -> AlarmPage:
    """A page of alarms that were written down, the latest first.

    Args:
        conn: a reading transaction.
        standing: those alone that stand, or those alone that are over; None: all.
        limit: how many at most.
        after: where the page before ended.

    Raises:
        InvalidCursor: ``after`` is damaged, or of another question.
        UsageError: ``limit`` is no number of alarms to be asked for at once.
    """
    query = select(*(_a[name] for name in Standing.__struct_fields__))
    if standing is not None:
        query = query.where(_a.cleared_at.is_(None) if standing else _a.cleared_at.is_not(None))
    place = _a.kind.concat("\n").concat(_a.subject)
    rows, mark = _page(conn, query, (_a.raised_at, place), ("alarms", standing), limit, after)
    return AlarmPage(items=tuple(Standing(**row) for row in rows), after=mark)


def jobs_now(conn: Connection, planned: Iterable[PlannedJob]) -> tuple[JobNow, ...]:
    """What is remembered of the jobs that are planned here, and of those that ran.

    Args:
        conn: a reading transaction.
        planned: the jobs as they are to run here.
    """
    states, last = job_store.states(conn), job_store.last(conn)
    schedules = {each.name: each.schedule for each in planned}
    found = []
    for name in sorted({*schedules, *states, *last}):
        state, schedule = states.get(name), schedules.get(name)
        found.append(
            JobNow(
                job=name,
                schedule=None if schedule is None else schedule.text,
                running=state is not None and state.owner is not None,
                slot_at=None if state is None else state.slot_at,
                last=last.get(name),
            )
        )
    return tuple(found)


def _page(
    conn: Connection,
    query: Select[Any],
    key: tuple[ColumnElement[int], ColumnElement[str]],
    question: object,
    limit: int,
    after: str | None,
) -> tuple[Sequence[dict[str, Any]], str | None]:
    """The next rows, the latest first, and where those after them begin."""
    check_limit(limit)
    at, place = key
    query = query.add_columns(at.label("key_at"), place.label("key_place"))
    query = query.order_by(at.desc(), place.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(
            tuple_(at, place) < tuple_(*decode(after, question, tuple[Number, str]))
        )
    rows = [dict(row) for row in conn.execute(query).mappings()]
    keys = [(row.pop("key_at"), row.pop("key_place")) for row in rows]
    mark = encode(question, keys[limit - 1]) if len(rows) > limit else None
    return rows[:limit], mark
