"""Runs of jobs as the objects that ``--json`` prints, and in words."""

from __future__ import annotations

from typing import Any

from catalog.cli.text import duration, iso, moment
from catalog.storage.jobs import JobRun, JobState
from catalog.storage.owners import in_words, is_alive
from catalog.times import SECOND, Micros
from catalog.working import JobRan


def ran_json(ran: JobRan) -> dict[str, Any]:
    """A run that is just over."""
    return {
        "job": ran.job,
        "run": ran.job_run_id,
        "slot_at": iso(ran.slot_at),
        "started_at": iso(ran.started_at),
        "finished_at": iso(ran.finished_at),
        "status": ran.result.status,
        "numbers": dict(ran.result.numbers),
        "message": ran.result.message,
        "unmet": list(ran.unmet),
    }


def run_json(run: JobRun) -> dict[str, Any]:
    """A run as the catalog remembers it."""
    return {
        "run": run.job_run_id,
        "slot_at": iso(run.slot_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "status": run.status,
        "numbers": run.numbers,
        "message": run.message,
    }


def last_words(run: JobRun | None) -> str:
    """How the last run of a job ended."""
    if run is None:
        return "never"
    text = f"{run.status} {moment(run.started_at)}"
    return f"{text}: {run.message}" if run.message else text


def scheduler_words(scheduler: JobState | None, now: Micros) -> str:
    """Whether a scheduler is there."""
    if scheduler is None or scheduler.slot_at is None:
        return "no scheduler was ever here: gpts-catalog schedule, or cron with jobs run --if-owed"
    ago = duration(max(0, now - scheduler.slot_at) / SECOND)
    is_there = (
        scheduler.lease_until is not None
        and scheduler.lease_until > now
        and scheduler.owner is not None
        and is_alive(scheduler.owner)
    )
    word = "a scheduler is there" if is_there else "no scheduler is there any more"
    who = f"{in_words(scheduler.owner)} looked" if scheduler.owner else "the last one looked"
    return f"{word}: {who} {ago} ago"
