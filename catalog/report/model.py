"""A report as records: what happened in a window, counted whole, told up to a bound. Pure."""

from __future__ import annotations

import msgspec

from catalog.query.agreement import Agreement
from catalog.query.changes import Change
from catalog.query.doings import RunFailures, Spent
from catalog.query.movers import By, Mover
from catalog.query.probes import Turn
from catalog.query.stats import DriftRow, UnmappedRow
from catalog.query.windows import Gpt, GptChanges, MassNews, Some
from catalog.storage.alarms import Standing
from catalog.storage.jobs import JobRun
from catalog.storage.runs import Run
from catalog.times import DAY, Micros, day_of, parse_moment, to_iso


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is about: a stretch of time, or a run.

    Attributes:
        since: from then on.
        until: until then.
        run_id: only what this run brought; the stretch of time is the run's.
    """

    since: Micros
    until: Micros
    run_id: str | None = None

    @property
    def day(self) -> str | None:
        """The UTC day, if it is one, be it over or not."""
        starts_day = self.run_id is None and self.since % DAY == 0
        return day_of(self.since) if starts_day and self.until < self.since + DAY else None

    @property
    def is_over(self) -> bool:
        """Of a UTC day: whether it holds the whole of it."""
        return self.until == self.since + DAY - 1

    @property
    def name(self) -> str:
        """A file's name: letters, digits and signs that every file system takes."""
        if self.run_id is not None:
            return "run-" + "".join(each if each.isalnum() else "-" for each in self.run_id)
        if self.day is not None:
            return self.day
        return "-".join(
            to_iso(each).partition(".")[0].removesuffix("Z").replace(":", "") + "Z"
            for each in (self.since, self.until)
        )

    @property
    def words(self) -> str:
        """As the command line takes it."""
        if self.day is not None:
            return f"--since {self.day} --until {self.day}"
        return f"--since {to_iso(self.since)} --until {to_iso(self.until)}"


def day_window(day: str, now: Micros | None = None) -> Window:
    """The UTC day ``day``.

    Args:
        day: as ``2026-02-13``.
        now: the present moment: a day that is under way ends there.

    Raises:
        ValueError: ``day`` is none.
    """
    since, until = parse_moment(day), parse_moment(day, end_of_day=True)
    return Window(since=since, until=until if now is None else max(since, min(until, now)))


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What changed.

    Attributes:
        new: GPTs first seen.
        changed: GPTs whose content changed, without mass events and flaps.
        changes: how many changes these have.
        gone: GPTs that are gone.
        back: GPTs that were missing or gone, and are listed again.
        missing: GPTs that a source says it does not have, to be confirmed.
        mass: mass events.
    """

    new: Some[Gpt] = Some()
    changed: Some[GptChanges] = Some()
    changes: int = 0
    gone: Some[Gpt] = Some()
    back: Some[Gpt] = Some()
    missing: Some[Gpt] = Some()
    mass: tuple[MassNews, ...] = ()


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """What was said before the window, and came to be known in it: by imports, and from caches.

    Attributes:
        brought: what changed.
        first_at: when the first of it was said.
        last_at: when the last of it was.
    """

    brought: Brought
    first_at: Micros
    last_at: Micros


class WatchNews(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told of a watch.

    Attributes:
        name: the watch.
        wanted: what it looks for, in words.
        search: the same as words for the command ``search``.
        new: GPTs that match since the window.
        left: GPTs that matched before it, and do no more.
        changed: GPTs that match or matched, and changed.
        late: GPTs that match, and of which it is known only now what changed before.
        notify: whether people want to be told.
    """

    name: str
    wanted: str
    search: str = ""
    new: Some[Gpt] = Some()
    left: Some[Gpt] = Some()
    changed: Some[GptChanges] = Some()
    late: Some[GptChanges] = Some()
    notify: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        told = (self.new, self.left, self.changed, self.late)
        return not any(each.total for each in told)


class NextJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job, and when it runs next."""

    job: str
    at: Micros


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a window.

    Attributes:
        window: the window.
        brought: what changed.
        late: what changed before it, and is known only since.
        flaps: changes that are hidden, as their values come and go.
        moved: whose numbers grew most, by which number.
        runs: the runs that began in it.
        failed_runs: of them, those that did not bring all they should have.
        failed_jobs: runs of jobs that did not end well.
        disagreements: pairs of sources that contradict each other.
        turns: GPTs that began or ceased to answer.
        spent: what each source took.
        drift: what appeared in documents and vanished from them.
        unknown: fields that no table knows, first said in it.
        alarms: what stood at its end.
        next_jobs: what runs next; empty in a report of the past.
        watches: the watches.
    """

    window: Window
    brought: Brought = Brought()
    late: Late | None = None
    flaps: int = 0
    moved: dict[By, tuple[Mover, ...]] = {}
    runs: tuple[Run, ...] = ()
    failed_runs: Some[RunFailures] = Some()
    failed_jobs: Some[JobRun] = Some()
    disagreements: tuple[Agreement, ...] = ()
    turns: Some[Turn] = Some()
    spent: tuple[Spent, ...] = ()
    drift: Some[DriftRow] = Some()
    unknown: Some[UnmappedRow] = Some()
    alarms: tuple[Standing, ...] = ()
    next_jobs: tuple[NextJob, ...] = ()
    watches: tuple[WatchNews, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a feed, before it is put into words.

    Attributes:
        key: what it is about; the same for ever, so that its id is, too.
        updated_at: when the last of it was said.
        gpt: the GPT; None: it is about a day.
        day: the UTC day.
        changes: of the GPT, oldest first.
        counts: of a day: words and numbers.
        matches: that the GPT came to match a watch, as a number moved.
    """

    key: tuple[str, ...]
    updated_at: Micros
    day: str
    gpt: Gpt | None = None
    changes: Some[Change] = Some()
    counts: dict[str, int] = {}
    matches: bool = False
