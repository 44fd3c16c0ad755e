"""``/metrics`` and ``/healthz`` over HTTP, by the standard library; nothing else is served.

For monitors on the same machine: it listens on loopback unless told otherwise, answers only who
calls it by its own name or by an address (a web page cannot be made to read it through a name of
its own), and reads the catalog on an engine that cannot write.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.errors import CatalogError, UsageError
from catalog.health.line import headline
from catalog.health.looking import Health, look
from catalog.health.metrics import CONTENT_TYPE, exposition
from catalog.hosts import is_called_by_name
from catalog.settings import Settings
from catalog.storage.schema import opened
from catalog.times import Clock, to_iso

if TYPE_CHECKING:
    from catalog.working import PlannedJob

GOOD_FOR = 10.0
"""Seconds for which a look serves all that ask: Prometheus asks every 15 to 60."""
PATIENCE = 10.0
"""Seconds in which a caller has to say what it wants."""
_LAST_PORT = 65_535


class Address(msgspec.Struct, frozen=True):
    """Where to listen."""

    host: str
    port: int


def listen_address(text: str, where: str = "--listen") -> Address:
    """``HOST:PORT``, as ``127.0.0.1:9877`` or ``[::1]:9877``.

    Args:
        text: what was written.
        where: the option or setting in which it stands, for errors.

    Raises:
        UsageError: it is none.
    """
    host, colon, port = text.strip().rpartition(":")
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (
        not colon
        or not name
        or not (port.isascii() and port.isdigit() and int(port) <= _LAST_PORT)
        or (":" in name and name == host)
    ):
        raise UsageError(f"{where} {text}: expected HOST:PORT, as 127.0.0.1:9877 or [::1]:9877")
    return Address(name, int(port))


class Looks:
    """Looks at a catalog, and remembers what it saw for a while; from any thread.

    Args:
        settings: the settings; they name the catalog.
        clock: the clock.
        jobs: the jobs as they are to run here.
        good_for: seconds for which a look serves.
        timer: real seconds.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        jobs: Collection[PlannedJob] = (),
        *,
        good_for: float = GOOD_FOR,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._jobs = jobs
        self._good_for = good_for
        self._timer = timer
        self._guard = threading.Lock()
        self._last: tuple[float, Health] | None = None

    def now(self) -> Health:
        """The last look, if it is young enough; else a new one.

        Raises:
            CatalogError: the catalog cannot be read, or the clock does not answer.
        """
        with self._guard:
            at = self._timer()
            if self._last is None or at - self._last[0] >= self._good_for:
                place = self._settings.catalog
                with opened(place.url, folder=place.folder) as engine:
                    found = look(engine, self._settings, self._clock.now(), self._jobs)
                self._last = (at, found)
            return self._last[1]


@contextmanager
def serve_health(address: Address, looks: Looks) -> Iterator[Address]:
    """Serve ``/metrics`` and ``/healthz`` in a thread of its own.

    Args:
        address: where; port 0 takes a free one.
        looks: what is told.

    Yields:
        Where it listens.

    Raises:
        UsageError: it cannot listen there.
    """
    try:
        server = _Server(address, looks)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {address.host} port {address.port}: {error.strerror or error};"
            " name another with --listen HOST:PORT, or as listen of [metrics]"
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield Address(address.host, int(server.server_address[1]))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Address, looks: Looks) -> None:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        self.address_family = family
        self.names = frozenset({address.host.casefold(), "localhost"})
        self.looks = looks
        super().__init__((address.host, address.port), _Handler)

    def server_bind(self) -> None:
        """Bind; the standard library's own asks a name server for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "gpts-catalog", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is nobody's business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    server_version = "gpts-catalog"
    sys_version = ""
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        """Answer ``/metrics`` and ``/healthz``."""
        path = self.path.partition("?")[0]
        if not is_called_by_name(self.headers.get_all("host") or [], self.server.names):
            self._send(HTTPStatus.MISDIRECTED_REQUEST, _TEXT, b"call it by its own name\n")
        elif path == "/metrics":
            self._answer(_metrics)
        elif path == "/healthz":
            self._answer(_healthz)
        else:
            self._send(HTTPStatus.NOT_FOUND, _TEXT, b"there are /metrics and /healthz\n")

    do_HEAD = do_GET  # noqa: N815  (the standard library calls it so)

    def _answer(self, make: Callable[[Health], tuple[HTTPStatus, str, bytes]]) -> None:
        try:
            answer = make(self.server.looks.now())
        except CatalogError as error:
            answer = (
                HTTPStatus.SERVICE_UNAVAILABLE,
                _JSON,
                msgspec.json.encode({"status": "unreadable", "message": str(error)}),
            )
        self._send(*answer)

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (so named by http.server)
        """Nothing: who scrapes every 15 seconds would fill any log."""


_TEXT, _JSON = "text/plain; charset=utf-8", "application/json"


def _metrics(health: Health) -> tuple[HTTPStatus, str, bytes]:
    return HTTPStatus.OK, CONTENT_TYPE, exposition(health)


def _healthz(health: Health) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.OK if health.is_well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, _JSON, msgspec.json.encode(as_json(health))


def as_json(health: Health) -> dict[str, Any]:
    """A look for programs: how it is, in a line, and each alarm."""
    return {
        "status": "well" if health.is_well else "alarm",
        "line": headline(health),
        "at": to_iso(health.at),
        "alarms": [
            {
                "kind": alarm.kind,
                "subject": alarm.subject,
                "severity": alarm.severity,
                "message": alarm.message,
                "raised_at": None if since is None else to_iso(since),
            }
            for alarm in health.alarms
            for since in (health.since.get((alarm.kind, alarm.subject)),)
        ],
    }
