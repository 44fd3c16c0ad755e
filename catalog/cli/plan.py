"""``plan``: what the budget buys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import typer

from catalog.cli.chart import bar
from catalog.cli.context import start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import count, number
from catalog.errors import UsageError
from catalog.plan import outlook
from catalog.storage import planning as store
from catalog.storage.engine import read

if TYPE_CHECKING:
    from catalog.cli.context import App
    from catalog.plan import Forecast, Outlook

WIDTH = 40
"""Characters of a bar that stands for everything."""


def plan(
    ctx: typer.Context,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the day's requests buy: how fresh the catalog stays, how many changes are seen.

    And what another 1,000 requests a day would add. Computed from what is believed of the GPTs'
    change rates, in the long run; docs/planning.md says how.
    """
    from catalog.harvest.planning import (
        grid_of,
        priors_of,
        requests_of_day,
        rules_of,
        visits_of_day,
    )

    app = start(ctx, catalog, config, as_json=as_json)
    rules = rules_of(app.settings)
    with app.catalog() as engine, read(engine) as conn:
        grid = grid_of(store.stands(conn), priors_of(conn))
        per_visit = store.requests_a_visit(conn, app.clock.now()) or 1.0
        visits = visits_of_day(conn, app.settings, app.clock.now())
    gpts = sum(grid.values())
    if not gpts:
        raise UsageError(
            "no GPT is known yet: gpts-catalog discover, harvest or import brings some"
        )
    unlimited = visits is None
    found = outlook(grid, visits or gpts / rules.floor, rules, requests_per_visit=per_visit)
    requests = requests_of_day(app.settings)
    _print(app, found, gpts, requests, per_visit, unlimited=unlimited)
    app.out.json(
        {
            "gpts": gpts,
            "objective": str(rules.objective),
            "requests": requests,
            "requests_per_visit": per_visit,
            **msgspec.to_builtins(found),
        }
    )


def _print(
    app: App,
    found: Outlook,
    gpts: int,
    requests: int | None,
    per_visit: float,
    *,
    unlimited: bool,
) -> None:
    out, now, more = app.out, found.now, found.more
    if unlimited or requests is None:
        out.line(
            f"{count(gpts, 'GPT')}, and a source without requests_per_day: each is asked as often"
            " as floor_hours allows"
        )
    else:
        out.line(
            f"{count(requests, 'request')} a day for {count(gpts, 'GPT')}, {per_visit:.2f} a visit:"
            f" {now.visits:,.0f} visits a day"
        )
    out.line(f"objective {app.settings.plan.objective}: see [plan] in {app.config_path}")
    wished = app.settings.plan.ceiling_days
    if now.ceiling > wished:
        out.line(f"ceiling_days = {wished:g} cannot be kept: {now.ceiling:,.1f} d")
    out.heading("what that buys, and what 1,000 more requests a day would add")
    out.table(
        [
            ["true at any moment", _share(now.freshness), _gain(now.freshness, more.freshness)],
            ["  if all were asked alike", _share(now.round_robin), ""],
            ["changes seen", _share(now.seen), _gain(now.seen, more.seen)],
            ["changes a day", f"{now.changes:,.1f}", ""],
            ["longest wait of a GPT", f"{now.ceiling:,.1f} d", _days(more.ceiling - now.ceiling)],
        ],
        right=[1, 2],
    )
    out.heading("visits a day, and the share that is true then")
    out.table([_point(each, each.visits == now.visits) for each in found.curve], right=[0, 1])


def _point(each: Forecast, is_now: bool) -> list[str]:  # noqa: FBT001  (a row of a table)
    return [
        number(round(each.visits)),
        _share(each.freshness),
        bar(each.freshness, 1.0, WIDTH) + ("  ← now" if is_now else ""),
    ]


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _gain(before: float, after: float) -> str:
    return f"{100 * (after - before):+.2f}"


def _days(value: float) -> str:
    return f"{value:+.1f} d"
