"""``status``: where the catalog stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.health_lines import (
    print_alarms,
    print_headline,
    print_jobs,
    print_spent,
    print_unfinished,
)
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.status_lines import print_status
from catalog.cli.text import harmless, iso
from catalog.errors import UsageError
from catalog.query import stats
from catalog.query.failures import failed_ids
from catalog.storage.engine import read
from catalog.storage.runs import get_run

if TYPE_CHECKING:
    from catalog.health import Health


def status(
    ctx: typer.Context,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Say in one line whether all is well, and name what is not. Ends with status 1 if"
            " an alarm stands, with 0 where there are warnings alone.",
        ),
    ] = False,
    metrics: Annotated[
        bool,
        typer.Option(
            "--metrics", help="Print the metrics for Prometheus' textfile collector, and no more."
        ),
    ] = False,
    failed: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="In place of all that, list the ids that failed in this run, as harvest --refs"
            " takes them.",
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show whether all is well, what the catalog holds, what is due, what was spent, what is odd.

    The first line says all: that it is well, or which alarms stand.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    if sum((check, metrics, failed is not None)) > 1:
        raise UsageError("--check, --metrics and --failed ask for different things: name one")
    if metrics and as_json:
        raise UsageError(
            "--metrics prints the form that Prometheus reads, and no JSON: leave one of them out;"
            " status --json has the same numbers"
        )
    if failed is not None:
        _failed(app, failed)
        return 0
    # What it needs of HTTP and of Prometheus is not loaded where ids alone are listed.
    from catalog.health import as_json as health_json
    from catalog.health import exposition, look_at

    jobs = _planned(app)
    found = None
    with app.catalog() as engine, read(engine) as conn:
        now = app.clock.now()
        health = look_at(conn, app.settings, now, jobs)
        if not check and not metrics:
            found = stats.status(conn, now)
    if metrics:
        app.out.lines(exposition(health).decode().splitlines())
        return 0
    print_headline(app, health)
    print_alarms(app, health)
    if found is None:
        app.out.json(health_json(health))
        return 0 if health.is_well else 1
    print_unfinished(app, health)
    print_status(app, found)
    print_spent(app, health)
    print_jobs(app, health)
    app.out.json(_as_json(app, found, health, health_json(health)))
    return 0


def _planned(app: App) -> list[Any]:
    from catalog.cli.jobs import planned_jobs

    return list(planned_jobs(app).values())


def _failed(app: App, run_id: str) -> None:
    with app.catalog() as engine, read(engine) as conn:
        get_run(conn, run_id)  # raises, where there is none
        for each in failed_ids(conn, run_id):
            app.out.line(f"{harmless(each.asked_id)}  # {each.verdict}: {harmless(each.detail)}")
            app.out.json({**msgspec.to_builtins(each), "at": iso(each.at)})


_TIMES = frozenset({"now", "at"})


def _as_json(app: App, found: stats.Status, health: Health, told: dict[str, Any]) -> Any:
    value = _with_times(msgspec.to_builtins(found))
    value |= {
        "line": told["line"],
        "alarms": told["alarms"],
        "spent": [
            {"source": source.name, **msgspec.to_builtins(each), "left": each.left}
            for source in health.facts.sources
            for each in source.spent
        ],
        "jobs": _with_times(msgspec.to_builtins(health.facts.jobs)),
    }
    for source in value["sources"]:
        configured = app.settings.sources.get(source["name"])
        source["requests_per_day"] = configured.requests_per_day if configured else None
    return value


def _with_times(value: Any) -> Any:
    """Moments as ISO 8601: they are the members named ``at``, ``now`` or ending in ``_at``."""
    if isinstance(value, list):
        return [_with_times(each) for each in value]
    if isinstance(value, dict):
        return {
            key: iso(each)
            if (key in _TIMES or key.endswith("_at")) and isinstance(each, int)
            else _with_times(each)
            for key, each in value.items()
        }
    return value
