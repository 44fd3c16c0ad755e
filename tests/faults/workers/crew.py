"""Workers: the real command ``harvest --due`` in processes of their own, each on its machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from catalog.simulator.gateway import SIMULATED_KEY
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from catalog.times import Micros
    from tests.faults.workers.gateway import Clocks, Recorder
    from tests.faults.workers.network import Network
    from tests.faults.workers.server import Server

LONG_ENOUGH = 300.0
"""Seconds in which a command that is not disturbed has ended."""
ENDED = frozenset({0, 1})
_CONFIG = """
[catalog]
url = "{url}"
[sources.simulated]
dialect = "gpts-v2"
base_url = "http://{address}:{port}/info"
api_key_env = "SIMULATED_KEY"
{limits}
"""


class Crew:
    """Machines that can harvest into one database.

    Args:
        folder: for settings and what the processes say.
        network: the machines.
        server: the database server.
        recorder: the gateway.
        clocks: the machines' clocks.
    """

    def __init__(
        self, folder: Path, network: Network, server: Server, recorder: Recorder, clocks: Clocks
    ) -> None:
        self.network = network
        self.server = server
        self.recorder = recorder
        self.clock = clocks.clock
        self._folder = folder
        self._clocks = clocks
        self.database = ""

    def use(self, database: str, **limits: float) -> None:
        """Make a new database with an empty catalog, which all machines use from now on.

        Args:
            database: its name.
            limits: keys of the source in the settings.
        """
        self.database = database
        self.server.create(database)
        lines = "\n".join(f"{name} = {value}" for name, value in limits.items())
        for machine in range(self.network.machines):
            self.config(machine).write_text(
                _CONFIG.format(
                    url=self.server.url(database, machine),
                    address=self.network.address(machine),
                    port=self.recorder.port,
                    limits=lines,
                ),
                encoding="utf-8",
            )
        self.run("init")

    def config(self, machine: int) -> Path:
        """A machine's settings."""
        return self._folder / f"machine{machine}.toml"

    def start(self, machine: int, *words: str) -> subprocess.Popen[bytes]:
        """Start a command on a machine."""
        command = [sys.executable, "-m", "catalog", *words, "--config", str(self.config(machine))]
        environ = os.environ | {
            "SIMULATED_KEY": SIMULATED_KEY,
            "GPTS_CATALOG_CLOCK": self._clocks.url(machine),
            "PYTHONPATH": str(ROOT),
        }

        def begin() -> subprocess.Popen[bytes]:
            with (self._folder / f"said{machine}").open("ab") as said:
                return subprocess.Popen(
                    command, env=environ, cwd=self._folder, stdout=said, stderr=said
                )

        return self.network.at(machine, begin)

    def harvest(self, machine: int) -> subprocess.Popen[bytes]:
        """Start a worker."""
        return self.start(machine, "harvest", "--due", "--json")

    def said(self, machine: int) -> str:
        """What the processes of a machine said last."""
        text = (self._folder / f"said{machine}").read_text(encoding="utf-8", errors="replace")
        return text[-4000:]

    def run(self, *words: str, machine: int = 0) -> str:
        """Run a command to its end on a machine; what it printed."""
        place = self._folder / f"said{machine}"
        before = place.stat().st_size if place.exists() else 0
        status = self.start(machine, *words).wait(LONG_ENOUGH)
        said = place.read_bytes()[before:].decode("utf-8", errors="replace")
        if status not in ENDED:
            raise AssertionError(f"{' '.join(words)} ended with {status}: {said[-3000:]}")
        return said

    def sql(self, query: str, *given: Any) -> list[tuple[Any, ...]]:
        """Ask the database, as the test itself."""
        url = self.server.url(self.database)
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), given or None)
            return cursor.fetchall() if cursor.description else []

    def make_due(self, ids: Collection[str], now: Micros) -> None:
        """Let some ids be due and no others: the planner's own times have jitter in them."""
        self.sql(
            "INSERT INTO frontier (gizmo_id, added_at, due_at, attempts) SELECT each, %s, %s, 0"
            " FROM unnest(%s::text[]) AS each ON CONFLICT DO NOTHING",
            now,
            now,
            sorted(ids),
        )
        self.sql(
            "UPDATE frontier SET due_at = CASE WHEN gizmo_id = ANY(%s) THEN %s ELSE %s END",
            sorted(ids),
            now,
            now * 2,
        )

    def unanswered(self, ids: Collection[str], since: Micros) -> list[str]:
        """Those of some ids about which nothing was learned since."""
        rows = self.sql(
            "SELECT gizmo_id FROM frontier WHERE gizmo_id = ANY(%s) AND NOT ("
            " coalesce(last_asked_at, 0) >= %s AND last_verdict IN ('document', 'not_found'))"
            " ORDER BY gizmo_id",
            sorted(ids),
            since,
        )
        return [row[0] for row in rows]


def stop_all(workers: Iterable[subprocess.Popen[bytes]]) -> None:
    """End processes, stopped ones too."""
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
        worker.wait()


def last_json(text: str) -> dict[str, Any]:
    """The last object that a command printed."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    found: dict[str, Any] = json.loads(lines[-1])
    return found
