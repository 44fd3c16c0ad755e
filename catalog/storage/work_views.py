"""The views of what was observed, asked and found, and of what happened to all GPTs at once."""

from __future__ import annotations

from catalog.storage import tables as t
from catalog.storage.view_parts import (
    GPT,
    SOURCE,
    calendar,
    column,
    taken,
)
from catalog.storage.view_sql import View

_MASS_EVENTS = View(
    "v_mass_events",
    "Differences that many GPTs show at once.",
    (
        *taken(
            t.mass_events,
            "x",
            *("event_id", "field", "added", "removed", "first_day", "last_day", "gpts"),
            "compared",
        ),
        column(
            "share",
            "CAST(x.gpts AS DOUBLE PRECISION) / NULLIF(x.compared, 0)",
            "gpts by compared, 0 to 1",
        ),
    ),
    "FROM mass_events AS x",
)

_OBSERVATIONS = View(
    "v_observations",
    "Source S said payload P, or 'no such GPT', about GPT G at time T; without the bytes.",
    (
        column("observation_id", "x.observation_id", "this catalog's number for it"),
        GPT,
        SOURCE,
        column("observed_at", "@moment(x.observed_at)", "when it was said"),
        *calendar("x.observed_at", of="observed_at"),
        column(
            "said",
            f"@code(CASE WHEN x.payload_id = {t.NOT_FOUND_PAYLOAD}"
            " THEN 'not_found' ELSE 'document' END)",
            "document or not_found",
        ),
        column("verdict", "x.verdict", t.observations.c.verdict.comment or ""),
        column("digest", "@hex(p.digest)", "SHA-256 of the payload in hex, empty for none"),
        column("bytes", "p.size", "length of the payload"),
        column("redacted", "p.redacted", "whether a secret was replaced in it"),
        column("wrapping", "x.wrapping", t.observations.c.wrapping.comment or ""),
        column("recorded_at", "@moment(x.recorded_at)", "when it was written down here"),
        *calendar("x.recorded_at", "recorded_", of="recorded_at"),
        column("run_id", "x.run_id", "the run that brought it, empty for none"),
    ),
    "FROM observations AS x\n"
    "LEFT JOIN sources AS s ON s.source_id = x.source_id\n"
    "LEFT JOIN payloads AS p ON p.payload_id = x.payload_id",
)

_DISCOVERIES = View(
    "v_discoveries",
    "Which query or file named which id, at which rank, when.",
    (
        GPT,
        SOURCE,
        column("query", "x.query", "the words, or the file"),
        column("discovered_at", "@moment(x.at)", "when it was said"),
        *calendar("x.at", of="discovered_at"),
        *taken(t.discoveries, "x", "rank", "title"),
    ),
    "FROM discoveries AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id",
)

_FRONTIER = View(
    "v_frontier",
    "The ids known, with when each is next due.",
    (
        column("gizmo_id", "x.gizmo_id", "the id; it need not have a document yet"),
        *taken(t.frontier, "x", "added_at", "due_at"),
        *calendar("x.due_at", "due_", of="due_at"),
        *taken(t.frontier, "x", "attempts", "last_asked_at", "last_verdict"),
    ),
    "FROM frontier AS x",
)

_PROBES = View(
    "v_probes",
    "Questions put to GPTs over chat completions; without the texts.",
    (
        GPT,
        SOURCE,
        column("asked_at", "@moment(x.at)", "when it was asked"),
        *calendar("x.at", of="asked_at"),
        *taken(t.probes, "x", "model", "verdict", "status", "seconds", "run_id"),
    ),
    "FROM probes AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id",
)

_RUNS = View(
    "v_runs",
    "Executions of a job, with their totals.",
    (
        *taken(t.runs, "x", "run_id", "command", "source", "started_at", "finished_at"),
        *calendar("x.started_at", of="started_at"),
        column(
            "seconds",
            "CAST(x.finished_at - x.started_at AS DOUBLE PRECISION) / 1000000",
            "from started_at to finished_at; NULL: unfinished",
        ),
        *taken(
            t.runs,
            "x",
            *("status", "reason", "requested", "documents", "new", "changed", "unchanged"),
            *("not_found", "mismatched", "failed"),
        ),
        # LEFT is a word of SQL's own.
        column("not_asked", "x.left", t.runs.c.left.comment or ""),
        *taken(t.runs, "x", "requests", "cost"),
    ),
    "FROM runs AS x",
)

_OUTCOMES_DAILY = View(
    "v_outcomes_daily",
    "How asking went: outcomes by UTC day, source and verdict, those that were pruned as well.",
    (
        column("day", "x.day", "the UTC day"),
        SOURCE,
        column("verdict", "x.verdict", "document, not_found, mismatched, throttled, ..."),
        column("ids", "CAST(SUM(x.ids) AS BIGINT)", "ids that ended so"),
        column("requests", "CAST(SUM(x.requests) AS BIGINT)", "HTTP requests spent on them"),
    ),
    "FROM (\n"
    "  SELECT @day(at) AS day, source_id, verdict, 1 AS ids, requests FROM outcomes\n"
    "  UNION ALL\n"
    "  SELECT day, source_id, verdict, ids, requests FROM outcome_days\n"
    ") AS x\n"
    "LEFT JOIN sources AS s ON s.source_id = x.source_id\n"
    "GROUP BY x.day, s.name, x.verdict",
)

_DRIFT = View(
    "v_drift",
    "Paths and types that appeared in, or vanished from, a source's documents.",
    (
        SOURCE,
        *taken(t.drift, "x", "wrapping", "path", "kind"),
        column("drifted_at", "@moment(x.at)", t.drift.c["at"].comment or ""),
        *calendar("x.at", of="drifted_at"),
        *taken(t.drift, "x", "first_seen_at", "last_seen_at", "example"),
    ),
    "FROM drift AS x\nLEFT JOIN sources AS s ON s.source_id = x.source_id",
)

_UNMAPPED = View(
    "v_unmapped",
    "Paths that no table knows, and values that their column cannot take.",
    (
        column("path", "x.path", "the JSON path"),
        column("count", "x.count", "observations that have it"),
        *taken(t.unmapped_fields, "x", "first_seen_at", "last_seen_at", "example"),
        *calendar("x.first_seen_at", "first_seen_", of="first_seen_at"),
    ),
    "FROM unmapped_fields AS x",
)

WORK_VIEWS: tuple[View, ...] = (
    _MASS_EVENTS,
    _OBSERVATIONS,
    _DISCOVERIES,
    _FRONTIER,
    _PROBES,
    _RUNS,
    _OUTCOMES_DAILY,
    _DRIFT,
    _UNMAPPED,
)
