"""What a job is: a declaration, and what the settings make of it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import msgspec

from catalog.errors import SettingsError, UsageError
from catalog.scheduling import Schedule, parse_cron
from catalog.settings import JobSettings, Settings
from catalog.times import MINUTE, Micros
from catalog.working import JobResult, Work

OFF = "off"
"""The schedule of a job that runs by hand alone."""
_NO_OPTIONS = frozenset({"schedule", "sources", "time_limit", "least", "most"})
"""Settings that the runner reads itself; the others are handed to the work."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What a run should bring.

    Attributes:
        count: which of its numbers.
        least: fewer are too few; None: any.
        most: more are too many; None: any.
        given: only where this number is not 0: nothing to do is no failure.
    """

    count: str
    least: int | None = None
    most: int | None = None
    given: str | None = None

    def unmet(self, result: JobResult) -> str | None:
        """What did not come as expected, as a sentence; None where all is well.

        A run that failed or was stopped says so itself, and is held to no count.
        """
        if result.status not in {"done", "partly"}:
            return None
        if self.given is not None and not result.numbers.get(self.given):
            return None
        # A number that the work did not tell is one that did not come.
        found = result.numbers.get(self.count, 0)
        name = self.count.replace("_", " ")
        if self.least is not None and found < self.least:
            return f"{name}: {found:,}, where {self.least:,} are expected at least"
        if self.most is not None and found > self.most:
            return f"{name}: {found:,}, where {self.most:,} are expected at most"
        return None

    @property
    def is_bounded(self) -> bool:
        """Whether anything is expected; else it only names what the settings may bound."""
        return self.least is not None or self.most is not None

    def words(self) -> str:
        """What is expected, in a few words."""
        bounds = []
        if self.least is not None:
            bounds.append(f"at least {self.least:,}")
        if self.most is not None:
            bounds.append(f"at most {self.most:,}")
        given = f" if {self.given.replace('_', ' ')}" if self.given else ""
        return f"{self.count.replace('_', ' ')} {' and '.join(bounds)}{given}"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is declared; ``[jobs.NAME]`` overrides it.

    Attributes:
        name: its name.
        what: what it does, in a line.
        run: its work, ``module:function``, loaded when it runs.
        schedule: a cron line, in the zone of ``[catalog] timezone``; ``off``: by hand alone.
        time_limit: minutes after which it is told to stop.
        expects: what a run should bring; ``least`` and ``most`` of the settings are the first's.
        takes: the options it has, with their defaults.
        after: jobs whose work it tells of, or keeps: where one of them is owed too, or runs, it
            begins once that has ended, well or not (by hand: well). All stand before it in the
            registry.
    """

    name: str
    what: str
    run: str
    schedule: str
    time_limit: float
    expects: tuple[Expectation, ...] = ()
    takes: dict[str, Any] = {}
    after: tuple[str, ...] = ()

    def work(self) -> Work:
        """The work, loaded."""
        module, _, function = self.run.partition(":")
        return cast("Work", getattr(import_module(module), function))


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is to run here.

    Attributes:
        job: its declaration.
        schedule: when; None: by hand alone.
        sources: the sources it asks; empty: all that can be.
        time_limit: after which it is told to stop.
        expects: what a run should bring.
        options: its options.
    """

    job: Job
    schedule: Schedule | None
    sources: tuple[str, ...]
    time_limit: Micros
    expects: tuple[Expectation, ...]
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """The job's name."""
        return self.job.name

    @property
    def after(self) -> tuple[str, ...]:
        """The jobs that it lets end first."""
        return self.job.after

    def unmet(self, result: JobResult) -> tuple[str, ...]:
        """What ``result`` did not bring of what is expected, a sentence each."""
        return tuple(
            sentence for each in self.expects if (sentence := each.unmet(result)) is not None
        )

    def with_options(self, options: Mapping[str, Any], sources: tuple[str, ...] = ()) -> Planned:
        """As this, with other options and sources for one run.

        Raises:
            UsageError: the job has no such option.
        """
        for name in options:
            if name not in self.job.takes:
                known = ", ".join(sorted(self.job.takes)) or "none"
                raise UsageError(f"job {self.name} has no option {name!r}; it has: {known}")
        return msgspec.structs.replace(
            self, options={**self.options, **options}, sources=sources or self.sources
        )


def plan(jobs: Mapping[str, Job], settings: Settings) -> dict[str, Planned]:
    """The jobs as they are to run here, by name, in the order of ``jobs``.

    Raises:
        SettingsError: the settings name a job or an option that there is not, or no cron line.
    """
    for name in settings.jobs:
        if name not in jobs:
            raise SettingsError(f"jobs.{name}: there is no such job; there are {', '.join(jobs)}")
    return {
        name: _planned(job, settings.jobs.get(name, JobSettings())) for name, job in jobs.items()
    }


def _planned(job: Job, given: JobSettings) -> Planned:
    where = f"jobs.{job.name}"
    set_here = {
        name: value for name, value in msgspec.structs.asdict(given).items() if value is not None
    }
    text = set_here.get("schedule", job.schedule)
    try:
        schedule = None if text == OFF else parse_cron(text)
    except ValueError as error:
        raise SettingsError(f"{where}.schedule: {error}") from None
    options = {name: value for name, value in set_here.items() if name not in _NO_OPTIONS}
    for name in options:
        if name not in job.takes:
            known = ", ".join(sorted({*job.takes, *_NO_OPTIONS}))
            raise SettingsError(f"{where}.{name}: this job has no such option; it has: {known}")
    expects = list(job.expects)
    bounds = {name: set_here[name] for name in ("least", "most") if name in set_here}
    if bounds and not expects:
        raise SettingsError(f"{where}: nothing of this job is counted; remove least and most")
    if bounds:
        expects[0] = msgspec.structs.replace(expects[0], **bounds)
    return Planned(
        job=job,
        schedule=schedule,
        sources=set_here.get("sources", ()),
        time_limit=int(set_here.get("time_limit", job.time_limit) * MINUTE),
        expects=tuple(expects),
        options={**job.takes, **options},
    )
