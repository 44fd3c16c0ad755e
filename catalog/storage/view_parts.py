"""What the declarations of views are made of.

In their SQL ``x`` is the table that a view is of, ``g`` the GPT, ``s`` the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.fields import BY_COLUMN
from catalog.storage.view_sql import ViewColumn

if TYPE_CHECKING:
    from sqlalchemy import Table

GPT = ViewColumn("gizmo_id", "x.gizmo_id", "the GPT")
GPT_NAME = ViewColumn("gpt_name", "g.name", "the GPT's current name")
SOURCE = ViewColumn("source", "s.name", "the source that says so")
OBSERVATION = ViewColumn("observation_id", "x.observation_id", "the observation that says so")

LATEST = (
    "m.observed_at = (SELECT MAX(l.observed_at) FROM vanity_metrics AS l"
    " WHERE l.gizmo_id = g.gizmo_id)"
)
"""The condition that joins a GPT ``g`` with its latest numbers ``m``."""
SAID = (
    "LEFT JOIN gizmos AS g ON g.gizmo_id = x.gizmo_id\n"
    "LEFT JOIN observations AS o ON o.observation_id = x.observation_id\n"
    "LEFT JOIN sources AS s ON s.source_id = o.source_id"
)
"""What an interval row ``x`` is joined with: its GPT ``g`` and its source ``s``."""


def column(name: str, sql: str, comment: str) -> ViewColumn:
    """A column."""
    return ViewColumn(name, sql, comment)


def taken(table: Table, alias: str, *names: str) -> list[ViewColumn]:
    """Columns of a table as they are; times as moments."""
    shown = []
    for name in names:
        its = table.c[name]
        field = BY_COLUMN.get((table.name, name)) or BY_COLUMN.get(("gizmo_revisions", name))
        is_time = name.endswith("_at") or (field is not None and field.type == "time")
        sql = f"{alias}.{its.name}"
        shown.append(column(name, f"@moment({sql})" if is_time else sql, its.comment or ""))
    return shown


def calendar(sql: str, prefix: str = "", *, of: str) -> list[ViewColumn]:
    """The day, month and year of a time."""
    return [
        column(f"{prefix}day", f"@day({sql})", f"the UTC day of {of}"),
        column(f"{prefix}month", f"@month({sql})", f"the UTC month of {of}"),
        column(f"{prefix}year", f"@year({sql})", f"the UTC year of {of}"),
    ]


def interval() -> list[ViewColumn]:
    """The columns of a stretch of time."""
    return [
        column("valid_from", "@moment(x.valid_from)", "from this moment on"),
        column("valid_to", "@moment(x.valid_to)", "until before then; NULL: it holds now"),
        column("is_current", "(x.valid_to IS NULL)", "whether it holds now"),
        *calendar("x.valid_from", of="valid_from"),
        column("until_day", "@day(x.valid_to)", "the UTC day of valid_to"),
        column("from_daynum", "@daynum(x.valid_from)", "valid_from in days since 1970-01-01"),
        column("until_daynum", "@daynum(x.valid_to)", "valid_to in days since 1970-01-01"),
    ]
