"""One harvest from settings to totals: everything put together, and nothing left open."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog.derive import Derivation
from catalog.dialects import get_dialect
from catalog.fetch.client import Fetcher
from catalog.harvest.desk import AskJob
from catalog.harvest.harvest import Harvest, HarvestOptions
from catalog.harvest.planning import Planner, Terms
from catalog.harvest.store import Store, digest_of
from catalog.harvest.totals import Harvested, Progress
from catalog.secrets import Redactor
from catalog.storage import runs
from catalog.times import Micros


class HarvestJob(AskJob, frozen=True, kw_only=True):
    """What is to be harvested, and with what.

    Attributes:
        ids: the GPTs, each once.
        command: what is run, as runs are compared by (rule 13).
        terms: what the next visits are planned by; None for the plain pauses.
        whatever_is_due: ``ids`` is what is due now: an unfinished run of the same command is
            resumed though it began with more of them, and what another process has visited
            meanwhile is left out.
        listed_at: when they were found to be due, before anything of them was asked.
    """

    ids: Sequence[str]
    command: str
    terms: Terms | None = None
    whatever_is_due: bool = False
    listed_at: Micros | None = None


async def run_harvest(
    job: HarvestJob,
    *,
    report: Callable[[Progress], None] = lambda _: None,
    begun: Callable[[Harvest], None] = lambda _: None,
) -> Harvested:
    """Harvest, or go on with what an earlier process left.

    Args:
        job: what, and with what.
        report: called with the progress whenever it moved.
        begun: called with the harvest before it asks, so that it can be stopped.

    Raises:
        StorageError: the catalog cannot be used.
        SettingsError: the source cannot be asked as it is configured.
    """
    dialect = get_dialect(job.source)
    store = Store(
        job.engine,
        job.source,
        key=runs.RunKey(
            command=job.command,
            source=job.source.name,
            ids_digest="" if job.whatever_is_due else digest_of(job.ids),
        ),
        deriver=Derivation(),
        redactor=Redactor(job.secrets),
        clock=job.clock,
        rng=job.rng,
        planner=Planner(job.terms, job.rng),
        listed_at=job.listed_at,
    )
    try:
        fetcher = Fetcher(
            job.source,
            key=job.key,
            clock=job.clock,
            rng=job.rng,
            reserve=lambda wanted: store.call(store.reserve, wanted),
            share=lambda: store.call(store.share),
        )
        async with fetcher:
            harvest = Harvest(store, dialect, fetcher, job.clock, HarvestOptions(report=report))
            begun(harvest)
            try:
                await harvest.run(job.ids)
            finally:
                await fetcher.close()
                await store.call(store.give_back, fetcher.unspent)
        if harvest.ended is None:
            raise RuntimeError("a run that was not cancelled has ended")
        return harvest.ended
    finally:
        store.close()
