from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from catalog.records import Verdict
from catalog.storage import engine as engines
from catalog.storage import tables as t
from catalog.storage.dump import dump
from catalog.times import DAY, HOUR, Micros
from tests.laws.asking import Asking, Said, absent, failure, given
from tests.laws.worlds import GPTS, START, document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

FAILURES = [verdict for verdict in Verdict if not verdict.is_fact]
ONE, TWO, THREE = GPTS
KNOWN = document(ONE, name="Tide", tags=["public"])

ANSWERS_THAT_ARE_NO_FACTS = {
    "html": Said(ONE, b"<html><body>404 Not Found</body></html>", 404),
    "unauthorized": Said(ONE, {"code": 401, "message": "invalid token"}, 401),
    "forbidden": Said(ONE, {"detail": "forbidden"}, 403),
    "throttled": Said(ONE, {"error": {"message": "slow down"}}, 429),
    "server error": Said(ONE, {"detail": "Internal Server Error"}, 500),
    "server error as a document": Said(ONE, {"detail": "Internal Server Error"}),
    "bad gateway": Said(ONE, b"", 502),
    "cut": Said(ONE, b'{"data": {"gizmo": {"id": "g-Law000001", "disp'),
    "no route": Said(ONE, {"error": {"message": "Invalid URL (GET /v2/gpts)"}}, 404),
    "no model": Said(ONE, {"error": {"message": "no such model", "code": "model_not_found"}}, 404),
    "tools alone": Said(ONE, {"tools": []}),
}


def derived(engine: Engine) -> list[bytes]:
    """All kept and derived rows."""
    with engines.read(engine) as conn:
        return list(dump(conn))


def statuses(engine: Engine) -> Sequence[tuple[str, Micros]]:
    """What became of the first GPT, and when."""
    s = t.statuses.c
    with engines.read(engine) as conn:
        query = select(s.status, s.valid_from).where(s.gizmo_id == ONE).order_by(s.valid_from)
        return [(row.status, row.valid_from) for row in conn.execute(query)]


@pytest.fixture
def asking(engine: Engine) -> Asking:
    """A source that has given a document."""
    asking = Asking(engine)
    asking.run(given(ONE, KNOWN))
    return asking


@pytest.mark.parametrize("verdict", FAILURES)
def test_a_failure_leaves_every_row_as_it_was(
    asking: Asking, engine: Engine, verdict: Verdict
) -> None:
    before = derived(engine)
    for day in range(1, 4):
        asking.end([(ONE, (failure(ONE, verdict, b"{}"),))], START + day * DAY)
    assert derived(engine) == before


@pytest.mark.parametrize("name", ANSWERS_THAT_ARE_NO_FACTS)
def test_an_answer_that_is_no_fact_leaves_every_row_as_it_was(
    asking: Asking, engine: Engine, name: str
) -> None:
    before = derived(engine)
    totals = asking.run(ANSWERS_THAT_ARE_NO_FACTS[name], at=START + DAY)
    assert totals.failed == 1
    assert derived(engine) == before


def test_one_not_found_makes_missing_and_one_of_another_day_gone(
    asking: Asking, engine: Engine
) -> None:
    for at in (START + HOUR, START + HOUR + 1, START + 12 * HOUR):
        asking.run(absent(ONE), given(TWO, document(TWO)), at=at)
    # START lies late in the evening: twelve hours on is another day.
    assert statuses(engine) == [
        ("listed", START),
        ("missing", START + HOUR),
        ("gone", START + 12 * HOUR),
    ]


def test_repeated_on_one_day_it_stays_missing(asking: Asking, engine: Engine) -> None:
    for at in (START + 2 * HOUR, START + 3 * HOUR, START + 20 * HOUR):
        asking.run(absent(ONE), given(TWO, document(TWO)), at=at)
    assert statuses(engine)[-1] == ("missing", START + 2 * HOUR)


def test_a_document_brings_it_back(asking: Asking, engine: Engine) -> None:
    asking.run(absent(ONE), given(TWO, document(TWO)), at=START + HOUR)
    asking.run(given(ONE, KNOWN), at=START + DAY)
    assert [status for status, _ in statuses(engine)] == ["listed", "missing", "listed"]


def test_a_source_that_gave_nothing_for_a_day_is_not_believed(
    asking: Asking, engine: Engine
) -> None:
    asking.run(absent(ONE), at=START + DAY + 1)
    assert statuses(engine) == [("listed", START)]


def test_a_run_that_finds_many_gone_is_not_believed(engine: Engine) -> None:
    asking = Asking(engine)
    everyone = [f"g-Law{number:06}" for number in range(12)]
    asking.run(*(given(each, document(each)) for each in everyone))
    asking.run(
        *(absent(each) for each in everyone[:6]),
        *(given(each, document(each)) for each in everyone[6:]),
        at=START + HOUR,
    )
    with engines.read(engine) as conn:
        assert set(conn.execute(select(t.gizmos.c.status)).scalars()) == {"listed"}
        assert set(conn.execute(select(t.observations.c.verdict)).scalars()) == {"", "held"}


def test_a_gpt_that_never_had_a_document_has_no_rows(engine: Engine) -> None:
    asking = Asking(engine)
    asking.run(given(ONE, KNOWN), absent(TWO))
    with engines.read(engine) as conn:
        assert list(conn.execute(select(t.gizmos.c.gizmo_id)).scalars()) == [ONE]
        assert TWO not in set(conn.execute(select(t.changes.c.gizmo_id)).scalars())
