"""What asking costs: requests a second and CPU for each, beside a hand-written floor.

The server is another process that does next to nothing for an answer. ``fetcher`` is what a
harvest uses, with its budget, pace, caps and timeouts; ``floor`` is aiohttp by hand without any of
these; ``httpx`` is httpx with its own transport.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import httpx

from catalog.fetch.client import Fetcher
from catalog.records import Answer, Reading, Request, Verdict
from catalog.settings import SourceSettings
from catalog.times import SystemClock

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-benchmark-0123456789"
TEXT = "what a document says, about as long as most "
DOCUMENT = json.dumps({"gizmo": {"id": "g-aaaaaaaaa", "display": {"description": TEXT * 130}}})

Ask = Callable[[str], Awaitable[None]]


class _Canned(asyncio.Protocol):
    """Answers every request head with the same document."""

    _ANSWER = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
        + str(len(DOCUMENT)).encode()
        + b"\r\n\r\n"
        + DOCUMENT.encode()
    )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._ANSWER * data.count(b"\r\n\r\n"))


async def serve() -> None:
    """Serve until killed; the first line printed is the port."""
    server = await asyncio.get_running_loop().create_server(_Canned, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  (its parent reads it)
    await server.serve_forever()


@contextmanager
def server() -> Iterator[str]:
    """The server's address."""
    # As a module from the checkout, so that it finds the catalog uninstalled as well.
    command = [sys.executable, "-m", "tests.benchmarks.bench_fetch", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


async def _measure(ask: Ask, url: str, count: int, concurrency: int) -> dict[str, float]:
    """Have ``count`` questions asked, so many at once."""
    left = iter(range(count))

    async def worker() -> None:
        for number in left:
            await ask(f"{url}/v2/gpts/g-{number:09d}")

    await ask(url + "/warm-up")
    cpu, started = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"requests_per_second": count / seconds, "cpu_ms_per_request": cpu / count * 1000}


async def _fetcher(url: str, count: int, concurrency: int) -> dict[str, float]:
    source = SourceSettings(
        name="bench",
        dialect="gpts-v2",
        base_url=url,
        requests_per_second=10_000.0,
        max_concurrency=concurrency,
        requests_per_day=10**9,
    )

    async def reserve(wanted: int) -> int:
        return wanted

    def read(answer: Answer) -> list[Reading]:
        return [Reading(verdict=Verdict.DOCUMENT, payload=answer.body)]

    async with Fetcher(
        source, key=KEY, clock=SystemClock(), rng=random.Random(1), reserve=reserve
    ) as fetcher:

        async def ask(address: str) -> None:
            await fetcher.ask(Request(method="GET", url=address, asked=("g",)), read)

        return await _measure(ask, url, count, concurrency)


async def _floor(url: str, count: int, concurrency: int) -> dict[str, float]:
    headers = {"authorization": f"Bearer {KEY}"}
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def ask(address: str) -> None:
            async with session.get(address) as response:
                await response.read()

        return await _measure(ask, url, count, concurrency)


async def _httpx(url: str, count: int, concurrency: int) -> dict[str, float]:
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(limits=limits, headers=headers) as client:

        async def ask(address: str) -> None:
            await client.get(address)

        return await _measure(ask, url, count, concurrency)


def run(n: int, concurrency: int) -> dict[str, dict[str, float]]:
    """Requests a second and client CPU milliseconds for each, of the three.

    Args:
        n: questions each.
        concurrency: how many at once.
    """
    with server() as url:
        return {
            "fetcher": asyncio.run(_fetcher(url, n, concurrency)),
            "floor": asyncio.run(_floor(url, n, concurrency)),
            "httpx": asyncio.run(_httpx(url, n, concurrency)),
        }


def main() -> None:
    """Print the measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help="be the server")
    parser.add_argument("-n", type=int, default=4000, help="questions each")
    parser.add_argument("--concurrency", type=int, default=64, help="questions at once")
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve())
        return
    for name, measures in run(arguments.n, arguments.concurrency).items():
        print(  # noqa: T201  (a script's output)
            f"{name:8} {measures['requests_per_second']:8.0f} requests/s "
            f"{measures['cpu_ms_per_request']:6.3f} ms CPU a request"
        )


if __name__ == "__main__":
    main()
