"""A move that is killed again and again ends as one that nobody disturbed, on either engine."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, func, make_url, select, table
from sqlalchemy.exc import OperationalError, ProgrammingError

from catalog.simulator import Population, running_gateway, write_ids
from tests.conftest import ROOT
from tests.faults.kills import command

if TYPE_CHECKING:
    from tests.databases import Postgres

KILLS = int(os.environ.get("GPTS_MOVE_KILLS", "2"))
"""How often each of the two moves is killed; the full dose is 10."""
GPTS = int(os.environ.get("GPTS_MOVE_GPTS", "150"))
"""GPTs of the catalog that is moved, asked for on as many days as :data:`DAYS`."""
DAYS = int(os.environ.get("GPTS_MOVE_DAYS", "2"))
CATALOG = os.environ.get("GPTS_MOVE_CATALOG")
"""A catalog to be moved instead, on SQLite: it is only read."""
POLL = 0.02
"""Seconds between two looks at how far a move has come."""
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
LONG_ENOUGH = 7200.0
ENVIRON = os.environ | {"PYTHONPATH": str(ROOT)}


def run(folder: Path, url: str, *words: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command(*words, "--catalog", url),
        cwd=folder,
        env=ENVIRON | (environ or {}),
        capture_output=True,
        check=False,
        text=True,
        timeout=LONG_ENOUGH,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.strip()


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A catalog on SQLite with some days of harvests."""
    if CATALOG:
        return f"sqlite:///{CATALOG}"
    url = f"sqlite:///{tmp_path / 'old.db'}"
    population = Population(4, GPTS)
    ids = tmp_path / "ids.txt"
    write_ids(population, ids)
    with running_gateway(population) as gateway:
        (tmp_path / "catalog.toml").write_text(
            f"""
[sources.simulated]
dialect = "gpts-v2"
base_url = "{gateway.url("plain")}"
api_key_env = "SIMULATED_KEY"
requests_per_second = 2000
max_concurrency = 32
""",
            encoding="utf-8",
        )
        environ = {"SIMULATED_KEY": gateway.key, "GPTS_CATALOG_CLOCK": gateway.clock_url}
        run(tmp_path, url, "init", environ=environ)
        for _ in range(DAYS):
            run(tmp_path, url, "harvest", "--refs", str(ids), environ=environ)
            gateway.clock.advance(7 * 24 * 3600 * 1_000_000)
    return url


COUNTED = ("payloads", "observations", "changes")
"""Tables whose rows say how far a move has come."""


def rows_at(url: str) -> int:
    """The rows that are there by now; none where there are no tables yet."""
    engine = create_engine(make_url(url).set(drivername=DRIVERS[url.partition(":")[0]]))
    try:
        with engine.connect() as conn:
            return sum(
                conn.execute(select(func.count()).select_from(table(name))).scalar_one()
                for name in COUNTED
            )
    except (OperationalError, ProgrammingError):
        return 0
    finally:
        engine.dispose()


def killed_at(process: subprocess.Popen[bytes], to: str, wanted: float) -> bool:
    """Kill a move once so many rows are there; whether it was still at work."""
    while rows_at(to) < wanted:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL)
            return False
    process.kill()
    process.wait()
    return True


def move(folder: Path, url: str, to: str, kills: int, rng: random.Random) -> dict[str, Any]:
    """Move a catalog by the real command, and kill it some times before it may end."""
    words = command("move", "--to", to, "--catalog", url, "--json")
    whole = rows_at(url)
    killed = 0
    for number in range(kills):
        with (folder / "said").open("w") as said:
            process = subprocess.Popen(
                words, cwd=folder, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=said
            )
        # The last one early enough that there is something left to kill.
        if not killed_at(process, to, 0.9 * whole * (number + rng.random()) / kills):
            assert process.returncode == 0, (folder / "said").read_text()
            break
        killed += 1
    done = subprocess.run(
        words,
        cwd=folder,
        env=ENVIRON,
        capture_output=True,
        check=False,
        text=True,
        timeout=LONG_ENOUGH,
    )
    if killed < kills and done.returncode:
        assert "holds a catalog already" in done.stderr
        return {"before": whole, "rows": 0}
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_moves_there_and_back_that_are_killed_end_with_an_equal_catalog(
    old: str, tmp_path: Path, postgres: Postgres
) -> None:
    name = postgres.create()
    new = postgres.url(name)
    back = f"sqlite:///{tmp_path / 'back.db'}"
    digest = run(tmp_path, old, "digest")
    rng = random.Random(12)
    try:
        for url, to in ((old, new), (new, back)):
            began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            moved = move(tmp_path, url, to, KILLS, rng)
            now = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
            print(
                f"\n{KILLS} kills: {moved['rows'] + moved['before']:,} rows, {moved['before']:,} of"
                f" them before the last call; {time.monotonic() - began:.0f} s, {cpu:.0f} s of CPU"
            )
            assert moved["before"] > 0
            assert run(tmp_path, to, "digest") == digest
        assert "the catalog is whole" in run(tmp_path, back, "verify")
    finally:
        postgres.drop(name)
