"""A catalog that is served over HTTP, for tests that ask it as a browser or a program would."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import uvicorn

from catalog.settings import Settings
from catalog.times import FixedClock
from catalog.web.app import make_app
from catalog.web.options import LONGEST_HEAD, WebOptions
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_ENOUGH = 30.0
"""Seconds in which a server that was told to end has ended."""


def options(url: str, *, sql_url: str | None = None, **more: Any) -> WebOptions:
    """What a server of the catalog at ``url`` is told.

    Args:
        url: the catalog.
        sql_url: the same for a role that only reads.
        more: members of the options.
    """
    settings = Settings()
    place = msgspec.structs.replace(settings.catalog, url=url, reader_url=sql_url)
    settings = msgspec.structs.replace(settings, catalog=place)
    told = {"settings": settings, "clock": FixedClock(NOW), "patience": LONG_ENOUGH, **more}
    return WebOptions(**told)


@contextmanager
def served(given: WebOptions) -> Iterator[str]:
    """The address of a server, which runs in a thread until the end.

    Args:
        given: what it is told.
    """
    # As ``serve`` opens it.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        # From here on calls are taken; they are answered when the server is ready.
        listener.listen()
        server = uvicorn.Server(
            uvicorn.Config(
                make_app(given),
                log_level="critical",
                lifespan="on",
                h11_max_incomplete_event_size=LONGEST_HEAD,
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(LONG_ENOUGH)
