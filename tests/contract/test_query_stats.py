from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from catalog.errors import NotFound
from catalog.query.samples import sample_id
from catalog.query.stats import status
from catalog.query.tour import most_changed, most_moved
from catalog.storage import runs
from catalog.storage.engine import read, write
from catalog.storage.sources import add_source
from catalog.storage.tables import budgets
from catalog.times import HOUR
from tests.contract.telling import ID, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.query.stats import Status
    from catalog.times import Micros

OTHER = "g-Other0000"


def _status(engine: Engine, now: Micros) -> Status:
    with read(engine) as conn:
        return status(conn, now)


def test_status_of_an_empty_catalog_is_calm(engine: Engine) -> None:
    found = _status(engine, day(1))
    assert found.holdings.gpts == {}
    assert found.holdings.documents == 0


def test_status_counts_what_the_catalog_holds(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document(surprise="x")),
        said(day(2), document(name="Another")),
        said(day(2), document(OTHER)),
        said(day(3), None),
    )
    found = _status(engine, day(3))
    holds = found.holdings
    assert holds.gpts == {"listed": 1, "missing": 1}
    assert (holds.documents, holds.absences, holds.payloads) == (3, 1, 3)
    assert holds.changes == {"content": 1, "lifecycle": 3}
    assert (holds.first_at, holds.last_at) == (day(1), day(3))
    assert (holds.authors, holds.revisions) == (1, 3)
    assert 0 < holds.stored_bytes < holds.payload_bytes
    assert [(row.path, row.count) for row in found.unmapped] == [("gizmo.surprise", 1)]
    assert [(source.name, source.documents) for source in found.sources] == [("one", 3)]


def test_status_counts_the_requests_of_today_and_no_tokens(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        budget = {"source_id": number, "spent": 0}
        conn.execute(
            insert(budgets),
            [
                budget | {"day": "2026-02-02", "kind": "requests", "reserved": 7},
                budget | {"day": "2026-02-02", "kind": "tokens", "reserved": 9000},
                budget | {"day": "2026-02-01", "kind": "requests", "reserved": 80},
            ],
        )
    assert [each.reserved_today for each in _status(engine, day(2)).sources] == [7]
    assert [each.reserved_today for each in _status(engine, day(3)).sources] == [0]


def test_status_says_when_documents_were_last_seen(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(9), document(OTHER)))
    assert _status(engine, day(9) + HOUR).seen == {
        "1 day": 1,
        "7 days": 0,
        "30 days": 1,
        "older": 0,
    }


def test_sample_is_a_gpt_that_the_source_knows(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(2), document(OTHER), source="two"))
    with read(engine) as conn:
        assert sample_id(conn, "one") == ID
        assert sample_id(conn, "nobody") is None


def test_tour_of_an_empty_catalog_says_what_to_do(engine: Engine) -> None:
    with read(engine) as conn:
        for choose in (most_changed, most_moved):
            with pytest.raises(NotFound, match="run gpts-catalog harvest"):
                choose(conn)


def test_most_changed_is_the_gpt_with_the_most_to_show(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document("g-Aaaaaaaaa")),
        said(day(1), document()),
        said(day(2), document(name="Another", tags=[])),
    )
    with read(engine) as conn:
        assert most_changed(conn) == ID


def test_most_moved_is_the_gpt_whose_numbers_moved_most(engine: Engine) -> None:
    other = document("g-Aaaaaaaaa")
    tell(
        engine,
        said(day(1), other),
        said(day(2), changed(other, name="Another")),
        said(day(1), document()),
        said(day(2), document(vanity_metrics={"num_conversations_str": "500"})),
    )
    with read(engine) as conn:
        assert most_moved(conn) == ID


def _run(engine: Engine, verdicts: list[str], status: str, reason: str | None = None) -> None:
    key = runs.RunKey(command="harvest", source="one", ids_digest="0")
    with write(engine) as conn:
        number = add_source(conn, "one", "gpts-v2", day(1))
        run, _ = runs.open_or_resume(conn, key, now=day(1), rng=random.Random(1))
        runs.add_outcomes(
            conn,
            [
                runs.Outcome(
                    run_id=run.run_id,
                    asked_id=f"g-Many{n:05d}",
                    source_id=number,
                    verdict=verdict,
                    attempts=1,
                    requests=1,
                    status=503 if verdict == "unavailable" else 200,
                    detail=f"no channel (request {n}ab)" if verdict == "unavailable" else "",
                    at=day(1),
                )
                for n, verdict in enumerate(verdicts)
            ],
        )
        runs.update_totals(conn, run.run_id, requested=len(verdicts))
        runs.close_run(conn, run.run_id, now=day(1), status=status, reason=reason)


def test_status_says_why_ids_failed(engine: Engine) -> None:
    _run(engine, ["document"] * 4 + ["unavailable"] * 4 + ["malformed"], "finished")
    found = _status(engine, day(1) + HOUR)
    (source,) = found.sources
    assert [(each.verdict, each.count, each.example) for each in source.reasons] == [
        ("unavailable", 4, "g-Many00004"),
        ("malformed", 1, "g-Many00008"),
    ]
