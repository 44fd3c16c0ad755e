"""A service on loopback that takes messages, or does not."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hook:
    """What a service was sent, and what it answers.

    Attributes:
        url: where it is.
        came: the JSON of each request, in order.
        paths: their paths.
        answers: the statuses of the next answers; then 200.
    """

    def __init__(self) -> None:
        self.url = ""
        self.came: list[Any] = []
        self.paths: list[str] = []
        self.answers: list[int] = []


@contextmanager
def running_hook() -> Iterator[Hook]:
    """Run one."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hook.came.append(json.loads(body))
            hook.paths.append(self.path)
            said = f"no such token: {self.path}".encode()
            self.send_response(hook.answers.pop(0) if hook.answers else 200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
