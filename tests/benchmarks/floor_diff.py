"""The floor's own diff: what it costs by hand to tell a change from noise, and to keep it.

The floor's rows of a GPT, without places in lists and without what is signed or counted anew for
each answer, are its state. A further observation is compared with the state that was kept: equal
ones write their payload and observation alone, others their rows, state, and a row for each table
and column that differs. It has no flaps, sources, late observations, nor a search index.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from tests.benchmarks.floor import TABLES, Rows, import_lines
from tests.benchmarks.floor_writers import SqliteWriter, prepare
from tests.benchmarks.places import sqlite_path

# The members of by_rating are shuffled, and its sum and count stand beside it.
_NOISE = frozenset(
    {"place", "picture_url", "updated_at", "last_seen_at", "permission", "created_ago_str"}
    | {"by_rating"}
)
_ALWAYS = ("payloads", "observations")
_SHARED = ("payloads", "mime_sets", "authors")
_OWN = tuple(table for table in TABLES if table not in {*_ALWAYS, *_SHARED})
_COLUMNS = {
    table: [at for at, column in enumerate(columns) if column not in _NOISE]
    for table, (_, columns) in TABLES.items()
}
_USER = TABLES["gizmos"][1].index("user_id")
_CREATE = (
    "CREATE TABLE states (gizmo_id TEXT PRIMARY KEY, state BLOB)",
    """CREATE TABLE changes (gizmo_id TEXT, observed_at BIGINT, field TEXT, old TEXT, new TEXT,
        PRIMARY KEY (gizmo_id, observed_at, field))""",
)
_json = msgspec.json.Encoder().encode

State = dict[str, list[list[Any]]]


class DiffWriter:
    """Writes what differs.

    Args:
        connection: without transactions of the driver's own.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows = SqliteWriter(connection)

    def write(self, rows: Rows, gizmo_ids: list[str]) -> None:
        """Write one batch: in two transactions, of which the second alone has what differs."""
        states = _states(rows)
        encode = msgspec.msgpack.Encoder().encode
        packed = {gizmo_id: encode(state) for gizmo_id, state in states.items()}
        marks = ", ".join("?" * len(packed))
        before = dict(
            self._connection.execute(
                f"SELECT gizmo_id, state FROM states WHERE gizmo_id IN ({marks})",  # noqa: S608
                list(packed),
            )
        )
        moved = [one for one in gizmo_ids if before.get(one) != packed[one]]
        at = dict(rows["observations"].keys())
        changes = [
            (gizmo_id, at[gizmo_id], *change)
            for gizmo_id in moved
            if gizmo_id in before
            for change in _differences(msgspec.msgpack.decode(before[gizmo_id]), states[gizmo_id])
        ]
        self._rows.write(_narrowed(rows, set(moved)), moved)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?)", changes)
        self._connection.executemany(
            "INSERT OR REPLACE INTO states VALUES (?, ?)", [(one, packed[one]) for one in moved]
        )
        self._connection.execute("COMMIT")


def _states(rows: Rows) -> dict[str, State]:
    states: dict[str, State] = defaultdict(dict)
    for table in _OWN:
        kept = _COLUMNS[table]
        for row in rows[table].values():
            states[row[0]].setdefault(table, []).append([row[at] for at in kept])
    for gizmo_id, row in rows["gizmos"].items():
        author = rows["authors"][row[_USER]]
        states[gizmo_id]["authors"] = [[author[at] for at in _COLUMNS["authors"]]]
    for state in states.values():
        for members in state.values():
            members.sort(key=str)
    return states


def _differences(before: State, now: State) -> Iterator[tuple[str, str, str]]:
    """Field, old and new, for each table or column that differs."""
    for table in before.keys() | now.keys():
        old, new = before.get(table, []), now.get(table, [])
        if old == new:
            continue
        if len(old) == len(new) == 1:
            names = [TABLES[table][1][at] for at in _COLUMNS[table]]
            for name, left, right in zip(names, old[0], new[0], strict=True):
                if left != right:
                    yield f"{table}.{name}", _json(left).decode(), _json(right).decode()
        else:
            yield table, _json(old).decode(), _json(new).decode()


def _narrowed(rows: Rows, moved: Iterable[str]) -> Rows:
    """The rows of the GPTs that moved, with every payload and observation."""
    wanted = set(moved)
    users = {row[_USER] for key, row in rows["gizmos"].items() if key in wanted}
    own = {
        table: {key: row for key, row in rows[table].items() if row[0] in wanted} for table in _OWN
    }
    authors = {key: row for key, row in rows["authors"].items() if key in users}
    return {**{table: rows[table] for table in (*_ALWAYS, "mime_sets")}, **own, "authors": authors}


def prepare_diff(url: str) -> None:
    """Make the tables at an empty place of SQLite."""
    prepare(url)
    with closing(sqlite3.connect(sqlite_path(url))) as connection:
        for statement in _CREATE:
            connection.execute(statement)


def run_diff(url: str, path: Path) -> int:
    """Import the file; how many documents it held."""
    with closing(sqlite3.connect(sqlite_path(url), isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        return import_lines(path, DiffWriter(connection))
