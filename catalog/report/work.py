"""The work of the job ``report``: a report of each UTC day, the page of the morning, and the feeds.

A day that is under way is reported so far, and again once it is over; days that were missed, or
whose files were removed since, are caught up on, one by one, so that there is a report of every
day.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from catalog import notify
from catalog.derive import Derivation
from catalog.health.looking import look_at
from catalog.health.watching import record
from catalog.notify.messages import cut
from catalog.report.compose import compose, headline
from catalog.report.feeding import catalog_feed, watch_feed
from catalog.report.gather import CHANGES, GPTS, gather, scopes_of
from catalog.report.html import to_html
from catalog.report.model import Report, WatchNews, Window, day_window
from catalog.report.page import Page, plain_text
from catalog.report.watches import read_watches, watch_news
from catalog.report.writing import CHANGES as CHANGES_FEED
from catalog.report.writing import (
    FEEDS,
    LAST,
    LATEST,
    REPORTS,
    lacking_days,
    last_reported,
    put,
    remove_other_feeds,
    watch_file,
    write_feed,
    write_report,
)
from catalog.storage.engine import read, write
from catalog.storage.jobs import states
from catalog.times import DAY, day_of
from catalog.working import JobContext, JobRan, JobResult, JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from catalog.report.watches import Watch
    from catalog.settings.work import NewsName
    from catalog.storage.engine import Engine
    from catalog.times import Micros

    Tell = Callable[[notify.Message], notify.Sent]

MESSAGE_LINES = 30
"""Lines of a message about a watch."""


def work(context: JobContext, tell: Tell | None = None) -> JobResult:
    """Write what is to be read in the morning, and tell people who want to be told.

    Args:
        context: see :class:`~catalog.working.JobContext`.
        tell: tells people; None: whom ``[notify]`` names.

    Returns:
        ``files`` and ``days`` that were written.

    Raises:
        StorageError: the catalog cannot be used.
    """

    def send(message: notify.Message) -> notify.Sent:
        return notify.send(
            message, context.settings, context.environ, clock=context.clock, rng=context.rng
        )

    with context.catalog() as engine:
        return _Writing(context, engine, tell or send).done()


def after_run(context: JobContext, ran: JobRan) -> None:
    """Write what the last run of a job brought: the runner's hook. Jobs that ask nobody have none.

    Raises:
        StorageError: the catalog cannot be used.
    """
    if not ran.result.numbers.get("requests"):
        return
    with context.catalog() as engine:
        watches = read_watches(context.settings.watch)
        window = Window(since=ran.started_at, until=ran.finished_at)
        report = _gathered(context, engine, window, watches, is_present=True, next_jobs=True)
        write_report(_folder(context) / REPORTS, report, f"{LAST}{ran.job}")


def owed_days(last: Micros | None, now: Micros, lacking: Iterable[str] = ()) -> list[Window]:
    """The UTC days to report, oldest first; the last of them is today, so far.

    Args:
        last: until when the days are reported; None: nothing is, and it begins with yesterday.
        now: the present moment.
        lacking: earlier days whose report is not there any more.
    """
    # A day that was reported before it was over is reported again. A clock that was set back, or
    # an empty folder, begin anew.
    first = now - DAY if last is None else min(last + 1, now)
    first = first // DAY * DAY
    since = [day_of(start) for start in range(first, now + 1, DAY)]
    return [day_window(day, now) for day in sorted({*lacking, *since})]


class _Writing:
    """One run of the job."""

    def __init__(self, context: JobContext, engine: Engine, tell: Tell) -> None:
        self._context = context
        self._engine = engine
        self._tell = tell
        self._folder = _folder(context)
        self._now = context.clock.now()
        self._watches = read_watches(context.settings.watch)
        self._files = 0

    def done(self) -> JobResult:
        """Do it all, oldest first: what is left after a stop, the next run catches up on."""
        last = last_reported(self._folder / REPORTS)
        owed = owed_days(last, self._now, self._lacking())
        for place, window in enumerate(owed):
            if self._context.stopping.is_set():
                return self._result(place, "stopped")
            report = self._gathered(window)
            self._files += len(write_report(self._folder / REPORTS, report))
            self._context.out(f"{window.name}: {plain_text(headline(report))}")
        told_until = self._now - DAY if last is None else min(last, self._now)
        latest, page = self._latest(told_until)
        self._feeds()
        self._news(told_until, latest, page)
        return self._result(len(owed), "done", latest)

    def _lacking(self) -> list[str]:
        with read(self._engine) as conn:
            state = states(conn).get(self._context.job)
        # Its first run began with the day before.
        since = None if state is None else state.since - DAY
        return lacking_days(self._folder / REPORTS, since, self._now)

    def _gathered(self, window: Window, *, next_jobs: bool = False) -> Report:
        is_present = window.until == self._now
        return _gathered(
            self._context,
            self._engine,
            window,
            self._watches,
            is_present=is_present,
            next_jobs=next_jobs,
        )

    def _latest(self, told_until: Micros) -> tuple[Report, Page]:
        """The page of the morning: all since the last report, and a day at least."""
        window = Window(since=min(told_until + 1, self._now - DAY), until=self._now)
        report = self._gathered(window, next_jobs=True)
        page = compose(report)
        put(self._folder / REPORTS / LATEST, to_html(page))
        self._files += 1
        return report, page

    def _feeds(self) -> None:
        folder = self._folder / FEEDS
        for watch in (None, *self._watches):
            with read(self._engine) as conn:
                feed = (
                    catalog_feed(conn, self._now)
                    if watch is None
                    else watch_feed(conn, watch, self._now)
                )
            name = CHANGES_FEED if watch is None else watch_file(watch.name)
            self._files += len(write_feed(folder, name, feed))
        remove_other_feeds(folder, {watch.name for watch in self._watches})

    def _news(self, told_until: Micros, latest: Report, page: Page) -> None:
        """Tell people: of the report, and of watches that saw something since the last one."""
        lines = (plain_text(headline(latest)), f"{REPORTS}/{LATEST}")
        self._send(_message("report", page.title, lines, self._now))
        wanted = [watch for watch in self._watches if watch.notify]
        with read(self._engine) as conn:
            scopes = scopes_of(conn, told_until + 1, self._now)
            found = watch_news(conn, wanted, scopes, limit=GPTS, each=CHANGES)
        for news in found:
            if not news.is_empty:
                self._send(_watch_message(news, Window(since=told_until + 1, until=self._now)))

    def _send(self, message: notify.Message) -> None:
        sent = self._tell(message)
        for each in sent.undelivered:
            self._context.out(f"{each.service} was not told: {each.why}")
        if sent.services:
            with self._context.catalog(read_only=False) as engine, write(engine) as conn:
                record(conn, sent, self._now)

    def _result(self, days: int, status: JobStatus, latest: Report | None = None) -> JobResult:
        numbers = {"files": self._files, "days": days}
        if latest is None:
            return JobResult(numbers=numbers, status=status)
        return JobResult(
            numbers=numbers, status=status, message=str(self._folder / REPORTS / LATEST)
        )


def _folder(context: JobContext) -> Path:
    return Path(context.settings.catalog.folder)


def _gathered(
    context: JobContext,
    engine: Engine,
    window: Window,
    watches: Sequence[Watch],
    *,
    is_present: bool,
    next_jobs: bool = False,
) -> Report:
    settings, now = context.settings, context.clock.now()
    with read(engine) as conn:
        return gather(
            conn,
            Derivation(),
            window,
            watches=watches,
            schedules=context.schedules if next_jobs else None,
            zone=ZoneInfo(settings.catalog.timezone),
            health=look_at(conn, settings, now, context.jobs) if is_present else None,
        )


def _watch_message(news: WatchNews, window: Window) -> notify.Message:
    """What people are told of a watch."""
    page = compose(Report(window=window, watches=(news,)), watch=news.name)
    lines = []
    for section in page.sections:
        lines.append(plain_text(section.title))
        for item in section.items:
            lines += [
                f"- {plain_text(item.line)}",
                *(f"  {plain_text(each)}" for each in item.below),
            ]
        if section.rest:
            lines.append(plain_text(section.rest))
    if len(lines) > MESSAGE_LINES:
        lines = [*lines[:MESSAGE_LINES], f"and more: {REPORTS}/{LATEST}"]
    return _message("watch", page.title, lines, window.until)


def _message(kind: NewsName, title: str, lines: Sequence[str], at: Micros) -> notify.Message:
    text = "\n".join(map(notify.plain, lines))
    return notify.Message(kind=kind, title=notify.plain(title), text=cut(text), at=at)
