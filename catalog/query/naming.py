"""By which name an author is known: the one that a GPT's document shows, else the author's own.

A document may name its author by ``user_id`` alone, while others of the same author show a name.
Such a GPT is listed, counted and found under that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, func, select

from catalog.search.filters import MOST_VALUES, Filter
from catalog.search.terms import facet_key
from catalog.storage import tables as t

if TYPE_CHECKING:
    from collections.abc import Iterable


def shown_name() -> ColumnElement[str | None]:
    """The author's name of a GPT, in a query that joins ``gizmo_authors`` and ``authors``."""
    return func.coalesce(t.gizmo_authors.c.display_name, t.authors.c.display_name)


def known_as(user_id: ColumnElement[str | None]) -> ColumnElement[str | None]:
    """The name that an author is known by: a look-up, in a query that does not join ``authors``."""
    a = t.authors.c
    return select(a.display_name).where(a.user_id == user_id).scalar_subquery()


def known_by(names: Iterable[str]) -> Select[Any]:
    """The authors of some names who have a GPT whose document does not show it.

    Of a name that very many authors share, those with the most GPTs:
    :data:`catalog.search.filters.MOST_VALUES` at most, as of whatever else a filter takes.

    Args:
        names: display names; compared as a search does.
    """
    a, c = t.authors.c, t.listings.c
    # From the few GPTs that show no name, not from the many authors that have one.
    nameless = select(c.user_id).where(c.author_key.is_(None), c.user_id.is_not(None))
    return (
        select(a.user_id)
        .where(
            a.user_id.in_(nameless),
            func.trim(a.name_key).in_(sorted({facet_key(name) for name in names})),
        )
        .order_by(a.gpt_count.desc(), a.user_id)
        .limit(MOST_VALUES)
    )


def with_known_authors(conn: Connection, wanted: Filter) -> Filter:
    """A filter that finds the GPTs of an author by a name that their documents do not show, too.

    Args:
        conn: a reading transaction.
        wanted: the filter, checked; it is about the present: who was known by which name at a past
            moment is not looked up.
    """
    if not wanted.authors:
        return wanted
    found = conn.execute(known_by(wanted.authors)).scalars().all()
    return msgspec.structs.replace(wanted, authors=(*wanted.authors, *found)) if found else wanted
