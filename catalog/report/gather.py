"""Gathers a report: asks the catalog, in one transaction, what happened in a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.query import doings, windows
from catalog.query.agreement import Agreement, agreements
from catalog.query.movers import BY, movers
from catalog.query.probes import turns
from catalog.query.scopes import Scope
from catalog.query.windows import Some
from catalog.report.model import Brought, Late, NextJob, Report, Window
from catalog.report.watches import Scopes, watch_news
from catalog.scheduling import next_slot
from catalog.storage.alarms import Standing
from catalog.storage.runs import get_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from catalog.health import Health
    from catalog.records import Deriver
    from catalog.report.watches import Watch
    from catalog.scheduling import Schedule
    from catalog.storage.engine import Connection
    from catalog.times import Micros

GPTS = 10
"""GPTs of a list that are told."""
CHANGES = 4
"""Changes of a GPT that are told."""
MOVERS = 5
"""GPTs that moved most, by each number."""
FAILURES = 5
"""Runs and jobs that failed, that are told."""
REASONS = 3
"""Reasons of a run that are told."""
ROWS = 10
"""Rows of anything else."""


def run_window(conn: Connection, run_id: str, now: Micros) -> Window:
    """What a run brought.

    Args:
        conn: a reading transaction.
        run_id: the run.
        now: the present moment: a run that is under way ends there.

    Raises:
        NotFound: there is none.
    """
    run = get_run(conn, run_id)
    return Window(since=run.started_at, until=run.finished_at or now, run_id=run_id)


def gather(
    conn: Connection,
    deriver: Deriver,
    window: Window,
    *,
    watches: Iterable[Watch] = (),
    schedules: Mapping[str, Schedule] | None = None,
    zone: ZoneInfo | None = None,
    health: Health | None = None,
) -> Report:
    """The report of a window.

    Args:
        conn: a reading transaction.
        deriver: decodes documents.
        window: the window.
        watches: the watches.
        schedules: of the jobs, by name, where it is to be told what runs next.
        zone: the zone these are written in.
        health: of a window that ends now, how the catalog is: what was written down of alarms is as
            old as the last look of a scheduler. None: what stood then, as it was written down.
    """
    since, until = window.since, window.until
    scopes = scopes_of(conn, since, until)
    if window.run_id is None:
        scope, runs = scopes.window, doings.runs_in(conn, since, until)
    else:
        scope, runs = Scope(run_ids=(window.run_id,)), [get_run(conn, window.run_id)]
    turned = list(turns(conn, since, until))
    return Report(
        window=window,
        brought=_brought(conn, scope),
        late=None if window.run_id else _late(conn, scopes.late),
        flaps=windows.flaps(conn, scope),
        moved={by: tuple(movers(conn, since, until, by, MOVERS)) for by in BY},
        runs=tuple(runs),
        failed_runs=doings.failed_runs(conn, runs, FAILURES, REASONS),
        failed_jobs=doings.failed_jobs(conn, since, until, FAILURES),
        disagreements=_disagreements(conn, deriver, since, until),
        turns=Some(items=tuple(turned[:GPTS]), total=len(turned)),
        spent=doings.spent(conn, runs),
        drift=doings.drifted(conn, since, until, ROWS),
        unknown=doings.unknown_fields(conn, since, until, ROWS),
        alarms=doings.alarms_at(conn, until) if health is None else _standing(health),
        next_jobs=_next_jobs(schedules or {}, zone, until),
        watches=watch_news(conn, watches, scopes, limit=GPTS, each=CHANGES),
    )


def _standing(health: Health) -> tuple[Standing, ...]:
    """What stands now; what nobody wrote down yet, since now."""
    return tuple(
        Standing(
            kind=each.kind,
            subject=each.subject,
            severity=each.severity,
            message=each.message,
            raised_at=health.since.get((each.kind, each.subject), health.at),
            seen_at=health.at,
        )
        for each in health.alarms
    )


def gather_watch(conn: Connection, window: Window, watch: Watch) -> Report:
    """What a window brought to one watch, and nothing else."""
    scopes = scopes_of(conn, window.since, window.until)
    news = watch_news(conn, [watch], scopes, limit=GPTS, each=CHANGES)
    return Report(window=window, watches=news)


def _brought(conn: Connection, scope: Scope) -> Brought:
    changed, changes = windows.changed(conn, scope, GPTS, CHANGES)
    return Brought(
        new=windows.arrived(conn, scope, GPTS),
        changed=changed,
        changes=changes,
        gone=windows.turned(conn, scope, "gone", GPTS),
        back=windows.turned(conn, scope, "listed", GPTS),
        missing=windows.turned(conn, scope, "missing", GPTS),
        mass=tuple(windows.mass(conn, scope)),
    )


def scopes_of(conn: Connection, since: Micros, until: Micros) -> Scopes:
    """What a report of a window looks at.

    What the window's runs wrote down of the time before it belongs to it, too: a source's cache,
    or an import, tells of a change when the day on which it was said is reported already.
    """
    run_ids = tuple(doings.runs_at_work(conn, since, until))
    late = Scope(until=since - 1, run_ids=run_ids, recorded=(since, until)) if run_ids else None
    return Scopes(since=since, until=until, late=late)


def _late(conn: Connection, scope: Scope | None) -> Late | None:
    span = None if scope is None else windows.span(conn, scope)
    if scope is None or span is None:
        return None
    return Late(brought=_brought(conn, scope), first_at=span[0], last_at=span[1])


def _disagreements(
    conn: Connection, deriver: Deriver, since: Micros, until: Micros
) -> tuple[Agreement, ...]:
    # It reads all that was said in the window: not where nobody can disagree.
    if doings.source_count(conn) <= 1:
        return ()
    found = agreements(conn, deriver, since, until, examples=REASONS)
    return tuple(each for each in found if each.agreed < each.compared)


def _next_jobs(
    schedules: Mapping[str, Schedule], zone: ZoneInfo | None, after: Micros
) -> tuple[NextJob, ...]:
    if zone is None:
        return ()
    found = [
        NextJob(job=name, at=next_slot(schedule, zone, after))
        for name, schedule in schedules.items()
    ]
    return tuple(sorted(found, key=lambda each: (each.at, each.job)))
