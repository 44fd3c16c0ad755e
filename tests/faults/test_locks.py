"""Harvests, readers, exports and backups at once on one SQLite file, each in processes of its own.

No reader is told that the catalog is locked, no write waits beyond its limit, and two processes
that harvest the same ids share them.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from catalog.simulator import Population, RunningGateway, running_gateway, write_ids
from catalog.storage.engine import BUSY_TIMEOUT
from catalog.times import DAY
from tests.faults.forking import Forge, Order
from tests.faults.scenes import SETTINGS, check_whole

SECONDS = float(os.environ.get("GPTS_LOCKS", "5"))
"""How long; the full dose is an hour."""
SIZE = 60
READS = (
    ("stats",),
    ("search", "the", "--facets"),
    ("changes", "--since", "2025-01-01", "--limit", "50"),
    ("status",),
    ("sql", "SELECT count(*) FROM observations"),
    ("verify",),
)
_WELL = (0, 1)


class Soak:
    """Commands over and over, until the time is up.

    Args:
        place: the folder of the catalog.
        gateway: whom the harvests ask.
        folder: takes what commands print.
    """

    def __init__(self, place: Path, gateway: RunningGateway, folder: Path) -> None:
        self._place = place
        self._folder = folder
        self._gateway = gateway
        self._until = time.monotonic() + SECONDS
        self.done: Counter[str] = Counter()
        self.longest: Counter[str] = Counter()
        self.wrong: list[str] = []

    def prepare(self, forge: Forge) -> None:
        """Make the catalog, with something in it."""
        self._do(forge, "first", "init")
        self._do(forge, "first", "harvest", "--refs", "ids.txt")
        self.done.clear()
        self._until = time.monotonic() + SECONDS

    def harvest(self, forge: Forge, name: str) -> None:
        """Harvest all ids, on one simulated day after the other."""
        while self._goes_on(name):
            if name == "one":
                self._gateway.clock.advance(DAY)
            self._do(forge, name, "harvest", "--refs", "ids.txt")

    def read(self, forge: Forge, name: str) -> None:
        """Ask one question after the other."""
        while self._goes_on(name):
            for words in READS:
                self._do(forge, name, *words)

    def keep(self, forge: Forge, name: str) -> None:
        """Export and back up."""
        while self._goes_on(name):
            shutil.rmtree(self._place / "release", ignore_errors=True)
            self._do(forge, name, "export", "release", "--format", "csv")
            self._do(forge, name, "backup", "backup.db", "--replace")

    def _goes_on(self, name: str) -> bool:
        """Whether there is time, and each command had its turn at least once."""
        return time.monotonic() < self._until or not any(
            key.startswith(f"{name} ") for key in self.done
        )

    def _do(self, forge: Forge, name: str, *words: str) -> None:
        said = self._folder / f"said-{name}"
        begun = time.monotonic()
        status = forge.run(
            Order(
                words=list(words),
                folder=str(self._place),
                environ={
                    "SIMULATED_KEY": self._gateway.key,
                    "GPTS_CATALOG_CLOCK": self._gateway.clock_url,
                },
                said=str(said),
            )
        )
        key = f"{name} {words[0]}"
        self.done[key] += 1
        self.longest[key] = max(self.longest[key], round((time.monotonic() - begun) * 1000))
        complaint = Path(f"{said}.err").read_text(encoding="utf-8", errors="replace")
        printed = said.read_text(encoding="utf-8", errors="replace")
        if status not in _WELL or "locked" in complaint + printed or "Traceback" in complaint:
            self.wrong.append(f"{' '.join(words)} ended with {status}: {complaint[-600:]}")


def test_nobody_is_told_that_the_catalog_is_locked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    population = Population(21, SIZE, pace=50)
    place, said = tmp_path / "place", tmp_path / "said"
    place.mkdir()
    said.mkdir()
    with running_gateway(population) as gateway:
        settings = SETTINGS.format(base_url=gateway.url("plain"))
        (place / "catalog.toml").write_text(settings, encoding="utf-8")
        write_ids(population, place / "ids.txt")
        soak = Soak(place, gateway, said)
        workers = {
            "one": soak.harvest,
            "other": soak.harvest,
            "reader": soak.read,
            "keeper": soak.keep,
        }
        forges = {name: Forge() for name in workers}
        try:
            soak.prepare(forges["one"])
            threads = [
                threading.Thread(target=work, args=(forges[name], name), name=name)
                for name, work in workers.items()
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            for forge in forges.values():
                forge.__exit__()
    with capsys.disabled():
        print(f"\n{SECONDS:.0f} s: {dict(soak.done)}; longest, in ms: {dict(soak.longest)}")
    assert soak.wrong == []
    check_whole(place)
    writes = [longest for key, longest in soak.longest.items() if "harvest" in key]
    assert max(writes) < 1000 * BUSY_TIMEOUT * 2
    assert {key.split()[0] for key in soak.done} == set(workers)
