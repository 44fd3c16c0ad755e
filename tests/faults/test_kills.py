"""What was reported stored is stored, and a killed run ends as an undisturbed one."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.simulator import Population, running_gateway, write_ids
from tests.faults.kills import command, kill_and_resume

DOSE = int(os.environ.get("GPTS_KILLS", "3"))
"""How often the command is killed; the full dose is 50."""
WINDOW = (0.5, 1.5)
RATE = 150

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="whether a lock is held is read from /proc/locks"
)


def _settings(folder: Path, base_url: str) -> None:
    """A configuration with one source, and a catalog beside it."""
    toml = folder / "catalog.toml"
    toml.write_text(
        f"""
[catalog]
url = "sqlite:///{folder}/catalog.db"
[sources.simulated]
dialect = "gpts-v2"
base_url = "{base_url}"
api_key_env = "SIMULATED_KEY"
requests_per_second = {RATE}
max_concurrency = 16
""",
        encoding="utf-8",
    )


def _run(folder: Path, environ: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        command(*words, "--config", str(folder / "catalog.toml")),
        env=os.environ | environ,
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.strip()


def test_a_harvest_killed_again_and_again_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    """The digests are equal, the totals add up, and every kill was resumed by the same words."""
    # Enough that the last process still finds work after as many deaths.
    population = Population(5, 200 + DOSE * 100)
    ids = tmp_path / "ids.txt"
    count = write_ids(population, ids)
    digests = []
    with running_gateway(population) as gateway:
        environ = {"SIMULATED_KEY": gateway.key, "GPTS_CATALOG_CLOCK": gateway.clock_url}
        for name, kills in (("undisturbed", 0), ("killed", DOSE)):
            folder = tmp_path / name
            folder.mkdir()
            _settings(folder, gateway.url("plain"))
            _run(folder, environ, "init")
            done = kill_and_resume(
                [
                    "harvest",
                    "--refs",
                    str(ids),
                    "--source",
                    "simulated",
                    "--json",
                    "--config",
                    str(folder / "catalog.toml"),
                ],
                folder / "catalog.db",
                kills=kills,
                window=WINDOW,
                rng=random.Random(11),
                environ=environ,
            )
            totals = done.totals
            assert totals["requested"] == count
            assert totals["left"] == 0
            assert totals["documents"] + totals["not_found"] == count
            assert "the catalog is whole" in _run(folder, environ, "verify")
            digests.append(_run(folder, environ, "digest"))
    print(
        f"\n{done.killed} kills, {done.in_transaction} of them in an open write transaction,"
        f" {totals['requests']} requests for {count} ids"
    )
    assert done.killed == DOSE
    assert digests[0] == digests[1]
    # None is fetched twice that was stored: what was in flight at a kill is asked again.
    assert totals["requests"] == count
