"""Looks once: the facts of the catalog and of its folders, and what the rules make of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from catalog.alarms import NOTIFICATION, Facts, Limits, PlaceFacts, evaluate
from catalog.derive import Derivation
from catalog.query.health import facts
from catalog.records import Alarm
from catalog.storage import alarms as store
from catalog.storage.engine import read
from catalog.storage.urls import is_sqlite, parse_url, sqlite_path
from catalog.times import DAY, Micros

if TYPE_CHECKING:
    from collections.abc import Collection

    from catalog.settings import Settings
    from catalog.storage.alarms import Standing
    from catalog.storage.engine import Connection, Engine
    from catalog.working import PlannedJob


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a catalog is well.

    Attributes:
        at: when it was looked at.
        facts: what is the case.
        alarms: what somebody should look at now, alarms first.
        since: since when each stands, by kind and subject, of those that were written down.
    """

    at: Micros
    facts: Facts
    alarms: tuple[Alarm, ...]
    since: dict[tuple[str, str], Micros] = {}

    @property
    def is_well(self) -> bool:
        """Whether no alarm stands; warnings may."""
        return not any(alarm.severity == "alarm" for alarm in self.alarms)

    @property
    def lacks_scheduler(self) -> bool:
        """Whether a scheduler was here, and is no more: nobody says that slots are kept."""
        last = self.facts.scheduler
        return last is not None and last.until <= self.at

    @property
    def coming(self) -> list[tuple[Micros, str]]:
        """The next slot of each job with its name, soonest first, where anybody keeps them."""
        if self.lacks_scheduler:
            return []
        return sorted((job.next_at, job.name) for job in self.facts.jobs if job.next_at is not None)


def look(
    engine: Engine,
    settings: Settings,
    now: Micros,
    jobs: Collection[PlannedJob] = (),
) -> Health:
    """Look at a catalog now; writes nothing.

    Args:
        engine: the catalog.
        settings: the settings.
        now: the present moment.
        jobs: the jobs as they are to run here.

    Raises:
        StorageError: the catalog cannot be used.
    """
    with read(engine) as conn:
        return look_at(conn, settings, now, jobs)


def look_at(
    conn: Connection, settings: Settings, now: Micros, jobs: Collection[PlannedJob] = ()
) -> Health:
    """As :func:`look`, in a transaction of the caller's."""
    found = facts(conn, Derivation(), settings, now, jobs=jobs, places=places(settings))
    written = store.standing(conn)
    return Health(
        at=now,
        facts=found,
        alarms=tuple(_sorted([*evaluate(found, now, limits(settings)), *_told(written)])),
        since={(each.kind, each.subject): each.raised_at for each in written},
    )


def limits(settings: Settings) -> Limits:
    """What of the settings the rules go by."""
    return Limits(
        ceiling=int(settings.plan.ceiling_days * DAY),
        asks=any(source.dialect != "recorded" for source in settings.sources.values()),
    )


def places(settings: Settings) -> tuple[PlaceFacts, ...]:
    """The folders that are written, as far as this machine has them."""
    url = parse_url(settings.catalog.url)
    wanted = {"folder of reports and backups": Path(settings.catalog.folder)}
    if is_sqlite(url):
        wanted["folder of the catalog"] = sqlite_path(url).parent
    found: dict[Path, PlaceFacts] = {}
    for what, path in sorted(wanted.items()):
        # A folder that is not there yet is made when it is first written: its parent counts.
        there = next((each for each in (path, *path.absolute().parents) if each.exists()), None)
        if there is None:
            continue
        usage = shutil.disk_usage(there)
        found[there.resolve()] = PlaceFacts(
            what=what,
            free=usage.free,
            total=usage.total,
            writable=os.access(there, os.W_OK | os.X_OK),
        )
    return tuple(found.values())


def _told(written: Collection[Standing]) -> list[Alarm]:
    """Alarms that no fact tells: the sender wrote them down."""
    return [
        Alarm(kind=each.kind, subject=each.subject, severity="alarm", message=each.message)
        for each in written
        if each.kind == NOTIFICATION
    ]


def _sorted(alarms: list[Alarm]) -> list[Alarm]:
    return sorted(alarms, key=lambda each: each.severity != "alarm")
