"""After changed settings GPTs are priced again, in batches; and no table is read whole for it."""

from __future__ import annotations

import random
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, update

from catalog.harvest import repricing
from catalog.harvest.planning import Planner, Terms, Visited, terms_of_day
from catalog.harvest.repricing import planned_by, reprice
from catalog.records import Verdict
from catalog.settings import PlanSettings, Settings, SourceSettings, WatchSettings
from catalog.storage import repricing as store
from catalog.storage import tables as t
from catalog.storage.engine import read, write
from catalog.storage.frontier import Lease, Move, claim, release
from catalog.storage.planning import stands
from catalog.times import DAY, HOUR
from tests.contract.waiting import analyze, wait
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from catalog.storage.repricing import Repriced, Waiting

GPTS = 40
WATCH = {"rivals": WatchSettings(search="translation")}


def settings(per_day: int | None = 10, **plan: Any) -> Settings:
    source = SourceSettings(
        name="s", dialect="gpts-v2", base_url="https://x.example", requests_per_day=per_day
    )
    return Settings(sources={"s": source}, plan=PlanSettings(**plan), watch=WATCH)


def due(engine: Engine) -> dict[str, int]:
    f = t.frontier.c
    with read(engine) as conn:
        return {row.gizmo_id: row.due_at for row in conn.execute(select(f.gizmo_id, f.due_at))}


def again(engine: Engine, terms: Terms, stopping: threading.Event | None = None) -> int:
    return reprice(engine, Planner(terms, random.Random(1)), stopping or threading.Event())


@pytest.fixture
def waiting(engine: Engine) -> Engine:
    """A catalog whose day was settled by the usual settings."""
    wait(engine, GPTS, NOW, strata=3)
    terms_of_day(engine, settings(), NOW)
    return engine


def test_nothing_is_priced_again_where_nothing_was_changed(waiting: Engine) -> None:
    before = due(waiting)
    assert again(waiting, terms_of_day(waiting, settings(), NOW)) == 0
    assert again(waiting, terms_of_day(waiting, settings(), NOW + DAY)) == 0
    assert due(waiting) == before


@pytest.mark.parametrize(
    "other",
    [
        settings(per_day=400),
        settings(ceiling_days=9),
        settings(objective="freshness"),
        settings(weights={"rivals": 7}),
    ],
)
def test_changed_settings_price_every_waiting_gpt_again_once(
    waiting: Engine, other: Settings
) -> None:
    before = due(waiting)
    terms = terms_of_day(waiting, other, NOW + DAY)
    assert again(waiting, terms) == GPTS
    after = due(waiting)
    assert all(after[each] != before[each] for each in before)
    asked = NOW - 2 * DAY
    assert all(
        asked + terms.rules.floor * DAY <= at <= asked + terms.price.ceiling * DAY
        for at in after.values()
    )
    assert again(waiting, terms) == 0
    assert again(waiting, terms_of_day(waiting, other, NOW + 2 * DAY)) == 0


def test_settings_of_the_same_day_count_from_the_next(waiting: Engine) -> None:
    """The day's price was settled by the others."""
    assert again(waiting, terms_of_day(waiting, settings(per_day=400), NOW + HOUR)) == 0
    assert again(waiting, terms_of_day(waiting, settings(per_day=400), NOW + DAY)) == GPTS


def test_what_waits_for_a_reason_of_its_own_is_left(waiting: Engine) -> None:
    held, failed, missing, visited = sorted(due(waiting))[:4]
    f = t.frontier
    with write(waiting) as conn:
        claim(conn, Lease("me", NOW + HOUR), ids=[held], limit=1, now=NOW)
        conn.execute(update(f).where(f.c.gizmo_id == failed).values(attempts=2))
        conn.execute(update(f).where(f.c.gizmo_id == missing).values(misses=1))
    before = due(waiting)

    class Overtaken(Planner):
        """While it plans, a GPT is visited by somebody else."""

        def again(self, conn: Connection, waiting: list[Waiting]) -> list[Repriced]:  # type: ignore[override]
            moved = super().again(conn, waiting)
            conn.execute(update(f).where(f.c.gizmo_id == visited).values(due_at=1))
            return moved

    terms = terms_of_day(waiting, settings(per_day=400), NOW + DAY)
    assert reprice(waiting, Overtaken(terms, random.Random(1)), threading.Event()) == GPTS - 4
    after = due(waiting)
    assert {each: after[each] for each in (held, failed, missing)} == {
        each: before[each] for each in (held, failed, missing)
    }
    assert after[visited] == 1


def test_who_is_told_to_stop_leaves_the_rest_to_the_next(
    waiting: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repricing, "BATCH", 7)
    stopping = threading.Event()

    class Stopped(Planner):
        def again(self, conn: Connection, waiting: list[Waiting]) -> list[Repriced]:  # type: ignore[override]
            stopping.set()
            return super().again(conn, waiting)

    terms = terms_of_day(waiting, settings(per_day=400), NOW + DAY)
    assert reprice(waiting, Stopped(terms, random.Random(1)), stopping) == 7
    with read(waiting) as conn:
        kept = store.repricing(conn)
    assert kept is not None
    assert kept.after == sorted(due(waiting))[6]
    assert again(waiting, terms) == GPTS - 7


def test_a_name_for_what_is_planned_by_leaves_out_what_is_not() -> None:
    plain = planned_by(settings())
    assert planned_by(settings()) == plain
    assert planned_by(Settings(sources=settings().sources)) == plain, "a watch without a weight"
    assert planned_by(settings(per_day=11)) != plain
    assert planned_by(settings(floor_hours=5)) != plain


LARGE = ("frontier", "listings", "changes", "observations", "outcomes", "gizmos")
"""The tables that grow with the catalog."""
MANY, STRATA = 30_000, 500
VISITS = 1000


@pytest.fixture
def crowded(engine: Engine) -> Iterator[tuple[Engine, list[tuple[str, Any]]]]:
    """Many ids that wait, and the statements that are asked since."""
    wait(engine, MANY, NOW, strata=STRATA)
    analyze(engine)
    terms_of_day(engine, settings(), NOW)
    asked: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield engine, asked
    event.remove(engine, "before_cursor_execute", note)


def whole_tables(engine: Engine, asked: list[tuple[str, Any]]) -> list[str]:
    """The steps of some statements that read a table whole."""
    is_sqlite = engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    scan = re.compile(rf"(?:^SCAN|Seq Scan on) (?:{'|'.join(LARGE)})\b(?!.*USING)")
    found = []
    with read(engine) as conn:
        if not is_sqlite:
            # It reads tables as small as these whole, unless that is made dear.
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, given in asked:
            if not re.match(r"\s*(?:SELECT|WITH|UPDATE)\b", statement):
                continue
            one = given[0] if isinstance(given, list) else given
            plan = conn.exec_driver_sql(f"{explain} {statement}", one).all()
            steps = [str(row[-1]) for row in plan]
            found += [f"{step}: {statement}" for step in steps if scan.search(step)]
    return found


def test_a_claim_and_its_visits_read_no_table_whole(
    crowded: tuple[Engine, list[tuple[str, Any]]],
) -> None:
    engine, asked = crowded
    terms = terms_of_day(engine, settings(), NOW)
    with write(engine) as conn:
        held = claim(conn, Lease("me", NOW + HOUR), ids=None, limit=VISITS, now=NOW)
        assert len(held) == VISITS
        visits = [
            Visited(
                gizmo_id=each.gizmo_id,
                at=NOW,
                verdict=Verdict.DOCUMENT,
                said_at=NOW,
                may_have_changed=True,
            )
            for each in held
        ]
        claimed = {each.gizmo_id: each for each in held}
        planned = Planner(terms, random.Random(1)).after(conn, visits, claimed)
        moves = [
            Move(
                gizmo_id=each,
                at=NOW,
                verdict=Verdict.DOCUMENT,
                attempts=then.attempts,
                due_at=then.due_at,
                learned=then.learned,
            )
            for each, then in planned.items()
        ]
        assert release(conn, "me", moves) == VISITS
    assert len(asked) < 25
    assert whole_tables(engine, list(asked)) == []


def test_pricing_again_reads_no_table_whole(
    crowded: tuple[Engine, list[tuple[str, Any]]],
) -> None:
    engine, asked = crowded
    terms = terms_of_day(engine, settings(per_day=400), NOW + DAY)
    del asked[:]
    stopping = threading.Event()

    class Once(Planner):
        def again(self, conn: Connection, waiting: list[Waiting]) -> list[Repriced]:  # type: ignore[override]
            stopping.set()
            return super().again(conn, waiting)

    assert reprice(engine, Once(terms, random.Random(1)), stopping) == repricing.BATCH
    assert whole_tables(engine, list(asked)) == []


def test_the_day_is_settled_by_few_rows_though_strata_are_many(
    crowded: tuple[Engine, list[tuple[str, Any]]],
) -> None:
    """Strata and boxes are counted apart: together they are as many as there are GPTs."""
    engine, _ = crowded
    with read(engine) as conn:
        found = stands(conn)
    assert len(found.believed) <= STRATA
    assert sum(found.boxes.values()) == MANY
    assert sum(each.gpts for each in found.believed.values()) == MANY
