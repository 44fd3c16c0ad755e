"""Requests a second and client CPU of a harvest, beside what asking alone costs."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import HttpxAiohttpClient

from catalog.dialects import get_dialect
from catalog.fetch.client import Fetcher
from catalog.harvest.session import HarvestJob, run_harvest
from catalog.settings import SourceSettings
from catalog.storage.engine import Engine, open_engine
from catalog.times import SystemClock
from tests.benchmarks.dose import Dose
from tests.benchmarks.imports import make_catalog
from tests.benchmarks.measure import Measures, Sample, interleaved, over
from tests.benchmarks.peer import Peers
from tests.benchmarks.places import Places

ROOT = Path(__file__).resolve().parents[2]
CONCURRENCY = 64
_RATE = 10_000.0


class Gateway(msgspec.Struct, frozen=True):
    """A simulated gateway in a process of its own.

    Attributes:
        source: how to ask it.
        key: its key.
        ids: the GPTs that it is asked for.
    """

    source: SourceSettings
    key: str
    ids: tuple[str, ...]


class HarvestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What asking costs.

    Attributes:
        requests: questions in a run.
        concurrency: how many at once.
        harvest: asked, read, archived and derived.
        fetch: asked and read alone.
        bodies: read by httpx on aiohttp's transport, and thrown away.
        floor: downloaded by aiohttp, and thrown away.
        scrapy: downloaded by Scrapy, and thrown away; None: the peers are not there.
    """

    requests: int
    concurrency: int
    harvest: Measures
    fetch: Measures
    bodies: Measures
    floor: Measures
    scrapy: Measures | None = None


@contextmanager
def gateway(folder: Path, dose: Dose) -> Iterator[Gateway]:
    """Run the simulated gateway while the block runs."""
    ids = folder / "ids.txt"
    words = ["simulate-gateway", "--gpts", str(dose.requests), "--seed", str(dose.seed)]
    command = [sys.executable, "-m", "catalog", *words, "--ids", str(ids)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            # simulated gateway ready: http://127.0.0.1:4321 mounts=... key=... gpts=... now=...
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the simulated gateway did not start: see above")
            root, *said = line.partition("ready: ")[2].split()
            key = next(each.partition("=")[2] for each in said if each.startswith("key="))
            source = SourceSettings(
                name="bench",
                dialect="gpts-v2",
                base_url=f"{root}/plain",
                requests_per_second=_RATE,
                requests_per_day=10**9,
                max_concurrency=CONCURRENCY,
            )
            yield Gateway(source, key, tuple(ids.read_text(encoding="utf-8").split()))
        finally:
            process.terminate()


def run(places: Places, dose: Dose, folder: Path, peers: Peers | None = None) -> HarvestResult:
    """Measure a first harvest, fetching alone and downloading alone, in turn."""
    with gateway(folder, dose) as asked:
        # So that no contender pays for the documents being made up.
        asyncio.run(_floor(asked))
        contenders: dict[str, Callable[[], Sample]] = {
            "harvest": partial(_harvest, places, asked),
            "fetch": lambda: asyncio.run(_fetch(asked)),
            "bodies": lambda: asyncio.run(_bodies(asked)),
            "floor": lambda: asyncio.run(_floor(asked)),
        }
        if peers is not None:
            contenders["scrapy"] = partial(_scrapy, asked, peers)
        samples = interleaved(contenders, dose.runs)
    return HarvestResult(
        requests=len(asked.ids),
        concurrency=CONCURRENCY,
        **{name: over(each) for name, each in samples.items()},
    )


def job_of(asked: Gateway, engine: Engine) -> HarvestJob:
    """The harvest of all that a gateway is asked for, into a catalog that is opened durably."""
    return HarvestJob(
        engine=engine,
        source=asked.source,
        key=asked.key,
        secrets=[asked.key],
        ids=asked.ids,
        command="harvest",
        clock=SystemClock(),
        rng=random.Random(1),
    )


def _harvest(places: Places, asked: Gateway) -> Sample:
    url = make_catalog(places)
    engine = open_engine(url, durable=True)
    try:
        watch = _Watch()
        ended = asyncio.run(run_harvest(job_of(asked, engine)))
        sample = watch.sample(len(asked.ids))
    finally:
        engine.dispose()
        places.drop(url)
    if ended.stop is not None or ended.totals.left or ended.totals.failed:
        raise ValueError(f"the simulated harvest did not end well: {ended}")
    return sample


async def _fetch(asked: Gateway) -> Sample:
    dialect = get_dialect(asked.source)

    async def reserve(wanted: int) -> int:
        return wanted

    async with Fetcher(
        asked.source, key=asked.key, clock=SystemClock(), rng=random.Random(1), reserve=reserve
    ) as fetcher:

        async def ask(gizmo_id: str) -> None:
            ids = (gizmo_id,)
            await fetcher.ask(dialect.details(ids), partial(dialect.read, asked=ids))

        return await _timed(ask, asked.ids)


async def _bodies(asked: Gateway) -> Sample:
    dialect = get_dialect(asked.source)
    headers = {"authorization": f"Bearer {asked.key}"}
    limits = httpx.Limits(max_connections=CONCURRENCY)
    async with HttpxAiohttpClient(limits=limits, headers=headers) as client:

        async def ask(gizmo_id: str) -> None:
            await client.get(dialect.details((gizmo_id,)).url)

        return await _timed(ask, asked.ids)


def _scrapy(asked: Gateway, peers: Peers) -> Sample:
    dialect = get_dialect(asked.source)
    urls = [dialect.details((gizmo_id,)).url for gizmo_id in asked.ids]
    seconds, cpu = peers.crawl(urls, asked.key, CONCURRENCY)
    return {
        "requests_per_second": len(urls) / seconds,
        "cpu_ms_per_request": cpu / len(urls) * 1000,
    }


async def _floor(asked: Gateway) -> Sample:
    dialect = get_dialect(asked.source)
    headers = {"authorization": f"Bearer {asked.key}"}
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def ask(gizmo_id: str) -> None:
            async with session.get(dialect.details((gizmo_id,)).url) as response:
                await response.read()

        return await _timed(ask, asked.ids)


async def _timed(ask: Callable[[str], Awaitable[None]], ids: Sequence[str]) -> Sample:
    """Have all ids asked, so many at once."""
    left = iter(ids)

    async def worker() -> None:
        for gizmo_id in left:
            await ask(gizmo_id)

    watch = _Watch()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return watch.sample(len(ids))


class _Watch:
    """Wall clock and CPU of this process from its making on."""

    def __init__(self) -> None:
        self._cpu, self._started = time.process_time(), time.perf_counter()

    def sample(self, requests: int) -> Sample:
        """What ``requests`` took."""
        seconds = time.perf_counter() - self._started
        cpu = time.process_time() - self._cpu
        return {
            "requests_per_second": requests / seconds,
            "cpu_ms_per_request": cpu / requests * 1000,
        }
