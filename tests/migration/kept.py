"""Catalogs of earlier schemas, with a simulated population's GPTs in them.

``python -m tests.migration.kept`` makes the packed file of each earlier schema that has none yet:
once a schema is released, its file stays. Give it when a migration is added: the schema that was
today's until then gets its file.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard
from alembic import command
from sqlalchemy import NullPool, create_engine, event

from catalog.derive import Derivation
from catalog.importing.importer import Importer
from catalog.secrets import Redactor
from catalog.simulator import Population, write_observations
from catalog.storage.engine import open_engine
from catalog.storage.migrate import config_for, init
from catalog.storage.schema import HEAD
from catalog.times import DAY, FixedClock

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER = Path(__file__).with_name("catalogs")
REVISIONS = tuple(f"{number:04}" for number in range(1, int(HEAD)))
"""Every schema before today's, the oldest first."""
DERIVED_AGAIN: tuple[str, ...] = ()
"""Revisions that add what documents said already, a field or a list: only a rebuild fills it."""
SIZE, DAYS = 8, 3
POPULATION = Population(3, SIZE, pace=200)
_LEVEL = 19
"""How hard the files are packed."""


def packed(revision: str) -> Path:
    """Where the file of a schema is kept."""
    return FOLDER / f"{revision}.db.zst"


def unpack(revision: str, target: Path) -> None:
    """Put the catalog of an earlier schema somewhere."""
    assert packed(revision).is_file(), f"none is kept of {revision}: python -m tests.migration.kept"
    target.write_bytes(zstandard.decompress(packed(revision).read_bytes()))


def fill(path: Path) -> None:
    """Make a catalog of today's schema: a few GPTs over a few days."""
    init(f"sqlite:///{path}", POPULATION.start)
    lines = path.with_suffix(".jsonl")
    write_observations(POPULATION, lines, DAYS)
    engine = open_engine(f"sqlite:///{path}")
    try:
        Importer(
            engine,
            "simulated",
            "recorded",
            deriver=Derivation(),
            redactor=Redactor(()),
            clock=FixedClock(POPULATION.start + DAYS * DAY),
            rng=random.Random(1),
        ).run([lines])
    finally:
        engine.dispose()
    lines.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def make(revision: str, filled: Path, target: Path) -> None:
    """Make a catalog of an earlier schema that holds what ``filled`` does.

    Its tables are made by the migrations up to that schema, and take of the rows what they have
    columns for: so has it, too, who used the program of then.
    """
    engine = create_engine(f"sqlite:///{target}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as conn:
        command.upgrade(config_for(conn), revision)
    engine.dispose()
    with closing(sqlite3.connect(target, isolation_level=None)) as raw:
        raw.execute("ATTACH ? AS filled", (str(filled),))
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("BEGIN IMMEDIATE")
        for table in _tables(raw, "main"):
            later = _columns(raw, "filled", table)
            both = [each for each in _columns(raw, "main", table) if each in later]
            common = ", ".join(f'"{each}"' for each in both)
            if common:
                raw.execute(f'DELETE FROM main."{table}"')  # noqa: S608 - our own names
                raw.execute(
                    f'INSERT INTO main."{table}" ({common})'  # noqa: S608
                    f' SELECT {common} FROM filled."{table}"'
                )
        raw.execute("COMMIT")


def _tables(raw: sqlite3.Connection, schema: str) -> list[str]:
    query = (
        f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'"  # noqa: S608
        " AND name <> 'alembic_version' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE '%VIRTUAL%'"
    )
    return [name for (name,) in raw.execute(query)]


def _columns(raw: sqlite3.Connection, schema: str, table: str) -> list[str]:
    rows = raw.execute("SELECT name FROM pragma_table_info(?, ?)", (table, schema))
    return [name for (name,) in rows]


def main() -> None:
    """Make the files that are not there yet."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        filled = Path(folder) / "filled.db"
        fill(filled)
        for revision in REVISIONS:
            if not packed(revision).exists():
                made = Path(folder) / f"{revision}.db"
                make(revision, filled, made)
                packed(revision).write_bytes(zstandard.compress(made.read_bytes(), _LEVEL))
                sys.stdout.write(f"{packed(revision)}\n")


if __name__ == "__main__":
    main()
