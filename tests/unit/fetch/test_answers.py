"""What a source can do to one question, over real HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import random
import zlib
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest

from catalog.errors import SettingsError, SourceRefused
from catalog.fetch.client import Asked, Fetcher
from catalog.records import Answer, Reading, Request, Verdict
from catalog.times import FixedClock, from_iso
from tests.unit.fetch.asking import (
    ID,
    KEY,
    NOON,
    ask,
    asked_of,
    get,
    make_fetcher,
    make_source,
    read,
)
from tests.unit.fetch.loopback import (
    CERTIFICATE,
    Loopback,
    Reply,
    cut,
    document,
    drip,
    hang,
    reply,
    reset,
)


def test_answer_comes_out_whole() -> None:
    asked, server = asked_of(reply(200, b'{"id": 1}', {"X-Some-Name": "Value"}))
    assert asked.answer is not None
    assert (asked.answer.status, asked.answer.body) == (200, b'{"id": 1}')
    assert asked.answer.headers["x-some-name"] == "Value"
    assert asked.answer.received_at == NOON
    assert (asked.requests, asked.attempts) == (1, 1)
    assert [reading.verdict for reading in asked.readings] == [Verdict.DOCUMENT]
    (seen,) = server.seen
    assert seen.method == "GET"
    assert seen.target == f"/v2/gpts/{ID}"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["user-agent"].startswith("gpts-catalog/")
    assert seen.headers["accept-encoding"] == "gzip"


def test_received_at_is_read_when_the_last_byte_arrived() -> None:
    clock = FixedClock(NOON)

    async def slowly(writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b'{"id": 1}')[:-1])
        await writer.drain()
        clock.at = from_iso("2024-02-13T12:00:05Z")
        writer.write(b"}")
        await writer.drain()
        await asyncio.sleep(1)

    async def main() -> Asked:
        async with (
            Loopback(slowly) as server,
            make_fetcher(make_source(server.url), clock=clock) as fetcher,
        ):
            return await fetcher.ask(get(server.url), read)

    asked = asyncio.run(main())
    assert asked.answer is not None
    assert asked.answer.received_at == from_iso("2024-02-13T12:00:05Z")


def test_source_without_a_key_gets_none() -> None:
    async def main() -> Loopback:
        async with (
            Loopback(document()) as server,
            make_fetcher(make_source(server.url), key=None) as fetcher,
        ):
            await fetcher.ask(get(server.url), read)
            return server

    assert "authorization" not in asyncio.run(main()).seen[0].headers


def test_post_sends_its_body_as_json() -> None:
    async def main() -> Loopback:
        async with (
            Loopback(document()) as server,
            make_fetcher(make_source(server.url)) as fetcher,
        ):
            request = Request(method="POST", url=server.url + "/v1/chat", body=b'{"a": 1}')
            await fetcher.ask(request, read)
            return server

    (seen,) = asyncio.run(main()).seen
    assert (seen.method, seen.body) == ("POST", b'{"a": 1}')
    assert seen.headers["content-type"] == "application/json"


def test_what_is_asked_arrives_as_it_was_encoded() -> None:
    words = "a+b c&d=é中/,%"

    async def main() -> Loopback:
        async with (
            Loopback(document()) as server,
            make_fetcher(make_source(server.url)) as fetcher,
        ):
            await fetcher.ask(get(server.url, f"/search?query={quote(words, safe='')}&x=1"), read)
            return server

    (seen,) = asyncio.run(main()).seen
    assert parse_qs(urlsplit(seen.target).query) == {"query": [words], "x": ["1"]}


def test_cookies_are_not_kept() -> None:
    async def main() -> Loopback:
        baited = reply(200, b'{"id": 1}', {"Set-Cookie": "session=1; Path=/"})
        async with Loopback(baited) as server, make_fetcher(make_source(server.url)) as fetcher:
            await fetcher.ask(get(server.url), read)
            await fetcher.ask(get(server.url), read)
            return server

    assert all("cookie" not in seen.headers for seen in asyncio.run(main()).seen)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (reset, "cut"),
        (cut(b""), "cut"),
        (cut(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"), "cut"),
        (cut(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"), "cut"),
        (cut(b"HTTP/1.1 200 OK\r\ncontent-"), "cut"),
        (cut(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "HTTP"),
        (cut(b"HTTP/1.1 200 OK\r\nlong: " + b"x" * 100_000 + b"\r\n\r\n"), "HTTP"),
        (hang, "read_timeout"),
        (drip(b" "), "total_timeout"),
        (reply(200, gzip.compress(b"{}" * 50, mtime=0)[:-9], {"content-encoding": "gzip"}), "cut"),
        (reply(200, b"\x1f\x8bnot gzip at all", {"content-encoding": "gzip"}), "damaged"),
    ],
)
def test_fault_is_unavailable_and_asked_again(fault: Reply, words: str) -> None:
    # Long enough for a busy machine to connect in; two of the faults wait for it to end.
    asked, server = asked_of(fault, max_attempts=2, read_timeout=0.5, total_timeout=1.0)
    (reading,) = asked.readings
    assert (reading.asked, reading.verdict) == (ID, Verdict.UNAVAILABLE)
    assert words in reading.detail
    assert asked.answer is None
    assert (asked.requests, asked.attempts, len(server.seen)) == (2, 2, 2)


def test_connection_cut_on_use_is_not_repeated_in_secret() -> None:
    # aiohttp would send a GET again by itself: a request that costs money and is in no books.
    asked, server = asked_of(reset, document(), max_attempts=1)
    assert asked.requests == len(server.seen) == 1


def test_kept_connection_that_was_closed_meanwhile_costs_an_attempt_and_is_counted() -> None:
    async def main() -> tuple[int, Asked, int]:
        async with (
            Loopback(document(), reset, document()) as server,
            make_fetcher(make_source(server.url)) as fetcher,
        ):
            await fetcher.ask(get(server.url), read)
            asked = await fetcher.ask(get(server.url), read)
            return fetcher.requests, asked, len(server.seen)

    requests, asked, seen = asyncio.run(main())
    assert asked.readings[0].verdict is Verdict.DOCUMENT
    assert (asked.requests, requests, seen) == (2, 3, 3)


@pytest.mark.parametrize(
    "body",
    [b"", b"  \n", b'{"id": "g-aaaa', b'[{"id": 1},', reply()[:0]],
)
def test_cut_json_of_an_honest_length_is_asked_again(body: bytes) -> None:
    asked, _ = asked_of(reply(200, body), document())
    assert asked.attempts == 2
    assert asked.readings[0].verdict is Verdict.DOCUMENT


def test_what_came_before_the_last_attempt_is_handed_out_too() -> None:
    def bodies(answer: Answer) -> list[Reading]:
        return [msgspec.structs.replace(each, payload=answer.body) for each in read(answer)]

    async def main(*replies: Reply) -> Asked:
        async with Loopback(*replies) as server:
            source = make_source(server.url, max_attempts=5, read_timeout=0.5)
            async with make_fetcher(source) as fetcher:
                return await fetcher.ask(get(server.url), bodies)

    packed = gzip.compress(b'{"name": "also paid for", "x": ' + b"1" * 900, 0)[:600]
    asked = asyncio.run(
        main(
            reply(200, b'{"name": "only said he'),
            reply(503, b"<html>down</html>"),
            cut(b'HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"id": 1, "na'),
            reply(200, packed, {"content-encoding": "gzip"}),
            reset,
        )
    )
    assert [(each.asked, each.verdict, each.payload[:24]) for each in asked.earlier] == [
        (ID, Verdict.MALFORMED, b'{"name": "only said he'),
        (ID, Verdict.UNAVAILABLE, b"<html>down</html>"),
        (ID, Verdict.UNAVAILABLE, b'{"id": 1, "na'),
        (ID, Verdict.UNAVAILABLE, b'{"name": "also paid for"'),
    ]
    assert (asked.attempts, asked.readings[0].payload) == (5, b"")


def test_what_came_of_the_last_attempt_before_it_was_cut_is_in_its_readings() -> None:
    part = b'{"id": "g-aaaaaaaaa", "na'
    asked, _ = asked_of(
        cut(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n" + part), max_attempts=1
    )
    assert (asked.readings[0].payload, asked.answer, asked.earlier) == (part, None, ())


def test_body_longer_than_its_content_length_is_cut_and_asked_again() -> None:
    asked, _ = asked_of(reply(200, b'{"id": "g-aaaaaaaaa"}', length=10), document())
    assert asked.attempts == 2
    assert asked.readings[0].verdict is Verdict.DOCUMENT


@pytest.mark.parametrize(
    "body", [b"<html>web interface</html>", b'{"surprise": true}', b'{"id": oops}', b"null"]
)
def test_malformed_answer_is_not_asked_again(body: bytes) -> None:
    asked, _ = asked_of(reply(200, body))
    assert asked.attempts == 1
    assert asked.readings[0].verdict is Verdict.MALFORMED


BOMB = gzip.compress(b" " * 2_000_000, mtime=0)


@pytest.mark.parametrize(
    "large",
    [
        reply(200, b" " * 100_000),
        reply(200, BOMB, {"content-encoding": "gzip"}),
        reply(200, BOMB * 30, {"content-encoding": "gzip"}),
        drip(b" " * 5000, every=0),
    ],
    ids=["large", "bomb", "bombs", "endless"],
)
def test_body_beyond_the_limit_is_let_go_and_not_asked_again(large: Reply) -> None:
    asked, server = asked_of(large, max_body_bytes=50_000)
    assert asked.readings[0].verdict is Verdict.UNAVAILABLE
    assert "max_body_bytes" in asked.readings[0].detail
    assert asked.attempts == len(server.seen) == 1


def test_body_of_just_the_limit_is_read() -> None:
    body = b'{"id": 1}' + b" " * (5000 - 9)
    packed = reply(200, gzip.compress(body), {"Content-Encoding": "GZIP"})
    asked, _ = asked_of(packed, max_body_bytes=5000)
    assert asked.answer is not None
    assert asked.answer.body == body


def test_gzip_in_two_members_and_padding_is_read() -> None:
    packed = gzip.compress(b'{"id"') + gzip.compress(b": 1}") + b"\0\0"
    asked, _ = asked_of(reply(200, packed, {"content-encoding": "gzip"}))
    assert asked.answer is not None
    assert asked.answer.body == b'{"id": 1}'


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_encoding_that_was_not_offered_is_not_read(encoding: str) -> None:
    packed = zlib.compress(b"{}")
    asked, _ = asked_of(reply(200, packed, {"content-encoding": encoding}))
    assert asked.attempts == 1
    assert "compressed" in asked.readings[0].detail


def test_redirect_within_the_source_is_followed_and_counted() -> None:
    asked, server = asked_of(reply(301, headers={"Location": "/v1/gpts/?id=1"}), document())
    assert asked.readings[0].verdict is Verdict.DOCUMENT
    assert (asked.requests, asked.attempts) == (2, 1)
    assert server.seen[1].target == "/v1/gpts/?id=1"
    assert server.seen[1].headers["authorization"] == f"Bearer {KEY}"
    assert server.connections == 1


def test_redirects_end_after_three() -> None:
    asked, server = asked_of(reply(302, headers={"Location": "/again"}))
    assert asked.requests == len(server.seen) == 4
    assert "more than 3 times" in asked.readings[0].detail
    assert asked.attempts == 1


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.2:{port}/",
        "http://127.0.0.1:1/",
        "https://127.0.0.1:{port}/",
        "//127.0.0.2:{port}/",
        "http://user@localhost:{port}/",
    ],
)
def test_redirect_elsewhere_is_refused_with_the_key(place: str) -> None:
    async def main() -> tuple[Asked, Loopback]:
        async with Loopback() as server:
            location = place.format(port=server.port)
            server.replies = [reply(302, headers={"Location": location}), document()]
            return await ask(server), server

    asked, server = asyncio.run(main())
    assert len(server.seen) == 1
    assert "redirects to" in asked.readings[0].detail
    assert asked.attempts == 1


@pytest.mark.parametrize(
    "place", ["javascript:alert(1)", "http://[1", "http://x:abc/", "http://x:99999999/"]
)
def test_redirect_to_no_address_is_refused(place: str) -> None:
    asked, server = asked_of(reply(302, headers={"Location": place}))
    assert asked.requests == len(server.seen)
    assert asked.readings[0].verdict in {Verdict.UNAVAILABLE, Verdict.MALFORMED}


def test_redirect_from_https_to_http_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    async def main() -> Asked:
        async with Loopback(tls=True) as server:
            location = server.url.replace("https", "http")
            server.replies = [reply(302, headers={"Location": location})]
            return await ask(server)

    assert "redirects to 'http://" in asyncio.run(main()).readings[0].detail


@pytest.mark.parametrize(("status", "sent"), [(301, 1), (303, 1), (307, 2), (308, 2)])
def test_post_is_redirected_only_where_it_stays_a_post(status: int, sent: int) -> None:
    async def main() -> Loopback:
        async with (
            Loopback(reply(status, headers={"Location": "/there"}), document()) as server,
            make_fetcher(make_source(server.url)) as fetcher,
        ):
            request = Request(method="POST", url=server.url, body=b"{}", asked=(ID,))
            await fetcher.ask(request, read)
            return server

    seen = asyncio.run(main()).seen
    assert [each.method for each in seen] == ["POST"] * sent
    assert [each.body for each in seen] == [b"{}"] * sent


def test_redirect_to_nowhere_is_an_answer() -> None:
    asked, _ = asked_of(reply(302))
    assert asked.answer is not None
    assert asked.answer.status == 302


@pytest.mark.parametrize(
    "echo",
    [
        reply(401, json.dumps({"error": {"message": f"no such token {KEY}"}}).encode()),
        reply(401, KEY.encode()),
        reply(302, headers={"Location": f"http://{KEY.replace('/', '').replace('+', '')}.example"}),
        reply(302, headers={"Location": "http://sk-loop%2Fback+0123456789.example/"}),
        reset,
        cut(b"HTTP/1.1 200 " + KEY.encode() + b"\r\nbad header " + KEY.encode() + b"\r\n\r\n"),
    ],
)
def test_key_is_in_no_text(echo: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> str:
        async with (
            Loopback(echo) as server,
            make_fetcher(make_source(server.url, max_attempts=1)) as fetcher,
        ):
            asked = await fetcher.ask(get(server.url), read)
            fetcher.stop("enough")
            with pytest.raises(SourceRefused) as refused:
                await fetcher.ask(get(server.url), read)
            texts = [asked.readings, fetcher, vars(fetcher), fetcher.stopped, refused.value]
            return "\n".join(map(repr, texts))

    text = asyncio.run(main()) + caplog.text
    assert KEY not in text
    assert KEY not in text.replace("\\", "")


@pytest.mark.parametrize("key", ["short", "two words", "line-break\n", "schlüssel"])
def test_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(SettingsError) as error:
        Fetcher(
            make_source("http://127.0.0.1"), key=key, clock=FixedClock(NOON), rng=random.Random(1)
        )
    assert key.strip() not in str(error.value)
