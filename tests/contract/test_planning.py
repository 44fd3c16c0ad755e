"""Planning wired to the catalog: the day's price, and what follows from visits."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import func, insert, select, update

from catalog.harvest.planning import (
    Planner,
    Terms,
    Visited,
    terms_of_day,
    visits_left,
)
from catalog.query.outlook import requests_of_day, visits_of_day
from catalog.records import Verdict
from catalog.settings import PlanSettings, Settings, SourceSettings, WatchSettings
from catalog.storage import planning as store
from catalog.storage import tables as t
from catalog.storage.engine import read, write
from catalog.storage.frontier import Claimed, Lease, Move, add_ids, claim, release
from catalog.storage.sources import add_source, reserve
from catalog.storage.work_tables import plan_days
from catalog.times import DAY, HOUR, day_of
from tests.contract.telling import changed, day, document, said, tell
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Engine

IDS = [f"g-Made{number:05}" for number in range(60)]


def settings(per_day: int | None = 10, **more: Any) -> Settings:
    source = SourceSettings(
        name="s", dialect="gpts-v2", base_url="https://x.example", requests_per_day=per_day
    )
    return Settings(sources={"s": source}, **more)


@pytest.fixture
def known(engine: Engine) -> Engine:
    """A catalog that knows some ids, none asked yet."""
    with write(engine) as conn:
        add_ids(conn, IDS, day(1))
    return engine


def visit(engine: Engine, terms: Terms, at: int, *visits: Visited) -> dict[str, int]:
    """Let visits end, and tell when the ids are due next."""
    planner = Planner(terms, random.Random(1))
    with write(engine) as conn:
        ids = [each.gizmo_id for each in visits]
        held = claim(conn, Lease("me", at + HOUR), ids=ids, limit=len(ids), now=at)
        claimed = {each.gizmo_id: each for each in held}
        planned = planner.after(conn, visits, claimed)
        moves = [
            Move(
                gizmo_id=each.gizmo_id,
                at=each.at,
                verdict=each.verdict,
                attempts=planned[each.gizmo_id].attempts,
                due_at=planned[each.gizmo_id].due_at,
                learned=planned[each.gizmo_id].learned,
            )
            for each in visits
        ]
        assert release(conn, "me", moves) == len(visits)
    return {gizmo_id: each.due_at for gizmo_id, each in planned.items()}


def seen(gizmo_id: str, at: int, *, changed: bool = False) -> Visited:
    return Visited(
        gizmo_id=gizmo_id,
        at=at,
        verdict=Verdict.DOCUMENT,
        said_at=at,
        may_have_changed=changed,
    )


def test_overdue_are_those_asked_before_whose_time_has_passed(known: Engine) -> None:
    with write(known) as conn:
        ids = conn.execute(select(t.frontier.c.gizmo_id)).scalars().all()
        claim(conn, Lease("me", NOW + DAY), ids=ids[:2], limit=2, now=NOW)
        moves = [
            Move(gizmo_id=each, at=NOW, verdict="document", attempts=0, due_at=NOW + due)
            for each, due in zip(ids, (HOUR, DAY), strict=False)
        ]
        release(conn, "me", moves)
        assert len(ids) > len(moves)
        assert [store.count_overdue(conn, NOW + after) for after in (HOUR, HOUR + 1)] == [0, 1]
        assert store.count_overdue(conn, NOW + 2 * DAY) == 2


def test_day_is_settled_once_by_whoever_comes_first(known: Engine) -> None:
    first = terms_of_day(known, settings(), day(1))
    again = terms_of_day(known, settings(per_day=1000), day(1) + 3 * HOUR)
    assert again.price == first.price
    assert first.visits == pytest.approx(9.5)
    with read(known) as conn:
        assert conn.execute(select(func.count()).select_from(plan_days)).scalar() == 1
        row = store.plan_day(conn, "2026-02-01")
    assert row is not None
    assert row.gpts == len(IDS)
    assert terms_of_day(known, settings(per_day=1000), day(2)).visits == pytest.approx(950)


def test_scarcer_budget_asks_less_often(known: Engine) -> None:
    rich = terms_of_day(known, settings(per_day=60), day(1))
    poor = terms_of_day(known, settings(per_day=2), day(2))
    soon = visit(known, rich, day(2), seen(IDS[0], day(2)))[IDS[0]]
    late = visit(known, poor, day(2), seen(IDS[1], day(2)))[IDS[1]]
    assert day(2) < soon < late


def test_without_a_budget_every_gpt_is_asked_as_often_as_the_floor_allows(known: Engine) -> None:
    terms = terms_of_day(known, settings(per_day=None), day(1))
    assert terms.visits is None
    due = visit(known, terms, day(1), seen(IDS[0], day(1)))[IDS[0]]
    assert due == day(1) + 20 * HOUR


def test_gpts_that_change_are_asked_more_often(engine: Engine) -> None:
    quiet, lively = IDS[0], IDS[1]
    with write(engine) as conn:
        add_ids(conn, IDS, day(1))
    terms = terms_of_day(engine, settings(per_day=6), day(1))
    due: dict[str, int] = {}
    for number in range(1, 20):
        at = day(number)
        tell(
            engine,
            said(at, document(quiet)),
            said(at, changed(document(lively), name=f"Name of day {number}")),
        )
        due = visit(engine, terms, at, seen(quiet, at), seen(lively, at, changed=number > 1))
    assert due[lively] < due[quiet]
    with read(engine) as conn:
        rows = conn.execute(
            select(t.frontier.c.gizmo_id, t.frontier.c.rate, t.frontier.c.stratum).where(
                t.frontier.c.gizmo_id.in_((quiet, lively))
            )
        ).all()
    rate = {row.gizmo_id: row.rate for row in rows}
    assert rate[lively] > 5 * rate[quiet]
    assert {row.stratum for row in rows} == {"other"}


def test_flaps_and_the_platforms_changes_are_no_changes(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(2), changed(document(), name="New")))
    moment = day(2)
    gizmo_id = document()["gizmo"]["id"]
    with write(engine) as conn:
        assert store.changed_content(conn, [(gizmo_id, moment)]) == {gizmo_id}
        assert store.changed_content(conn, [(gizmo_id, moment + 1)]) == set()
        conn.execute(update(t.changes).where(t.changes.c.observed_at == moment).values(flap=True))
        assert store.changed_content(conn, [(gizmo_id, moment)]) == set()
        conn.execute(update(t.changes).values(flap=False, event_id="e"))
        assert store.changed_content(conn, [(gizmo_id, moment)]) == set()


def test_watches_of_its_user_count_more(engine: Engine) -> None:
    tell(engine, said(day(1), document(IDS[0])), said(day(1), document(IDS[1], name="Rival")))
    with write(engine) as conn:
        add_ids(conn, IDS, day(1))
    weighted = settings(
        per_day=3,
        plan=PlanSettings(objective="freshness", weights={"rivals": 1000.0}),
        watch={"rivals": WatchSettings(search="rival")},
    )
    terms = terms_of_day(engine, weighted, day(1))
    due = visit(engine, terms, day(1), seen(IDS[0], day(1)), seen(IDS[1], day(1)))
    assert due[IDS[1]] < due[IDS[0]]


def test_failures_and_missing_gpts_keep_their_own_pauses(known: Engine) -> None:
    terms = terms_of_day(known, settings(), day(1))
    due = visit(
        known,
        terms,
        day(1),
        Visited(gizmo_id=IDS[0], at=day(1), verdict=Verdict.UNAVAILABLE),
        Visited(gizmo_id=IDS[1], at=day(1), verdict=Verdict.NOT_FOUND),
        Visited(gizmo_id=IDS[2], at=day(1), verdict=Verdict.THROTTLED, pause=7200.0),
    )
    assert day(1) < due[IDS[0]] <= day(1) + 2 * HOUR
    # After three o'clock of the next UTC day: two days are needed to call a GPT gone.
    assert due[IDS[1]] >= day(2) - 6 * HOUR
    assert due[IDS[2]] >= day(1) + 2 * HOUR


def test_without_terms_the_plain_pauses_hold_and_what_was_learned_stays(engine: Engine) -> None:
    before = Claimed(
        gizmo_id=IDS[0], attempts=0, due_at=NOW, evidence_days=9.0, cell=5, stratum="other"
    )
    with read(engine) as conn:
        found = Planner(None, random.Random(1)).after(
            conn, [seen(IDS[0], NOW), seen(IDS[1], NOW)], {IDS[0]: before}
        )
    assert found[IDS[0]].due_at == NOW + DAY
    assert (found[IDS[0]].learned.evidence_days, found[IDS[0]].learned.cell) == (9.0, 5)
    assert found[IDS[1]].due_at == NOW + DAY


def test_budget_of_all_sources_is_one(known: Engine) -> None:
    two = settings(per_day=10)
    other = msgspec.structs.replace(two.sources["s"], name="o", requests_per_day=5)
    disk = SourceSettings(name="d", dialect="recorded")
    both = msgspec.structs.replace(two, sources={**two.sources, "o": other, "d": disk})
    assert requests_of_day(both) == 15
    unlimited = msgspec.structs.replace(other, requests_per_day=None)
    assert requests_of_day(msgspec.structs.replace(both, sources={"o": unlimited})) is None
    assert requests_of_day(Settings()) is None
    with write(known) as conn:
        conn.execute(
            insert(t.runs),
            {
                "run_id": "r",
                "command": "harvest --due",
                "source": "s",
                "ids_digest": "",
                "started_at": NOW - DAY,
                "status": "finished",
                "requested": 110,
                "left": 10,
                "requests": 300,
            },
        )
        assert visits_of_day(conn, both, NOW) == pytest.approx(5.0 * 0.95)
        source_id = add_source(conn, "s", "gpts-v2", NOW)
        assert reserve(conn, source_id, day_of(NOW), 6, 10) == 6
        assert visits_left(conn, both, NOW) == 3


def test_requests_that_were_spent_are_those_of_a_day_and_of_the_sources(engine: Engine) -> None:
    with write(engine) as conn:
        for name, wanted in (("one", 3), ("two", 5), ("three", 7)):
            number = add_source(conn, name, "recorded", NOW)
            reserve(conn, number, "2026-02-03", wanted, None)
            reserve(conn, number, "2026-02-04", 10 * wanted, None)
            reserve(conn, number, "2026-02-03", 100, None, "tokens")
    with read(engine) as conn:
        assert store.requests_spent(conn, ["one", "two"], "2026-02-03") == 8
        assert store.requests_spent(conn, ["one"], "2026-02-05") == 0
