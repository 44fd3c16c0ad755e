from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from catalog.records import Reading, Verdict
from catalog.storage import engine as engines
from catalog.storage import tables as t
from catalog.times import DAY, Micros
from tests.laws import asking
from tests.laws.asking import Asking, absent, failure
from tests.laws.worlds import START, document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from catalog.harvest.totals import Totals

IDS = tuple(f"g-Law{number:06}" for number in range(8))


VERDICTS = [verdict for verdict in Verdict if verdict is not Verdict.FORGOTTEN]
"""What a source can say; that a GPT is to be forgotten, the catalog says."""


def readings_of(source: Asking, asked: str, verdict: Verdict, at: Micros) -> tuple[Reading, ...]:
    """What makes an id end in a verdict."""
    if verdict is Verdict.DOCUMENT:
        return source.readings(asking.given(asked, document(asked)), at)
    if verdict is Verdict.MISMATCHED:
        return source.readings(asking.given(asked, document("g-Other0001")), at)
    if verdict is Verdict.NOT_FOUND:
        return source.readings(absent(asked), at)
    return (failure(asked, verdict, b"no"),)


def end(engine: Engine, verdicts: Sequence[Verdict], at: Micros = START) -> Totals:
    """A run whose ids end in these verdicts."""
    source = Asking(engine)
    return source.end(
        [
            (asked, readings_of(source, asked, verdict, at))
            for asked, verdict in zip(IDS, verdicts, strict=False)
        ],
        at,
    )


@pytest.mark.parametrize("verdict", VERDICTS)
def test_an_id_ends_in_its_verdict_and_is_due_later(engine: Engine, verdict: Verdict) -> None:
    end(engine, [verdict])
    with engines.read(engine) as conn:
        (outcome,) = conn.execute(select(t.outcomes))
        assert (outcome.asked_id, outcome.verdict) == (IDS[0], verdict)
        assert (outcome.attempts, outcome.requests, outcome.at) == (1, 1, START)
        visit = conn.execute(select(t.frontier).where(t.frontier.c.gizmo_id == IDS[0])).one()
        assert visit.due_at > START
        assert (visit.last_asked_at, visit.last_verdict) == (START, verdict)
        assert (visit.lease_owner, visit.lease_until) == (None, None)
        assert visit.attempts == (0 if verdict.is_fact else 1)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    runs=st.lists(
        st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=len(IDS)), min_size=1, max_size=3
    )
)
def test_every_claimed_id_ends_in_exactly_one_outcome(
    engine: Engine, runs: list[list[Verdict]]
) -> None:
    with engines.write(engine) as conn:
        for table in (t.outcomes, t.runs, t.frontier, t.fetch_failures):
            conn.execute(delete(table))
    for day, verdicts in enumerate(runs):
        at = START + day * DAY
        totals = end(engine, verdicts, at)
        ended = totals.documents + totals.not_found + totals.mismatched + totals.failed
        assert (totals.requested, ended, totals.left) == (len(verdicts), len(verdicts), 0)
        assert totals.documents == totals.new + totals.changed + totals.unchanged
        with engines.read(engine) as conn:
            o, f = t.outcomes.c, t.frontier.c
            told = conn.execute(select(o.asked_id, o.verdict).where(o.run_id == totals.run))
            assert sorted(map(tuple, told)) == sorted(zip(IDS, verdicts, strict=False))
            moved = conn.execute(
                select(f.gizmo_id).where(f.last_asked_at == at, f.due_at > at)
            ).scalars()
            assert {*IDS[: len(verdicts)]} <= set(moved)
            assert list(conn.execute(select(f.gizmo_id).where(f.lease_owner.is_not(None)))) == []


def test_repeated_failures_are_asked_ever_later(engine: Engine) -> None:
    pauses = []
    for day in range(4):
        at = START + day * DAY
        end(engine, [Verdict.UNAVAILABLE], at)
        with engines.read(engine) as conn:
            visit = conn.execute(select(t.frontier)).one()
            assert visit.attempts == day + 1
            pauses.append(visit.due_at - at)
    assert pauses == sorted(set(pauses))
