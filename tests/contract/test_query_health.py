"""The facts that alarms are judged by, as both engines gather them."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import event, insert, select, update

from catalog.alarms import Facts, Limits, evaluate
from catalog.derive import Derivation
from catalog.errors import NormalizeError
from catalog.query.health import facts
from catalog.query.likeness import likeness
from catalog.settings import Settings
from catalog.storage import frontier, runs
from catalog.storage import tables as t
from catalog.storage.engine import read, write
from catalog.storage.observe import observe
from catalog.storage.owners import this_process
from catalog.storage.sources import add_source, reserve
from catalog.storage.stage2 import settle
from catalog.times import DAY, HOUR, day_of
from tests.contract.looking import DERIVER, SETTINGS, Refresh, alarms, found, gathered, ids
from tests.contract.telling import day, document, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from catalog.records import Document
    from catalog.times import Micros

DOCUMENT = "document"


def harvest(
    engine: Engine,
    at: Micros,
    answers: dict[str, Any],
    *,
    status: str = "finished",
    reason: str | None = None,
    left: int = 0,
    command: str = "harvest --due",
) -> str:
    """A run: each id's answer is a document, None for a not-found that is held, or a verdict."""
    key = runs.RunKey(command=command, source="one", ids_digest=str(at))
    with write(engine) as conn:
        number = add_source(conn, "one", "gpts-v2", at)
        run = runs.open_run(conn, key, now=at, rng=random.Random(at))
        outcomes = []
        for gizmo_id, answer in answers.items():
            row, verdict = None, answer
            if not isinstance(answer, str):
                observation = msgspec.structs.replace(
                    said(at, answer, gizmo_id=gizmo_id),
                    run_id=run.run_id,
                    verdict="" if answer else "held",
                )
                row = observe(conn, DERIVER, [observation]).observation_ids[0]
                verdict = DOCUMENT if answer else "not_found"
            outcomes.append(
                runs.Outcome(
                    run_id=run.run_id,
                    asked_id=gizmo_id,
                    source_id=number,
                    verdict=verdict,
                    effect="unchanged" if verdict == DOCUMENT else "",
                    attempts=1,
                    requests=1,
                    status=200,
                    at=at,
                    observation_id=row,
                )
            )
        frontier.add_ids(conn, answers, at + 400 * DAY)
        runs.add_outcomes(conn, outcomes)
        runs.update_totals(conn, run.run_id, requested=len(answers) + left)
        runs.close_run(conn, run.run_id, now=at, status=status, reason=reason)
    with write(engine) as conn:
        settle(conn, DERIVER)
    return run.run_id


def full(count: int, **members: Any) -> dict[str, Any]:
    return {each: document(each, **members) for each in ids(count)}


def noisy(count: int, pins: int) -> dict[str, Any]:
    return full(count, vanity_metrics={"num_conversations_str": "90", "num_pins": pins})


def test_an_empty_catalog_has_nothing_to_tell(engine: Engine) -> None:
    assert gathered(engine, day(1)) == Facts()
    assert found(engine, day(1), Refresh()) == []


def test_a_clean_life_raises_nothing(engine: Engine) -> None:
    for number in range(1, 8):
        harvest(engine, day(number), noisy(6, number))
        assert found(engine, day(number) + 20 * HOUR) == []


def test_a_source_that_answers_nothing_is_dead_till_it_answers(engine: Engine) -> None:
    harvest(engine, day(1), full(6))
    harvest(engine, day(2), dict.fromkeys(ids(6), "unavailable"))
    assert found(engine, day(2)) == ["source_dead"]
    harvest(engine, day(2) + HOUR, {"g-Made00000": "unavailable"})
    harvest(engine, day(2) + 2 * HOUR, full(1))
    assert found(engine, day(3)) == ["source_dead"], "one id tells nothing of a source"
    harvest(engine, day(3), full(6, tags=[]))
    assert found(engine, day(3)) == []


def test_a_single_id_tells_where_nothing_else_was_asked(engine: Engine) -> None:
    harvest(engine, day(1), {"g-Made00000": "unavailable"})
    assert found(engine, day(1)) == ["source_dead"]


def test_a_source_that_stands_by_is_dead_by_a_few_second_opinions(engine: Engine) -> None:
    harvest(engine, day(1), full(6))
    few = dict.fromkeys(ids(3), "unavailable")
    harvest(engine, day(2), few, command="second opinion")
    assert found(engine, day(2)) == [], "three ids tell nothing of a source"
    harvest(engine, day(3), few, command="second opinion")
    assert found(engine, day(3)) == ["source_dead"]
    harvest(engine, day(4), full(3, tags=[]), command="second opinion")
    assert found(engine, day(4)) == []


def test_a_run_of_a_clock_that_was_ahead_tells_nothing_of_what_came_since(engine: Engine) -> None:
    harvest(engine, day(5), dict.fromkeys(ids(6), "unavailable"))
    assert found(engine, day(5)) == ["source_dead"]
    harvest(engine, day(2), full(6))
    assert found(engine, day(2) + HOUR) == [], "the clock was set back"


def test_a_source_that_ends_its_run_is_dead(engine: Engine) -> None:
    harvest(engine, day(1), full(3), status="failed", reason="the key is refused", left=9)
    (alarm,) = alarms(engine, day(1))
    assert (alarm.kind, alarm.subject) == ("source_dead", "one")
    assert "the key is refused" in alarm.message


@pytest.mark.parametrize("command", ["probe", "discover", "import"])
def test_what_is_no_harvest_tells_nothing_of_a_source(engine: Engine, command: str) -> None:
    harvest(engine, day(1), full(6))
    refused = dict.fromkeys(ids(6), "denied")
    harvest(engine, day(2), refused, command=command, status="failed")
    assert found(engine, day(2)) == []
    harvest(engine, day(3), refused)
    harvest(engine, day(3) + HOUR, full(6, tags=[]), command=command)
    assert found(engine, day(3) + HOUR) == ["source_dead"]


def test_what_confirms_tells_that_a_source_answers_and_never_that_it_does_not(
    engine: Engine,
) -> None:
    harvest(engine, day(1), full(6))
    refused = dict.fromkeys(ids(6), "denied")
    harvest(engine, day(2), refused, command="confirm", status="failed")
    assert found(engine, day(2)) == []
    harvest(engine, day(3), refused)
    harvest(engine, day(3) + HOUR, full(6, tags=[]), command="confirm")
    assert found(engine, day(3) + HOUR) == []


def test_a_source_that_the_settings_do_not_name_any_more_is_nobodys_worry(engine: Engine) -> None:
    harvest(engine, day(1), dict.fromkeys(ids(6), "denied"))
    with read(engine) as conn:
        assert facts(conn, DERIVER, Settings(), day(1)).sources == ()


def test_a_source_that_answers_the_same_is_frozen_within_two_periods(engine: Engine) -> None:
    for number in range(1, 5):
        harvest(engine, day(number), noisy(20, number))
    assert found(engine, day(4)) == []
    for number in (5, 6):
        harvest(engine, day(number), noisy(20, 4))
    assert found(engine, day(6)) == ["source_frozen"]
    harvest(engine, day(7), noisy(20, 5))
    assert found(engine, day(7)) == []


def test_a_visit_is_compared_with_the_one_before_it(engine: Engine) -> None:
    ran = [harvest(engine, day(number), noisy(2, max(number, 2))) for number in (1, 2, 3)]
    with read(engine) as conn:
        number = conn.execute(select(t.sources.c.source_id)).scalar_one()
        found = [likeness(conn, DERIVER, number, [run], None).pairs for run in ran]
    assert found[0] == ()
    assert [(each.before_at, each.at, each.moved, each.kept) for each in found[1]] == [
        (day(1), day(2), False, False)
    ] * 2
    assert [(each.before_at, each.at, each.moved) for each in found[2]] == [
        (day(2), day(3), True)
    ] * 2


def test_a_document_asked_for_twice_at_once_is_no_freeze(engine: Engine) -> None:
    for hour in range(4):
        harvest(engine, day(1) + hour * HOUR, noisy(30, 1))
    assert found(engine, day(1) + 4 * HOUR) == []


def test_a_source_that_gives_half_is_told_and_for_three_visits(engine: Engine) -> None:
    def half(pins: int) -> dict[str, Any]:
        return {
            each: {"gizmo": {"id": each, "vanity_metrics": {"num_pins": pins}}} for each in ids(6)
        }

    for number in (1, 2, 3):
        harvest(engine, day(number), noisy(6, number))
    for number in (4, 5, 6):
        harvest(engine, day(number), half(number))
        assert found(engine, day(number)) == ["source_halved"]
    harvest(engine, day(7), half(7))
    assert found(engine, day(7)) == []


@pytest.mark.parametrize(("refused", "told"), [(1, []), (2, ["source_halved"])])
def test_a_document_that_no_rule_reads_any_more_held_nothing(
    engine: Engine, refused: int, told: list[str]
) -> None:
    """It was archived by an older version, which could."""

    class Rules(Derivation):
        def document(self, payload: bytes, wrapping: str) -> Document:
            if b'"num_pins":%d' % refused in payload:
                raise NormalizeError("of another time")
            return super().document(payload, wrapping)

    for number in (1, 2):
        harvest(engine, day(number), noisy(6, number))
    with read(engine) as conn:
        gathered = facts(conn, Rules(), SETTINGS, day(2), jobs=())
    kinds = {each.kind for each in evaluate(gathered, day(2), Limits(ceiling=5 * DAY))}
    assert sorted(kinds - {"unmapped", "drift"}) == told


def test_a_source_that_nulls_its_fields_is_told_too(engine: Engine) -> None:
    harvest(engine, day(1), full(6))
    nulls: dict[str, Any] = {
        "display": None,
        "author": None,
        "tags": [],
        "short_url": "",
        "updated_at": None,
    }
    harvest(engine, day(2), full(6, **nulls))
    assert found(engine, day(2)) == ["source_halved"]


def test_a_run_that_would_mark_many_as_missing_says_how_many_are_held(engine: Engine) -> None:
    harvest(engine, day(1), full(20))
    answers = noisy(20, 9) | dict.fromkeys(ids(8))
    harvest(engine, day(2), answers)
    (alarm,) = alarms(engine, day(2))
    assert alarm.kind == "mass_missing"
    assert "told of 8 of 20 ids that they are not there, 8 of them GPTs with" in alarm.message


def test_a_list_with_many_ids_that_never_were_gpts_marks_none(engine: Engine) -> None:
    harvest(engine, day(1), full(20))
    unknown = [f"g-Nobody{number:03}" for number in range(30)]
    harvest(engine, day(2), noisy(20, 9) | dict.fromkeys(unknown))
    assert found(engine, day(2)) == []


def test_gpts_are_counted_and_the_oldest_is_known(engine: Engine) -> None:
    harvest(engine, day(1), full(20))
    harvest(engine, day(3), full(19))
    now = day(8) + HOUR
    gpts = gathered(engine, now).gpts
    assert (gpts.by_status, gpts.oldest_confirmed_at) == ({"listed": 20}, day(1))
    assert (gpts.stale.number, gpts.last_asked_at) == (1, day(3))
    assert found(engine, now) == ["stale"]


def test_due_ids_that_nobody_asks_for_are_told(engine: Engine) -> None:
    with write(engine) as conn:
        frontier.add_ids(conn, ids(3), day(1))
    assert found(engine, day(3)) == []
    assert found(engine, day(3) + 1) == ["quiet"]
    assert gathered(engine, day(3)).gpts.due.number == 3


def test_what_is_spent_is_told_by_kind(engine: Engine) -> None:
    harvest(engine, day(1), full(1))
    with write(engine) as conn:
        number = add_source(conn, "one", "gpts-v2", day(1))
        reserve(conn, number, day_of(day(2)), 4, 10)
        reserve(conn, number, day_of(day(2)), 7, None, "tokens")
    (source,) = gathered(engine, day(2)).sources
    assert [(each.kind, each.taken, each.left, each.cost) for each in source.spent] == [
        ("requests", 4, 6, 2.0),
        ("probes", 0, 3, 0.0),
        ("tokens", 7, None, None),
    ]


def test_a_budget_that_is_used_up_with_much_left_is_told(engine: Engine) -> None:
    harvest(engine, day(1), full(1))
    with write(engine) as conn:
        frontier.add_ids(conn, [f"g-Other{n:04d}" for n in range(21)], day(1))
        number = add_source(conn, "one", "gpts-v2", day(1))
        reserve(conn, number, day_of(day(1)), 10, 10)
    assert found(engine, day(1)) == ["budget"]
    assert found(engine, day(2) - HOUR) == [], "another day has another budget"


def test_an_open_run_and_expired_leases_are_told(engine: Engine) -> None:
    key = runs.RunKey(command="harvest", source="one", ids_digest="0")
    with write(engine) as conn:
        run = runs.open_run(conn, key, now=day(1), rng=random.Random(1))
        frontier.add_ids(conn, ids(2), day(1) + 90 * DAY)
        lease = frontier.Lease(owner="host:1:2.0", until=day(1))
        frontier.claim(conn, lease, ids=ids(1), limit=1, now=day(1))
    # A daily harvest closes what is a day old: it is given its time to come.
    assert [each.kind for each in alarms(engine, day(3))] == ["leases"]
    found_now = alarms(engine, day(4))
    assert [each.kind for each in found_now] == ["leases", "run_open"]
    assert found_now[1].subject == run.run_id


def test_gpts_are_counted_before_stage_2_has_looked(engine: Engine) -> None:
    harvest(engine, day(1), full(2))
    with write(engine) as conn:
        observe(conn, DERIVER, [said(day(2), None, gizmo_id=ids(1)[0])])
        # Of a facet that no GPT had before: its set is new, and counted as none.
        fresh = ids(9)[8]
        told = document(fresh, tags=["public", "another"])
        observe(conn, DERIVER, [said(day(2), told, gizmo_id=fresh)])
    waiting = gathered(engine, day(2))
    assert waiting.unsettled.number
    with write(engine) as conn:
        settle(conn, DERIVER)
    settled = gathered(engine, day(2))
    assert waiting.gpts.by_status == settled.gpts.by_status
    assert settled.gpts.total == 3


def test_a_run_is_at_work_or_cut_off_as_its_process_is_there_or_gone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = harvest(engine, day(1), full(1))
    assert gathered(engine, day(1)).at_work == ()
    with write(engine) as conn:
        conn.execute(update(t.runs).values(finished_at=None))
        runs.take_up(conn, run_id, "host:1:2.0")
        add = runs.RunKey(command="discover", source="one", ids_digest="")
        runs.take_up(
            conn, runs.open_run(conn, add, now=day(1), rng=random.Random(1)).run_id, "h:1:2"
        )

    def told(now: Micros) -> tuple[list[str], list[str]]:
        facts_ = gathered(engine, now)
        return [r.run_id for r in facts_.at_work], [r.run_id for r in facts_.cut_off]

    # Of another host's process its claims tell.
    with write(engine) as conn:
        lease = frontier.Lease(owner="host:1:2.0", until=day(1) + 2 * HOUR)
        frontier.claim(conn, lease, ids=ids(1), limit=1, now=day(1))
    assert told(day(1) + HOUR) == ([run_id], [])
    assert told(day(1) + 2 * HOUR) == ([], [run_id])
    with write(engine) as conn:
        runs.take_up(conn, run_id, "host:3:4.0")
    # Another that takes part holds claims: it goes on, whatever became of the one that is named.
    assert told(day(1) + HOUR) == ([run_id], [])
    with write(engine) as conn:
        runs.take_up(conn, run_id, this_process())
    assert told(day(1) + 2 * HOUR) == ([run_id], [])
    monkeypatch.setattr("catalog.query.health.is_at_work_here", lambda _: False)
    monkeypatch.setattr("catalog.query.health.is_alive", lambda _: False)
    assert told(day(1) + HOUR) == ([], [run_id])
    # From then on it is the alarm ``run_open``, and nothing resumes it.
    assert told(day(2)) == ([], [])
    with write(engine) as conn:
        runs.pause_run(conn, run_id, status="stopped", reason="asked")
    assert told(day(1) + HOUR) == ([], [])


def test_unsettled_work_is_told_when_nobody_writes(engine: Engine) -> None:
    harvest(engine, day(1), full(1))
    with write(engine) as conn:
        conn.execute(insert(t.stage_queue), {"kind": "author", "key": "user-one"})
    assert found(engine, day(1) + 6 * HOUR) == []
    assert found(engine, day(1) + 6 * HOUR + 1) == ["unsettled"]


def test_drift_and_unmapped_paths_are_told_for_a_while(engine: Engine) -> None:
    harvest(engine, day(1), full(1, surprise="x"))
    now = day(2)
    told = evaluate(gathered(engine, now), now, Limits())
    assert {each.kind for each in told} <= {"unmapped", "drift"}
    assert "gizmo.surprise" in {each.subject for each in told if each.kind == "unmapped"}
    later = evaluate(gathered(engine, day(20)), day(20), Limits(asks=False))
    assert later == []


@pytest.mark.parametrize("count", [3, 300])
def test_what_a_look_costs_does_not_grow_with_the_catalog(engine: Engine, count: int) -> None:
    """As many statements, whatever it holds: each is bounded by an index or a limit."""
    for number in (1, 2):
        harvest(engine, day(number), noisy(3, number))
    with write(engine) as conn:
        frontier.add_ids(conn, [f"g-Many{n:05d}" for n in range(count)], day(1) + 90 * DAY)
    statements: list[str] = []
    listen: Callable[..., None] = lambda *given: statements.append(given[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    gathered(engine, day(3), Refresh())
    event.remove(engine, "before_cursor_execute", listen)
    assert len(statements) < 45


LARGE = ("gizmos", "observations", "outcomes", "frontier", "payloads", "gizmo_revisions")
"""The tables that grow with the catalog, and are looked at."""


def test_large_tables_are_read_by_their_indexes(engine: Engine) -> None:
    for number in (1, 2):
        harvest(engine, day(number), noisy(6, number))
    asked: list[tuple[str, Any]] = []
    listen: Callable[..., None] = lambda *given: asked.append((given[2], given[3]))  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    gathered(engine, day(3), Refresh())
    event.remove(engine, "before_cursor_execute", listen)
    is_sqlite = engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    scan = re.compile(rf"(?:^SCAN|Seq Scan on) (?:{'|'.join(LARGE)})(?!.*USING)")
    with read(engine) as conn:
        if not is_sqlite:
            # It reads tables as small as these whole, unless that is made dear.
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in asked:
            if statement.lstrip().upper().startswith(("SELECT", "WITH")):
                plan = conn.exec_driver_sql(f"{explain} {statement}", parameters).all()
                steps = [str(row[-1]) for row in plan]
                assert [step for step in steps if scan.search(step)] == [], statement


def test_paths_that_came_last_are_told_first(engine: Engine) -> None:
    """There may be more of them than are told."""
    times = {"gizmo.b": day(2), "gizmo.a": day(2), "gizmo.c": day(3), "gizmo.d": day(1)}
    seen = {"last_seen_at": day(3), "example": "1"}
    with write(engine) as conn:
        source = add_source(conn, "one", "gpts-v2", day(1))
        drifted = {"source_id": source, "wrapping": "data", "kind": "appeared"}
        conn.execute(
            insert(t.drift),
            [
                {**drifted, **seen, "path": path, "at": at, "first_seen_at": at}
                for path, at in times.items()
            ],
        )
        conn.execute(
            insert(t.unmapped_fields),
            [{**seen, "path": path, "first_seen_at": at, "count": 1} for path, at in times.items()],
        )
    told = gathered(engine, day(4))
    expected = ["gizmo.c", "gizmo.a", "gizmo.b", "gizmo.d"]
    assert [each.path for each in told.drift] == expected
    assert [each.path for each in told.unmapped] == expected


def test_likeness_is_of_one_source_where_a_run_asked_several(engine: Engine) -> None:
    for number in (1, 2):
        run = harvest(engine, day(number), noisy(3, number))
    o = t.outcomes.c
    with write(engine) as conn:
        one = conn.execute(select(t.sources.c.source_id)).scalar_one()
        two = add_source(conn, "two", "gpts-v2", day(2))
        of_first = (o.run_id == run) & (o.asked_id == ids(3)[0])
        conn.execute(update(t.outcomes).where(of_first).values(source_id=two))
    with read(engine) as conn:
        whole = likeness(conn, DERIVER, one, [run], run)
    assert (len(whole.pairs), whole.compared, whole.poorer) == (2, 2, 0)
