"""What ``status`` prints of a look at a catalog: whether it is well, what was spent, its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.cli.context import App
from catalog.cli.text import duration, harmless, moment, money, number
from catalog.times import SECOND

if TYPE_CHECKING:
    from catalog.alarms import JobFacts, Spent
    from catalog.health import Health

_MARKS = {"alarm": "!", "warning": "?"}


def print_headline(app: App, health: Health) -> None:
    """The one line that says all."""
    from catalog.health import headline

    app.out.line(harmless(headline(health)), "bold")


def print_alarms(app: App, health: Health) -> None:
    """Each alarm, then each warning: what is wrong, since when, and what to do."""
    for alarm in health.alarms:
        since = health.since.get((alarm.kind, alarm.subject))
        raised = "" if since is None else f" (since {moment(since)})"
        name = f"{alarm.kind} {alarm.subject}".rstrip()
        app.out.line(
            f"  {_MARKS[alarm.severity]} {harmless(name)}: {harmless(alarm.message)}{raised}",
            "bold" if alarm.severity == "alarm" else "",
        )


def print_unfinished(app: App, health: Health) -> None:
    """That the numbers below are behind, and what brings them up to date."""
    from catalog.health import unfinished

    if health.facts.unsettled.number:
        why = harmless("; ".join(unfinished(health)))
        app.out.line(f"  authors and mass events are still to be counted: {why}")


def print_spent(app: App, health: Health) -> None:
    """What was taken of each source's UTC day, and what is left."""
    rows = [
        [harmless(source.name), each.kind, number(each.taken), _left(each), _cost(each)]
        for source in health.facts.sources
        for each in source.spent
    ]
    if rows:
        app.out.heading("spent today (UTC)")
        app.out.table(rows, right=[2])


def print_jobs(app: App, health: Health) -> None:
    """When each job ran last, how that ended, and when it runs next."""
    jobs = [job for job in health.facts.jobs if job.runs or job.next_at is not None]
    if jobs:
        app.out.heading("jobs")
        app.out.table([[job.name, _last(health, job), _next(health, job)] for job in jobs])


def _left(spent: Spent) -> str:
    if spent.limit is None:
        return "no limit"
    return f"{number(spent.left or 0)} of {number(spent.limit)} left"


def _cost(spent: Spent) -> str:
    return "" if spent.cost is None else f"cost {money(spent.cost)}"


def _last(health: Health, job: JobFacts) -> str:
    if job.running:
        return "runs now"
    if not job.runs:
        return "never ran"
    run = job.runs[0]
    return f"{run.status} {duration(max(0, health.at - run.started_at) / SECOND)} ago"


def _next(health: Health, job: JobFacts) -> str:
    if job.next_at is not None and not health.lacks_scheduler:
        return f"next {moment(job.next_at)}"
    return "waits for gpts-catalog schedule" if job.is_scheduled else "by hand alone"
