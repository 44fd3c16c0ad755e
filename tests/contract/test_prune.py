from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select

from catalog.care.pruning import prune_all
from catalog.storage import tables as t
from catalog.storage.dump import digest
from catalog.storage.engine import read, write
from catalog.storage.prune import Pruned, record
from catalog.storage.sources import add_source
from catalog.storage.work_tables import alarms, job_runs, outcome_days, prunings
from catalog.times import DAY, day_of
from tests.databases import NOW

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table

OLD = NOW - 100 * DAY
YOUNG = NOW - 10 * DAY
DAYS = 90


def _run(run_id: str, at: int, *, closed: bool = True) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "command": "harvest",
        "source": "s",
        "ids_digest": "",
        "started_at": at,
        "finished_at": at if closed else None,
        "status": "finished",
        "documents": 2,
    }


def _outcome(run_id: str, asked_id: str, at: int, verdict: str = "document") -> dict[str, Any]:
    return {
        "run_id": run_id,
        "asked_id": asked_id,
        "source_id": 1,
        "verdict": verdict,
        "effect": "",
        "attempts": 1,
        "requests": 2,
        "status": 200,
        "detail": "",
        "at": at,
    }


def _failure(at: int, body: bytes | None) -> dict[str, Any]:
    return {
        "run_id": "r",
        "source_id": 1,
        "asked_id": "g-1",
        "verdict": "malformed",
        "status": 200,
        "detail": "",
        "at": at,
        "redacted": False,
        "body": body,
    }


def _probe(gizmo_id: str, at: int, answer: str | None, body: bytes | None) -> dict[str, Any]:
    return {
        "gizmo_id": gizmo_id,
        "source_id": 1,
        "run_id": "r",
        "at": at,
        "model": "m",
        "question": "q",
        "verdict": "answered",
        "status": 200,
        "answer": answer,
        "body": body,
        "redacted": False,
        "seconds": 1.0,
        "streamed": False,
        "parameters": "{}",
    }


def _job(number: int, job: str, at: int) -> dict[str, Any]:
    return {
        "job_run_id": f"{number:03}",
        "job": job,
        "started_at": at,
        "finished_at": at,
        "status": "done",
        "owner": "me",
        "numbers": "{}",
        "message": "",
    }


def _alarm(kind: str, cleared_at: int | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject": "",
        "raised_at": OLD,
        "severity": "alarm",
        "message": "",
        "seen_at": OLD,
        "cleared_at": cleared_at,
    }


def count(conn: Connection, table: Table) -> int:
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """A catalog with an old and a young thing of each kind."""
    with write(engine) as conn:
        assert add_source(conn, "s", "recorded", OLD) == 1
        conn.execute(
            insert(t.runs),
            [_run("old", OLD), _run("young", YOUNG), _run("open", OLD, closed=False)],
        )
        conn.execute(
            insert(t.outcomes),
            [
                _outcome("old", "g-1", OLD),
                _outcome("old", "g-2", OLD),
                _outcome("old", "g-3", OLD, "malformed"),
                _outcome("young", "g-1", YOUNG),
                _outcome("open", "g-1", OLD),
            ],
        )
        conn.execute(insert(t.fetch_failures), [_failure(OLD, b"12345"), _failure(YOUNG, b"123")])
        conn.execute(
            insert(job_runs),
            [_job(1, "refresh", OLD), _job(2, "refresh", OLD), _job(3, "verify", YOUNG)],
        )
        conn.execute(
            insert(alarms), [_alarm("over", OLD), _alarm("just over", YOUNG), _alarm("now", None)]
        )
    return engine


def test_outcomes_stay_as_long_as_a_visit_may_be_the_last_but_one(
    filled: Engine, tmp_path: Path
) -> None:
    """A GPT that is asked twice a year: what the visit before said is compared with the last."""
    said = {
        each.what: each.removed
        for each in prune_all(filled, tmp_path, NOW, DAYS, ceiling_days=180, dry_run=True)
    }
    assert said["outcomes"] == 0
    assert said["bodies of failures"] > 0
    usual = prune_all(filled, tmp_path, NOW, DAYS, ceiling_days=30, dry_run=True)
    assert {each.what: each.removed for each in usual}["outcomes"] > 0


def test_what_is_old_goes_and_what_is_young_stays(filled: Engine, tmp_path: Path) -> None:
    done = {each.what: each for each in prune_all(filled, tmp_path, NOW, DAYS)}
    assert {what: each.removed for what, each in done.items()} == {
        "bodies of failures": 1,
        "outcomes": 3,
        "answers to probes": 0,
        "runs of jobs": 1,
        "alarms that are over": 1,
        "reports": 0,
    }
    assert done["bodies of failures"].size == 5
    with read(filled) as conn:
        assert count(conn, t.fetch_failures) == 2
        assert count(conn, t.outcomes) == 2
        assert count(conn, t.runs) == 3
        assert set(conn.execute(select(job_runs.c.job_run_id)).scalars()) == {"002", "003"}
        assert set(conn.execute(select(alarms.c.kind)).scalars()) == {"just over", "now"}


def test_daily_sums_of_pruned_outcomes_stay_and_add_up(filled: Engine, tmp_path: Path) -> None:
    prune_all(filled, tmp_path, NOW, DAYS)
    with write(filled) as conn:
        conn.execute(insert(t.runs), [_run("old too", OLD)])
        conn.execute(insert(t.outcomes), [_outcome("old too", "g-9", OLD)])
    prune_all(filled, tmp_path, NOW + 1, DAYS)
    with read(filled) as conn:
        found = conn.execute(
            select(outcome_days.c.day, outcome_days.c.verdict, outcome_days.c.ids)
            .add_columns(outcome_days.c.requests)
            .order_by(outcome_days.c.verdict)
        ).all()
    day = day_of(OLD)
    assert [tuple(row) for row in found] == [(day, "document", 3, 6), (day, "malformed", 1, 2)]


def test_runs_that_are_open_keep_their_outcomes(filled: Engine, tmp_path: Path) -> None:
    prune_all(filled, tmp_path, NOW, DAYS)
    with read(filled) as conn:
        left = conn.execute(select(t.outcomes.c.run_id).order_by(t.outcomes.c.run_id)).scalars()
        assert list(left) == ["open", "young"]


def test_dry_run_says_the_same_and_removes_nothing(filled: Engine, tmp_path: Path) -> None:
    said = prune_all(filled, tmp_path, NOW, DAYS, dry_run=True)
    with read(filled) as conn:
        assert count(conn, t.outcomes) == 5
        assert count(conn, prunings) == 0
    assert prune_all(filled, tmp_path, NOW, DAYS) == said


def test_what_was_removed_is_written_down(filled: Engine, tmp_path: Path) -> None:
    prune_all(filled, tmp_path, NOW, DAYS)
    with read(filled) as conn:
        rows = conn.execute(select(prunings.c.what, prunings.c.removed)).all()
    assert {tuple(row) for row in rows} == {
        ("bodies of failures", 1),
        ("outcomes", 3),
        ("runs of jobs", 1),
        ("alarms that are over", 1),
    }


def test_two_removals_of_one_moment_are_both_written_down(engine: Engine) -> None:
    """A clock may stand still, as a simulated one does."""
    done = [Pruned(what="something", removed=2, size=10)]
    with write(engine) as conn:
        record(conn, NOW, done)
        record(conn, NOW, done)
    with read(engine) as conn:
        rows = conn.execute(select(prunings.c.removed).order_by(prunings.c.at)).scalars().all()
    assert rows == [2, 2]


def test_pruned_catalog_says_the_same(filled: Engine, tmp_path: Path) -> None:
    with read(filled) as conn:
        before = digest(conn)
    prune_all(filled, tmp_path, NOW, DAYS)
    with read(filled) as conn:
        assert digest(conn) == before


def test_old_reports_go_and_other_files_stay(filled: Engine, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    old, young = f"{day_of(OLD)}.md", f"{day_of(YOUNG)}.html"
    for name in (old, young, "feed.xml", f"{day_of(OLD)}.md.notes"):
        (reports / name).write_text("x")
    done = prune_all(filled, tmp_path, NOW, DAYS)
    assert next(each.removed for each in done if each.what == "reports") == 1
    assert not (reports / old).exists()
    assert len(list(reports.iterdir())) == 3


def test_what_gpts_answered_goes_and_that_they_did_stays(filled: Engine, tmp_path: Path) -> None:
    with write(filled) as conn:
        conn.execute(
            insert(t.probes),
            [
                _probe("g-1", OLD, "four", b"123"),
                _probe("g-2", OLD, None, None),
                _probe("g-3", OLD, None, b"12"),
                _probe("g-4", YOUNG, "young", b"1"),
            ],
        )
    done = {each.what: each for each in prune_all(filled, tmp_path, NOW, DAYS)}
    assert (done["answers to probes"].removed, done["answers to probes"].size) == (2, 9)
    with read(filled) as conn:
        said = conn.execute(select(t.probes.c.answer, t.probes.c.body).order_by(t.probes.c.at))
        assert list(said) == [(None, None), (None, None), (None, None), ("young", b"1")]
