"""What alarms are told of jobs: what is owed, what was left out, and how the last runs ended."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from catalog.alarms import JobFacts, JobRunFacts
from catalog.scheduling import latest_slot, next_slot, slots
from catalog.storage import jobs as store
from catalog.storage.work_tables import job_runs
from catalog.working import JobResult

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet
    from datetime import tzinfo

    from catalog.scheduling import Schedule
    from catalog.settings import Settings
    from catalog.times import Micros
    from catalog.working import PlannedJob

RUNS = 5
"""So many of a job's last runs are looked at."""
ASKING = "refresh"
"""The job that asks for what is due."""
MISSED = 10_000
"""Slots that were left out are counted so far."""


def job_facts(
    conn: Connection, jobs: Iterable[PlannedJob], settings: Settings, now: Micros
) -> tuple[JobFacts, ...]:
    """What is the case of each job that a scheduler knows here, or that has run.

    Args:
        conn: a reading transaction.
        jobs: the jobs as they are to run here.
        settings: they name the zone.
        now: the present moment.
    """
    zone, states = ZoneInfo(settings.catalog.timezone), store.states(conn)
    # Who runs jobs by hand alone owes nobody their slots.
    scheduled = store.scheduler(conn) is not None
    running = {
        name
        for name, state in states.items()
        if state.owner is not None and (state.lease_until or 0) > now
    }
    return tuple(
        _job(conn, job, states[job.name], zone, now, running, scheduled=scheduled)
        for job in jobs
        if job.name in states
    )


def _job(
    conn: Connection,
    job: PlannedJob,
    state: store.JobState,
    zone: tzinfo,
    now: Micros,
    running: AbstractSet[str],
    *,
    scheduled: bool,
) -> JobFacts:
    # One of a time to come was begun under a clock that was ahead: it serves nothing, and would
    # stand before all that came since.
    runs = store.runs(conn, job.name, limit=RUNS, until=now)
    taken = _last_slots(conn, job.name, now)
    period = next_at = owed_since = None
    missed = 0
    if job.schedule is not None and (scheduled or state.slot_at is not None):
        next_at = next_slot(job.schedule, zone, now)
        period = _period(job.schedule, zone, now)
        # A run by hand serves as well as that of the slots before it.
        begun = [run.started_at for run in runs[:1]]
        served = max([store.last_taken(conn, state, now), *begun])
        following = next_slot(job.schedule, zone, served)
        owed_since = following if following <= now else None
        if len(taken) > 1:
            between = slots(job.schedule, zone, taken[1], taken[0] - 1)
            missed = sum(1 for _ in islice(between, MISSED))
    return JobFacts(
        name=job.name,
        asks=job.name == ASKING,
        is_scheduled=job.schedule is not None,
        period=period,
        next_at=next_at,
        owed_since=owed_since,
        running=job.name in running,
        waits=tuple(
            name
            for name in job.after
            if name in running
            and owed_since is not None
            # As the runner has it: one that ended since the slot is not waited for again.
            and not store.ended_since(conn, name, owed_since)
        ),
        missed=missed,
        missed_from=taken[1] if missed else None,
        missed_until=taken[0] if missed else None,
        runs=tuple(
            JobRunFacts(
                started_at=run.started_at,
                status=run.status,
                message=run.message,
                unmet=_unmet(job, run),
            )
            for run in runs
            if run.finished_at is not None
        ),
        lease_until=state.lease_until if state.owner is not None else None,
    )


def _period(schedule: Schedule, zone: tzinfo, now: Micros) -> Micros:
    """The longest time between two of the slots around now: on a Monday that of a weekend."""
    latest = latest_slot(schedule, zone, now)
    around = [latest_slot(schedule, zone, latest - 1), latest]
    for _ in range(2):
        around.append(next_slot(schedule, zone, around[-1]))
    return max(later - earlier for earlier, later in pairwise(around))


def _last_slots(conn: Connection, job: str, now: Micros) -> list[Micros]:
    """The last two slots up to now that were taken, the latest first."""
    r = job_runs.c
    query = (
        select(r.slot_at)
        .where(r.job == job, r.slot_at.is_not(None), r.slot_at <= now)
        .distinct()
        .order_by(r.slot_at.desc())
        .limit(2)
    )
    return list(conn.execute(query).scalars())


def _unmet(job: PlannedJob, run: store.JobRun) -> tuple[str, ...]:
    if run.status not in {"done", "partly"}:
        return ()
    return job.unmet(JobResult(numbers=run.numbers))
