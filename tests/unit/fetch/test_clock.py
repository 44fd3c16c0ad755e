from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from catalog.errors import FetchTransient, SettingsError
from catalog.fetch.clock import let_go, make_clock
from catalog.fetch.remote_clock import RemoteClock
from catalog.times import FixedClock, SystemClock, from_iso


class Simulator:
    """A simulator's clock, on loopback in a thread."""

    def __init__(self) -> None:
        self.body = b'{"now": "2024-02-13T09:19:19Z"}'
        self.paths: list[str] = []
        self.keep_alive = True
        simulator = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                simulator.paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(simulator.body)))
                self.end_headers()
                self.wfile.write(simulator.body)
                self.close_connection = not simulator.keep_alive

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that hangs up early is part of a test."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/clock?at=now"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


class Seconds:
    """Real seconds, set by hand."""

    def __init__(self) -> None:
        self.at = 10.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator()
    yield simulator
    simulator.close()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def clock(simulator: Simulator, seconds: Seconds) -> Iterator[RemoteClock]:
    clock = RemoteClock(simulator.url, seconds)
    yield clock
    clock.close()


def test_remote_clock_shows_the_simulators_time(simulator: Simulator, clock: RemoteClock) -> None:
    assert clock.now() == from_iso("2024-02-13T09:19:19Z")
    assert simulator.paths == ["/clock?at=now"]


def test_remote_clock_asks_again_after_a_twentieth_of_a_second(
    simulator: Simulator, clock: RemoteClock, seconds: Seconds
) -> None:
    clock.now()
    simulator.body = b'{"now": "2024-02-14T00:00:00+00:00"}'
    seconds.at += 0.04
    assert clock.now() == from_iso("2024-02-13T09:19:19Z")
    seconds.at += 0.02
    assert clock.now() == from_iso("2024-02-14T00:00:00Z")
    assert len(simulator.paths) == 2


def test_remote_clock_survives_a_connection_closed_meanwhile(
    simulator: Simulator, clock: RemoteClock, seconds: Seconds
) -> None:
    simulator.keep_alive = False
    for _ in range(3):
        seconds.at += 1
        assert clock.now() == from_iso("2024-02-13T09:19:19Z")
    assert len(simulator.paths) == 3


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"now": 5}', b'{"now": "noon"}', b"{" + b" " * 9000]
)
def test_remote_clock_that_shows_no_time_is_an_error(
    simulator: Simulator, clock: RemoteClock, body: bytes
) -> None:
    simulator.body = body
    with pytest.raises(FetchTransient, match="GPTS_CATALOG_CLOCK"):
        clock.now()


def test_remote_clock_that_is_away_is_an_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        clock = RemoteClock(f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(FetchTransient, match="is the simulator running"):
            clock.now()


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_text_is_the_machines_clock(text: str | None) -> None:
    assert isinstance(make_clock(text), SystemClock)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-02-13", "2024-02-13T00:00:00Z"),
        (" 2024-02-13T09:19:19.5+01:00 ", "2024-02-13T08:19:19.5Z"),
    ],
)
def test_time_is_a_clock_that_stands_still(text: str, moment: str) -> None:
    clock = make_clock(text)
    assert isinstance(clock, FixedClock)
    assert clock.now() == from_iso(moment)


def test_url_is_a_remote_clock(simulator: Simulator) -> None:
    clock = make_clock(simulator.url)
    assert isinstance(clock, RemoteClock)
    assert clock.now() == from_iso("2024-02-13T09:19:19Z")
    clock.close()


@pytest.mark.parametrize("text", ["noon", "https://127.0.0.1/", "http://", "ftp://x", "http://[1"])
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(SettingsError, match="time"):
        make_clock(text)


class _Counted(RemoteClock):
    closed = 0

    def close(self) -> None:
        self.closed += 1
        super().close()


def test_simulators_clock_that_is_let_go_opens_again(simulator: Simulator) -> None:
    clock = _Counted(simulator.url)
    before = clock.now()
    let_go(clock)
    assert clock.closed == 1
    assert clock.now() == before
    let_go(clock)


class _Borrowed:
    closed = False

    def now(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


def test_clock_of_somebody_else_is_left_open() -> None:
    clock = _Borrowed()
    for each in (None, FixedClock(0), SystemClock(), clock):
        let_go(each)
    assert not clock.closed
