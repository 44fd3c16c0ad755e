"""Probes and searches against a server on loopback: what they cost, and what is kept of them."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import insert, select

from catalog.derive import Derivation
from catalog.errors import CatalogCorrupt
from catalog.harvest import discovering, probing
from catalog.harvest.closing import end_stale_run
from catalog.harvest.discover import had_their_turn
from catalog.harvest.discovering import Answered, Discovered, Discovering, DiscoverJob
from catalog.harvest.probing import Probed, ProbeJob, Probing, most_tokens
from catalog.harvest.questions import Questions
from catalog.records import Verdict
from catalog.settings import ProbeSettings, SourceSettings
from catalog.storage import runs
from catalog.storage import tables as t
from catalog.storage.codec import decompress
from catalog.storage.engine import read, write
from catalog.storage.mentions import add_named, names_to_search
from catalog.storage.probes import TRIES, Probe, add_probe, to_probe
from catalog.storage.sources import add_source
from catalog.times import DAY, HOUR, FixedClock
from tests.contract.telling import day, document, probed_gpt, said, tell
from tests.databases import NOW
from tests.unit.fetch.loopback import Loopback, Reply, cut, hang, reply, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy import Engine

    Sending = Callable[[asyncio.StreamWriter], Awaitable[None]]

IDS = [f"g-Made{number:05d}" for number in range(8)]
SETTINGS = ProbeSettings(question="Who are you?", max_tokens=100)
MOST = 32_000 + len(SETTINGS.question) + 100


def says(content: Any = "Hello", prompt: int = 6, completion: int = 10, **message: Any) -> bytes:
    """A good answer of chat completions."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    choice = {"index": 0, "message": {"content": content, **message}, "finish_reason": "stop"}
    return reply(200, json.dumps({"choices": [choice], "usage": usage}).encode())


def job_of(
    engine: Engine, url: str, ids: Sequence[str] = IDS, secrets: Sequence[str] = (), **limits: Any
) -> ProbeJob:
    keys = {"probes_per_day": 50, "requests_per_second": 1000.0, **limits}
    return ProbeJob(
        engine=engine,
        source=SourceSettings(name="one", dialect="gpts-v2", base_url=url, **keys),
        key=None,
        secrets=secrets,
        ids=ids,
        settings=SETTINGS,
        clock=FixedClock(NOW),
        rng=random.Random(ids[0]),
    )


def probe(
    engine: Engine, *replies: Reply, ids: Sequence[str] = IDS, **more: Any
) -> tuple[Probed, int]:
    """Probe; how that ended, and how many requests arrived."""

    async def main() -> tuple[Probed, int]:
        async with Loopback(*replies) as server:
            job = job_of(engine, server.url, ids, **more)
            done = await Probing(job, lambda _id, _reply: None).run()
            return done, len(server.seen)

    return asyncio.run(main())


def taken(engine: Engine) -> dict[str, int]:
    """What was taken of the day's budgets, by kind."""
    b = t.budgets.c
    with read(engine) as conn:
        return {row.kind: row.reserved for row in conn.execute(select(b.kind, b.reserved))}


def the_run(engine: Engine) -> runs.Run:
    with read(engine) as conn:
        (run,) = runs.latest_runs(conn, 9)
    return run


def test_probes_wait_for_the_tokens_that_others_hold(engine: Engine) -> None:
    done, _ = probe(engine, says(), tokens_per_day=MOST + 1000, max_concurrency=4)
    assert (done.answered, done.left, done.stop) == (len(IDS), 0, None)
    assert taken(engine)["tokens"] == 16 * len(IDS)


def test_too_few_tokens_end_the_probes_when_none_can_come_back(engine: Engine) -> None:
    done, seen = probe(engine, says(), tokens_per_day=MOST + 31, max_concurrency=4)
    assert (done.answered, done.left, seen) == (2, len(IDS) - 2, 2)
    assert done.stop is not None
    assert (done.stop.kind, taken(engine)["tokens"]) == ("budget", 32)


def test_probes_that_hold_a_request_are_sent_when_the_budget_ends(engine: Engine) -> None:
    done, seen = probe(engine, says(), probes_per_day=3, requests_per_second=10.0)
    assert (done.answered, seen, taken(engine)["probes"]) == (3, 3, 3)
    assert done.stop is not None
    assert "budget of 3 probes is used up" in done.stop.words
    assert "probes_per_day" in done.stop.words


@pytest.mark.parametrize("sent", [cut(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"), cut(b"")])
def test_a_probe_that_was_cut_keeps_its_tokens(engine: Engine, sent: Sending) -> None:
    done, seen = probe(engine, sent, ids=IDS[:1], tokens_per_day=10**6)
    assert (done.failed, seen) == (1, 1)
    assert taken(engine)["tokens"] == MOST


def test_a_probe_that_was_cancelled_keeps_its_tokens_and_its_run_ends(engine: Engine) -> None:
    async def main() -> None:
        async with Loopback(hang) as server:
            job = job_of(engine, server.url, IDS[:1], tokens_per_day=10**6)
            task = asyncio.ensure_future(Probing(job, lambda _id, _reply: None).run())
            await until(lambda: bool(server.seen))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()

    asyncio.run(main())
    assert taken(engine) == {"probes": 1, "tokens": MOST}
    assert the_run(engine).status == "stopped"


def test_a_probe_that_was_never_sent_gives_its_tokens_back(engine: Engine) -> None:
    probe(engine, reply(401, b"{}"), tokens_per_day=10**6, max_concurrency=1)
    # The first was sent; the second found the source closed.
    assert taken(engine)["tokens"] == MOST


def test_the_largest_prompt_of_a_source_is_reserved_for(engine: Engine) -> None:
    day_s = 60_010 + MOST + 1
    done, _ = probe(engine, says(prompt=60_000), ids=IDS[:1], tokens_per_day=day_s)
    assert done.answered == 1
    done, seen = probe(engine, says(), ids=IDS[1:], tokens_per_day=day_s)
    assert (done.left, seen) == (len(IDS) - 1, 0)
    assert most_tokens(SETTINGS, 60_000) == MOST - 32_000 + 60_000


def test_an_error_stops_the_probes_and_what_came_beside_it_is_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(conn: Any, item: Probe) -> None:
        if item.gizmo_id == IDS[0]:
            raise CatalogCorrupt("a page is damaged")
        add_probe(conn, item)

    monkeypatch.setattr(probing, "add_probe", fail)

    async def main() -> int:
        async with Loopback(says()) as server:

            async def together(writer: asyncio.StreamWriter) -> None:
                await until(lambda: len(server.seen) == 3)
                writer.write(says())

            server.replies = [together, together, together, says()]
            job = job_of(engine, server.url, max_concurrency=3, tokens_per_day=10**6)
            with pytest.raises(CatalogCorrupt, match="a page is damaged"):
                await Probing(job, lambda _id, _reply: None).run()
            return len(server.seen)

    seen = asyncio.run(main())
    run = the_run(engine)
    assert (run.status, run.reason) == ("failed", "a page is damaged")
    assert run.documents == seen - 1 >= 2
    assert taken(engine) == {"probes": seen, "tokens": 16 * seen}


def test_an_error_stops_the_searches_and_what_came_beside_it_is_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(conn: Any, source_id: int, named: Any) -> int:
        if named[0].query == "one":
            raise CatalogCorrupt("a page is damaged")
        return add_named(conn, source_id, named)

    monkeypatch.setattr(discovering, "add_named", fail)
    found = reply(200, json.dumps([{"id": IDS[0], "name": "A name"}]).encode())

    async def main() -> None:
        async with Loopback(found) as server:

            async def together(writer: asyncio.StreamWriter) -> None:
                await until(lambda: len(server.seen) == 2)
                writer.write(found)

            server.replies = [together, together, found]
            source = SourceSettings(
                name="one", dialect="gpts-v2", base_url=server.url, requests_per_day=50
            )
            job = DiscoverJob(
                engine=engine,
                source=source,
                key=None,
                secrets=(),
                queries=("one", "two"),
                clock=FixedClock(NOW),
                rng=random.Random(1),
            )
            with pytest.raises(CatalogCorrupt, match="a page is damaged"):
                await Discovering(job, lambda _: None).run()

    asyncio.run(main())
    assert the_run(engine).status == "failed"
    assert taken(engine) == {"requests": 2}
    with read(engine) as conn:
        assert list(conn.execute(select(t.discoveries.c.query)).scalars()) == ["two"]


def test_a_killed_run_keeps_its_totals_and_their_price(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Questions, "_close", lambda _self: None)
    probe(engine, says(), ids=IDS[:3], price_per_request=0.5)
    later = NOW + 2 * DAY
    with write(engine) as conn:
        (run,) = runs.stale_runs(conn, later)
        end_stale_run(conn, Derivation(), run, now=later)
    run = the_run(engine)
    assert (run.status, run.requested, run.documents, run.requests) == ("stopped", 3, 3, 3)
    assert run.cost == 1.5


def test_the_whole_answer_is_kept_without_secrets(engine: Engine) -> None:
    parts = [{"type": "text", "text": "I am "}, {"type": "image_url"}, {"text": "sk-secret-99"}]
    call = [{"id": "call-1", "function": {"name": "browse"}}]
    probe(engine, says(parts, tool_calls=call), ids=IDS[:1], secrets=["sk-secret-99"])
    with read(engine) as conn:
        (row,) = conn.execute(select(t.probes)).all()
    assert row.answer.startswith("I am ")
    body = decompress(row.body)
    assert b'"call-1"' in body
    assert b"sk-secret-99" not in body
    assert row.redacted


def test_what_is_no_answer_is_kept_among_the_failures_alone(engine: Engine) -> None:
    probe(engine, reply(200, b"<html>"), ids=IDS[:1])
    with read(engine) as conn:
        assert list(conn.execute(select(t.probes.c.body)).scalars()) == [None]
        (kept,) = conn.execute(select(t.fetch_failures.c.body)).scalars()
    assert decompress(kept) == b"<html>"


def test_a_gpt_that_a_source_could_not_ask_is_probed_again_but_not_for_ever(
    engine: Engine,
) -> None:
    tell(engine, *(said(day(1), document(each, name=each)) for each in IDS[:5]))
    now = day(9)

    def waiting() -> list[str]:
        with read(engine) as conn:
            return to_probe(conn, since=now - 5 * DAY, limit=9)

    assert sorted(waiting()) == IDS[:5]
    with write(engine) as conn:
        for gizmo_id, verdict in zip(
            IDS, ("answered", "silent", "malformed", "unavailable"), strict=False
        ):
            add_probe(conn, probed_gpt(gizmo_id, 1, now - HOUR, verdict=verdict))
        add_probe(conn, probed_gpt(IDS[4], 1, now - 6 * DAY, verdict="answered"))
    assert sorted(waiting()) == IDS[3:5]
    with write(engine) as conn:
        for number in range(1, TRIES):
            add_probe(conn, probed_gpt(IDS[3], 1, now - number, verdict="throttled"))
    assert waiting() == [IDS[4]]


def found(**verdicts: Verdict) -> Discovered:
    each = [Answered(query=query, verdict=verdict) for query, verdict in verdicts.items()]
    return Discovered(run="r", queries=4, each=each)


@pytest.mark.parametrize(
    ("ended", "following"),
    [
        ((found(a=Verdict.DOCUMENT),), "b"),
        ((found(a=Verdict.DOCUMENT, b=Verdict.DOCUMENT),), "c"),
        ((found(a=Verdict.DOCUMENT), found(a=Verdict.DENIED, b=Verdict.DOCUMENT)), "c"),
        ((found(a=Verdict.UNAVAILABLE, b=Verdict.DOCUMENT, d=Verdict.DOCUMENT),), "c"),
        ((found(a=Verdict.DOCUMENT, b=Verdict.UNAVAILABLE),), "b"),
        ((found(a=Verdict.UNAVAILABLE),), "a"),
        ((), "a"),
    ],
)
def test_names_that_nobody_was_asked_for_keep_their_turn(
    engine: Engine, ended: tuple[Discovered, ...], following: str
) -> None:
    names = ["a", "b", "c", "d"]
    with write(engine) as conn:
        add_source(conn, "one", "gpts-v2", NOW)
        columns = {each.name for each in t.authors.columns if not each.nullable}
        row = dict.fromkeys(columns, 0) | {"gizmo_id": IDS[0]}
        conn.execute(
            insert(t.authors), [row | {"user_id": each, "display_name": each} for each in names]
        )
    had_their_turn(engine, names, ended)
    with read(engine) as conn:
        assert names_to_search(conn, 1) == [following]


def test_a_tally_is_printed_with_what_it_counts() -> None:
    told = msgspec.to_builtins(found(a=Verdict.DOCUMENT))
    assert (told["run"], told["left"], told["each"][0]["query"]) == ("r", 0, "a")
