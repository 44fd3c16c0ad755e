"""``serve``: it says where it listens, lets in whom it should, and ends when it is told to."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.acceptance.conftest import Cli

TOKEN = "a-token-of-this-test"


@contextmanager
def _serving(cli: Cli, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server on a free port, told to end at the end."""
    process = cli.start("serve", "--port", "0", "--json", *words)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, int(json.loads(line)["url"].rsplit(":", 1)[1].rstrip("/"))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def _ask(port: int, path: str = "/", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_serve_prints_where_it_listens_and_answers_there(cli: Cli) -> None:
    cli("init")
    process = cli.start("serve", "--port", "0")
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        said, url = line.split(" at ")
        assert said == "serving data/catalog.db"
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/ until Ctrl-C\n")
        assert _ask(int(url.split(":")[2].partition("/")[0])) == 200
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_when_it_is_told_to(cli: Cli, end: signal.Signals) -> None:
    cli("init")
    with _serving(cli) as (process, port):
        assert _ask(port, "/gpts") == 200
        process.send_signal(end)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in err


def test_serve_answers_who_calls_it_by_its_name_alone(cli: Cli) -> None:
    cli("init")
    with _serving(cli, "--name", "catalog.example") as (_, port):
        assert _ask(port, Host="evil.example") == 421
        assert _ask(port, "/api/gpts", Host="evil.example") == 421
        assert _ask(port, Host=f"localhost:{port}") == 200
        assert _ask(port, Host="catalog.example") == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])  # noqa: S104  (to be refused)
def test_serve_beyond_loopback_needs_a_token(cli: Cli, host: str) -> None:
    cli("init")
    ran = cli("serve", "--host", host, "--port", "0")
    assert ran.status == 2
    assert "lets other machines in" in ran.err
    assert "--token-env" in ran.err


def test_serve_beyond_loopback_warns_and_asks_for_the_token(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("init")
    monkeypatch.setenv("PAGES_TOKEN", TOKEN)
    words = ("--host", "0.0.0.0", "--token-env", "PAGES_TOKEN")  # noqa: S104  (what is tried)
    with _serving(cli, *words) as (process, port):
        assert _ask(port) == 401
        assert _ask(port, Authorization=f"Bearer {TOKEN}") == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert "other machines can reach this" in err
    assert "not encrypted" in err
    assert TOKEN not in err


@pytest.mark.parametrize("token", ["", "short"])
def test_serve_takes_no_token_that_can_be_guessed(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    cli("init")
    monkeypatch.setenv("PAGES_TOKEN", token)
    ran = cli("serve", "--port", "0", "--token-env", "PAGES_TOKEN")
    assert ran.status == 2
    assert "PAGES_TOKEN" in ran.err


def test_serve_says_that_a_port_is_taken(cli: Cli) -> None:
    cli("init")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = cli("serve", "--port", str(port))
    assert ran.status == 2
    (line,) = ran.err.splitlines()
    assert f"cannot listen on 127.0.0.1 port {port}" in line
    assert "--port" in line


def test_serve_without_a_catalog_says_what_to_do(cli: Cli) -> None:
    ran = cli("serve", "--port", "0")
    assert ran.status in {2, 4}
    assert "gpts-catalog init" in ran.err
