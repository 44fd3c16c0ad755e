"""Distinct sets of facets: thousands of them stand for the facets of a million listings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, select, update

from catalog.storage import tables as t
from catalog.storage.dialects import insert_new
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection


def facet_ids(conn: Connection, wanted: Collection[str]) -> dict[str, int]:
    """The numbers of some sets of facets; new ones are given theirs."""
    digests = {hashlib.sha256(facets.encode()).digest(): facets for facets in wanted}
    c = t.facet_sets.c

    def found(some: Sequence[bytes]) -> dict[str, int]:
        numbers: dict[str, int] = {}
        for part in chunks(some):
            rows = conn.execute(select(c.digest, c.facet_id).where(c.digest.in_(part)))
            numbers.update((digests[digest], number) for digest, number in rows)
        return numbers

    ids = found(list(digests))
    # In one order, so that two writers of the same sets cannot wait for each other.
    missing = sorted(digest for digest, facets in digests.items() if facets not in ids)
    if missing:
        conn.execute(
            insert_new(conn, t.facet_sets),
            [{"digest": digest, "facets": digests[digest]} for digest in missing],
        )
        ids |= found(missing)
    return ids


def count_facets(conn: Connection, facet_ids: Collection[int]) -> None:
    """Count the listings of some sets of facets again; a set that none has goes.

    Args:
        conn: in a write transaction that derives alone.
        facet_ids: the sets.
    """
    c, f = t.listings.c, t.facet_sets.c
    for part in chunks(sorted(facet_ids)):
        query = select(c.facet_id, func.count()).where(c.facet_id.in_(part)).group_by(c.facet_id)
        counts = {row[0]: row[1] for row in conn.execute(query)}
        unused = [{"number": number} for number in part if number not in counts]
        if counts:
            conn.execute(
                update(t.facet_sets)
                .where(f.facet_id == bindparam("number"))
                .values(gpts=bindparam("count")),
                [{"number": number, "count": count} for number, count in counts.items()],
            )
        if unused:
            conn.execute(delete(t.facet_sets).where(f.facet_id == bindparam("number")), unused)
