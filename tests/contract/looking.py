"""What is the case of a made-up catalog, as alarms are told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from catalog.alarms import Facts, Limits, evaluate
from catalog.derive import Derivation
from catalog.query.health import facts
from catalog.scheduling import Schedule, parse_cron
from catalog.settings import PlanSettings, Settings, SourceSettings
from catalog.storage.engine import read
from catalog.times import DAY
from catalog.working import JobResult

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.records import Alarm
    from catalog.times import Micros

ONE = SourceSettings(
    name="one", dialect="gpts-v2", requests_per_day=10, price_per_request=0.5, probes_per_day=3
)
SETTINGS = Settings(sources={"one": ONE}, plan=PlanSettings(ceiling_days=5))
DERIVER = Derivation()


class Refresh(msgspec.Struct, frozen=True):
    """A job, as the runner plans it."""

    name: str = "refresh"
    cron: str | None = "0 3 * * *"
    after: tuple[str, ...] = ()

    @property
    def schedule(self) -> Schedule | None:
        return None if self.cron is None else parse_cron(self.cron)

    def unmet(self, result: JobResult) -> tuple[str, ...]:
        return () if result.numbers.get("documents") else ("documents: none",)


def gathered(engine: Engine, now: Micros, *jobs: Refresh) -> Facts:
    with read(engine) as conn:
        return facts(conn, DERIVER, SETTINGS, now, jobs=jobs)


def found(engine: Engine, now: Micros, *jobs: Refresh) -> list[str]:
    return [each.kind for each in alarms(engine, now, *jobs)]


def alarms(engine: Engine, now: Micros, *jobs: Refresh) -> list[Alarm]:
    limits = Limits(ceiling=5 * DAY)
    all_of_it = evaluate(gathered(engine, now, *jobs), now, limits)
    # A made-up world's first documents have fields that no table knows.
    return [each for each in all_of_it if each.kind not in {"unmapped", "drift"}]


def ids(count: int) -> list[str]:
    return [f"g-Made{number:05d}" for number in range(count)]
