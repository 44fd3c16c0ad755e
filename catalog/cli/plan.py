"""``plan``: what the budget buys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import typer

from catalog.cli.chart import bar
from catalog.cli.context import start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import count, number
from catalog.query.outlook import curve
from catalog.storage.engine import read

if TYPE_CHECKING:
    from catalog.cli.context import App
    from catalog.plan import Forecast
    from catalog.query.outlook import Curve

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
    app = start(ctx, catalog, config, as_json=as_json)
    with app.catalog() as engine, read(engine) as conn:
        found = curve(conn, app.settings, app.clock.now())
    _print(app, found)
    app.out.json(
        {
            "gpts": found.gpts,
            "objective": found.objective,
            "requests": found.requests,
            "requests_per_visit": found.requests_per_visit,
            **msgspec.to_builtins(found.outlook),
        }
    )


def _print(app: App, found: Curve) -> None:
    out, now, more = app.out, found.outlook.now, found.outlook.more
    if found.unlimited or found.requests is None:
        out.line(
            f"{count(found.gpts, 'GPT')}, and a source without requests_per_day: each is asked as"
            " often as floor_hours allows"
        )
    else:
        out.line(
            f"{count(found.requests, 'request')} a day for {count(found.gpts, 'GPT')},"
            f" {found.requests_per_visit:.2f} a visit: {now.visits:,.0f} visits a day"
        )
    out.line(f"objective {app.settings.plan.objective}: see [plan] in {app.config_path}")
    wished = found.ceiling_days
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
    out.table(
        [_point(each, is_now=each.visits == now.visits) for each in found.outlook.curve],
        right=[0, 1],
    )


def _point(each: Forecast, *, is_now: bool) -> list[str]:
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
