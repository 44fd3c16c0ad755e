"""Which schema this program knows, and whether a catalog has it.

Apart from :mod:`catalog.storage.migrate`, so that no command but ``init`` and ``upgrade`` pays for
loading Alembic.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import inspect, literal, select, text

from catalog.errors import CatalogMissing, SchemaMismatch, StorageError
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read
from catalog.storage.urls import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

HEAD = "0005"
"""The newest revision. Revisions are numbers of four digits, so that they sort by age."""
MOVING = "moving"
"""What stands in place of a revision while a catalog is being moved there."""
_HOLDERS = (t.sources, t.runs, t.observations, t.frontier, t.discoveries, t.probes, t.tombstones)
"""Tables of which one has a row in every catalog that holds anything."""


def revision_of(connection: Connection) -> str | None:
    """The revision of the catalog behind ``connection``; None where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def holds_anything(connection: Connection) -> bool:
    """Whether the catalog behind ``connection``, of whatever schema, holds more than its tables."""
    there = set(inspect(connection).get_table_names())
    return any(
        connection.execute(select(literal(1)).select_from(table).limit(1)).first()
        for table in _HOLDERS
        if table.name in there
    )


def open_catalog(url: str, *, read_only: bool = True, folder: str | Path | None = None) -> Engine:
    """The catalog at a URL, checked to be of this program's schema.

    Args:
        url: the catalog.
        read_only: opened so that the engine itself refuses every write; else durable.
        folder: where the ledger of a catalog on PostgreSQL is; None: in the usual place.

    Raises:
        StorageError: it cannot be used.
    """
    engine = open_engine(url, read_only=read_only, durable=not read_only, folder=folder)
    try:
        check_schema(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def opened(
    url: str, *, read_only: bool = True, folder: str | Path | None = None
) -> Iterator[Engine]:
    """The same, until the block ends; see :func:`open_catalog`."""
    engine = open_catalog(url, read_only=read_only, folder=folder)
    try:
        yield engine
    finally:
        engine.dispose()


def check_schema(engine: Engine) -> None:
    """Refuse a catalog whose schema is not this program's.

    Raises:
        CatalogMissing: there are no tables yet.
        SchemaMismatch: the schema is older or newer.
    """
    with read(engine) as connection:
        revision = revision_of(connection)
    check_revision(revision, describe(engine.url))


def check_revision(revision: str | None, place: str) -> None:
    """Refuse a ``revision`` that is not this program's; None: there are no tables.

    Raises:
        CatalogMissing: there are no tables yet.
        SchemaMismatch: the schema is older or newer.
        StorageError: the catalog is not whole yet.
    """
    if revision is None:
        raise CatalogMissing(f"{place} holds no catalog yet: make one with gpts-catalog init")
    refuse_newer(revision, HEAD, place)
    if revision < HEAD:
        raise SchemaMismatch(
            f"{place} has the older schema {revision}, this program needs {HEAD}:"
            " run gpts-catalog upgrade on it"
        )


def refuse_newer(revision: str, head: str, place: str) -> None:
    """Refuse a schema that this program does not know yet.

    Raises:
        SchemaMismatch: it is newer.
        StorageError: the catalog is not whole yet.
    """
    if revision == MOVING:
        raise StorageError(
            f"a catalog was being moved to {place}, and not all of it is there: run the same"
            " gpts-catalog move again, it goes on where it stopped"
        )
    if revision > head:
        raise SchemaMismatch(
            f"{place} has the newer schema {revision}, this program knows up to {head}:"
            " install a newer gpts-catalog"
        )
