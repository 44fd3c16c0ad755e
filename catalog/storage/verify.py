"""Whether a catalog is whole: its bytes, its intervals, its counts, and the engine's own checks.

Reads only. Each finding says what is wrong, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, func, or_, select, text, true

from catalog.errors import CatalogCorrupt
from catalog.fields import LISTS, of_table
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.listing_checks import find_odd_facets, find_odd_listings, find_odd_terms
from catalog.storage.relisting import is_outdated, waiting
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

REBUILD = "run gpts-catalog rebuild: derived rows are made again from the archive"
UPGRADE = "run gpts-catalog upgrade: it makes listings and their terms where they are due"
RECOVER = "write nothing to it: restore a backup, or save what is left with gpts-catalog recover"
MOST = 20
"""Findings of one kind that are listed; more are counted."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it must be.

    Attributes:
        check: which check found it.
        what: what is wrong, and where.
        do: what to do next.
    """

    check: str
    what: str
    do: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what it looked at, and what it found.

    Attributes:
        name: the check.
        looked_at: how many things it looked at.
        findings: what is wrong; empty where all is well.
    """

    name: str
    looked_at: int
    findings: tuple[Finding, ...]


def verify(conn: Connection) -> Iterator[Check]:
    """Check all of a catalog, one check after the other.

    Args:
        conn: in a transaction that sees one state.
    """
    checks: tuple[tuple[str, Callable[[Connection], Iterator[Finding | int]]], ...] = (
        ("engine", _engine),
        ("payloads", _payloads),
        ("observations", _observations),
        ("intervals", _intervals),
        ("current rows", _current),
        ("counts", _counts),
        ("changes", _changes),
        ("listings", _listings),
        ("search index", _search_index),
        ("facets", _facets),
    )
    for name, check in checks:
        looked_at = 0
        findings: list[Finding] = []
        for found in check(conn):
            if isinstance(found, int):
                looked_at += found
            else:
                findings.append(found)
        yield Check(name=name, looked_at=looked_at, findings=tuple(findings))


def _engine(conn: Connection) -> Iterator[Finding | int]:
    """The engine's own integrity check, and foreign keys."""
    if conn.dialect.name != "sqlite":
        # PostgreSQL enforces its keys itself; page checksums are the server's business.
        for table in t.metadata.sorted_tables:
            conn.execute(select(func.count()).select_from(table)).scalar_one()
            yield 1
        return
    yield 1
    for (line,) in conn.execute(text("PRAGMA integrity_check(20)")):
        if line != "ok":
            yield Finding(check="engine", what=f"the file is damaged: {line}", do=RECOVER)
    for table, rowid, parent, _ in conn.execute(text("PRAGMA foreign_key_check")):
        yield Finding(
            check="engine",
            what=f"{table} row {rowid} names a row of {parent} that is not there",
            do=RECOVER,
        )


def _payloads(conn: Connection) -> Iterator[Finding | int]:
    """Each payload can be read, and is what its digest says."""
    ids = conn.execute(
        select(t.payloads.c.payload_id)
        .where(t.payloads.c.payload_id != t.NOT_FOUND_PAYLOAD)
        .order_by(t.payloads.c.payload_id)
    ).scalars()
    for part in chunks(list(ids)):
        try:
            get_payloads(conn, part)
        except CatalogCorrupt:
            for one in part:
                try:
                    get_payloads(conn, [one])
                except CatalogCorrupt as error:
                    yield Finding(check="payloads", what=str(error), do=RECOVER)
        yield len(part)


def _observations(conn: Connection) -> Iterator[Finding | int]:
    """Each GPT with a document has its row, and the other way round."""
    o, g = t.observations.c, t.gizmos.c
    yield _count(conn, t.observations)
    said = select(o.gizmo_id).where(o.payload_id != t.NOT_FOUND_PAYLOAD).distinct().subquery()
    missing = (
        select(said.c.gizmo_id)
        .outerjoin(t.gizmos, g.gizmo_id == said.c.gizmo_id)
        .where(g.gizmo_id.is_(None))
    )
    for gizmo_id in conn.execute(missing.limit(MOST)).scalars():
        yield _derived("observations", f"{gizmo_id} has documents but no row in gizmos")
    extra = (
        select(g.gizmo_id)
        .outerjoin(said, g.gizmo_id == said.c.gizmo_id)
        .where(said.c.gizmo_id.is_(None))
    )
    for gizmo_id in conn.execute(extra.limit(MOST)).scalars():
        yield _derived("observations", f"{gizmo_id} has a row in gizmos but no document")


def _derived(check: str, what: str) -> Finding:
    return Finding(check=check, what=what, do=REBUILD)


def _count(conn: Connection, table: Table) -> int:
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def _intervals(conn: Connection) -> Iterator[Finding | int]:
    """No interval is empty or overlaps the next; where a GPT has a row always, there is no gap."""
    whole = (t.gizmo_revisions, t.gizmo_authors, t.attachments, t.statuses)
    for table in (*whole, *t.CHILDREN.values()):
        yield _count(conn, table)
        c = table.c
        keys = [column for column in table.primary_key.columns if column.name != "valid_from"]
        following = (
            select(
                *keys,
                c.valid_from,
                c.valid_to,
                func.lead(c.valid_from).over(partition_by=keys, order_by=c.valid_from).label("nxt"),
            )
        ).subquery()
        f = following.c
        overlap = or_(
            and_(f.valid_to.is_not(None), f.valid_to <= f.valid_from),
            and_(f.nxt.is_not(None), or_(f.valid_to.is_(None), f.valid_to > f.nxt)),
        )
        gap = and_(f.nxt.is_not(None), f.valid_to != f.nxt) if table in whole else ~true()
        ended = and_(f.nxt.is_(None), f.valid_to.is_not(None)) if table in whole else ~true()
        for row in conn.execute(select(following).where(or_(overlap, gap, ended)).limit(MOST)):
            *named, valid_from, valid_to, then = row
            yield _derived(
                "intervals",
                f"{table.name} of {' '.join(named)}: from {valid_from} to {valid_to}, then {then}",
            )


def _current(conn: Connection) -> Iterator[Finding | int]:
    """The current row of each GPT says what its open revision says."""
    g, r = t.gizmos.c, t.gizmo_revisions.c
    yield _count(conn, t.gizmos)
    differ: list[Any] = [
        g[field.column].is_distinct_from(r[field.column]) for field in of_table("gizmo_revisions")
    ]
    query = (
        select(g.gizmo_id)
        .outerjoin(t.gizmo_revisions, and_(r.gizmo_id == g.gizmo_id, r.valid_to.is_(None)))
        .where(or_(r.gizmo_id.is_(None), *differ))
    )
    for gizmo_id in conn.execute(query.limit(MOST)).scalars():
        yield _derived("current rows", f"{gizmo_id} in gizmos differs from its open revision")
    s = t.statuses.c
    query = (
        select(g.gizmo_id)
        .outerjoin(t.statuses, and_(s.gizmo_id == g.gizmo_id, s.valid_to.is_(None)))
        .where(g.status.is_distinct_from(s.status))
    )
    for gizmo_id in conn.execute(query.limit(MOST)).scalars():
        yield _derived("current rows", f"{gizmo_id} in gizmos differs from its open status")


def _counts(conn: Connection) -> Iterator[Finding | int]:
    """An open row's count of a list is the number of its open elements."""
    for listed in LISTS:
        owner, child = t.metadata.tables[listed.owner], t.CHILDREN[listed.table]
        yield 1
        members = (
            select(child.c.gizmo_id, func.count().label("n"))
            .where(child.c.valid_to.is_(None))
            .group_by(child.c.gizmo_id)
            .subquery()
        )
        stated = owner.c[listed.count_column]
        query = (
            select(owner.c.gizmo_id, stated, members.c.n)
            .outerjoin(members, members.c.gizmo_id == owner.c.gizmo_id)
            .where(
                owner.c.valid_to.is_(None),
                func.coalesce(members.c.n, 0) != func.coalesce(func.nullif(stated, -1), 0),
            )
        )
        for gizmo_id, said, found in conn.execute(query.limit(MOST)):
            yield _derived(
                "counts", f"{gizmo_id} has {found or 0} open rows in {listed.table}, not {said}"
            )


def _changes(conn: Connection) -> Iterator[Finding | int]:
    """Each change belongs to a GPT, and each GPT was listed by exactly one first change."""
    c, g = t.changes.c, t.gizmos.c
    yield _count(conn, t.changes)
    orphans = (
        select(c.gizmo_id)
        .outerjoin(t.gizmos, g.gizmo_id == c.gizmo_id)
        .where(g.gizmo_id.is_(None))
        .distinct()
    )
    for gizmo_id in conn.execute(orphans.limit(MOST)).scalars():
        yield _derived("changes", f"changes of {gizmo_id}, which has no row in gizmos")
    first = (
        select(g.gizmo_id)
        .outerjoin(
            t.changes,
            and_(
                c.gizmo_id == g.gizmo_id,
                c.field == "status",
                c.kind == "added",
                c.observed_at == g.first_seen_at,
            ),
        )
        .where(c.gizmo_id.is_(None))
    )
    for gizmo_id in conn.execute(first.limit(MOST)).scalars():
        yield _derived("changes", f"{gizmo_id} has no change that lists it first")


def _listings(conn: Connection) -> Iterator[Finding | int]:
    """Each listing is what the rows of its GPT say."""
    if number := waiting(conn):
        yield Finding(check="listings", what=f"{number} GPTs are not listed yet", do=UPGRADE)
        return
    yield from _as_findings("listings", find_odd_listings(conn))


def _search_index(conn: Connection) -> Iterator[Finding | int]:
    """The index holds the terms of the listings, and nothing else."""
    if waiting(conn):
        return
    if is_outdated(conn):
        what = "its terms were made by another version of this program, or of Unicode"
        yield Finding(check="search index", what=what, do=UPGRADE)
        return
    yield from _as_findings("search index", find_odd_terms(conn))


def _facets(conn: Connection) -> Iterator[Finding | int]:
    """The counts of sets of facets are those of their listings."""
    yield from _as_findings("facets", find_odd_facets(conn))


def _as_findings(check: str, found: Iterator[str | int]) -> Iterator[Finding | int]:
    """Findings of the first of what was found; numbers are how much was looked at."""
    odd = 0
    for each in found:
        if isinstance(each, int):
            yield each
        elif (odd := odd + 1) <= MOST:
            yield _derived(check, each)
