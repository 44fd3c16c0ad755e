"""A catalog as those read it who write SQL: on PostgreSQL with a role made for that."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from catalog.records import Observation
from catalog.simulator import Population
from catalog.storage.engine import open_engine
from catalog.storage.roles import reader_role_sql, writer_role_sql
from catalog.times import DAY, HOUR
from tests.contract.telling import said, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "a-readers-password"


@contextmanager
def reader_of(url: str, role: str = "analyst") -> Iterator[str]:
    """The URL by which the catalog at ``url`` is read in SQL.

    Args:
        url: as its owner opens it.
        role: what the role is called.
    """
    if url.startswith("sqlite"):
        yield url
        return
    with role_of(url, role, reader_role_sql) as found:
        yield found


@contextmanager
def writer_of(url: str, role: str = "harvester") -> Iterator[str]:
    """The URL by which workers write to the catalog on PostgreSQL at ``url``."""
    with role_of(url, role, writer_role_sql) as found:
        yield found


@contextmanager
def role_of(url: str, role: str, make: Callable[[str, str], str]) -> Iterator[str]:
    """The URL of a role that the statements of ``make`` made, while the block runs."""
    parsed = make_url(url)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(make(role, parsed.database or "").encode())
        owner.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(PASSWORD))
        )
    try:
        yield parsed.set(username=role, password=PASSWORD).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def simulated(gpts: int, rounds: int) -> list[Observation]:
    """What a source would say of a population that changes fast, one visit a week."""
    population = Population(7, gpts, pace=20.0)
    found = []
    for each in range(rounds):
        start = population.start + each * 7 * DAY
        ids = [*population.ids(), *(name for name, _ in population.born(population.start, start))]
        for place, gizmo_id in enumerate(ids):
            at = start + place * HOUR // (len(ids) + 1)
            document = population.document(gizmo_id, at)
            if document is not None:
                found.append(said(at, document))
            elif each and population.document(gizmo_id, start - 7 * DAY) is not None:
                found += [said(at, None, gizmo_id=gizmo_id)]
                found += [said(at + DAY, None, gizmo_id=gizmo_id)]
    return found


def fill(url: str, observations: list[Observation]) -> None:
    """Put observations into the catalog at ``url``."""
    engine = open_engine(url)
    try:
        tell(engine, *observations)
    finally:
        engine.dispose()
