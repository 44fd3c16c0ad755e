"""Alarms as rows: raised once, standing, over, and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.records import Alarm
from catalog.storage import alarms as store
from catalog.storage.engine import read, write
from catalog.times import HOUR, MINUTE
from tests.contract.telling import day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

    from catalog.storage.alarms import Standing
    from catalog.times import Micros

KINDS = {"source_dead": 0, "disk": HOUR}


def alarm(kind: str = "source_dead", subject: str = "one", message: str = "it is gone") -> Alarm:
    return Alarm(kind=kind, subject=subject, severity="alarm", message=message)


def look(
    engine: Engine, now: Micros, *found: Alarm, kinds: Mapping[str, Micros] = KINDS
) -> tuple[list[Standing], list[Standing]]:
    with write(engine) as conn:
        return store.update_alarms(conn, found, now, kinds)


def standing(engine: Engine) -> list[Standing]:
    with read(engine) as conn:
        return store.standing(conn)


def names(found: list[Standing]) -> list[tuple[str, str]]:
    return [(each.kind, each.subject) for each in found]


def test_an_alarm_is_raised_once_and_follows_what_is_found(engine: Engine) -> None:
    raised, cleared = look(engine, day(1), alarm())
    assert (names(raised), cleared) == ([("source_dead", "one")], [])
    assert look(engine, day(2), alarm(message="it is still gone")) == ([], [])
    (row,) = standing(engine)
    assert (row.raised_at, row.seen_at, row.message) == (day(1), day(2), "it is still gone")


def test_an_alarm_of_another_subject_is_another(engine: Engine) -> None:
    look(engine, day(1), alarm())
    raised, cleared = look(engine, day(2), alarm(), alarm(subject="two"))
    assert (names(raised), cleared) == ([("source_dead", "two")], [])


def test_alarms_come_in_the_order_of_time(engine: Engine) -> None:
    look(engine, day(1), alarm("source_dead", "two"))
    look(engine, day(2), alarm("source_dead", "two"), alarm("disk", ""))
    look(
        engine, day(3), alarm("source_dead", "two"), alarm("disk", ""), alarm("source_dead", "one")
    )
    order = [("source_dead", "two"), ("disk", ""), ("source_dead", "one")]
    with read(engine) as conn:
        assert names(store.between(conn, day(1), day(3))) == order
        assert names(store.between(conn, day(2), day(3))) == order[1:]
        assert names(store.untold(conn)[0]) == order


def test_an_alarm_found_twice_at_once_is_one(engine: Engine) -> None:
    assert len(look(engine, day(1), alarm(), alarm())[0]) == 1


def test_an_alarm_is_over_when_it_is_not_found_and_raised_anew_later(engine: Engine) -> None:
    look(engine, day(1), alarm())
    raised, cleared = look(engine, day(2))
    assert (raised, names(cleared)) == ([], [("source_dead", "one")])
    assert standing(engine) == []
    assert names(look(engine, day(3), alarm())[0]) == [("source_dead", "one")]
    with read(engine) as conn:
        rows = store.between(conn, day(1), day(9))
    assert [(row.raised_at, row.cleared_at) for row in rows] == [(day(1), day(2)), (day(3), None)]


def test_an_alarm_can_be_raised_cleared_and_raised_in_one_moment(engine: Engine) -> None:
    look(engine, day(1), alarm())
    look(engine, day(1))
    look(engine, day(1), alarm())
    look(engine, day(1))
    look(engine, day(1), alarm())
    assert len(standing(engine)) == 1


def test_what_hovers_is_over_only_after_its_calm(engine: Engine) -> None:
    look(engine, day(1), alarm("disk"))
    assert look(engine, day(1) + HOUR - 1) == ([], [])
    assert look(engine, day(1) + HOUR - 1, alarm("disk")) == ([], [])
    assert look(engine, day(1) + HOUR + MINUTE) == ([], [])
    assert names(look(engine, day(1) + 2 * HOUR)[1]) == [("disk", "one")]


def test_kinds_that_were_not_looked_for_stay(engine: Engine) -> None:
    look(engine, day(1), alarm("notification"))
    assert look(engine, day(2)) == ([], [])
    assert names(standing(engine)) == [("notification", "one")]


def test_people_are_told_once_and_again_of_the_end_and_of_what_comes_anew(engine: Engine) -> None:
    def untold() -> tuple[list[str], list[str]]:
        with write(engine) as conn:
            raised, cleared = store.untold(conn)
            store.mark_told(conn, [*raised, *cleared], now)
        return [each.kind for each in raised], [each.kind for each in cleared]

    now = day(1)
    look(engine, now, alarm())
    assert untold() == (["source_dead"], [])
    assert untold() == ([], [])
    now = day(2)
    look(engine, now)
    assert untold() == ([], ["source_dead"])
    assert untold() == ([], [])
    now = day(3)
    look(engine, now, alarm())
    assert untold() == (["source_dead"], [])


def test_nobody_is_told_of_the_end_of_what_nobody_was_told_of(engine: Engine) -> None:
    look(engine, day(1), alarm())
    look(engine, day(2))
    with read(engine) as conn:
        assert store.untold(conn) == ([], [])


def test_what_a_clock_that_was_ahead_saw_is_over_after_its_calm_from_now_on(engine: Engine) -> None:
    look(engine, day(5), alarm(), alarm("disk"))
    with write(engine) as conn:
        store.mark_told(conn, store.untold(conn)[0], day(5))
    # The clock was set back meanwhile.
    assert names(look(engine, day(2))[1]) == [("source_dead", "one")]
    assert names(look(engine, day(2) + HOUR - 1)[1]) == []
    assert names(look(engine, day(2) + HOUR)[1]) == [("disk", "one")]
    with read(engine) as conn:
        raised, cleared = store.untold(conn)
    assert (raised, len(cleared)) == ([], 2), "who was told that it stands is told that it is over"
