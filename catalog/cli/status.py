"""``status``: where the catalog stands."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.failures import next_step, reason_rows
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import count, harmless, iso, moment, number, shorten, size
from catalog.errors import UsageError
from catalog.query import stats
from catalog.query.failures import failed_ids
from catalog.storage.engine import read
from catalog.storage.runs import Run, get_run

EXAMPLE = 60
"""Characters of an example."""


def status(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="End with status 1 if anything needs a look.")
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
    """Show what the catalog holds, how fresh it is, what is due, what was spent, what is odd."""
    app = start(ctx, catalog, config, as_json=as_json)
    if failed is not None:
        if check:
            raise UsageError("--check and --failed ask two things: name one of them")
        _failed(app, failed)
        return 0
    asks = any(source.dialect != "recorded" for source in app.settings.sources.values())
    with app.catalog() as engine, read(engine) as conn:
        found = stats.status(conn, app.clock.now(), asks=asks)
    _print(app, found)
    app.out.json(_as_json(app, found))
    return 1 if check and found.alarms else 0


def _failed(app: App, run_id: str) -> None:
    with app.catalog() as engine, read(engine) as conn:
        get_run(conn, run_id)  # raises, where there is none
        for each in failed_ids(conn, run_id):
            app.out.line(f"{harmless(each.asked_id)}  # {each.verdict}: {harmless(each.detail)}")
            app.out.json({**msgspec.to_builtins(each), "at": iso(each.at)})


def _print(app: App, found: stats.Status) -> None:
    out, holds = app.out, found.holdings
    out.line(f"at {moment(found.now)}", "bold")
    out.heading("holds")
    by_status = ", ".join(f"{number(n)} {word}" for word, n in holds.gpts.items()) or "none yet"
    by_class = ", ".join(f"{number(n)} {word}" for word, n in holds.changes.items()) or "none"
    out.table(
        [
            ["GPTs", by_status],
            ["authors", number(holds.authors)],
            ["documents", _documents(holds)],
            ["revisions", number(holds.revisions)],
            ["changes", by_class],
            ["mass events", number(holds.mass_events)],
            ["points of numbers", number(holds.metric_points)],
        ]
    )
    out.heading("GPTs by when their document was last seen")
    out.table(
        [
            [word if word == "older" else f"within {word}", number(n)]
            for word, n in found.seen.items()
        ]
    )
    _frontier(app, found)
    _sources(app, found)
    if found.runs:
        out.heading("last runs")
        out.table([_run(run) for run in found.runs])
    _odd(app, found)
    out.heading("alarms" if found.alarms else "no alarms")
    for alarm in found.alarms:
        out.line(f"  ! {alarm}", "bold")


def _documents(holds: stats.Holdings) -> str:
    text = f"{number(holds.documents)}, said {moment(holds.first_at)} to {moment(holds.last_at)}"
    if not holds.documents:
        return "none yet: gpts-catalog harvest or gpts-catalog import brings some"
    text += f"; {size(holds.payload_bytes)} in {count(holds.payloads, 'distinct payload')}"
    return f"{text}, stored in {size(holds.stored_bytes)}"


def _frontier(app: App, found: stats.Status) -> None:
    frontier = found.frontier
    app.out.heading("frontier")
    due = number(frontier.due)
    if frontier.next_due_at is not None:
        due += f"; the next at {moment(frontier.next_due_at)}"
    held = number(frontier.leased)
    if frontier.expired:
        held += f"; {number(frontier.expired)} whose worker is late, and free again"
    app.out.table(
        [
            ["ids known", number(frontier.known)],
            ["never asked", number(frontier.never_asked)],
            ["due now", due],
            ["held by workers", held],
        ]
    )


def _sources(app: App, found: stats.Status) -> None:
    if not found.sources:
        return
    app.out.heading("sources")
    rows = []
    for source in found.sources:
        last = "never" if source.last_document_at is None else moment(source.last_document_at)
        rows.append(
            [
                harmless(source.name),
                source.dialect,
                count(source.documents, "document"),
                f"last {last}",
                _budget(app, source),
            ]
        )
    app.out.table(rows, right=[2])
    for source in found.sources:
        if source.reasons and source.last_run is not None:
            run = source.last_run
            app.out.heading(f"why ids failed in the last run of {harmless(source.name)}")
            app.out.table(reason_rows(source.reasons), right=[0])
            app.out.lines(next_step(source.reasons, run.failed, run.run_id, harmless(source.name)))


def _budget(app: App, source: stats.SourceHealth) -> str:
    configured = app.settings.sources.get(source.name)
    if configured is None:
        return "not in the settings"
    if configured.dialect == "recorded":
        return ""
    text = f"{count(source.reserved_today, 'request')} today"
    if configured.requests_per_day is not None:
        left = max(0, configured.requests_per_day - source.reserved_today)
        text += f", {number(left)} of {number(configured.requests_per_day)} left"
    return text


def _run(run: Run) -> list[str]:
    results = [
        f"{number(value)} {word}"
        for word, value in (
            ("new", run.new),
            ("changed", run.changed),
            ("unchanged", run.unchanged),
            ("not found", run.not_found),
            ("mismatched", run.mismatched),
            ("failed", run.failed),
            ("left", run.left),
        )
        if value
    ]
    cost = [] if run.cost is None else [f"cost {run.cost:,.2f}"]
    if run.requests:
        cost.insert(0, count(run.requests, "request"))
    text = ", ".join([*results, *cost])
    if run.reason:
        text += f" – {harmless(run.reason)}"
    return [moment(run.started_at), f"{run.command} {harmless(run.source)}", run.status, text]


def _odd(app: App, found: stats.Status) -> None:
    if found.unmapped:
        app.out.heading("fields that no table knows, kept in the archive")
        app.out.table(
            [
                [
                    shorten(harmless(row.path), EXAMPLE),
                    count(row.count, "time"),
                    f"{moment(row.first_seen_at)} to {moment(row.last_seen_at)}",
                    f"as {shorten(harmless(row.example), EXAMPLE)}",
                ]
                for row in found.unmapped
            ]
        )
    if found.drift:
        app.out.heading("fields that came or went")
        app.out.table(
            [
                [
                    moment(row.at),
                    row.kind,
                    shorten(harmless(row.path), EXAMPLE),
                    f"{harmless(row.source)} ({row.wrapping or 'bare'})",
                    f"seen {moment(row.first_seen_at)} to {moment(row.last_seen_at)}",
                    f"as {shorten(harmless(row.example), EXAMPLE)}" if row.example else "",
                ]
                for row in found.drift
            ]
        )


_TIMES = frozenset({"now", "at"})


def _as_json(app: App, found: stats.Status) -> Any:
    value = _with_times(msgspec.to_builtins(found))
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
