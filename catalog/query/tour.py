"""What is worth a look."""

from __future__ import annotations

from sqlalchemy import Connection, Select, func, select

from catalog.errors import NotFound
from catalog.storage import tables as t


def most_moved(conn: Connection) -> str:
    """The listed GPT whose numbers moved most often; the smallest id of equal ones.

    Raises:
        NotFound: the catalog holds no GPT.
    """
    m, g = t.vanity_metrics.c, t.gizmos.c
    return _first(
        conn,
        select(g.gizmo_id)
        .outerjoin(t.vanity_metrics, m.gizmo_id == g.gizmo_id)
        .order_by(func.count(m.observed_at).desc(), g.gizmo_id),
    )


def most_changed(conn: Connection) -> str:
    """The listed GPT whose content changed in the most fields; the smallest id of equal ones.

    Raises:
        NotFound: the catalog holds no GPT.
    """
    c, g = t.changes.c, t.gizmos.c
    fields = func.count(c.field.distinct()).filter(c.cls == "content", ~c.flap)
    return _first(
        conn,
        select(g.gizmo_id)
        .outerjoin(t.changes, c.gizmo_id == g.gizmo_id)
        .order_by(fields.desc(), g.gizmo_id),
    )


def _first(conn: Connection, query: Select[tuple[str]]) -> str:
    g = t.gizmos.c
    found = conn.execute(query.where(g.status == "listed").group_by(g.gizmo_id).limit(1)).scalar()
    if found is None:
        raise NotFound("the catalog holds no GPT: run gpts-catalog harvest")
    return str(found)
