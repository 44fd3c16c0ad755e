"""What the catalog does by itself: jobs, alarms, probes and their tokens, budgets of kinds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Text sorts by code point on both engines.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the new tables, and let budgets and probes say more."""
    _jobs()
    _retention()
    _planning()
    _budgets()
    _probes()
    op.create_index(op.f("ix_gizmos_status_last_seen_at"), "gizmos", ["status", "last_seen_at"])


def _text(name: str, comment: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False, comment=comment)


def _big(name: str, comment: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null, comment=comment)


def _source(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return (
        sa.Column("source_id", sa.Integer(), nullable=False, comment="the source"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.source_id"], name=op.f(f"fk_{table}_source_id_sources")
        ),
    )


def _jobs() -> None:
    op.create_table(
        "job_states",
        _text("job", "the job"),
        _big("slot_at", "the scheduled moment that was taken last", null=True),
        sa.Column("owner", TEXT, nullable=True, comment="the process that runs it now"),
        _big("lease_until", "when that claim ends", null=True),
        _big("since", "when it was first scheduled here: no earlier moment is owed"),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_states")),
        comment="What the scheduler remembers of each job: plain rows, never pickles.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "job_runs",
        _text("job_run_id", "a global id, sortable by time"),
        _text("job", "the job"),
        _big("slot_at", "the scheduled moment; NULL: by hand", null=True),
        _big("started_at", "when it began"),
        _big("finished_at", "when it ended; NULL: unfinished", null=True),
        _text("status", "open, done, partly, failed, stopped or lost"),
        _text("owner", "the process that ran it"),
        _text("numbers", "JSON object of what was counted"),
        _text("message", "how it went, for people"),
        sa.PrimaryKeyConstraint("job_run_id", name=op.f("pk_job_runs")),
        comment="Executions of jobs.",
    )
    op.create_index(op.f("ix_job_runs_job_started_at"), "job_runs", ["job", "started_at"])
    op.create_index(op.f("ix_job_runs_job_slot_at"), "job_runs", ["job", "slot_at"])
    op.create_index(op.f("ix_job_runs_started_at"), "job_runs", ["started_at"])
    op.create_table(
        "alarms",
        _text("kind", "what is wrong"),
        _text("subject", "with what: a source, a job, empty for the catalog"),
        _big("raised_at", "since when"),
        _text("severity", "warning or alarm"),
        _text("message", "for people"),
        _big("seen_at", "when it was last found to stand"),
        _big("cleared_at", "when it was found to be over; NULL: it stands", null=True),
        _big("notified_at", "when people were told; NULL: not yet", null=True),
        sa.PrimaryKeyConstraint("kind", "subject", "raised_at", name=op.f("pk_alarms")),
        comment="What somebody should look at, or should have.",
    )
    op.create_index(op.f("ix_alarms_cleared_at"), "alarms", ["cleared_at"])


def _retention() -> None:
    op.create_table(
        "outcome_days",
        _text("day", "the UTC day"),
        *_source("outcome_days"),
        _text("verdict", "how they ended"),
        _big("ids", "how many ids"),
        _big("requests", "how many HTTP requests"),
        sa.PrimaryKeyConstraint("day", "source_id", "verdict", name=op.f("pk_outcome_days")),
        comment="What stays of outcomes that were pruned: their daily sums.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prunings",
        _big("at", "when"),
        _text("what", "which rule"),
        _big("removed", "how many rows, bodies or files"),
        _big("bytes", "how many bytes of content"),
        _text("note", "for people"),
        sa.PrimaryKeyConstraint("at", "what", name=op.f("pk_prunings")),
        comment="What was removed by retention, and by which rule.",
        sqlite_with_rowid=False,
    )


def _planning() -> None:
    def number(name: str, comment: str) -> sa.Column[float]:
        return sa.Column(name, sa.Double(), nullable=False, server_default="0", comment=comment)

    # A table that is copied gets its indexes back in any order: these have a fixed one.
    indexes = ("due_at", "lease_owner")
    for indexed in indexes:
        op.drop_index(op.f(f"ix_frontier_{indexed}"), "frontier")
    with op.batch_alter_table("frontier") as batch:
        for column in (
            sa.Column(
                "stratum",
                TEXT,
                nullable=False,
                server_default=sa.text("''"),
                comment="the GPTs that it is planned like",
            ),
            number(
                "evidence_shape",
                "of what its visits said of its change rate: see docs/planning.md",
            ),
            number("evidence_days", "likewise, in days"),
            _big("confirmed_at", "what time its last document spoke for", null=True),
            sa.Column(
                "misses",
                sa.Integer(),
                nullable=False,
                server_default="0",
                comment="visits in a row that said something, and not its document",
            ),
            _big(
                "cell", "its box in the planner's grid; NULL: not planned by the price", null=True
            ),
            number("rate", "its believed change rate, a day"),
            number("log_rate", "the mean of that rate's logarithm"),
        ):
            batch.add_column(column)
    for indexed in indexes:
        op.create_index(op.f(f"ix_frontier_{indexed}"), "frontier", [indexed], unique=False)
    op.create_table(
        "plan_days",
        _text("day", "the UTC day"),
        _big("at", "when it was settled"),
        sa.Column("price", sa.Double(), nullable=False, comment="what a visit must be worth"),
        sa.Column(
            "ceiling",
            sa.Double(),
            nullable=False,
            comment="days, at most, between two visits of a GPT",
        ),
        _text("priors", "JSON: what is believed of GPTs before a visit of their own"),
        _big("gpts", "GPTs that were planned"),
        sa.Column(
            "visits", sa.Double(), nullable=True, comment="the day's budget in visits; NULL: none"
        ),
        _big("overdue", "GPTs that were due before the day began"),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_plan_days")),
        comment="What a day was planned by: one price for all GPTs.",
        sqlite_with_rowid=False,
    )


def _budgets() -> None:
    """A key cannot grow in place: the rows move to a table of the new form."""
    op.rename_table("budgets", "budgets_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE budgets_before RENAME CONSTRAINT pk_budgets TO pk_budgets_before")
        op.execute(
            "ALTER TABLE budgets_before RENAME CONSTRAINT"
            " fk_budgets_source_id_sources TO fk_budgets_before"
        )
    op.create_table(
        "budgets",
        *_source("budgets"),
        _text("day", "the UTC day"),
        _text("kind", "requests, probes or tokens (of probes)"),
        _big("reserved", "how many were taken from the day's budget, sent or not"),
        sa.PrimaryKeyConstraint("source_id", "day", "kind", name=op.f("pk_budgets")),
        comment="What was taken of each source's day (UTC). Reserved before sending: never"
        " overspent.",
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO budgets (source_id, day, kind, reserved)"
        " SELECT source_id, day, 'requests', reserved FROM budgets_before"
    )
    op.drop_table("budgets_before")


def _probes() -> None:
    """Nothing has written a probe before this revision."""
    with op.batch_alter_table("probes") as batch:
        batch.alter_column(
            "answer",
            existing_type=TEXT,
            existing_nullable=True,
            comment="what it said; NULL where nothing, and once pruned",
            existing_comment="what it said; NULL once pruned",
        )
        for column in (
            sa.Column(
                "body",
                sa.LargeBinary(),
                nullable=True,
                comment="the answer's bytes, zstd; NULL where it was none, and once pruned",
            ),
            sa.Column(
                "redacted",
                sa.Boolean(),
                nullable=False,
                comment="a secret was replaced in it (law 10)",
            ),
            sa.Column(
                "streamed", sa.Boolean(), nullable=False, comment="whether it came piece by piece"
            ),
            sa.Column(
                "first_seconds",
                sa.Double(),
                nullable=True,
                comment="till the first piece; NULL: not streamed",
            ),
            sa.Column(
                "prompt_tokens", sa.Integer(), nullable=True, comment="as the source counts them"
            ),
            sa.Column(
                "completion_tokens",
                sa.Integer(),
                nullable=True,
                comment="as the source counts them",
            ),
            sa.Column(
                "finish_reason",
                TEXT,
                nullable=True,
                comment="why the answer ended, as the source says",
            ),
            _text("parameters", "canonical JSON of the request's parameters that were set"),
            sa.Column("cost", sa.Double(), nullable=True, comment="by the prices that were set"),
        ):
            batch.add_column(column)
    op.create_index(op.f("ix_probes_at"), "probes", ["at"])
