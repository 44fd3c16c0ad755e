"""What a job's work is handed, and what it gives back: the one shape of all work functions.

A work function takes a :class:`JobContext` and returns a :class:`JobResult`. It knows nothing of
schedules, locks and alarms: those are the runner's.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from catalog.scheduling import Schedule
from catalog.settings import Settings
from catalog.storage.schema import opened
from catalog.times import Clock, Micros

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

JobStatus = Literal["done", "partly", "failed", "stopped"]
"""How work ended: all of it, some items failed, nothing could be done, told to stop."""


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a job's work ended.

    Attributes:
        numbers: counts by name, which expectations and reports read.
        status: how it ended.
        message: a line for people; empty where the numbers say all.
        refused: whether a source refused the key, or could not be reached (exit status 3).
    """

    numbers: Mapping[str, float] = {}
    status: JobStatus = "done"
    message: str = ""
    refused: bool = False


class JobRan(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a job that is over, as alarms, reports and notifications are told of it.

    Attributes:
        job: the job.
        job_run_id: its run.
        slot_at: the scheduled moment; None: by hand.
        started_at: when it began.
        finished_at: when it ended.
        result: how it ended, its message without secrets.
        unmet: what was expected of it and did not come, a sentence each.
    """

    job: str
    job_run_id: str
    slot_at: Micros | None
    started_at: Micros
    finished_at: Micros
    result: JobResult
    unmet: tuple[str, ...] = ()


class PlannedJob(Protocol):
    """A job as it is to run here; ``jobs.declare.Planned`` is one."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def schedule(self) -> Schedule | None:
        """When; None: by hand alone."""
        ...

    @property
    def after(self) -> tuple[str, ...]:
        """The jobs that it lets end first."""
        ...

    def unmet(self, result: JobResult) -> tuple[str, ...]:
        """What ``result`` did not bring of what is expected, a sentence each."""
        ...


@dataclass(frozen=True, kw_only=True)
class JobContext:
    """What a job's work is handed.

    Attributes:
        job: the job's name.
        url: the catalog; :meth:`catalog` opens it.
        settings: the settings.
        environ: the environment, which holds the secrets that the settings name.
        clock: the clock (law 9).
        rng: for jitter and ids.
        stopping: set when the work is to end soon: it then gives back what it holds, writes what it
            has, and returns ``stopped``.
        out: takes a line of progress for people.
        sources: the names of the sources to ask, in order of preference; empty: all that can be.
        options: the job's own, by name: the declaration's, then those of ``[jobs.NAME]``, then
            those of the command line.
        jobs: all jobs as they are to run here: what runs next, and what is owed.
    """

    job: str
    url: str
    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    rng: random.Random
    stopping: threading.Event
    out: Callable[[str], None]
    sources: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    jobs: Collection[PlannedJob] = ()

    @property
    def schedules(self) -> dict[str, Schedule]:
        """Of the jobs that have one here, by name."""
        return {job.name: job.schedule for job in self.jobs if job.schedule is not None}

    def catalog(self, *, read_only: bool = True) -> AbstractContextManager[Engine]:
        """The catalog, checked to be of this program's schema.

        Args:
            read_only: opened so that the engine itself refuses every write; else durable.

        Raises:
            StorageError: it cannot be used.
        """
        return opened(self.url, read_only=read_only, folder=self.settings.catalog.folder)


Work = Callable[[JobContext], JobResult]
"""A job's work."""

AfterRun = Callable[[JobContext, JobRan], None]
"""Told of each run once it is over and recorded: alarms, reports, notifications."""
