"""The scheduler: APScheduler looks when something may be owed, and runs it in threads.

APScheduler keeps its few jobs in memory and remembers nothing: what is owed is read from the
catalog's rows by the clock that is handed in, at every look. So its misfires, its coalescing, its
cron trigger and its picture of the machine's clock decide nothing here. A look comes at the next
slot, and never later than :data:`LOOK` seconds, by which a clock that is set is noticed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from catalog.errors import CatalogError, Transient
from catalog.times import SECOND, Clock, Micros, SystemClock, to_datetime
from catalog.working import JobRan
from jobs.records import Owed
from jobs.runner import Runner

LOOK = 30.0
"""Seconds between two looks, at most, in real time."""
SOON = 0.1
"""Seconds between two looks, at least."""
SLACK = 1.0
"""Seconds by which the next look may seem to be too far away before the clock is mistrusted."""
BELIEVED: Micros = 300 * SECOND
"""How long a scheduler that says nothing is believed to be there, by the catalog's clock."""

_LOOK = "(look)"


class Daemon:
    """Looks and runs until it is told to stop.

    Args:
        runner: runs the jobs.
        look: seconds between two looks, at most.
        ran: told of each run that is over.
        moved: called whenever a run or a look is over, and nothing of it is left to do.
        machine: the machine's clock, which APScheduler goes by.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        look: float = LOOK,
        ran: Callable[[JobRan], None] = lambda _: None,
        moved: Callable[[], None] = lambda: None,
        machine: Clock | None = None,
    ) -> None:
        self._runner = runner
        self._look_every = look
        self._ran = ran
        self._machine = machine or SystemClock()
        self._moved = moved
        self._guard = threading.Lock()
        self._at_work = 0
        # It logs every start at length, and each look that comes while the one before still runs.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler: Any = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(runner.planned) + 1)},
            # None: however late it is, it runs; what is owed is not APScheduler's to say.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """Begin to look."""
        self._scheduler.add_job(
            self.look,
            _Looks(self._pause, self._look_every),
            id=_LOOK,
            next_run_time=to_datetime(self._machine.now()),
        )
        self._scheduler.start()

    def look(self) -> None:
        """Begin whatever is owed and waits for no other, each in a thread of its own."""
        with self._busy():
            if self._runner.is_stopped:
                return
            try:
                self._runner.beat(BELIEVED)
                found = self._runner.look()
            except Exception as error:  # noqa: BLE001  (APScheduler would only log it)
                # A busy catalog, a simulator that is away, a server that restarts: the next look
                # may find it well, and a scheduler that ended here would be the silent gap.
                self._runner.say(f"cannot look what is owed, and will look again: {error}")
                return
            for each in found:
                if not each.waits and each.planned.name not in self._runner.running():
                    self._scheduler.add_job(
                        self._run, args=(each,), id=each.planned.name, replace_existing=True
                    )

    def mend(self) -> None:
        """Look at once if the machine's clock was set back behind what APScheduler waits for."""
        if self.next_look() > self._look_every + SLACK:
            self._look_at_once()

    def next_look(self) -> float:
        """Seconds until the next look."""
        at = self._scheduler.get_job(_LOOK).next_run_time
        return float((at - to_datetime(self._machine.now())).total_seconds())

    def stop(self) -> None:
        """Begin nothing more, and tell what runs to stop; waits for nobody.

        That it ends is written in a thread of its own: who has locked the catalog holds nobody back
        who has to be gone within a set time.
        """
        self._runner.stop()
        self._scheduler.shutdown(wait=False)
        with self._guard:
            self._at_work += 1
        threading.Thread(target=self._quit, name="quit", daemon=True).start()

    def is_idle(self) -> bool:
        """Whether no job runs here, no look is under way, and it is written that it ends."""
        with self._guard:
            return not self._at_work

    @contextmanager
    def _busy(self) -> Iterator[None]:
        with self._guard:
            self._at_work += 1
        try:
            yield
        finally:
            with self._guard:
                self._at_work -= 1
            self._moved()

    def _quit(self) -> None:
        try:
            with suppress(CatalogError):  # then it is believed to be there for a while
                self._runner.quit()
        finally:
            with self._guard:
                self._at_work -= 1
            self._moved()

    def _run(self, each: Owed) -> None:
        with self._busy():
            try:
                ran = self._runner.run_owed(each, patient=True)
                if isinstance(ran, JobRan):
                    self._ran(ran)
                    # What waited for it need not wait for the next look.
                    self._look_at_once()
            except Exception as error:  # noqa: BLE001  (APScheduler would only log it)
                then = "is tried again" if isinstance(error, Transient) else "needs a look"
                self._runner.say(f"{each.planned.name}: was cut short, and {then}: {error}")

    def _look_at_once(self) -> None:
        with suppress(JobLookupError):  # it was told to stop, and looks no more
            self._scheduler.modify_job(_LOOK, next_run_time=to_datetime(self._machine.now()))

    def _pause(self) -> float:
        """Real seconds until the next slot, if the clock that is handed in keeps real time."""
        now = self._runner.clock.now()
        return min((slot - now) / SECOND for slot in self._runner.next_slots(now).values())


class _Looks(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Says when to look next: one moment from now, never a list of missed ones.

    Args:
        pause: seconds until something may be owed.
        most: seconds until the next look, at most.
    """

    def __init__(self, pause: Callable[[], float], most: float) -> None:
        self._pause = pause
        self._most = most

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The next look, a little later than ``now``."""
        try:
            seconds = self._pause()
        except (CatalogError, ValueError):  # no clock to ask, or nothing is scheduled
            seconds = self._most
        return now + timedelta(seconds=max(SOON, min(seconds + SOON, self._most)))
