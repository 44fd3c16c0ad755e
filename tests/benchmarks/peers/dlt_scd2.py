"""Loads rounds of documents by dlt's ``scd2`` strategy into DuckDB; run by the peer's own Python.

Usage: dlt_scd2.py FOLDER DATABASE. FOLDER holds NDJSON files ``{"observed_at", "gpt"}``, one a
round, taken in the order of their names. Prints the database's size in bytes after each.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def main(folder: Path, database: Path) -> None:
    """Load all rounds and print what they take."""
    # By name: it is installed beside this file's user, not beside its checker.
    dlt: Any = importlib.import_module("dlt")
    duckdb: Any = importlib.import_module("duckdb")
    pipeline = dlt.pipeline(
        "peer",
        pipelines_dir=str(database.with_suffix(".work")),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="peer",
    )
    for path in sorted(folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        moment = lines[0]["observed_at"]
        resource = dlt.resource(
            [_plain(line["gpt"]) for line in lines],
            name="gpts",
            write_disposition={
                "disposition": "merge",
                "strategy": "scd2",
                "boundary_timestamp": moment,
            },
        )
        pipeline.run(resource)
        with duckdb.connect(str(database)) as connection:
            connection.execute("CHECKPOINT")
        sys.stdout.write(f"{database.stat().st_size}\n")


def _plain(gpt: dict[str, Any]) -> dict[str, Any]:
    """The document with its actions as text: open-ended, they would be thousands of columns."""
    for tool in gpt["tools"]:
        tool["metadata"] = json.dumps(tool["metadata"])
    return gpt


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
