"""Certificates, connections that come to nothing, and proxies."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from catalog.errors import SettingsError
from catalog.fetch.client import Asked
from catalog.records import Verdict
from tests.unit.fetch.asking import ask, asked_of, get, make_fetcher, make_source, read
from tests.unit.fetch.loopback import (
    CERTIFICATE,
    Loopback,
    cut,
    document,
    reply,
    reset,
)


def test_certificate_of_an_unknown_authority_is_refused() -> None:
    asked, server = asked_of(document(), tls=True)
    assert "certificate is not trusted" in asked.readings[0].detail
    assert (asked.attempts, server.seen) == (1, [])


def test_authority_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    asked, _ = asked_of(document(), tls=True)
    assert asked.readings[0].verdict is Verdict.DOCUMENT


def test_authorities_that_cannot_be_read_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "no such file")
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        make_fetcher(make_source("https://127.0.0.1"))


def alone(url: str, **options: Any) -> Asked:
    async def main() -> Asked:
        async with make_fetcher(make_source(url, max_attempts=2, **options)) as fetcher:
            return await fetcher.ask(get(url), read)

    return asyncio.run(main())


def test_tls_to_a_server_without_it_fails() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await cut(b"HTTP/1.1 400 Bad\r\n\r\n")(writer)

    async def main() -> Asked:
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with make_fetcher(make_source(url, max_attempts=1)) as fetcher:
                return await fetcher.ask(get(url), read)

    assert "TLS failed" in asyncio.run(main()).readings[0].detail


def test_nobody_at_the_port_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        asked = alone(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert asked.attempts == 2
    assert asked.readings[0].detail == "no connection (Connection refused)"


def test_host_name_that_cannot_be_resolved_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    asked = alone("http://gateway.example")
    assert asked.attempts == 2
    assert asked.readings[0].detail == "its host name cannot be resolved"


@pytest.mark.parametrize("url", ["ftp://gateway.example", "gateway.example", "http://"])
def test_address_that_is_none_is_terminal(url: str) -> None:
    asked = alone(url)
    assert asked.attempts == 1
    assert "base_url" in asked.readings[0].detail


def test_connect_timeout_is_kept() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):  # the queue is full now
            asked = alone(f"http://127.0.0.1:{port}", connect_timeout=0.05)
    assert asked.readings[0].detail == "no connection within connect_timeout"


def test_transport_error_gives_one_reading_for_each_asked_id() -> None:
    async def main() -> Asked:
        async with (
            Loopback(reset) as server,
            make_fetcher(make_source(server.url)) as fetcher,
        ):
            return await fetcher.ask(get(server.url, asked=("g-1", "g-2")), read)

    readings = asyncio.run(main()).readings
    assert [(each.asked, each.verdict) for each in readings] == [
        ("g-1", Verdict.UNAVAILABLE),
        ("g-2", Verdict.UNAVAILABLE),
    ]


def test_transport_error_of_a_search_gives_one_reading() -> None:
    async def main() -> Asked:
        async with (
            Loopback(reset) as server,
            make_fetcher(make_source(server.url)) as fetcher,
        ):
            return await fetcher.ask(get(server.url, asked=()), read)

    (reading,) = asyncio.run(main()).readings
    assert (reading.asked, reading.verdict) == ("", Verdict.UNAVAILABLE)


def through_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str = "") -> tuple[Asked, Loopback]:
    async def main() -> tuple[Asked, Loopback]:
        async with Loopback(document()) as server, Loopback(document()) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:pass-word@"))
            monkeypatch.setenv("NO_PROXY", no_proxy)
            return await ask(server), proxy

    return asyncio.run(main())


def test_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, proxy = through_proxy(monkeypatch)
    assert asked.readings[0].verdict is Verdict.DOCUMENT
    assert proxy.seen[0].target.startswith("http://127.0.0.1:")
    assert proxy.seen[0].headers["proxy-authorization"].startswith("Basic ")


def test_proxy_without_a_password_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Loopback:
        async with Loopback(document()) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            async with make_fetcher(make_source("http://gateway.example")) as fetcher:
                await fetcher.ask(get("http://gateway.example"), read)
            return proxy

    (seen,) = asyncio.run(main()).seen
    assert seen.headers["host"] == "gateway.example"
    assert "proxy-authorization" not in seen.headers


def test_proxy_of_a_tls_source_gets_its_password_and_not_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> tuple[Asked, Loopback]:
        async with Loopback(cut(reply(403))) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:pass-word@"))
            url = "https://gateway.example"
            async with make_fetcher(make_source(url, max_attempts=1)) as fetcher:
                return await fetcher.ask(get(url), read), proxy

    asked, proxy = asyncio.run(main())
    assert asked.readings[0].detail == "the proxy refused"
    assert proxy.seen[0].method == "CONNECT"
    assert proxy.seen[0].headers["proxy-authorization"] == "Basic bWU6cGFzcy13b3Jk"
    assert "authorization" not in proxy.seen[0].headers


def test_proxy_is_not_used_where_the_environment_excepts_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, proxy = through_proxy(monkeypatch, no_proxy="127.0.0.1")
    assert asked.readings[0].verdict is Verdict.DOCUMENT
    assert proxy.seen == []


def test_proxy_that_is_away_is_unavailable_and_its_password_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:pass-word@127.0.0.1:1")
    asked = alone("http://gateway.example")
    assert "proxy" in asked.readings[0].detail
    assert "pass-word" not in asked.readings[0].detail


def test_socks_proxy_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(SettingsError, match="NO_PROXY"):
        make_fetcher(make_source("http://gateway.example"))


def test_proxy_that_is_no_address_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://[me:pass-word")
    with pytest.raises(SettingsError, match="HTTP_PROXY") as error:
        make_fetcher(make_source("http://gateway.example"))
    assert "pass-word" not in str(error.value)
