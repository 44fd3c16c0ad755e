"""Runs the simulated gateway: in a thread for tests and the demo, or as a command."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from aiohttp import web

from catalog.errors import UsageError
from catalog.records import Verdict
from catalog.simulator.clock import SimulatedClock
from catalog.simulator.control import PREFIX, all_ids, control, stats
from catalog.simulator.faults import FaultPlan, FaultTimes
from catalog.simulator.gateway import SIMULATED_KEY, Gateway
from catalog.simulator.population import START, Population
from catalog.simulator.wrappings import Mount
from catalog.times import Micros, to_iso

HOST = "127.0.0.1"
_STOP_SECONDS = 10.0
_LINGER_SECONDS = 0.1
_BACKLOG = 1024


class RunningGateway:
    """A gateway that listens.

    Args:
        gateway: what answers.
        port: where.
    """

    def __init__(self, gateway: Gateway, port: int) -> None:
        self.gateway = gateway
        self.port = port
        self.root = f"http://{HOST}:{port}"
        self.key = SIMULATED_KEY

    def url(self, mount: Mount | str) -> str:
        """The ``base_url`` of a mount: plain, info, bare, mj, chat, chat-object."""
        return f"{self.root}/{Mount(str(mount).strip('/'))}"

    @property
    def clock(self) -> SimulatedClock:
        """The simulated clock."""
        return self.gateway.clock

    @property
    def clock_url(self) -> str:
        """What ``GPTS_CATALOG_CLOCK`` may name."""
        return f"{self.root}{PREFIX}clock"

    @property
    def stats(self) -> dict[str, Any]:
        """What was asked so far, with the attempts of each id."""
        return stats(self.gateway, attempts=True)

    def truth(self, mount: Mount | str = Mount.PLAIN) -> dict[str, Verdict]:
        """How a harvest of all ids must end."""
        return self.gateway.truth(all_ids(self.gateway), Mount(str(mount).strip("/")))


@contextmanager
def running_gateway(
    population: Population,
    faults: FaultPlan | None = None,
    clock: SimulatedClock | None = None,
    *,
    key: str = SIMULATED_KEY,
    rate_limit: float | None = None,
    times: FaultTimes | None = None,
    port: int = 0,
) -> Iterator[RunningGateway]:
    """Run a gateway in a thread of its own, on loopback, while the block runs.

    Args:
        population: the GPTs.
        faults: what goes wrong, if anything.
        clock: the simulated time; one that stands at the population's start if not given.
        key: the bearer key that is taken.
        rate_limit: questions a second of real time.
        times: how slow and how large faults are.
        port: where to listen; 0 takes a free one.

    Raises:
        UsageError: the port is taken.
    """
    clock = clock or SimulatedClock(population.start)
    gateway = Gateway(population, clock, faults=faults, key=key, rate_limit=rate_limit, times=times)
    listener = _listen(port)
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    thread = threading.Thread(
        target=_run, args=(loop, gateway, listener, ready, stop), name="gateway", daemon=True
    )
    thread.start()
    ready.wait()
    running = RunningGateway(gateway, listener.getsockname()[1])
    running.key = key
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_STOP_SECONDS)


def serve(
    stream: TextIO,
    *,
    size: int = 1000,
    seed: int = 1,
    port: int = 0,
    faults: float = 0.0,
    speed: float = 0.0,
    start: Micros = START,
    rate_limit: float | None = None,
    pace: float = 1.0,
) -> None:
    """Run a gateway until SIGINT or SIGTERM.

    Args:
        stream: where one line says that it is ready, and where.
        size: how many GPTs there are at first.
        seed: everything follows from it.
        port: where to listen; 0 takes a free one.
        faults: the share of ids that fail, of all kinds.
        speed: simulated seconds for each real one; 0 leaves the clock to ``/_sim/clock``.
        start: when the simulation begins.
        rate_limit: questions a second of real time.
        pace: how many times faster than real GPTs change.

    Raises:
        UsageError: an argument makes no sense, or the port is taken.
    """
    if rate_limit is not None and rate_limit <= 0:
        raise UsageError(f"a rate limit of {rate_limit:g} would answer nothing")
    population = Population(seed, size, start, pace)
    plan = FaultPlan(seed, faults) if faults else None
    clock = SimulatedClock(start, speed)
    stopped = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with running_gateway(population, plan, clock, rate_limit=rate_limit, port=port) as running:
            stream.write(ready_line(running) + "\n")
            stream.flush()
            stopped.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ready_line(running: RunningGateway) -> str:
    """One line that says where the gateway is, what it speaks, its key and its time."""
    mounts = ",".join(Mount)
    return (
        f"simulated gateway ready: {running.root} mounts={mounts} key={running.key} "
        f"gpts={running.gateway.population.size} now={to_iso(running.clock.now())}"
    )


def write_ids(population: Population, path: Path, count: int | None = None) -> int:
    """Write the first ``count`` ids, one a line, for ``harvest --refs``; how many they were."""
    ids = population.ids()
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for gizmo_id in ids:
            if written == count:
                break
            file.write(gizmo_id + "\n")
            written += 1
    return written


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(f"cannot listen on {HOST}:{port}: {error}") from error
    listener.listen(_BACKLOG)
    return listener


def _run(
    loop: asyncio.AbstractEventLoop,
    gateway: Gateway,
    listener: socket.socket,
    ready: threading.Event,
    stop: asyncio.Event,
) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_serve(gateway, listener, ready, stop))
    finally:
        # Whoever still hangs or drips is done with.
        for task in asyncio.all_tasks(loop):
            task.cancel()
        with suppress(RuntimeError):
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        listener.close()


async def _serve(
    gateway: Gateway, listener: socket.socket, ready: threading.Event, stop: asyncio.Event
) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(PREFIX):
            return await control(gateway, request)
        return await gateway.answer(request)

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=_LINGER_SECONDS)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=_BACKLOG).start()
    ready.set()
    await stop.wait()
    await runner.cleanup()
