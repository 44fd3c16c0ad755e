"""A real HTTP server on loopback that misbehaves on request, and virtual time."""

from __future__ import annotations

import asyncio
import heapq
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, Self

CERTIFICATE = Path(__file__).with_name("loopback.pem")
"""A key and its self-signed certificate for 127.0.0.1; good for nothing else."""


class Seen(NamedTuple):
    """A request that arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


Sending = Callable[[asyncio.StreamWriter], Awaitable[None]]
Reply = bytes | Sending


def reply(
    status: int = 200,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    length: int | None = None,
) -> bytes:
    """An answer as it is written to the wire; ``length`` may lie."""
    lines = [f"HTTP/1.1 {status} Some Words"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += [f"content-length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def document(gizmo_id: str = "g-aaaaaaaaa", **more: object) -> bytes:
    """A good answer."""
    return reply(200, json.dumps({"id": gizmo_id, **more}).encode())


def cut(data: bytes) -> Sending:
    """Send ``data``, then close."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return send


async def reset(writer: asyncio.StreamWriter) -> None:
    """Send nothing; end the connection with a TCP reset."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang(writer: asyncio.StreamWriter) -> None:
    """Send nothing at all until the other side is gone."""
    await writer.wait_closed()


def drip(piece: bytes, every: float = 0.01) -> Sending:
    """Send ``piece`` again and again, for ever, waiting ``every`` seconds in between."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)

    return send


async def until(true: Callable[[], bool]) -> None:
    """Let everything else run until ``true``."""
    while not true():  # noqa: ASYNC110  (what is waited for is plain state, of both sides)
        await asyncio.sleep(0)


class Loopback:
    """The server: answers by ``replies`` in turn, the last one again and again.

    Args:
        replies: what to send.
        tls: speak TLS by :data:`CERTIFICATE`.
    """

    def __init__(self, *replies: Reply, tls: bool = False) -> None:
        self.replies = list(replies)
        self.seen: list[Seen] = []
        self.open = 0
        self.connections = 0
        self.most_at_once = 0
        self._at_once = 0
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        context = None
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def quiet(self) -> None:
        """Wait until no connection is open."""
        await until(lambda: not self.open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open += 1
        self.connections += 1
        number = self.connections
        try:
            while not writer.is_closing():
                self.seen.append(await _request(reader, number))
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(0)
            answer = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
                return
            # Whatever it does, it ends when the other side goes.
            gone = asyncio.ensure_future(reader.read(1))
            sending = asyncio.ensure_future(answer(writer))
            try:
                await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    writer.close()
            finally:
                for each in (gone, sending):
                    each.cancel()
                await asyncio.gather(gone, sending, return_exceptions=True)
        finally:
            self._at_once -= 1


async def _request(reader: asyncio.StreamReader, connection: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, target, headers, body, connection)


class VirtualTimer:
    """Time that passes only while somebody waits for it, and then at once.

    Args:
        may_pass: whether it may; a wait lasts until then.
    """

    def __init__(self, may_pass: Callable[[], bool] = lambda: True) -> None:
        self.now = 1000.0
        self._may_pass = may_pass
        self.slept: list[float] = []
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.now + seconds, len(self.slept), waiter))
        asyncio.get_running_loop().call_later(0.001, self._pass)
        await waiter

    def _pass(self) -> None:
        if not self._may_pass():
            asyncio.get_running_loop().call_later(0.001, self._pass)
            return
        until, _, waiter = heapq.heappop(self._waiting)
        if not waiter.done():
            self.now = max(self.now, until)
            waiter.set_result(None)
