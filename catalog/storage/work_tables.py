"""Tables of what this catalog does: jobs, alarms, what was pruned, and what writers lock.

Part of the one declaration in :mod:`catalog.storage.tables`. No source said any of it, so it is in
no logical dump.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, PrimaryKeyConstraint

from catalog.storage.columns import big, make_table, source, text

job_states = make_table(
    "job_states",
    "What the scheduler remembers of each job: plain rows, never pickles.",
    text("job", "the job", primary_key=True),
    big("slot_at", "the scheduled moment that was taken last", null=True),
    text("owner", "the process that runs it now", null=True),
    big("lease_until", "when that claim ends", null=True),
    big("since", "when it was first scheduled here: no earlier moment is owed"),
    narrow=True,
)

job_runs = make_table(
    "job_runs",
    "Executions of jobs.",
    text("job_run_id", "a global id, sortable by time", primary_key=True),
    text("job", "the job"),
    big("slot_at", "the scheduled moment; NULL: by hand", null=True),
    big("started_at", "when it began"),
    big("finished_at", "when it ended; NULL: unfinished", null=True),
    text("status", "open, done, partly, failed, stopped or lost"),
    text("owner", "the process that ran it"),
    text("numbers", "JSON object of what was counted"),
    text("message", "how it went, for people"),
    Index(None, "job", "started_at"),
    Index(None, "job", "slot_at"),
    Index(None, "started_at"),
)

alarms = make_table(
    "alarms",
    "What somebody should look at, or should have.",
    text("kind", "what is wrong"),
    text("subject", "with what: a source, a job, empty for the catalog"),
    big("raised_at", "since when"),
    text("severity", "warning or alarm"),
    text("message", "for people"),
    big("seen_at", "when it was last found to stand"),
    big("cleared_at", "when it was found to be over; NULL: it stands", null=True),
    big("notified_at", "when people were told; NULL: not yet", null=True),
    PrimaryKeyConstraint("kind", "subject", "raised_at"),
    Index(None, "cleared_at"),
)

outcome_days = make_table(
    "outcome_days",
    "What stays of outcomes that were pruned: their daily sums.",
    text("day", "the UTC day"),
    source(),
    text("verdict", "how they ended"),
    big("ids", "how many ids"),
    big("requests", "how many HTTP requests"),
    PrimaryKeyConstraint("day", "source_id", "verdict"),
    narrow=True,
)

prunings = make_table(
    "prunings",
    "What was removed by retention, and by which rule.",
    big("at", "when"),
    text("what", "which rule"),
    big("removed", "how many rows, bodies or files"),
    big("bytes", "how many bytes of content"),
    text("note", "for people"),
    PrimaryKeyConstraint("at", "what"),
    narrow=True,
)

plan_days = make_table(
    "plan_days",
    "What a day was planned by: one price for all GPTs.",
    text("day", "the UTC day", primary_key=True),
    big("at", "when it was settled"),
    Column("price", Double, nullable=False, comment="what a visit must be worth"),
    Column("ceiling", Double, nullable=False, comment="days, at most, between two visits of a GPT"),
    text("priors", "JSON: what is believed of GPTs before a visit of their own"),
    big("gpts", "GPTs that were planned"),
    Column("visits", Double, nullable=True, comment="the day's budget in visits; NULL: none"),
    big("overdue", "GPTs that were due before the day began"),
    narrow=True,
)

paces = make_table(
    "paces",
    "Who asks a source now: what each may send a second adds up to the source's rate.",
    source(),
    text("owner", "the process"),
    Column("place", Integer, nullable=False, comment="which of its askers"),
    Column("share", Double, nullable=False, comment="requests a second that it may send"),
    big("until", "when that ends, by the clock of the database's machine"),
    PrimaryKeyConstraint("source_id", "owner", "place"),
    narrow=True,
)

write_locks = make_table(
    "write_locks",
    "What writers lock on PostgreSQL; rows and table are never written.",
    Column("number", Integer, primary_key=True, autoincrement=False, comment="which lock"),
    narrow=True,
)
