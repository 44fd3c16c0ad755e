"""The work of the job ``probe``: ask the most used GPTs that were not asked lately."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from catalog.dialects.probing import Reply
from catalog.harvest.asking import askable, told
from catalog.harvest.probing import Probed, ProbeJob, Probing
from catalog.settings import ProbeSettings, SourceSettings, api_key, source_keys
from catalog.storage.engine import read
from catalog.storage.probes import to_probe
from catalog.times import DAY
from catalog.working import JobContext, JobResult

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

AGAIN_DAYS = 30
"""Days after which a GPT is probed again."""


def probe(
    context: JobContext,
    engine: Engine,
    source: SourceSettings,
    ids: Sequence[str],
    settings: ProbeSettings,
    report: Callable[[str, Reply], None] = lambda _id, _reply: None,
) -> Probed:
    """Ask some GPTs at one source.

    Raises:
        SettingsError: the source allows no probes.
        StorageError: the catalog cannot be used.
    """
    probing = Probing(
        ProbeJob(
            engine=engine,
            source=source,
            key=api_key(source, context.environ),
            secrets=source_keys(context.settings, context.environ),
            ids=tuple(dict.fromkeys(ids)),
            settings=settings,
            clock=context.clock,
            rng=context.rng,
        ),
        report,
    )

    async def run() -> Probed:
        async with told(context.stopping, probing.stop):
            return await probing.run()

    return asyncio.run(run())


def work(context: JobContext) -> JobResult:
    """Probe at the first source that allows it, as many GPTs as its day has room for."""
    sources = [each for each in askable(context.settings, context.sources) if each.probes_per_day]
    if not sources:
        return JobResult(message="no source has probes_per_day: nobody was asked")
    source = sources[0]
    limit = int(context.options.get("limit") or source.probes_per_day)
    with context.catalog(read_only=False) as engine:
        with read(engine) as conn:
            since = context.clock.now() - AGAIN_DAYS * DAY
            ids = to_probe(conn, since=since, limit=limit)
        if not ids:
            return JobResult(message="nothing was to be probed")
        done = probe(context, engine, source, ids, context.settings.probe)
    numbers: dict[str, int | float] = {
        "requested": done.requested,
        "asked": done.requested - done.left,
        "answered": done.answered,
        "silent": done.silent,
        "failed": done.failed,
        "left": done.left,
        "requests": done.requests,
        "tokens": done.tokens,
        "cost": done.cost,
    }
    text = f"{done.answered:,} of {done.requested:,} GPTs answered"
    if done.stop is not None:
        text += f"; {done.stop.words}"
    if context.stopping.is_set():
        return JobResult(numbers=numbers, status="stopped", message=text)
    # What the budget left undone is no failure of the job.
    is_spent = done.stop is not None and done.stop.kind == "budget" and not done.failed
    nothing = done.requested and not (done.answered or done.silent or is_spent)
    return JobResult(
        numbers=numbers,
        status="failed" if nothing else "partly" if done.failed or done.left else "done",
        message=text,
        refused=done.stop is not None and done.stop.kind == "refused",
    )
