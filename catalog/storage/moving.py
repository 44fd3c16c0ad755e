"""Moving a catalog to another place, on either engine, so that it can be broken off and resumed.

Rows go over in parts, each in a transaction of its own, behind those that are there: a second call
goes on where the first was stopped. While it lasts the new place carries a revision that every
command refuses (:data:`catalog.storage.schema.MOVING`), so nobody takes half a catalog for a whole
one. The old place is only read. If it has changed when a stopped move is resumed, the move begins
again; at the end every row there is compared with every row here.

Two moves to one place are kept apart twice: by a lock, for which a second one is refused at once;
and, since a server that restarts forgets its locks, by a fact there that names the move which
writes, looked at in each transaction.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, func, select, text

from catalog.disk import own
from catalog.errors import CatalogBusy, CatalogCorrupt, CatalogMissing, UsageError
from catalog.storage import dump
from catalog.storage import tables as t
from catalog.storage.copying import (
    Copied,
    clear,
    copied_tables,
    digest_of_rows,
    drop_claims,
    go_on_counting,
    last_place,
    parts,
    put,
)
from catalog.storage.dialects import insert_or
from catalog.storage.driver_errors import map_errors
from catalog.storage.engine import create_postgres, open_engine, read, write
from catalog.storage.migrate import init
from catalog.storage.relisting import TERMS_KEY, is_outdated, make_listings, queue_listings
from catalog.storage.schema import (
    HEAD,
    MOVING,
    check_revision,
    check_schema,
    holds_anything,
    revision_of,
)
from catalog.storage.tombstones import share_keys
from catalog.storage.urls import describe, is_same_place, is_sqlite, parse_url, sqlite_path

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, Table

    from catalog.times import Micros

_FROM = "moved_from"
"""The fact of ``catalog_info`` that names the state which is being moved."""
_MOVER = "moved_by"
"""The fact that names the move which writes there now."""
_MOVES = 0x67706D76
"""PostgreSQL's lock that a process holds while it moves a catalog there; the number ("gpmv") is its
own. An advisory lock may be anybody's: a place that is filled has no other users yet."""
_PATIENCE = 5.0
"""Seconds in which a server has noticed that a move was killed which went on there."""
_TOGETHER = 20
"""Parts written in one transaction: what a kill costs at most, 20,000 rows."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A catalog that was moved.

    Attributes:
        rows: rows that this call copied.
        before: rows that an earlier call, broken off, had copied.
        digest: of the logical dump, at both places.
    """

    rows: int
    before: int
    digest: str


def move(
    source: Engine, url: str, now: Micros, report: Callable[[Copied], None] = lambda _: None
) -> Moved:
    """Copy a catalog to an empty place, or go on with a move that was broken off.

    Args:
        source: the catalog; it stays as it is.
        url: where to: an empty database, a file that is not there, or what an earlier call began.
        now: the present moment.
        report: called as it goes on.

    Raises:
        UsageError: there is a catalog at ``url`` that holds something, or it is the same.
        CatalogBusy: another process moves a catalog there.
        SchemaMismatch: the catalog at ``url`` is of another version.
        CatalogCorrupt: rows there are not those that were here.
    """
    check_schema(source)
    if is_same_place(source.url, parse_url(url)):
        raise UsageError("a catalog cannot be moved to where it is: name another place")
    with _alone(url):
        return _move(source, url, now, report)


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """Let one process at a time move a catalog to a place: their rows would be in each other's way.

    Who is killed gives it up.

    Raises:
        CatalogBusy: another one does.
    """
    place = parse_url(url)
    refusal = _refusal(place)
    if is_sqlite(place):
        path = sqlite_path(place).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not the file: who closes one lets go of all locks that SQLite has on it. Nor the folder:
        # the ledger of tombstones wants that for itself, here too.
        lock = path.with_name(f".{path.name}.moving.lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            own(handle, refusal)
            yield
        finally:
            os.close(handle)
        return
    engine = create_postgres(place, {"lock_timeout": f"{round(_PATIENCE * 1000)}"})
    map_errors(engine)
    try:
        with engine.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT")
            try:
                conn.execute(select(func.pg_advisory_lock(_MOVES)))
            except CatalogBusy:
                raise refusal from None
            yield
    finally:
        engine.dispose()


def _refusal(place: URL) -> CatalogBusy:
    return CatalogBusy(
        f"another gpts-catalog move to {describe(place)} is under way: let it end; if it was cut"
        " off, give the same command again in a minute"
    )


class _Target:
    """The new place, which this move alone fills.

    Args:
        engine: the place, with the tables of a catalog.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._mover = secrets.token_hex(16)

    def take(self, conn: Connection) -> None:
        """Be who fills it, whoever did so before: that one is held up by its next transaction."""
        statement = insert_or(conn, t.catalog_info)
        conn.execute(
            statement.on_conflict_do_update(
                index_elements=["key"], set_={"value": statement.excluded.value}
            ),
            {"key": _MOVER, "value": self._mover},
        )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that fills it.

        Raises:
            CatalogBusy: another move has taken it over, as the server forgot that this one had it.
        """
        c = t.catalog_info.c
        with write(self.engine) as conn:
            # Shared, so that whoever takes it over waits for the end of this transaction.
            mover = select(c.value).where(c.key == _MOVER).with_for_update(read=True)
            if conn.execute(mover).scalar() != self._mover:
                raise _refusal(self.engine.url)
            yield conn


def _move(source: Engine, url: str, now: Micros, report: Callable[[Copied], None]) -> Moved:
    target = _Target(_open(url, now))
    try:
        with read(source) as theirs:
            state = digest_of_rows(theirs)
            before = _begin(target, state)
            with read(target.engine) as mine:
                # Without the keys nobody could tell there who must not be kept.
                share_keys(mine, theirs)
            done = _copy(theirs, target, report, before)
            _list_again(target, report, done)
            digest = dump.digest(theirs)
            _end(theirs, target, state, digest)
    finally:
        target.engine.dispose()
    return Moved(rows=done.rows - before, before=before, digest=digest)


def _open(url: str, now: Micros) -> Engine:
    """The new place, with the tables of a catalog."""
    try:
        target = open_engine(url, durable=True)
    except CatalogMissing:  # a file that is not there
        init(url, now)
        return open_engine(url, durable=True)
    with read(target) as conn:
        revision = revision_of(conn)
        # One that was killed while it made the tables left some of them.
        is_begun = revision not in {HEAD, MOVING} and not holds_anything(conn)
    if is_begun and (backup := init(url, now).backup) is not None:
        # Of a file that holds nothing.
        backup.unlink()
    return target


def _begin(target: _Target, state: str) -> int:
    """Mark the new place as one that is being filled; how many rows it has already of ``state``.

    Raises:
        UsageError: it holds a catalog.
    """
    info = t.catalog_info
    place = describe(target.engine.url)
    with write(target.engine) as conn:
        revision = revision_of(conn)
        if revision != MOVING:
            check_revision(revision, place)
            if holds_anything(conn):
                raise UsageError(
                    f"{place} holds a catalog already: name an empty place, or take this one into"
                    " it with gpts-catalog merge"
                )
        else:
            found = conn.execute(select(info.c.value).where(info.c.key == _FROM)).scalar()
            if found == state:
                target.take(conn)
                return sum(_count(conn, table) for table in copied_tables() if table is not info)
        clear(conn)
        conn.execute(insert_or(conn, info), {"key": _FROM, "value": state})
        target.take(conn)
        _mark(conn, MOVING)
    return 0


def _count(conn: Connection, table: Table) -> int:
    return conn.execute(select(func.count()).select_from(table)).scalar_one()


def _mark(conn: Connection, revision: str) -> None:
    conn.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


def _copy(
    theirs: Connection, target: _Target, report: Callable[[Copied], None], before: int
) -> Copied:
    """Copy the rows that are not there yet, but for the facts about the catalog itself."""
    done = Copied(rows=before)
    for table in copied_tables():
        if table is t.catalog_info:
            continue
        done.table = table.name
        with read(target.engine) as conn:
            after = last_place(conn, table)
        coming = parts(theirs, table, after)
        while together := list(itertools.islice(coming, _TOGETHER)):
            with target.write() as conn:
                for part in together:
                    put(conn, table, part)
                    done.rows += len(part)
            report(done)
        with target.write() as conn:
            go_on_counting(conn, table)
    return done


def _list_again(target: _Target, report: Callable[[Copied], None], done: Copied) -> None:
    """Make the listings and the search index, which each engine holds in its own way."""
    done.table = t.listings.name
    with target.write() as conn:
        # Asking notes by which version: an earlier call may have asked, and made some.
        if is_outdated(conn):
            queue_listings(conn)
    more = True
    while more:
        with target.write() as conn:
            more = make_listings(conn)
        report(done)


def _end(theirs: Connection, target: _Target, state: str, digest: str) -> None:
    """Compare what is there with what is here; only then is the new place a catalog.

    Raises:
        CatalogCorrupt: they differ.
    """
    info = t.catalog_info
    with target.write() as conn:
        if digest_of_rows(conn) != state or dump.digest(conn) != digest:
            raise CatalogCorrupt(
                "what was moved is not what was there: run gpts-catalog verify on the old place,"
                " empty the new one, and move again"
            )
        drop_claims(conn)
        conn.execute(delete(info).where(info.c.key.in_([_FROM, _MOVER])))
        facts = [row for part in parts(theirs, info) for row in part if row.key != TERMS_KEY]
        put(conn, info, facts)
        _mark(conn, HEAD)
