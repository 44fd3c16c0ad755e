"""What is due, asked by several processes: leases, runs of their own, what is taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.storage import engine as engines
from catalog.storage import frontier, runs
from catalog.times import DAY, HOUR, MINUTE, FixedClock
from tests.contract.test_harvest import (
    IDS,
    MANY,
    end,
    known,
    source_of,
    store_of,
)
from tests.laws.asking import Asking, absent, given
from tests.laws.worlds import START, document

if TYPE_CHECKING:
    from sqlalchemy import Engine


__all__ = ["known"]


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
    with engines.write(engine) as conn:
        frontier.add_ids(conn, MANY[:9], START)
    one = store_of(engine, source, clock, due=True)
    two = store_of(engine, source, clock, due=True)
    monkeypatch.setattr(two, "_owner", "another:1:1.00")
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
    with engines.write(engine) as conn:
        frontier.add_ids(conn, MANY[:9], START)
    one = store_of(engine, source, clock, due=True)
    one.claim(one.begin(MANY[:5]))
    end(one, asking, [given(each, document(each)) for each in MANY[:5]], clock.at)
    two = store_of(engine, source, clock, due=True, listed_at=START)
    assert two.begin(MANY[:9]) == MANY[5:9]
    one.close()
    two.close()


def test_leases_that_ended_unnoticed_are_given_up_and_taken_again(engine: Engine) -> None:
    source, clock = source_of(), FixedClock(START)
    with engines.write(engine) as conn:
        frontier.add_ids(conn, MANY[:9], START)
    store = store_of(engine, source, clock, due=True)
    store.claim(store.begin(MANY[:9]))
    held = [store.holds]
    clock.at += 3 * MINUTE
    # The timer that renews is as late as the work: it brings nothing back.
    store.renew()
    held.append(store.holds)
    store.let_go(MANY[:4])
    assert [*held, store.holds] == [True, False, True]
    assert store.claim(MANY[:4]) == (MANY[:4], [])
    store.close()


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
