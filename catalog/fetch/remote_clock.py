"""The clock of a simulator, read over HTTP by the standard library.

It needs no whole HTTP client, and a catalog without a simulator not even this one's.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from catalog.errors import FetchTransient, SettingsError
from catalog.times import from_iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.times import Micros

_MAX_AGE = 0.05
_TIMEOUT = 5.0
_MAX_BODY = 4096


class RemoteClock:
    """Shows the time of a simulator, which answers ``GET url`` with ``{"now": ISO}``.

    What it read stays good for a twentieth of a real second: reading blocks, and answers may come
    by the thousand. Must not be asked on the event loop that serves the URL itself.

    Args:
        url: where the clock is, plain http.
        timer: real seconds, for the age of what was read.

    Raises:
        SettingsError: ``url`` can be no clock's.
    """

    def __init__(self, url: str, timer: Callable[[], float] = time.monotonic) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if host is None or parts.scheme != "http":
            raise SettingsError(f"{url!r} is no clock: a time, or the http:// URL of a simulator")
        self._url = url
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        self._timer = timer
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._now: Micros = 0

    def now(self) -> Micros:
        """The simulator's present moment.

        Raises:
            FetchTransient: the simulator does not answer, or not with a time.
        """
        with self._lock:
            if self._timer() - self._read_at >= _MAX_AGE:
                self._now = self._read()
                self._read_at = self._timer()
            return self._now

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._connection.close()

    def _read(self) -> Micros:
        try:
            body = self._get()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise FetchTransient(
                f"the clock at {self._url} does not answer ({type(error).__name__}): is the "
                "simulator running? GPTS_CATALOG_CLOCK names it"
            ) from error
        try:
            return from_iso(json.loads(body)["now"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise FetchTransient(
                f'the clock at {self._url} does not answer {{"now": TIME}}: '
                "GPTS_CATALOG_CLOCK should name a simulator's clock"
            ) from error

    def _get(self) -> bytes:
        """The answer; once more on a new connection where the kept one was closed meanwhile."""
        kept = self._connection.sock is not None
        try:
            return self._exchange()
        except (ConnectionError, http.client.BadStatusLine):
            self._connection.close()
            if not kept:
                raise
            return self._exchange()

    def _exchange(self) -> bytes:
        self._connection.request("GET", self._path)
        response = self._connection.getresponse()
        body = response.read(_MAX_BODY)
        if not response.isclosed():  # more than any clock has to say
            self._connection.close()
        return body
