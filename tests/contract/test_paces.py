"""A source's rate is shared: whoever asks, the shares never add up to more."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from catalog.storage.engine import read, write
from catalog.storage.paces import LASTS, Asker, leave, lock_source, machine_time, take_share
from catalog.storage.sources import add_source
from catalog.storage.work_tables import paces
from catalog.times import HOUR, SECOND
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.times import Micros

RATE = 12.0
ONE, TWO, THREE = (Asker(f"one:{number}:1.00", 0) for number in range(3))


def share(engine: Engine, asker: Asker, now: Micros = NOW, *, dead: str = "") -> float:
    with write(engine) as conn:
        source_id = add_source(conn, "example", "gpts-v2", NOW)
        lock_source(conn, source_id)
        return take_share(conn, source_id, asker, RATE, now, lambda owner: owner != dead)


def test_who_asks_alone_has_the_whole_rate(engine: Engine) -> None:
    assert share(engine, ONE) == RATE
    assert share(engine, ONE, NOW + SECOND) == RATE


def test_who_comes_waits_until_the_others_have_taken_less(engine: Engine) -> None:
    share(engine, ONE)
    assert share(engine, TWO) == 0
    assert share(engine, ONE) == RATE / 2
    assert share(engine, TWO) == RATE / 2
    assert share(engine, THREE) == 0
    assert share(engine, ONE) == pytest.approx(RATE / 3)
    assert share(engine, THREE) == pytest.approx(RATE / 6)


def test_a_process_may_ask_a_source_twice(engine: Engine) -> None:
    share(engine, ONE)
    assert share(engine, Asker(ONE.owner, 1)) == 0


def test_share_that_a_clock_which_was_ahead_took_is_free_once_it_is_set_back(
    engine: Engine,
) -> None:
    share(engine, ONE, NOW + HOUR)
    assert share(engine, TWO) == RATE


def test_what_somebody_leaves_is_free_at_once(engine: Engine) -> None:
    share(engine, ONE)
    with write(engine) as conn:
        leave(conn, 1, ONE)
    assert share(engine, TWO) == RATE


def test_what_a_silent_or_dead_asker_had_is_free(engine: Engine) -> None:
    share(engine, ONE)
    assert share(engine, TWO, NOW + LASTS - 1) == 0
    assert share(engine, TWO, NOW + LASTS) == RATE
    assert share(engine, THREE, NOW + LASTS, dead=TWO.owner) == RATE


def test_shares_never_add_up_to_more_than_the_rate(engine: Engine) -> None:
    rng = random.Random(3)
    askers = [Asker(f"one:{number}:1.00", 0) for number in range(8)]
    now = NOW
    for _ in range(200):
        now += rng.randrange(2 * SECOND)
        if rng.random() < 0.1:
            with write(engine) as conn:
                leave(conn, 1, rng.choice(askers))
        else:
            share(engine, rng.choice(askers), now)
        with read(engine) as conn:
            held = select(func.sum(paces.c.share)).where(paces.c.until > now)
            assert (conn.execute(held).scalar() or 0) <= RATE * (1 + 1e-9)


def test_the_machines_time_is_that_of_its_clock(engine: Engine) -> None:
    with read(engine) as conn:
        first = machine_time(conn)
        assert first > NOW - 400 * 24 * 3600 * SECOND
        assert 0 <= machine_time(conn) - first < 60 * SECOND
