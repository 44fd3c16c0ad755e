"""A harvest through every kind of fault ends each id as the simulator knows to be right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import select

from catalog.simulator import FaultPlan, FaultTimes, Population, running_gateway, write_ids
from catalog.storage import tables as t
from catalog.storage.engine import read
from catalog.storage.verify import verify

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

IDS = int(os.environ.get("GPTS_FAULT_IDS", "400"))
"""How many ids are asked; the full dose is 5,000."""
FAULTS = 0.3


def test_every_id_ends_in_the_outcome_that_is_right(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    """The real command, 30 % faults of all kinds, on both engines."""
    population = Population(7, IDS)
    ids = tmp_path / "ids.txt"
    count = write_ids(population, ids, IDS)
    plan = FaultPlan(7, FAULTS)
    with running_gateway(population, plan, times=FaultTimes(hang=0.7, drip=0.1)) as gateway:
        config = tmp_path / "catalog.toml"
        config.write_text(
            f"""
[sources.simulated]
dialect = "gpts-v2"
base_url = "{gateway.url("plain")}"
api_key_env = "SIMULATED_KEY"
requests_per_second = 2000
max_concurrency = 64
connect_timeout = 1.0
read_timeout = 0.5
total_timeout = 2.0
backoff_base = 0.05
backoff_max = 0.5
breaker_failures = 100
""",
            encoding="utf-8",
        )
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "catalog",
                "harvest",
                *("--refs", str(ids), "--source", "simulated", "--json"),
                *("--catalog", catalog_url, "--config", str(config)),
            ],
            env=os.environ
            | {"SIMULATED_KEY": gateway.key, "GPTS_CATALOG_CLOCK": gateway.clock_url},
            capture_output=True,
            check=False,
            text=True,
            timeout=600,
        )
        truth = gateway.truth("plain")
    assert done.returncode == 1, done.stderr
    totals = json.loads(done.stdout)
    with read(engine) as conn:
        o = t.outcomes.c
        said = conn.execute(select(o.asked_id, o.verdict))
        outcomes = {row.asked_id: row.verdict for row in said}
        assert [check for check in verify(conn) if check.findings] == []
    expected = {gizmo_id: str(truth[gizmo_id]) for gizmo_id in ids.read_text().split()}
    assert outcomes == expected
    verdicts = Counter(expected.values())
    assert len(verdicts) > 4, "too few kinds of faults were drawn to show anything"
    assert totals["requested"] == count
    assert totals["documents"] == verdicts["document"]
    assert totals["not_found"] == verdicts["not_found"]
    assert totals["mismatched"] == verdicts["mismatched"]
    assert totals["left"] == 0
    facts = totals["documents"] + totals["not_found"] + totals["mismatched"]
    assert totals["failed"] == count - facts
    assert totals["documents"] == totals["new"] + totals["changed"] + totals["unchanged"]
