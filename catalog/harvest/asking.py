"""What the jobs that ask sources share: whom they ask, in which order, and how they are stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from catalog.errors import SettingsError
from catalog.harvest.planning import terms_of_day
from catalog.harvest.session import HarvestJob, run_harvest
from catalog.harvest.totals import Harvested, Stop
from catalog.settings import Settings, SourceSettings, api_key, source_keys
from catalog.working import JobContext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.harvest.harvest import Harvest
    from catalog.storage.engine import Engine
    from catalog.times import Micros

LOOK = 0.2
"""Seconds between two looks at whether the work is to stop."""
TOLD = "told to stop"


def askable(settings: Settings, names: Sequence[str] = ()) -> list[SourceSettings]:
    """The sources that can be asked, the preferred first (``prefer``, then their order).

    Args:
        settings: the settings.
        names: these alone, in this order; empty: all.

    Raises:
        SettingsError: one of them is not there, or cannot be asked; or none can.
    """
    for name in names:
        if name not in settings.sources:
            known = ", ".join(sorted(settings.sources)) or "none"
            raise SettingsError(f"there is no source {name!r}; configured are: {known}")
        if settings.sources[name].dialect == "recorded":
            raise SettingsError(f"source {name} holds recorded answers and cannot be asked")
    if names:
        return [settings.sources[name] for name in dict.fromkeys(names)]
    found = [each for each in settings.sources.values() if each.dialect != "recorded"]
    if not found:
        raise SettingsError(
            "no source can be asked: add one to catalog.toml, as [sources.mine] with dialect ="
            ' "gpts-v2", base_url and api_key_env; gpts-catalog init writes a commented example'
        )
    return sorted(found, key=lambda each: each.prefer)


@asynccontextmanager
async def told(stopping: threading.Event, stop: Callable[[Stop], None]) -> AsyncIterator[None]:
    """Call ``stop`` once the event is set, while the body runs."""

    async def watch() -> None:
        while not stopping.is_set():  # noqa: ASYNC110  (a thread's event wakes no loop)
            await asyncio.sleep(LOOK)
        stop(Stop("asked", TOLD))

    task = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def harvest(
    context: JobContext,
    engine: Engine,
    source: SourceSettings,
    ids: Sequence[str],
    command: str,
    *,
    whatever_is_due: bool = False,
    listed_at: Micros | None = None,
) -> Harvested:
    """Ask one source about some GPTs, until all are asked or the work is told to stop.

    Args:
        context: clock, secrets, and whether to stop.
        engine: the catalog, opened for durable writing.
        source: whom to ask.
        ids: the GPTs.
        command: what is run, as runs are compared by (rule 13).
        whatever_is_due: they are what is due; see :class:`HarvestJob`.
        listed_at: when they were found to be so; None: they were asked since.

    Raises:
        StorageError: the catalog cannot be used.
        SettingsError: the source cannot be asked as it is configured.
    """
    job = HarvestJob(
        engine=engine,
        source=source,
        key=api_key(source, context.environ),
        secrets=source_keys(context.settings, context.environ),
        ids=ids,
        command=command,
        terms=terms_of_day(engine, context.settings, context.clock.now()),
        whatever_is_due=whatever_is_due,
        listed_at=listed_at,
        clock=context.clock,
        rng=context.rng,
    )

    async def run() -> Harvested:
        running: list[Harvest] = []

        def stop(why: Stop) -> None:
            for each in running:
                each.stop(why)

        async with told(context.stopping, stop):
            return await run_harvest(job, begun=running.append)

    return asyncio.run(run())
