"""What is worth a look."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from catalog.errors import NotFound
from catalog.storage import tables as t


def most_changed(conn: Connection) -> str:
    """The listed GPT whose content changed in the most fields; the smallest id of equal ones.

    Raises:
        NotFound: the catalog holds no GPT.
    """
    c, g = t.changes.c, t.gizmos.c
    fields = func.count(c.field.distinct()).filter(c.cls == "content", ~c.flap)
    found = conn.execute(
        select(g.gizmo_id)
        .outerjoin(t.changes, c.gizmo_id == g.gizmo_id)
        .where(g.status == "listed")
        .group_by(g.gizmo_id)
        .order_by(fields.desc(), g.gizmo_id)
        .limit(1)
    ).scalar()
    if found is None:
        raise NotFound("the catalog holds no GPT: run gpts-catalog harvest")
    return str(found)
