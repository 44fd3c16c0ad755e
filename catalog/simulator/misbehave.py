"""Does to an answer, and to its connection, what a fault demands."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from functools import lru_cache

from aiohttp import web

from catalog.simulator.faults import Fault, FaultKind, FaultTimes
from catalog.simulator.wrappings import error
from catalog.times import SECOND, Micros, to_datetime

_PAGE = b"""<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>One API</title></head>
<body><noscript>This app needs JavaScript.</noscript><div id="root"></div></body>
</html>
"""
_NO_LINGER = struct.pack("ii", 1, 0)
_LATER = 1.0
_CHUNK = b" " * 65536
_OTHER_HOST = "127.0.0.2"

_STATUSES: dict[FaultKind, tuple[int, bytes]] = {
    FaultKind.THROTTLED: (429, b""),
    FaultKind.THROTTLED_SECONDS: (429, error("当前分组上游负载已饱和，请稍后再试")),
    FaultKind.THROTTLED_DATE: (429, error("当前分组上游负载已饱和，请稍后再试")),
    FaultKind.NO_CHANNEL: (503, error("当前分组 default 下对于模型 get-gpts 无可用渠道")),
    FaultKind.SERVER_ERROR: (500, error("Internal Server Error", "upstream_error")),
    FaultKind.BAD_KEY: (401, error("无效的令牌")),
    FaultKind.KEY_QUOTA: (401, error("该令牌额度已用尽")),
    FaultKind.ACCOUNT_QUOTA: (
        403,
        error("user quota is not enough", param="", code="insufficient_user_quota"),
    ),
}


def http_date(at: Micros) -> str:
    """``at`` as HTTP headers write it."""
    return format_datetime(to_datetime(at // SECOND * SECOND), usegmt=True)


async def misbehave(
    fault: Fault, request: web.BaseRequest, body: bytes, now: Micros, times: FaultTimes
) -> web.StreamResponse:
    """Answer ``request`` the wrong way.

    Args:
        fault: in which way.
        request: the question.
        body: what an honest answer would be.
        now: the simulated moment.
        times: how slow and how large.
    """
    kind = fault.kind
    if kind in _STATUSES:
        status, text = _STATUSES[kind]
        headers = {"Date": http_date(now)}
        if kind is FaultKind.THROTTLED_SECONDS:
            headers["Retry-After"] = str(times.retry_after)
        elif kind is FaultKind.THROTTLED_DATE:
            headers["Retry-After"] = http_date(now + times.retry_after * SECOND)
        content_type = "application/json" if text else None
        return web.Response(status=status, body=text, headers=headers, content_type=content_type)
    if kind in _BODIES:
        return _BODIES[kind](body)
    if kind is FaultKind.ZIP_BOMB:
        return _json(_bomb(times.bomb), {"Content-Encoding": "gzip"})
    if kind is FaultKind.REDIRECT:
        place = f"http://{_OTHER_HOST}:{request.url.port}{request.rel_url}"
        return web.Response(status=302, headers={"Location": place})
    return await _CONNECTIONS[kind](request, body, times)


def _json(body: bytes, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=headers)


def _spoiled(body: bytes) -> bytes:
    place = body.index(b"name") if b"name" in body else len(body) // 2
    start = body.find(b'"', body.find(b":", place)) + 1
    return body[:start] + b"\xff\xfe" + body[start:]


@lru_cache(1)
def _bomb(size: int) -> bytes:
    return gzip.compress(bytes(size), compresslevel=6, mtime=0)


def _reset(request: web.BaseRequest) -> web.Response:
    """End the connection with a reset; what is returned can no longer be written."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER
        )
        transport.abort()
    return web.Response()


async def _refuse(request: web.BaseRequest, body: bytes, times: FaultTimes) -> web.Response:
    del body, times
    return _reset(request)


async def _hang(request: web.BaseRequest, body: bytes, times: FaultTimes) -> web.Response:
    del body
    await asyncio.sleep(times.hang)
    return _reset(request)


async def _short(request: web.BaseRequest, body: bytes, times: FaultTimes) -> web.Response:
    """Claim the whole body, send half, and close."""
    del times
    transport = request.transport
    if transport is not None:
        transport.write(_head(len(body)) + body[: len(body) // 2])
        transport.close()
    return web.Response()


def _head(length: int) -> bytes:
    return (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


async def _overlong(request: web.BaseRequest, body: bytes, times: FaultTimes) -> web.Response:
    """Send more than was claimed.

    The rest comes later, to those who are still there: sent at once, it would depend on the
    client's reading whether this answer or the connection is found to be broken.
    """
    del times
    transport = request.transport
    claimed = len(body) * 3 // 5
    if transport is not None:
        transport.write(_head(claimed) + body[:claimed])
        await asyncio.sleep(_LATER)
        if not transport.is_closing():
            transport.write(body[claimed:])
        transport.close()
    return web.Response()


async def _endless(request: web.BaseRequest, body: bytes, times: FaultTimes) -> web.StreamResponse:
    """Go on until the other side leaves.

    Given up at last, it is closed without its last chunk: a reset would take back what was sent
    and not read yet, so how much arrives would depend on the client's pace.
    """
    del body
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        for _ in range(times.endless // len(_CHUNK)):
            await response.write(_CHUNK)
    except ConnectionError:
        return response
    if request.transport is not None:
        request.transport.close()
    return response


async def _dripping(request: web.BaseRequest, body: bytes, times: FaultTimes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    try:
        await response.prepare(request)
        for place in range(int(times.hang / times.drip)):
            await response.write(body[place : place + 1])
            await asyncio.sleep(times.drip)
    except ConnectionError:
        return response
    return _reset(request)


_BODIES: dict[FaultKind, Callable[[bytes], web.Response]] = {
    FaultKind.HTML: lambda _: web.Response(body=_PAGE, content_type="text/html", charset="utf-8"),
    FaultKind.CUT_JSON: lambda body: _json(body[: len(body) * 3 // 5]),
    FaultKind.INVALID_UTF8: lambda body: _json(_spoiled(body)),
    FaultKind.BAD_GZIP: lambda body: _json(body, {"Content-Encoding": "gzip"}),
}
_CONNECTIONS: dict[
    FaultKind,
    Callable[[web.BaseRequest, bytes, FaultTimes], Awaitable[web.StreamResponse]],
] = {
    FaultKind.RESET: _refuse,
    FaultKind.HANG: _hang,
    FaultKind.SHORT_BODY: _short,
    FaultKind.WRONG_LENGTH: _overlong,
    FaultKind.SLOW_DRIP: _dripping,
    FaultKind.ENDLESS: _endless,
}
