"""Looks after each run and now and then: writes down what is raised and over, and tells people."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalog import notify
from catalog.alarms import FOUND, NOTIFICATION, make_alarm
from catalog.health.looking import Health, look
from catalog.settings import Settings
from catalog.storage import alarms as store
from catalog.storage.engine import write
from catalog.storage.schema import opened
from catalog.storage.urls import describe, parse_url
from catalog.times import Clock

if TYPE_CHECKING:
    from catalog.records import Alarm
    from catalog.storage.engine import Connection, Engine
    from catalog.times import Micros
    from catalog.working import JobContext, JobRan, PlannedJob


CHECK_EVERY = 600.0
"""Real seconds between two looks of a scheduler; each costs some dozen queries by index."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Watches one catalog, from any thread, one look at a time.

    Attributes:
        settings: the settings; they name the catalog.
        environ: the environment, which holds the addresses of notifications.
        clock: the clock.
        rng: for the pauses between attempts to tell.
        jobs: the jobs as they are to run here.
        out: takes a line for people.
    """

    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock
    rng: random.Random
    jobs: Collection[PlannedJob] = ()
    out: Callable[[str], None] = lambda _: None
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def after_run(self, _context: JobContext, _ran: JobRan) -> None:
        """Told of each run of a job: the runner's hook."""
        self.check()

    def check(self) -> Health:
        """Look now; write down what was raised and is over; tell whoever is to know.

        Raises:
            StorageError: the catalog cannot be used.
        """
        with self._guard:
            place = self.settings.catalog
            with opened(place.url, read_only=False, folder=place.folder) as engine:
                return self._check(engine)

    @contextmanager
    def now_and_then(self, seconds: float = CHECK_EVERY) -> Iterator[None]:
        """Look every ``seconds`` of real time while the body runs, in a thread of its own.

        What no run of a job ends with is seen so: that none begins, or that one never ends.
        """
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(seconds):
                try:
                    self.check()
                except Exception as error:  # noqa: BLE001  (the next look may find it well)
                    self.out(f"cannot look whether all is well, and will look again: {error}")

        # A daemon, so that a webhook that takes long holds no process back that is to end.
        thread = threading.Thread(target=go_on, name="watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()

    def _check(self, engine: Engine) -> Health:
        now = self.clock.now()
        health = look(engine, self.settings, now, self.jobs)
        found = [each for each in health.alarms if each.kind in FOUND]
        with write(engine) as conn:
            raised, cleared = store.update_alarms(conn, found, now, FOUND)
            untold = store.untold(conn)
        for each in raised:
            self.out(f"{each.severity} {_name(each)}: {each.message}")
        for each in cleared:
            self.out(f"over: {_name(each)}")
        if any(untold):
            self._tell(engine, *untold)
        return health

    def _tell(
        self, engine: Engine, raised: list[store.Standing], cleared: list[store.Standing]
    ) -> None:
        """Tell people in one message; that it failed is an alarm of its own."""
        now = self.clock.now()
        where = describe(parse_url(self.settings.catalog.url))
        sent = notify.send(
            notify.alarm_message(raised, cleared, now, where),
            self.settings,
            self.environ,
            clock=self.clock,
            rng=self.rng,
        )
        if not sent.services:
            return
        with write(engine) as conn:
            if sent.told:
                store.mark_told(conn, [*raised, *cleared], now)
            record(conn, sent, now)
        for each in sent.undelivered:
            self.out(f"{each.service} was not told: {each.why}")


def record(conn: Connection, sent: notify.Sent, now: Micros) -> None:
    """Write down which services did not take a message; those that did are well again.

    Args:
        conn: a writing transaction.
        sent: how it went.
        now: the present moment.
    """
    failed = {each.service: each.why for each in sent.undelivered}
    found = [make_alarm(NOTIFICATION, service, why) for service, why in failed.items()]
    # What was not tried this time stays as it is.
    others = [
        each
        for each in store.standing(conn)
        if each.kind == NOTIFICATION and each.subject not in sent.services
    ]
    found += [make_alarm(NOTIFICATION, each.subject, each.message) for each in others]
    store.update_alarms(conn, found, now, {NOTIFICATION: 0})


def _name(alarm: Alarm | store.Standing) -> str:
    """Its kind and what it is about, which not every kind has."""
    return f"{alarm.kind} {alarm.subject}".rstrip()
