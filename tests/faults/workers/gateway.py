"""One simulated gateway that notes who asked for what and when, and the clocks of all machines."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from catalog.simulator import SimulatedClock
from catalog.simulator.gateway import Gateway
from catalog.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.simulator import Population
    from tests.faults.workers.network import Network

BACKLOG = 256
LONG_ENOUGH = 30.0
"""Seconds in which whoever is awaited comes, or something is wrong."""


class Asked(NamedTuple):
    """A request, as the gateway had it.

    Attributes:
        at: real seconds when it came.
        machine: who asked.
        gizmo_id: for what.
    """

    at: float
    machine: int
    gizmo_id: str


class Recorder:
    """The gateway.

    Args:
        population: the GPTs.
        clock: the time of what it says.
        network: by whose addresses it tells who asks.
        latency: seconds that an answer takes.

    Attributes:
        asked: every request.
        awaited: the first requests are answered once so many machines have asked.
    """

    def __init__(
        self, population: Population, clock: SimulatedClock, network: Network, latency: float
    ) -> None:
        self.gateway = Gateway(population, clock)
        self.clock = clock
        self.asked: list[Asked] = []
        self.awaited = 0
        self._machines = {network.address(each): each for each in range(network.machines)}
        self._latency = latency
        self._listener = network.at_hub(_listen)
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._ended = asyncio.Event()

    def forget(self, awaited: int = 0) -> None:
        """Begin a new record.

        Args:
            awaited: hold all answers until so many machines have asked.
        """
        self.asked = []
        self.awaited = awaited

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answer while the block runs."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        self._ready.wait(LONG_ENOUGH)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._ended.set)
            thread.join(LONG_ENOUGH)
            self._listener.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, self._listener, backlog=BACKLOG).start()
        self._ready.set()
        await self._ended.wait()
        await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.transport.get_extra_info("sockname") if request.transport else ("",)
        machine = self._machines[name[0]]
        self.asked.append(Asked(time.monotonic(), machine, request.path.rpartition("/")[2]))
        await self._until_all_are_here()
        await asyncio.sleep(self._latency)
        return await self.gateway.answer(request)

    async def _until_all_are_here(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONG_ENOUGH):
                while len({each.machine for each in self.asked}) < self.awaited:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        self.awaited = 0


def _listen() -> socket.socket:
    listener = socket.socket()
    listener.bind(("0.0.0.0", 0))  # noqa: S104  (of the hub's namespace, or of a test's moment)
    listener.listen(BACKLOG)
    return listener


class Clocks:
    """The clock that machines go by, on the loopback of each: a cut cable does not stop it.

    Args:
        clock: the time.
        network: the machines.
    """

    def __init__(self, clock: SimulatedClock, network: Network) -> None:
        self.clock = clock
        self._servers = []
        for machine in range(network.machines):
            server = network.at(machine, lambda: _Clock(("127.0.0.1", 0), _face(clock)))
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, machine: int) -> str:
        """What ``GPTS_CATALOG_CLOCK`` is on a machine."""
        return f"http://127.0.0.1:{self._servers[machine].server_port}/"

    def close(self) -> None:
        """Stop them."""
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _face(clock: SimulatedClock) -> type[BaseHTTPRequestHandler]:
    class Face(BaseHTTPRequestHandler):
        """Says what time it is."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer."""
            body = json.dumps({"now": to_iso(clock.now())}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Face


class _Clock(ThreadingHTTPServer):
    """Serves one face."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever asked was killed: that is what they are here for."""
