"""What is due, asked by several processes: leases, runs of their own, what is taken up again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from catalog.harvest.harvest import CONTESTED_PAUSE, RENEW, HarvestOptions
from catalog.storage import engine as engines
from catalog.storage import frontier, runs
from catalog.times import DAY, HOUR, MINUTE, FixedClock
from tests.contract.test_harvest import (
    IDS,
    MANY,
    Gateway,
    end,
    harvest,
    known,
    source_of,
    store_of,
)
from tests.laws.asking import Asking, Said, absent, given
from tests.laws.worlds import START, document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from catalog.records import Request


__all__ = ["known"]

OTHER = "another:1:1.00"
MANY_WAITS = 1000


def add(engine: Engine, ids: Sequence[str]) -> None:
    """Have ids known that were never asked for."""
    with engines.write(engine) as conn:
        frontier.add_ids(conn, ids, START)


def test_two_due_harvests_at_once_have_runs_of_their_own(engine: Engine) -> None:
    asking, source = Asking(engine), source_of()
    asking.run(*(given(each, document(each, name="x")) for each in MANY[:20]), at=START)
    clock = FixedClock(START + DAY)
    one = store_of(engine, source, clock, due=True)
    one.claim(one.begin(MANY[:20])[:15])
    two = store_of(engine, source, clock, due=True)
    todo = two.begin(MANY[15:20])
    two.claim(todo)
    end(two, asking, [given(each, document(each, name="x")) for each in todo], clock.at)
    assert two.finish(None).left == 0
    assert two.run.run_id != one.run.run_id
    with engines.read(engine) as conn:
        assert runs.get_run(conn, one.run.run_id).finished_at is None
    one.close()
    two.close()


def test_what_is_due_is_visited_once_by_all_who_listed_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second asked again for whatever the first had given back meanwhile."""
    asking, source, clock = Asking(engine), source_of(), FixedClock(START)
    add(engine, MANY[:9])
    one = store_of(engine, source, clock, due=True)
    two = store_of(engine, source, clock, due=True)
    monkeypatch.setattr(two, "_owner", OTHER)
    one.begin(MANY[:9])
    two.begin(MANY[:9])
    one.claim(MANY[:5])
    assert two.claim(MANY[:5]) == ([], MANY[:5])
    end(one, asking, [given(each, document(each)) for each in MANY[:5]], clock.at)
    assert two.claim(MANY[:9]) == (MANY[5:9], [])
    assert two.requested == 4
    one.close()
    two.close()


def test_what_was_visited_between_the_listing_and_the_beginning_is_left_out(
    engine: Engine,
) -> None:
    asking, source, clock = Asking(engine), source_of(), FixedClock(START)
    add(engine, MANY[:9])
    one = store_of(engine, source, clock, due=True)
    one.claim(one.begin(MANY[:5]))
    end(one, asking, [given(each, document(each)) for each in MANY[:5]], clock.at)
    two = store_of(engine, source, clock, due=True, listed_at=START)
    assert two.begin(MANY[:9]) == MANY[5:9]
    one.close()
    two.close()


def test_leases_that_ended_unnoticed_are_given_up_and_taken_again(engine: Engine) -> None:
    source, clock = source_of(), FixedClock(START)
    add(engine, MANY[:9])
    store = store_of(engine, source, clock, due=True)
    store.claim(store.begin(MANY[:9])[:6])
    held = [store.holds(MANY[:6])]
    clock.at += 3 * MINUTE
    held.append(store.holds(MANY[:6]))
    # What is claimed from now on is held, whatever ended before.
    store.claim(MANY[6:9])
    held += [store.holds(MANY[6:9]), store.holds(MANY[5:9])]
    assert held == [True, False, True, False]
    store.let_go(MANY[:4])
    # Nobody had taken the others meanwhile.
    assert store.holds(MANY[4:9])
    assert store.claim(MANY[:4]) == (MANY[:4], [])
    store.close()


def test_a_renewal_brings_nothing_back_that_another_has_taken(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, clock = source_of(), FixedClock(START)
    add(engine, MANY[:9])
    one = store_of(engine, source, clock, due=True)
    two = store_of(engine, source, clock, due=True)
    monkeypatch.setattr(two, "_owner", OTHER)
    one.claim(one.begin(MANY[:9]))
    clock.at += 3 * MINUTE
    two.begin(MANY[:9])
    assert two.claim(MANY[:4]) == (MANY[:4], [])
    one.renew()
    assert [one.holds([each]) for each in MANY[3:5]] == [False, True]
    assert two.holds(MANY[:4])
    one.close()
    two.close()


def test_who_waits_for_others_holds_nothing_that_they_wait_for(engine: Engine) -> None:
    """Two that had slept past their leases waited for each other as long as leases last."""
    source, clock = source_of(), FixedClock(START)
    with engines.write(engine) as conn:
        frontier.add_ids(conn, MANY[:60], START)
        theirs = frontier.Lease(owner=OTHER, until=START + DAY)
        frontier.claim(conn, theirs, ids=MANY[50:60], limit=10, now=START)
    store = store_of(engine, source, clock, due=True)
    waits = 0
    renewal = asyncio.Event()

    def answer(request: Request) -> tuple[bytes, int]:
        if clock.at == START:
            clock.at += 3 * MINUTE
        return known(request)

    async def wait(seconds: float) -> None:
        """The other one goes on only when nobody holds what it waits for."""
        nonlocal waits
        if seconds == RENEW:
            await renewal.wait()
            renewal.clear()
        await asyncio.sleep(0)
        if seconds != CONTESTED_PAUSE:
            return
        waits += 1
        if waits == 1:
            renewal.set()
        assert waits < MANY_WAITS
        with engines.write(engine) as conn:
            alone = frontier.count_frontier(conn, clock.at).leased == len(MANY[50:60])
            if alone and waits > MANY_WAITS // 50:
                frontier.drop(conn, OTHER, MANY[50:60])

    gateway = Gateway(answer)
    done = harvest(store, source, gateway, MANY[:60], HarvestOptions(sleep=wait))
    assert done is not None
    assert done.totals.documents == gateway.sent == 60
    assert waits > 0


def test_a_due_harvest_is_resumed_once_its_process_is_gone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, source, clock = Asking(engine), source_of(), FixedClock(START)
    one = store_of(engine, source, clock, due=True)
    one.claim(one.begin(MANY[:9]))
    end(one, asking, [given(each, document(each)) for each in MANY[:4]], clock.at)
    one.close()
    monkeypatch.setattr("catalog.harvest.store.is_alive", lambda _: False)
    two = store_of(engine, source, clock, due=True)
    assert two.begin(MANY[4:9]) == MANY[4:9]
    assert two.run.run_id == one.run.run_id
    assert (two.requested, two.resumed) == (9, 4)
    two.close()


def test_ids_that_are_due_again_are_not_passed_over_by_a_resumed_run(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, source, clock = Asking(engine), source_of(), FixedClock(START)
    one = store_of(engine, source, clock, due=True)
    one.claim(one.begin(MANY[:9]))
    end(one, asking, [absent(each) for each in MANY[:4]], clock.at)
    one.close()
    monkeypatch.setattr("catalog.harvest.store.is_alive", lambda _: False)
    clock.at += 20 * HOUR
    two = store_of(engine, source, clock, due=True)
    assert two.begin(MANY[:9]) == MANY[:9]
    assert two.run.run_id != one.run.run_id
    with engines.read(engine) as conn:
        assert runs.get_run(conn, one.run.run_id).finished_at is not None
    two.close()


def test_a_run_that_is_still_at_work_is_not_ended_for_its_age(engine: Engine) -> None:
    source, clock = source_of(), FixedClock(START)
    one = store_of(engine, source, clock, IDS)
    one.claim(one.begin(IDS))
    clock.at += DAY + HOUR
    two = store_of(engine, source, clock, MANY)
    two.begin(MANY[:1])
    with engines.read(engine) as conn:
        assert runs.get_run(conn, one.run.run_id).status == "open"
    one.close()
    two.close()


def test_a_run_that_is_killed_says_what_it_brought_and_cost_by_then(engine: Engine) -> None:
    """It said that it had cost nothing until somebody took it up."""
    asking, source, clock = Asking(engine), source_of(price_per_request=0.5), FixedClock(START)
    one = store_of(engine, source, clock, IDS)
    one.claim(one.begin(IDS))
    end(one, asking, [given(IDS[0], document(IDS[0])), Said(IDS[1], b"", status=503)], clock.at)
    one.close()
    with engines.read(engine) as conn:
        killed = runs.get_run(conn, one.run.run_id)
    assert (killed.requested, killed.new, killed.failed, killed.left) == (3, 1, 1, 1)
    assert (killed.requests, killed.cost) == (2, 1.0)
    two = store_of(engine, source, clock, IDS)
    two.claim(two.begin(IDS))
    end(two, asking, [given(IDS[1], document(IDS[1])), absent(IDS[2])], clock.at)
    with engines.read(engine) as conn:
        told = runs.get_run(conn, two.run.run_id)
    two.finish(None)
    with engines.read(engine) as conn:
        counted = runs.get_run(conn, two.run.run_id)
    ended = msgspec.structs.replace(told, finished_at=clock.at, status="finished")
    assert counted == ended
    assert (counted.documents, counted.not_found, counted.failed, counted.left) == (2, 1, 0, 0)
    assert counted.cost == 2.0
    two.close()


def test_what_failed_in_a_run_stays_part_of_it_though_another_asks_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run then counted fewer ids than had ended in it."""
    asking, source, clock = Asking(engine), source_of(), FixedClock(START)
    add(engine, MANY[:9])
    one = store_of(engine, source, clock, due=True)
    one.claim(one.begin(MANY[:9]))
    failed = [Said(each, b"", status=503) for each in MANY[:4]]
    end(one, asking, failed, clock.at)
    one.close()
    monkeypatch.setattr("catalog.harvest.store.is_alive", lambda _: False)
    clock.at += 20 * HOUR
    two = store_of(engine, source, clock, due=True)
    assert two.begin(MANY[:9]) == MANY[:9]
    assert (two.run.run_id, two.requested) == (one.run.run_id, 9)
    other = store_of(engine, source_of(name="beta"), clock, MANY[:5])
    other.claim(other.begin(MANY[:5]))
    end(other, asking, [given(each, document(each)) for each in MANY[:5]], clock.at)
    assert two.claim(MANY[:9]) == (MANY[5:9], [])
    assert two.requested == 8
    end(two, asking, [given(each, document(each)) for each in MANY[5:8]], clock.at)
    totals = two.finish(None)
    assert (totals.requested, totals.documents, totals.failed, totals.left) == (8, 3, 4, 1)
    two.close()
    other.close()
