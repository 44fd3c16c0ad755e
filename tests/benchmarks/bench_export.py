"""Exporting one flat table to Parquet, beside what others make of the same file.

    python -m tests.benchmarks.bench_export CATALOG.db [RUNS [PEERS_PYTHON]]

Each contender runs in a process of its own and reads the same columns of ``gizmos`` in the same
order. ADBC's driver and DuckDB, which is fed by that driver, know nothing of sources, nulls or
digests; the export also counts nulls and hashes what it writes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy.dialects import sqlite

from catalog.query.exported import TABLES
from catalog.query.exporting import Narrowed, statement
from tests.benchmarks.measure import Sample, interleaved, over

_HEAD = """
import json, pathlib, sys, time
path, folder, sql = sys.argv[1:4]
"""
_TAIL = """
spent = time.perf_counter() - begun
used = time.process_time() - before
peak = int(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
print(json.dumps({"rows/s": rows / spent, "rows/s of processor": rows / used, "MB": peak / 1024}))
"""
_BEGIN = "begun, before = time.perf_counter(), time.process_time()\n"

CONTENDERS = {
    "export": """
from catalog.export.formats import Options
from catalog.export.profiles import Profile
from catalog.export.reading import ReadTable, Scope
from catalog.export.writing import FilesWriter
from catalog.storage.columnar import read_columns
from catalog.storage.engine import open_engine
import pyarrow.parquet
"""
    + _BEGIN
    + """
profile = Profile("full")
table = profile.table("gizmos")
writer = FilesWriter(pathlib.Path(folder), "parquet", Options())
with read_columns(open_engine("sqlite:///" + path, read_only=True)) as (conn, reader):
    writer.begin(table, None)
    for _, values in ReadTable(conn, reader, profile, table, Scope()).batches():
        writer.write(values)
    rows = writer.end().rows
writer.close()
""",
    "adbc": """
import adbc_driver_sqlite.dbapi
import pyarrow.parquet as pq
"""
    + _BEGIN
    + """
rows = 0
with adbc_driver_sqlite.dbapi.connect("file:" + path + "?mode=ro") as connection:
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": "65536"})
        cursor.execute(sql)
        reader = cursor.fetch_record_batch()
        with pq.ParquetWriter(folder + "/x.parquet", reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
""",
    "duckdb": """
import adbc_driver_sqlite.dbapi
import duckdb
"""
    + _BEGIN
    + """
with adbc_driver_sqlite.dbapi.connect("file:" + path + "?mode=ro") as connection:
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": "65536"})
        cursor.execute(sql)
        found = cursor.fetch_record_batch()
        db = duckdb.connect()
        db.execute("SET enable_progress_bar = false")
        db.register("found", found)
        target = folder + "/x.parquet"
        said = db.execute(f"COPY found TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        rows = said.fetchone()[0]
""",
}
"""Programs that write the table to a folder, by name."""
PEER = "duckdb"
"""The one that needs a library which only the peers' environment has."""


def run(path: Path, runs: int, peers: Path | None = None) -> dict[str, Sample]:
    """What each contender takes for the table of the catalog at ``path``: medians.

    Args:
        path: an SQLite catalog.
        runs: how often each runs, in turn.
        peers: the Python of the peers; None: the one that needs it is left out.
    """
    pythons = dict.fromkeys(CONTENDERS, Path(sys.executable)) | ({PEER: peers} if peers else {})
    contenders = {
        name: partial(_once, pythons[name], program, path)
        for name, program in CONTENDERS.items()
        if peers is not None or name != PEER
    }
    return {
        name: {key: each.median for key, each in over(samples).items()}
        for name, samples in interleaved(contenders, runs).items()
    }


def _once(python: Path, program: str, path: Path) -> Sample:
    columns = [each.name for each in TABLES["gizmos"].columns]
    query = statement("gizmos", columns, Narrowed(), postgres=False)
    sql = str(query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with tempfile.TemporaryDirectory() as folder:
        words = [str(python), "-c", _HEAD + program + _TAIL, str(path), folder, sql]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: Sample = json.loads(done.stdout)
    return found


def main(words: Sequence[str]) -> None:
    """Print what each contender takes."""
    runs = int(words[1]) if len(words) > 1 else 3
    peers = Path(words[2]) if len(words) > 2 else None
    for name, sample in run(Path(words[0]), runs, peers).items():
        numbers = ", ".join(f"{value:,.0f} {key}" for key, value in sample.items())
        sys.stdout.write(f"{name:<8} {numbers}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
