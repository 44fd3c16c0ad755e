"""``/runs``: what ran, what it cost, what failed, alarms, and the planner's curve."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from catalog.health.line import headline
from catalog.query.doings import Spent, runs_in, spent
from catalog.query.work import JobRun, Run, Standing, alarms_page, job_runs_page, runs_page
from catalog.times import DAY
from catalog.web import charts, counted
from catalog.web.rendering import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from catalog.plan import Outlook
    from catalog.query.reader import Reader
    from catalog.times import Micros
    from catalog.web.charts import Chart
    from catalog.web.reading import Reading

WINDOW = 30 * DAY
"""The time in which costs and alarms are told."""
RUNS = 30
"""Runs that are shown, and runs of jobs."""


class _Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was done here lately."""

    runs: tuple[Run, ...]
    job_runs: tuple[JobRun, ...]
    spent: tuple[Spent, ...]
    over: tuple[Standing, ...]


async def show(request: Request) -> Response:
    """The page."""
    reading: Reading = request.app.state.reading
    now = reading.now
    health, done, standing, plan = await asyncio.gather(
        reading.health(),
        reading.ask(lambda reader: _done(reader, now)),
        reading.soon(counted.status(now)),
        reading.soon(counted.plan(reading.options.settings, now)),
    )
    status, planned = standing.found, plan.found
    return render(
        request,
        "runs.html",
        health=health,
        headline=headline(health),
        runs=done.runs,
        job_runs=done.job_runs,
        spent=done.spent,
        past_alarms=done.over,
        jobs=[job for job in health.facts.jobs if job.runs or job.next_at is not None],
        status=status,
        budgets=[(source.name, each) for source in health.facts.sources for each in source.spent],
        outlook=None if planned is None else planned.outlook,
        chart=None if planned is None else _chart(planned.outlook),
        is_counting=not (standing.is_known and plan.is_known),
        age=counted.oldest((standing, plan)),
    )


def _done(reader: Reader, now: Micros) -> _Done:
    return _Done(
        runs=reader.ask(lambda conn: runs_page(conn, limit=RUNS)).items,
        job_runs=reader.ask(lambda conn: job_runs_page(conn, limit=RUNS)).items,
        spent=reader.ask(lambda conn: spent(conn, runs_in(conn, now - WINDOW, now))),
        over=reader.ask(lambda conn: alarms_page(conn, standing=False, limit=RUNS)).items,
    )


def _chart(found: Outlook) -> Chart:
    return charts.curve(
        "What a budget buys",
        [(each.visits, each.freshness) for each in found.curve],
        columns=("visits a day", "true at any moment"),
        here=found.now.visits,
        note="The share of what is shown that is true at any moment; the large dot is the present"
        " budget.",
    )
