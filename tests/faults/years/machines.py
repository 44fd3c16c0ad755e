"""Machines and processes that are none: who holds a lease, who died, and when."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
from sqlalchemy import Engine, event

from catalog.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from sqlalchemy import Connection

    from catalog.simulator import SimulatedClock
    from catalog.times import Micros

NO_ROOM = "no room to write the catalog: make room on its disk, then repeat"


class Killed(BaseException):
    """The process is gone: nothing may catch this, and nothing is tidied up after it."""


class Machines:
    """What :mod:`catalog.storage.owners` asks of the system, as ``socket`` and ``psutil`` answer.

    Attributes:
        here: the machine that asks.
        alive: the processes that are there.
        full: whether the disk under the catalog takes nothing more.
    """

    def __init__(self) -> None:
        self.here = "one"
        self.alive: dict[int, Process] = {}
        self.full = False
        self._now: Process | None = None
        self._born = 100

    def process(self, pid: int | None = None) -> Process:
        """A process that is there."""
        if pid is None:
            if self._now is None:
                raise RuntimeError("no process is at work")
            return self._now
        if pid not in self.alive:
            raise psutil.NoSuchProcess(pid)
        return self.alive[pid]

    def start(self, host: str, clock: SimulatedClock) -> Process:
        """A new process on a machine."""
        self._born += 1
        process = Process(self._born, host, clock)
        self.alive[process.pid] = process
        return process

    def end(self, process: Process) -> None:
        """The process is gone."""
        self.alive.pop(process.pid, None)

    @contextmanager
    def within(self, process: Process) -> Iterator[None]:
        """What goes on inside goes on in this process, on its machine."""
        before = (self.here, self._now)
        self.here, self._now = process.host, process
        try:
            yield
        finally:
            self.here, self._now = before

    @contextmanager
    def installed(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        """Answer in place of the system, and see each commit."""
        system = SimpleNamespace(
            Process=self.process,
            NoSuchProcess=psutil.NoSuchProcess,
            STATUS_ZOMBIE=psutil.STATUS_ZOMBIE,
        )
        patch.setattr("catalog.storage.owners.psutil", system)
        patch.setattr(
            "catalog.storage.owners.socket", SimpleNamespace(gethostname=lambda: self.here)
        )
        event.listen(Engine, "commit", self._commit)
        try:
            yield
        finally:
            event.remove(Engine, "commit", self._commit)

    def _commit(self, conn: Connection) -> None:
        if conn.get_execution_options().get("catalog_mode") == "read":
            return
        if self.full:
            raise StorageError(NO_ROOM)
        if self._now is not None:
            self._now.commits()


class Process:
    """A process, and its clock; where it was told to die, each further word of it is a death.

    Args:
        pid: its number.
        host: its machine.
        clock: the true time.

    Attributes:
        skew: by how much its machine's clock is ahead.
        dead: whether it is gone.
    """

    def __init__(self, pid: int, host: str, clock: SimulatedClock) -> None:
        self.pid = pid
        self.host = host
        self.skew: Micros = 0
        self.dead = False
        self._clock = clock
        self._guard = threading.Lock()
        self._reads: int | None = None
        self._commits: int | None = None
        self._before = True

    def create_time(self) -> float:
        """When it began; all at once, as their numbers differ."""
        return 1.0

    def status(self) -> str:
        """What it does."""
        return psutil.STATUS_RUNNING

    def now(self) -> Micros:
        """What its machine's clock says: it is the clock of all that runs in this process."""
        with self._guard:
            if self._reads is not None:
                self._reads -= 1
                self.dead = self.dead or self._reads <= 0
        if self.dead:
            raise Killed
        return self._clock.now() + self.skew

    def die_at_read(self, count: int) -> None:
        """Die as it asks what time it is for the ``count``-th time from now on."""
        self._reads = count

    def die_at_commit(self, count: int, *, before: bool) -> None:
        """Die at its ``count``-th commit from now on.

        Args:
            count: from 1.
            before: before it is done, or right after.
        """
        self._commits, self._before = count, before

    def spare(self) -> bool:
        """Let it live, whatever it was told; whether it was to die yet."""
        with self._guard:
            was_to_die = self._reads is not None or self._commits is not None
            self._reads = self._commits = None
        return was_to_die and not self.dead

    def commits(self) -> None:
        """A transaction is about to be committed."""
        with self._guard:
            if self._commits is not None:
                self._commits -= 1
                self.dead = self.dead or self._commits <= 0
                if self._commits == 0 and not self._before:
                    return
        if self.dead:
            raise Killed
