"""What is asked around not-founds: who said so, who has shown the GPT since, who is to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import select

from catalog.storage import frontier
from catalog.storage import tables as t
from catalog.storage.absent import (
    Absent,
    Denied,
    companions,
    open_absents,
    shown_since,
    to_confirm,
    who_denied,
)
from catalog.storage.engine import read, write
from catalog.times import DAY, HOUR
from tests.contract.telling import day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.times import Micros

FIRST, SECOND, THIRD = IDS = ("g-Absent001", "g-Absent002", "g-Absent003")


def asked(engine: Engine, gizmo_id: str, at: Micros, verdict: str, due_at: Micros) -> None:
    """Move a GPT's row of the frontier, as a visit does."""
    move = frontier.Move(gizmo_id=gizmo_id, at=at, verdict=verdict, attempts=0, due_at=due_at)
    with write(engine) as conn:
        frontier.add_ids(conn, [gizmo_id], at)
        frontier.claim(conn, frontier.Lease("me", at + HOUR), ids=[gizmo_id], limit=1, now=at)
        frontier.release(conn, "me", [move])


@pytest.fixture
def told(engine: Engine) -> Engine:
    """Two sources speak of three GPTs, and one says that the first two are not there."""
    tell(
        engine,
        *(said(day(1), document(each)) for each in IDS),
        said(day(2), document(THIRD), source="two"),
        said(day(3), None, gizmo_id=FIRST),
        said(day(4), None, gizmo_id=SECOND, source="two"),
    )
    return engine


def test_open_not_found_has_what_it_is_judged_by(told: Engine) -> None:
    """Its source's own documents, not those of others, and whoever gave one since."""
    at = day(1) + 20 * HOUR
    denied = [
        msgspec.structs.replace(said(at + place, None, gizmo_id=each), run_id="r", verdict="")
        for place, each in enumerate((FIRST, THIRD, "g-Absent004"))
    ]
    tell(told, said(at - 1, document("g-Absent005"), source="two"), *denied)
    with read(told) as conn:
        found = open_absents(conn, "r")
        numbers = {
            row.gizmo_id: row.observation_id
            for row in conn.execute(select(t.observations).where(t.observations.c.run_id == "r"))
        }
        assert open_absents(conn, "another") == []
    assert sorted(found, key=lambda each: each.observed_at) == [
        Absent(
            observation_id=numbers[gizmo_id],
            observed_at=at + place,
            source_last_document_at=day(1),
            source_knew_gpt=knew,
            any_document_since=since,
        )
        for place, (gizmo_id, knew, since) in enumerate(
            ((FIRST, True, False), (THIRD, True, True), ("g-Absent004", False, False))
        )
    ]


def test_who_denied_a_gpt_last_is_named(told: Engine) -> None:
    tell(told, said(day(3) + HOUR, None, gizmo_id=FIRST, source="two"))
    with read(told) as conn:
        assert who_denied(conn, IDS) == {
            FIRST: Denied("two", day(3) + HOUR),
            SECOND: Denied("two", day(4)),
        }
        assert who_denied(conn, [THIRD]) == {}


def test_gpt_is_shown_since_by_a_younger_document_alone(told: Engine) -> None:
    with read(told) as conn:
        assert shown_since(conn, dict.fromkeys(IDS, day(1))) == {THIRD}
        assert shown_since(conn, {FIRST: day(1) - 1, THIRD: day(2)}) == {FIRST}
        assert shown_since(conn, {}) == set()


def test_not_found_is_to_be_confirmed_on_another_day_when_it_is_due(told: Engine) -> None:
    asked(told, FIRST, day(3), "not_found", day(4))
    asked(told, SECOND, day(4), "not_found", day(4) + HOUR)
    asked(told, THIRD, day(3), "document", day(4))

    def found(now: Micros, limit: int = 9) -> list[str]:
        with read(told) as conn:
            return to_confirm(conn, now, limit)

    assert found(day(3) + 2 * HOUR) == []  # the same day
    assert found(day(4) - 1) == []  # not due yet
    assert found(day(4) + 2 * HOUR) == [FIRST]
    assert found(day(5)) == [FIRST, SECOND]
    assert found(day(5), 1) == [FIRST]
    tell(told, said(day(5), None, gizmo_id=FIRST))
    assert found(day(5)) == [SECOND]  # the other is gone


def test_first_moment_of_a_day_is_another_day_than_the_last_before_it(told: Engine) -> None:
    midnight = day(5) - day(5) % DAY
    asked(told, FIRST, midnight - 1, "not_found", midnight)
    asked(told, SECOND, midnight, "not_found", midnight)
    with read(told) as conn:
        assert to_confirm(conn, midnight, 9) == [FIRST]


def test_companions_are_listed_gpts_that_the_source_gave_next_due_first(told: Engine) -> None:
    tell(told, *(said(day(5), document(each)) for each in IDS))
    asked(told, FIRST, day(5), "document", day(9))
    asked(told, SECOND, day(5), "document", day(8))
    asked(told, THIRD, day(6), "document", day(7))

    def beside(*ids: str, count: int = 9, source: str = "one", asked_by: Micros) -> list[str]:
        with read(told) as conn:
            return companions(conn, ids, count, source=source, asked_by=asked_by)

    assert beside(asked_by=day(6)) == [THIRD, SECOND, FIRST]
    assert beside(asked_by=day(5)) == [SECOND, FIRST]  # the third had its turn
    assert beside(SECOND, count=1, asked_by=day(6)) == [THIRD]
    assert beside(THIRD, count=1, asked_by=day(6)) == [SECOND]
    assert beside(source="two", asked_by=day(6)) == [THIRD]
    assert beside(source="nobody", asked_by=day(6)) == []
    asked(told, SECOND, day(6), "timeout", day(6))
    tell(told, said(day(6), None, gizmo_id=FIRST))
    assert beside(asked_by=day(6)) == [THIRD]
