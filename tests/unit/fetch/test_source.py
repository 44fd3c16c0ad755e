"""What a fetcher does to a source over many questions: pace, budget, breaker, cancelling."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from catalog.errors import BudgetUsedUp, CatalogError, SourceRefused
from catalog.fetch.client import Asked, Fetcher
from catalog.records import Answer, Reading, Verdict
from tests.unit.fetch.asking import ID, get, make_fetcher, make_source, read
from tests.unit.fetch.loopback import (
    Loopback,
    Reply,
    VirtualTimer,
    cut,
    document,
    drip,
    hang,
    reply,
    reset,
    until,
)

DOWN = reply(503, b"down")
SLOW = reply(429)
OTHER = "g-ccccccccc"


def run(
    *replies: Reply,
    questions: int,
    at_once: int = 1,
    reserve: Callable[[int], Awaitable[int]] | None = None,
    timer: VirtualTimer | None = None,
    **options: Any,
) -> tuple[list[Asked | CatalogError], Fetcher, Loopback]:
    """Put ``questions``, so many at once; what came of each, in the order asked."""

    async def main() -> tuple[list[Asked | CatalogError], Fetcher, Loopback]:
        async with Loopback(*replies) as server:
            source = make_source(server.url, **options)
            fetcher = make_fetcher(source, reserve=reserve, timer=timer)
            gate = asyncio.Semaphore(at_once)

            async def one() -> Asked | CatalogError:
                async with gate:
                    try:
                        return await fetcher.ask(get(server.url), read)
                    except CatalogError as error:
                        return error

            async with fetcher:
                ends = await asyncio.gather(*(one() for _ in range(questions)))
            await server.quiet()
            return ends, fetcher, server

    return asyncio.run(main())


def kinds(ends: Sequence[Asked | CatalogError]) -> list[str]:
    """How each question ended, in a word."""
    return [
        str(end.readings[0].verdict) if isinstance(end, Asked) else type(end).__name__
        for end in ends
    ]


def test_requests_are_evenly_spaced() -> None:
    timer = VirtualTimer()
    _, _, server = run(document(), questions=11, timer=timer, requests_per_second=4.0)
    assert len(server.seen) == 11
    assert timer.now - 1000 == pytest.approx(10 / 4)
    assert timer.slept == pytest.approx([0.25] * 10)


def test_repeats_and_redirects_keep_the_pace_too() -> None:
    timer = VirtualTimer()
    moved = reply(301, headers={"Location": "/there"})
    run(
        DOWN,
        moved,
        document(),
        questions=1,
        timer=timer,
        requests_per_second=1.0,
        backoff_base=0.001,
    )
    assert timer.now - 1000 == pytest.approx(2.0)


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    _, _, server = run(document(), questions=30, at_once=30, max_concurrency=3)
    assert server.most_at_once == 3
    assert server.connections <= 3
    assert len(server.seen) == 30


def test_kept_connections_are_used_again() -> None:
    _, _, server = run(document(), questions=10)
    assert server.connections == 1


def test_unavailable_is_repeated_with_growing_jittered_delays() -> None:
    timer = VirtualTimer()
    ends, _, server = run(
        DOWN, questions=1, timer=timer, max_attempts=6, backoff_base=1.0, backoff_max=4.0
    )
    assert kinds(ends) == ["unavailable"]
    assert len(server.seen) == 6
    assert len(timer.slept) == 5
    for slept, most in zip(timer.slept, [1, 2, 4, 4, 4], strict=True):
        assert 0 <= slept <= most
    assert len(set(timer.slept)) == 5


@pytest.mark.parametrize(
    "answer", [document(), reply(404, b"no"), reply(401, b"no"), reply(402, b"no")]
)
def test_what_repeating_cannot_help_is_asked_once(answer: bytes) -> None:
    _, _, server = run(answer, questions=1)
    assert len(server.seen) == 1


def test_retry_after_holds_back_every_question_of_the_source() -> None:
    timer = VirtualTimer()
    moments: list[float] = []

    def at(data: bytes) -> Reply:
        async def send(writer: asyncio.StreamWriter) -> None:
            moments.append(timer.now)
            await cut(data)(writer)

        return send

    throttled = at(reply(429, headers={"Retry-After": "30"}))
    ends, _, _ = run(
        throttled,
        at(document()),
        questions=6,
        at_once=6,
        timer=timer,
        max_concurrency=1,
        backoff_base=0.001,
    )
    assert kinds(ends) == ["document"] * 6
    assert len(moments) == 7
    assert moments[0] == 1000
    assert min(moments[1:]) >= 1030


def test_retry_after_as_a_date_is_read_by_the_sources_own_clock() -> None:
    timer = VirtualTimer()
    headers = {
        "Retry-After": "Tue, 13 Feb 2024 03:00:20 GMT",
        "Date": "Tue, 13 Feb 2024 03:00:00 GMT",
    }
    run(reply(503, headers=headers), document(), questions=1, timer=timer)
    assert timer.slept == pytest.approx([20.0])


def test_wait_named_by_the_answers_words_is_kept() -> None:
    timer = VirtualTimer()

    def words(answer: Answer) -> list[Reading]:
        (reading,) = read(answer)
        wait = 12.0 if reading.verdict is Verdict.THROTTLED else None
        return [Reading(asked=ID, verdict=reading.verdict, retry_after=wait)]

    async def main() -> None:
        async with (
            Loopback(SLOW, document()) as server,
            make_fetcher(make_source(server.url), timer=timer) as fetcher,
        ):
            await fetcher.ask(get(server.url), words)

    asyncio.run(main())
    assert timer.slept == pytest.approx([12.0])


def test_retry_after_beyond_the_ceiling_stops_the_source_at_once() -> None:
    timer = VirtualTimer()
    ends, fetcher, server = run(
        reply(429, headers={"Retry-After": "3600"}), questions=3, timer=timer
    )
    assert kinds(ends) == ["throttled", "SourceRefused", "SourceRefused"]
    assert len(server.seen) == 1
    assert timer.slept == []
    assert fetcher.stopped is not None
    assert "3600 s" in fetcher.stopped
    assert "retry_after_max (300 s)" in fetcher.stopped


def test_throttling_without_a_word_pauses_and_slows_the_source() -> None:
    timer = VirtualTimer()
    ends, _, _ = run(
        SLOW,
        document(),
        questions=2,
        timer=timer,
        requests_per_second=10.0,
        backoff_base=0.001,
    )
    assert kinds(ends) == ["document", "document"]
    # A pause of next to nothing, then half the rate.
    assert timer.slept[-1] == pytest.approx(1 / 5)


def test_budget_is_reserved_in_blocks_and_its_rest_handed_back() -> None:
    asked_for: list[int] = []

    async def reserve(count: int) -> int:
        asked_for.append(count)
        return count

    _, fetcher, _ = run(DOWN, document(), questions=6, reserve=reserve, requests_per_second=5.0)
    assert asked_for == [5, 5]
    assert fetcher.requests == 7
    assert fetcher.unspent == 3


def test_budget_is_never_overspent_and_its_end_is_told() -> None:
    left = 7

    async def reserve(count: int) -> int:
        nonlocal left
        await asyncio.sleep(0)
        granted = min(count, left)
        left -= granted
        return granted

    ends, fetcher, server = run(
        document(),
        questions=20,
        at_once=20,
        reserve=reserve,
        requests_per_second=4.0,
        requests_per_day=7,
    )
    assert len(server.seen) == 7
    assert kinds(ends).count("document") == 7
    assert kinds(ends).count("BudgetUsedUp") == 13
    assert fetcher.unspent == 0
    error = next(end for end in ends if isinstance(end, BudgetUsedUp))
    assert "budget of 7 requests is used up" in str(error)


def test_budget_that_ends_between_repeats_leaves_what_was_learnt() -> None:
    grants = [1, 0, 0]

    async def reserve(count: int) -> int:
        return min(count, grants.pop(0))

    ends, _, server = run(DOWN, questions=2, reserve=reserve)
    assert kinds(ends) == ["unavailable", "BudgetUsedUp"]
    assert isinstance(ends[0], Asked)
    assert (ends[0].requests, ends[0].attempts, len(server.seen)) == (1, 1, 1)


def test_reservation_that_fails_is_told_to_the_question() -> None:
    async def reserve(count: int) -> int:
        raise CatalogError(f"no {count}")

    ends, _, server = run(document(), questions=2, reserve=reserve)
    assert kinds(ends) == ["CatalogError", "CatalogError"]
    assert server.seen == []


def test_key_refused_by_the_first_answer_stops_the_source() -> None:
    ends, fetcher, server = run(reply(401, b"invalid \x1b[31m token"), questions=3)
    assert kinds(ends) == ["denied", "SourceRefused", "SourceRefused"]
    assert len(server.seen) == 1
    assert fetcher.stopped == (
        "source loopback refuses the key (HTTP 401: invalid [31m token). "
        "Check the key in LOOPBACK_KEY, then run the same command again"
    )
    assert isinstance(ends[1], SourceRefused)
    assert str(ends[1]) == fetcher.stopped


def test_source_that_is_down_stops_the_run() -> None:
    ends, fetcher, server = run(
        document(), DOWN, questions=9, max_attempts=2, backoff_base=0.001, breaker_failures=3
    )
    assert kinds(ends) == ["document"] + ["unavailable"] * 3 + ["SourceRefused"] * 5
    assert len(server.seen) == 7
    assert fetcher.stopped is not None
    assert "3 questions in a row" in fetcher.stopped
    assert "sources check loopback" in fetcher.stopped


def test_stop_ends_questions_that_wait_and_keeps_what_is_in_flight() -> None:
    release = asyncio.Event()

    async def held(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await cut(document())(writer)

    class Endless(VirtualTimer):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.get_running_loop().create_future()

    async def main() -> list[str]:
        timer = Endless()
        async with Loopback(DOWN, held) as server:
            source = make_source(server.url, max_concurrency=1, total_timeout=5.0)
            async with make_fetcher(source, timer=timer) as fetcher:

                async def one() -> Asked | CatalogError:
                    try:
                        return await fetcher.ask(get(server.url), read)
                    except CatalogError as error:
                        return error

                backing_off = asyncio.create_task(one())
                await until(lambda: bool(timer.slept))
                in_flight = asyncio.create_task(one())
                await until(lambda: len(server.seen) == 2)
                not_sent = asyncio.create_task(one())
                await asyncio.sleep(0)
                fetcher.stop("interrupted")
                fetcher.stop("said later")
                release.set()
                ends = await asyncio.gather(backing_off, in_flight, not_sent)
                assert str(ends[2]) == fetcher.stopped == "interrupted"
                return kinds(ends)

    assert asyncio.run(main()) == ["unavailable", "document", "SourceRefused"]


@pytest.mark.parametrize("fault", [hang, drip(b"{"), cut(reply(200, b"{", length=9))])
def test_cancelled_questions_leave_no_connection_and_no_permit(fault: Reply) -> None:
    async def main() -> None:
        async with Loopback(fault) as server:
            source = make_source(server.url, max_concurrency=4, read_timeout=5.0)
            async with make_fetcher(source) as fetcher:
                for steps in range(8):
                    tasks = [
                        asyncio.create_task(fetcher.ask(get(server.url), read)) for _ in range(6)
                    ]
                    for _ in range(steps * 3):  # cancelled at many different points
                        await asyncio.sleep(0)
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                await server.quiet()
                server.replies = [document()]
                asked = await asyncio.gather(
                    *(fetcher.ask(get(server.url), read) for _ in range(8))
                )
                assert kinds(asked) == ["document"] * 8
            await server.quiet()

    asyncio.run(main())


def test_cancelled_question_gives_back_what_it_did_not_send() -> None:
    granted = 0

    async def reserve(count: int) -> int:
        nonlocal granted
        await asyncio.sleep(0)
        granted += count
        return count

    async def main() -> tuple[int, int]:
        async with Loopback(document()) as server:
            source = make_source(server.url, requests_per_second=3.0)
            async with make_fetcher(source, reserve=reserve) as fetcher:
                for steps in range(12):
                    task = asyncio.create_task(fetcher.ask(get(server.url), read))
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            return fetcher.requests, fetcher.unspent

    requests, unspent = asyncio.run(main())
    assert requests + unspent == granted > 0


def test_error_in_reading_an_answer_is_the_callers_own() -> None:
    def broken(answer: Answer) -> list[Reading]:
        raise ZeroDivisionError(answer.status)

    async def main() -> None:
        async with (
            Loopback(document()) as server,
            make_fetcher(make_source(server.url, max_concurrency=1)) as fetcher,
        ):
            with pytest.raises(ZeroDivisionError):
                await fetcher.ask(get(server.url), broken)
            await fetcher.ask(get(server.url), read)

    asyncio.run(main())


def test_documents_nobody_asked_for_do_not_hide_a_failure() -> None:
    def batch(answer: Answer) -> list[Reading]:
        (reading,) = read(answer)
        return [
            Reading(asked=ID, verdict=reading.verdict, payload=answer.body),
            Reading(asked=OTHER, verdict=reading.verdict, payload=answer.body),
            Reading(verdict=Verdict.DOCUMENT, gizmo_id="g-bbbbbbbbb", payload=answer.body),
        ]

    async def main() -> Asked:
        async with (
            Loopback(DOWN, document()) as server,
            make_fetcher(make_source(server.url)) as fetcher,
        ):
            return await fetcher.ask(get(server.url, asked=(ID, OTHER)), batch)

    asked = asyncio.run(main())
    assert asked.attempts == 2
    assert len(asked.readings) == 3
    # The failure is kept once for all its ids, and the document is not taken for one.
    assert [(each.asked, each.verdict) for each in asked.earlier] == [
        (f"{ID},{OTHER}", Verdict.UNAVAILABLE),
        ("", Verdict.DOCUMENT),
    ]


def test_budget_that_ends_within_a_redirect_is_told_in_the_reading() -> None:
    grants = [1, 0, 0]

    async def reserve(count: int) -> int:
        return min(count, grants.pop(0))

    moved = reply(301, headers={"Location": "/there"})
    ends, _, server = run(moved, questions=1, reserve=reserve)
    assert isinstance(ends[0], Asked)
    assert "it redirects, but source loopback: today's budget" in ends[0].readings[0].detail
    assert (ends[0].requests, ends[0].attempts, len(server.seen)) == (1, 1, 1)


def test_pause_holds_a_question_that_had_its_moment_already() -> None:
    answers: list[Answer] = []
    # The other question waits for its moment until the first answer is there.
    timer = VirtualTimer(lambda: bool(answers))
    throttled = reply(429, headers={"Retry-After": "60"})

    def noted(answer: Answer) -> list[Reading]:
        answers.append(answer)
        return read(answer)

    async def main() -> float:
        async with (
            Loopback(throttled, document()) as server,
            make_fetcher(make_source(server.url, requests_per_second=0.5), timer=timer) as fetcher,
        ):
            await asyncio.gather(*(fetcher.ask(get(server.url), noted) for _ in range(2)))
            assert len(server.seen) == 3
            return timer.now

    # Whichever comes first after the pause: the other waits for half the rate.
    assert asyncio.run(main()) >= 1060 + 1 / 0.25


def test_reset_between_answers_opens_a_new_connection() -> None:
    ends, _, server = run(document(), reset, document(), questions=3)
    assert kinds(ends) == ["document"] * 3
    assert server.connections >= 2
