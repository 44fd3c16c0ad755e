"""Loads rounds of documents by dlt's ``scd2`` strategy into SQLite; run by the peer's own Python.

Usage: dlt_scd2.py ROUNDS FOLDER. ROUNDS holds NDJSON files ``{"observed_at", "gpt"}``, one a round,
taken in the order of their names; FOLDER is where it works. Prints the database's size in bytes
after each.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def main(rounds: Path, folder: Path) -> None:
    """Load all rounds and print what they take."""
    # By name: it is installed beside this file's user, not beside its checker.
    dlt: Any = importlib.import_module("dlt")
    pipeline = dlt.pipeline(
        "peer",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.sqlalchemy(f"sqlite:///{folder / 'peer.db'}"),
        dataset_name="history",
    )
    for path in sorted(rounds.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        resource = dlt.resource(
            [_plain(line["gpt"]) for line in lines],
            name="gpts",
            write_disposition={
                "disposition": "merge",
                "strategy": "scd2",
                "boundary_timestamp": lines[0]["observed_at"],
            },
        )
        pipeline.run(resource)
        # It keeps a dataset in a file beside the one that it is given.
        size = sum(each.stat().st_size for each in folder.glob("*.db*"))
        sys.stdout.write(f"{size}\n")


def _plain(gpt: dict[str, Any]) -> dict[str, Any]:
    """The document with its actions as text: open-ended, they would be thousands of columns."""
    for tool in gpt["tools"]:
        tool["metadata"] = json.dumps(tool["metadata"])
    return gpt


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
