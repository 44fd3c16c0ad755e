from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import select

from catalog.errors import CatalogBusy, NotFound
from catalog.records import Verdict
from catalog.storage.engine import open_engine, read, write
from catalog.storage.failures import Failure, add_failures, failures, unknown_failures
from catalog.storage.runs import (
    RESUMED_WITHIN,
    Outcome,
    RunKey,
    add_outcomes,
    close_run,
    done_ids,
    get_run,
    known_ids,
    latest_runs,
    open_or_resume,
    remove_outcomes,
    stale_runs,
    update_totals,
)
from catalog.storage.sources import add_source
from catalog.storage.tables import fetch_failures
from catalog.times import SECOND
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

KEY = RunKey(command="harvest", source="example", ids_digest="ab" * 32)


def start(conn: Connection, key: RunKey = KEY, now: int = NOW, seed: int = 1) -> tuple[str, bool]:
    run, resumed = open_or_resume(conn, key, now=now, rng=random.Random(seed))
    return run.run_id, resumed


def outcome(conn: Connection, run_id: str, asked_id: str, verdict: str, **more: object) -> Outcome:
    usual = Outcome(
        run_id=run_id,
        asked_id=asked_id,
        source_id=add_source(conn, "example", "gpts-v2", NOW),
        verdict=verdict,
        attempts=1,
        requests=1,
        status=200,
        at=NOW,
    )
    return msgspec.structs.replace(usual, **more)


def test_unfinished_equal_run_is_resumed(engine: Engine) -> None:
    with write(engine) as conn:
        first = start(conn)
        again = start(conn, now=NOW + RESUMED_WITHIN - 1, seed=2)

    assert first[1] is False
    assert again == (first[0], True)


@pytest.mark.parametrize(
    "other",
    [
        {"command": "discover"},
        {"source": "archive"},
        {"ids_digest": "cd" * 32},
    ],
)
def test_different_run_is_not_resumed(engine: Engine, other: dict[str, str]) -> None:
    with write(engine) as conn:
        start(conn)
        _, resumed = start(conn, msgspec.structs.replace(KEY, **other), seed=2)

    assert not resumed


def test_old_or_closed_run_is_not_resumed(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        later, resumed_old = start(conn, now=NOW + RESUMED_WITHIN, seed=2)
        close_run(conn, later, now=NOW + RESUMED_WITHIN, status="finished")
        _, resumed_closed = start(conn, now=NOW + RESUMED_WITHIN + 1, seed=3)

    assert run_id != later
    assert (resumed_old, resumed_closed) == (False, False)


def test_run_ids_sort_by_time_and_differ(engine: Engine) -> None:
    with write(engine) as conn:
        ids = []
        for second in range(3):
            ids.append(start(conn, now=NOW + second * SECOND, seed=second)[0])
            close_run(conn, ids[-1], now=NOW, status="finished")
        same_time, _ = start(conn, now=NOW, seed=9)

        assert ids == sorted(ids)
        assert ids[0].startswith("20260203T040506-")
        assert same_time not in ids
        assert [run.run_id for run in latest_runs(conn, 2)] == [ids[2], ids[1]]


def test_two_processes_that_start_at_once_join_one_run(catalog_url: str, engine: Engine) -> None:
    found: list[str] = []
    together = threading.Barrier(2)

    def work(seed: int) -> None:
        own = open_engine(catalog_url)
        together.wait()
        with write(own) as conn:
            found.append(start(conn, seed=seed)[0])
        own.dispose()

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(found) == 2
    assert len(set(found)) == 1
    with read(engine) as conn:
        assert len(latest_runs(conn, 10)) == 1


def test_totals_are_those_of_the_outcomes(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        add_outcomes(
            conn,
            [
                outcome(conn, run_id, "a", "document", effect="new", requests=3),
                outcome(conn, run_id, "b", "document", effect="changed"),
                outcome(conn, run_id, "c", "document", effect="unchanged"),
                outcome(conn, run_id, "d", "document", effect="unchanged", requests=0),
                outcome(conn, run_id, "e", "not_found"),
                outcome(conn, run_id, "f", "mismatched", effect="new"),
                *(
                    outcome(conn, run_id, verdict, verdict)
                    for verdict in Verdict
                    if not verdict.is_fact
                ),
            ],
        )
        run = update_totals(conn, run_id, requested=20, price=0.5)

    assert run.documents == run.new + run.changed + run.unchanged == 4
    assert (run.new, run.changed, run.unchanged) == (1, 1, 2)
    assert (run.not_found, run.mismatched, run.failed, run.left) == (1, 1, 6, 8)
    assert run.requested == run.documents + run.not_found + run.mismatched + run.failed + run.left
    assert run.requests == 13
    assert run.cost == pytest.approx(6.5)


def test_totals_of_an_empty_run_are_zero(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        run = update_totals(conn, run_id, requested=3)

    assert (run.requested, run.left, run.requests, run.cost) == (3, 3, 0, None)


def test_runs_that_nobody_resumes_are_stale(engine: Engine) -> None:
    with write(engine) as conn:
        old, _ = start(conn)
        closed, _ = start(conn, RunKey(command="import", source="", ids_digest=""), seed=2)
        close_run(conn, closed, now=NOW, status="finished")

        assert stale_runs(conn, NOW + RESUMED_WITHIN - 1) == []
        assert [run.run_id for run in stale_runs(conn, NOW + RESUMED_WITHIN)] == [old]


def test_a_failure_of_an_id_gives_way_to_a_fact_and_a_fact_to_nothing(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        add_outcomes(conn, [outcome(conn, run_id, "g-1", Verdict.DENIED, detail="no key")])
        assert known_ids(conn, run_id) == set()
        add_outcomes(conn, [outcome(conn, run_id, "g-1", Verdict.DOCUMENT, effect="new")])
        assert known_ids(conn, run_id) == {"g-1"}
        add_outcomes(conn, [outcome(conn, run_id, "g-1", Verdict.UNAVAILABLE)])
        run = update_totals(conn, run_id, requested=1)

    assert (run.documents, run.new, run.failed, run.requests) == (1, 1, 0, 3)


def test_outcomes_are_removed_of_one_run_and_of_the_ids_that_are_named(engine: Engine) -> None:
    ids = [f"g-{number:09}" for number in range(3)]
    with write(engine) as conn:
        one, _ = start(conn)
        other, _ = start(conn, msgspec.structs.replace(KEY, source="other"), seed=2)
        add_outcomes(
            conn, [outcome(conn, run, each, "not_found") for run in (one, other) for each in ids]
        )
        remove_outcomes(conn, one, ids[:2])
        assert done_ids(conn, one) == {ids[2]}
        assert done_ids(conn, other) == set(ids)


def test_closed_run_says_how_it_ended_first(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        close_run(conn, run_id, now=NOW + 1, status="stopped", reason="budget used up")
        close_run(conn, run_id, now=NOW + 2, status="finished")
        run = get_run(conn, run_id)

    assert (run.status, run.reason, run.finished_at) == ("stopped", "budget used up", NOW + 1)


def test_unknown_run_is_not_found(engine: Engine) -> None:
    with read(engine) as conn, pytest.raises(NotFound, match="nosuchrun"):
        get_run(conn, "nosuchrun")


def test_each_id_has_one_outcome_a_run(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        add_outcomes(conn, [outcome(conn, run_id, "a", "document", effect="new")])
        add_outcomes(
            conn,
            [
                outcome(conn, run_id, "a", "unavailable", attempts=4, requests=4),
                outcome(conn, run_id, "b", "not_found"),
            ],
        )
        add_outcomes(conn, [])
        run = update_totals(conn, run_id, requested=2)

        assert done_ids(conn, run_id) == {"a", "b"}
        assert done_ids(conn, run_id, ["b", "c"]) == {"b"}
        assert done_ids(conn, "another") == set()
        assert (run.documents, run.failed, run.not_found) == (1, 0, 1)
        assert run.requests == 6


def test_failures_are_kept_with_their_bytes(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        usual = Failure(
            run_id=run_id,
            source_id=add_source(conn, "example", "gpts-v2", NOW),
            asked_id="a",
            verdict="malformed",
            status=200,
            detail="an HTML page",
            at=NOW,
            redacted=True,
            body=b"<html>\x00\xff" * 1_000,
        )
        none = msgspec.structs.replace(usual, asked_id="b", body=None, at=NOW + 1)
        empty = msgspec.structs.replace(usual, asked_id="c", body=b"", at=NOW + 2)
        add_failures(conn, [none, empty, usual])
        add_failures(conn, [])
        stored = conn.execute(
            select(fetch_failures.c.body).where(fetch_failures.c.asked_id == "a")
        ).scalar_one()

        assert failures(conn, run_id, 10) == [usual, none, empty]
        assert failures(conn, run_id, 1) == [usual]
        assert len(stored) < 100


def test_failures_that_are_kept_already_are_known(engine: Engine) -> None:
    with write(engine) as conn:
        run_id, _ = start(conn)
        kept = Failure(
            run_id=run_id,
            source_id=add_source(conn, "example", "recorded", NOW),
            asked_id="letters.jsonl:3",
            verdict="malformed",
            status=0,
            detail="no GPT document",
            at=NOW,
            redacted=False,
            body=b"Dear reader",
        )
        add_failures(conn, [kept])
        again = msgspec.structs.replace(kept, at=NOW + 1, run_id="another")
        elsewhere = msgspec.structs.replace(kept, asked_id="letters.jsonl:4")
        other = msgspec.structs.replace(kept, detail="cut off")

        assert unknown_failures(conn, [again, elsewhere, other]) == [elsewhere, other]
        assert unknown_failures(conn, []) == []


@pytest.mark.parametrize("action", ["outcome", "totals", "close", "open"])
def test_run_that_another_is_changing_is_busy(
    catalog_url: str, engine: Engine, action: str
) -> None:
    other = open_engine(catalog_url)
    with write(engine) as conn:
        run_id, _ = start(conn)
        add_source(conn, "example", "gpts-v2", NOW)

    def attempt() -> None:
        with write(engine) as conn:
            if action == "outcome":
                add_outcomes(conn, [outcome(conn, run_id, "a", "document")])
            elif action == "totals":
                update_totals(conn, run_id, requested=1)
            elif action == "close":
                close_run(conn, run_id, now=NOW, status="finished")
            else:
                start(conn)

    with write(other) as holding:
        start(holding)
        add_outcomes(holding, [outcome(holding, run_id, "a", "document")])
        update_totals(holding, run_id, requested=1)
        with pytest.raises(CatalogBusy):
            attempt()
    attempt()
    other.dispose()
