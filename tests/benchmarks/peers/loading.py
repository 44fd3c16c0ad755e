"""Loads rounds of documents as others do; run by the peers' own Python, from the checkout.

Usage: ``python -m tests.benchmarks.peers.loading NAME ROUNDS FOLDER``. ROUNDS holds NDJSON files
``{"observed_at", "gpt"}``, one a round, in the order of their names; FOLDER is where it works.
Prints a line of JSON after each round: ``seconds``, ``cpu`` seconds, and the database's ``size`` in
bytes.

``core`` and ``sqlite-utils`` write the floor's rows, decoded and hashed as the floor does; dlt
takes the documents as they are.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.floor import TABLES, Rows, import_lines

Load = Callable[[Path], object]

_KEPT = ("payloads", "mime_sets")
_PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL")


def _module(name: str) -> Any:
    # By name: they are installed beside this file's user, not beside its checker.
    return importlib.import_module(name)


def _replaced() -> list[str]:
    """The tables whose rows of a GPT are written anew."""
    return [
        table
        for table, (key, _) in TABLES.items()
        if key.startswith("gizmo_id,") and table != "observations"
    ]


class _CoreWriter:
    """SQLAlchemy Core: the floor's tables declared, its statements compiled.

    Args:
        path: the database.
    """

    def __init__(self, path: Path) -> None:
        sa = _module("sqlalchemy")
        self._engine = sa.create_engine(f"sqlite:///{path}")
        metadata = sa.MetaData()
        self._tables = {
            name: sa.Table(
                name,
                metadata,
                *(
                    sa.Column(column, sa.types.NullType(), primary_key=column in key.split(", "))
                    for column in columns
                ),
            )
            for name, (key, columns) in TABLES.items()
        }
        with self._engine.connect() as conn:
            for pragma in _PRAGMAS:
                conn.exec_driver_sql(pragma)
            for name, (key, columns) in TABLES.items():
                conn.exec_driver_sql(
                    f"CREATE TABLE {name} ({', '.join(columns)}, PRIMARY KEY ({key}))"
                )
        self._inserts = {
            name: table.insert().prefix_with(
                "OR IGNORE" if name in _KEPT else "OR REPLACE", dialect="sqlite"
            )
            for name, table in self._tables.items()
        }
        self._deletes = [
            self._tables[name].delete().where(self._tables[name].c.gizmo_id == sa.bindparam("g"))
            for name in _replaced()
        ]

    def write(self, rows: Rows, gizmo_ids: list[str]) -> None:
        """Write one batch."""
        with self._engine.begin() as conn:
            for delete in self._deletes:
                conn.execute(delete, [{"g": gizmo_id} for gizmo_id in gizmo_ids])
            for table, by_key in rows.items():
                columns = TABLES[table][1]
                if by_key:
                    conn.execute(
                        self._inserts[table],
                        [dict(zip(columns, row, strict=True)) for row in by_key.values()],
                    )


class _UtilsWriter:
    """sqlite-utils: dictionaries upserted, its tables made of them.

    Args:
        path: the database.
    """

    def __init__(self, path: Path) -> None:
        self._db = _module("sqlite_utils").Database(path)
        for pragma in _PRAGMAS:
            self._db.execute(pragma)

    def write(self, rows: Rows, gizmo_ids: list[str]) -> None:
        """Write one batch."""
        known = set(self._db.table_names())
        with self._db.conn:
            for table in _replaced():
                if table in known:
                    self._db.conn.executemany(
                        f"DELETE FROM {table} WHERE gizmo_id = ?",  # noqa: S608  (our own names)
                        [(gizmo_id,) for gizmo_id in gizmo_ids],
                    )
            for table, by_key in rows.items():
                key, columns = TABLES[table]
                whole = [dict(zip(columns, row, strict=True)) for row in by_key.values()]
                pk = tuple(key.split(", "))
                if table in _KEPT:
                    self._db[table].insert_all(whole, pk=pk, ignore=True)
                else:
                    self._db[table].upsert_all(whole, pk=pk)


def _dlt(folder: Path, *, engine: str, way: str) -> Load:
    """Loads a round by dlt.

    Args:
        folder: where it works.
        engine: ``sqlite`` or ``duckdb``.
        way: ``append``, ``merge`` or ``scd2``.
    """
    dlt = _module("dlt")
    path = folder / f"peer.{'db' if engine == 'sqlite' else 'duckdb'}"
    destination = (
        dlt.destinations.sqlalchemy(f"sqlite:///{path}")
        if engine == "sqlite"
        else dlt.destinations.duckdb(str(path))
    )
    pipeline = dlt.pipeline(
        "peer",
        pipelines_dir=str(folder / "pipelines"),
        destination=destination,
        dataset_name="history",
    )

    def load(path: Path) -> None:
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        disposition: Any = way
        if way == "scd2":
            at = lines[0]["observed_at"]
            disposition = {"disposition": "merge", "strategy": "scd2", "boundary_timestamp": at}
        more = {"primary_key": "id"} if way == "merge" else {}
        pipeline.run(
            dlt.resource(
                [_plain(line["gpt"]) for line in lines],
                name="gpts",
                write_disposition=disposition,
                **more,
            )
        )

    return load


def _plain(gpt: dict[str, Any]) -> dict[str, Any]:
    """The document with its id outside, and its actions as text: else thousands of columns."""
    for tool in gpt["tools"]:
        tool["metadata"] = json.dumps(tool["metadata"])
    return gpt | {"id": gpt["gizmo"]["id"]}


def _loader(name: str, folder: Path) -> Load:
    if name.startswith("dlt-"):
        _, way, engine = name.split("-")
        return _dlt(folder, engine=engine, way=way)
    writers: dict[str, Callable[[Path], Any]] = {"core": _CoreWriter, "sqlite-utils": _UtilsWriter}
    writer = writers[name](folder / "peer.db")
    return lambda path: import_lines(path, writer)


def main(name: str, rounds: Path, folder: Path) -> None:
    """Load all rounds, and print what each took."""
    load = _loader(name, folder)
    for path in sorted(rounds.glob("*.jsonl")):
        cpu, began = time.process_time(), time.perf_counter()
        load(path)
        took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
        # dlt keeps a dataset in a file beside the one that it is given.
        size = sum(each.stat().st_size for each in folder.glob("*.d*b*") if each.is_file())
        sys.stdout.write(json.dumps(took | {"size": size}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
