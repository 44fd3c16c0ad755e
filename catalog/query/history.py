"""How one GPT came to be what it is: its revisions and statuses, with what made each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from catalog.query.changes import Change, change_of, digests_in
from catalog.query.told import Known, Said, Told, mime_sets, tell

if TYPE_CHECKING:
    from catalog.times import Micros


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time in which something held.

    Attributes:
        valid_from: from this moment on.
        valid_to: until before this moment; None: it holds now.
        said: the observation that says so.
        status: of a status: which.
    """

    valid_from: Micros
    valid_to: Micros | None
    said: Said
    status: str = ""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The history of one GPT.

    Attributes:
        gizmo_id: the GPT.
        name: its name.
        statuses: listed, missing, gone, oldest first.
        revisions: stretches of unchanged content, oldest first.
        changes: every change, oldest first, whatever its class and marks.
    """

    gizmo_id: str
    name: str | None
    statuses: tuple[Stretch, ...]
    revisions: tuple[Stretch, ...]
    changes: tuple[Change, ...]


def history(
    conn: Connection, gizmo_id: str, known: Known | None = None, until: Micros | None = None
) -> History:
    """The history of one GPT.

    Args:
        conn: a reading transaction.
        gizmo_id: the GPT.
        known: as known at another moment.
        until: nothing of later.

    Raises:
        NotFound: no document of it is known.
    """
    told = tell(conn, gizmo_id, known)
    rows = [
        row for row in told.rows.get("changes", []) if until is None or row["observed_at"] <= until
    ]
    sets = told.mime_sets if known else mime_sets(conn, digests_in(rows))
    name = told.gizmo["name"]
    return History(
        gizmo_id=gizmo_id,
        name=name,
        statuses=_stretches(told, "statuses", until),
        revisions=_stretches(told, "gizmo_revisions", until),
        changes=tuple(change_of(row, name, sets) for row in rows),
    )


def _stretches(told: Told, table: str, until: Micros | None) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            said=told.said[row["observation_id"]],
            status=row.get("status", ""),
        )
        for row in told.rows.get(table, [])
        if until is None or row["valid_from"] <= until
    )
