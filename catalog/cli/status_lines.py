"""What ``status`` prints of a catalog's tables."""

from __future__ import annotations

from catalog.cli.context import App
from catalog.cli.failures import next_step, reason_rows
from catalog.cli.text import count, harmless, moment, money, number, shorten, size
from catalog.query import stats
from catalog.storage.runs import Run

EXAMPLE = 60
"""Characters of an example."""


def print_status(app: App, found: stats.Status) -> None:
    """Print what a catalog holds, how fresh it is, what is due, and what is odd."""
    out, holds = app.out, found.holdings
    out.line(f"at {moment(found.now)}")
    out.heading("holds")
    by_status = ", ".join(f"{number(n)} {word}" for word, n in holds.gpts.items()) or "none yet"
    by_class = ", ".join(f"{number(n)} {word}" for word, n in holds.changes.items()) or "none"
    unlisted = f"{count(found.unlisted, 'GPT')}: gpts-catalog upgrade goes on with it"
    out.table(
        [
            ["GPTs", by_status],
            *([["not listed yet", unlisted]] if found.unlisted else []),
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
                "" if source.name in app.settings.sources else "not in the settings",
            ]
        )
    app.out.table(rows, right=[2])
    for source in found.sources:
        if source.reasons and source.last_run is not None:
            run = source.last_run
            app.out.heading(f"why ids failed in the last run of {harmless(source.name)}")
            app.out.table(reason_rows(source.reasons, run.failed), right=[0])
            app.out.lines(next_step(source.reasons, run.failed, run.run_id, harmless(source.name)))


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
    cost = [] if run.cost is None else [f"cost {money(run.cost)}"]
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
