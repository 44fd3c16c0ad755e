"""Merging catalogs: the result is the one that had seen everything (law 2, rule 16)."""

from __future__ import annotations

import hashlib
import random
import shutil
from itertools import cycle
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import event, func, select

from catalog.derive import Derivation
from catalog.errors import UsageError
from catalog.intake import take
from catalog.records import Observation, Reading, Verdict
from catalog.secrets import Redactor
from catalog.simulator import Population, observations
from catalog.storage import failures, frontier, runs
from catalog.storage import tables as t
from catalog.storage.archive import NewPayload, put_payloads
from catalog.storage.dump import digest
from catalog.storage.engine import open_engine, read, write
from catalog.storage.merge import copy_observations, merge
from catalog.storage.migrate import init
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.sources import add_source, source_ids
from catalog.storage.stage2 import settle
from catalog.storage.tombstones import add_tombstones
from catalog.storage.urls import is_same_place, parse_url
from catalog.times import DAY, from_iso
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

DERIVATION = Derivation()
NAMED = "g-2fkFE8rbu"
"""An id that every part heard of in the same way."""


def _observations(count: int, days: int) -> list[Observation]:
    """Observations of some days, by two sources in turn, and a not-found at the end."""
    found = []
    sources = cycle(("one", "two"))
    for line in observations(Population(3, count, pace=20.0), days):
        taken = take(
            Reading(
                verdict=Verdict.DOCUMENT,
                payload=msgspec.json.encode(line["gpt"]),
                wrapping="gizmo",
                said_at=from_iso(line["observed_at"]),
            ),
            source=next(sources),
            run_id="",
            received_at=NOW,
            said_at=(),
            redactor=Redactor([]),
            normalize=DERIVATION.document,
        )
        assert taken.observation is not None
        found.append(taken.observation)
    last = found[-1]
    found.append(
        Observation(
            gizmo_id=last.gizmo_id,
            source=last.source,
            observed_at=last.observed_at + DAY,
            recorded_at=NOW,
            verdict="counted",
        )
    )
    return found


def _fill(engine: Engine, said: Sequence[Observation]) -> str:
    """Observe ``said``; the digest of what follows."""
    with write(engine) as conn:
        for name in ("one", "two"):
            add_source(conn, name, "recorded", NOW)
        observed = observe(conn, DERIVATION, said)
        _runs_and_discoveries(conn, said, observed.observation_ids)
    with write(engine) as conn:
        settle(conn, DERIVATION)
        return digest(conn)


def _runs_and_discoveries(
    conn: Connection, said: Sequence[Observation], rows: Sequence[int]
) -> None:
    """What is kept beside observations: a run with an outcome and a failure, and a discovery."""
    source_id = source_ids(conn, ["two"])["two"]
    key = runs.RunKey(command="harvest", source="two", ids_digest=said[0].gizmo_id)
    run, _ = runs.open_or_resume(conn, key, now=NOW, rng=random.Random(said[0].gizmo_id))
    outcome = runs.Outcome(
        run_id=run.run_id,
        asked_id=said[0].gizmo_id,
        source_id=source_id,
        verdict=Verdict.DOCUMENT,
        effect="new",
        attempts=1,
        requests=1,
        status=200,
        at=NOW,
        observation_id=rows[0],
    )
    runs.add_outcomes(conn, [outcome])
    failure = failures.Failure(
        run_id=run.run_id,
        source_id=source_id,
        asked_id=said[0].gizmo_id,
        verdict=Verdict.MALFORMED,
        status=200,
        detail="cut",
        at=NOW,
        redacted=False,
        body=b"{",
    )
    failures.add_failures(conn, [failure])
    item = NewPayload(
        digest=hashlib.sha256(b'{"id":1}').digest(),
        payload=b'{"id":1}',
        redacted=False,
        gizmo_id=NAMED,
    )
    numbers = put_payloads(conn, [item])
    discovery = frontier.Discovery(
        gizmo_id=NAMED,
        source_id=source_id,
        query="words",
        at=NOW,
        rank=1,
        title="a title",
        payload_id=numbers[item.digest],
    )
    frontier.add_discoveries(conn, [discovery])
    frontier.add_ids(conn, [said[0].gizmo_id], NOW)


def _other(folder: Path, number: int) -> Engine:
    url = f"sqlite:///{folder}/other-{number}.db"
    init(url, NOW)
    return open_engine(url)


def test_a_catalog_split_in_three_and_merged_equals_the_whole(
    engine: Engine, tmp_path: Path
) -> None:
    """The parts meet in any order, and merging them twice changes nothing."""
    said = _observations(12, 6)
    whole = _fill(_other(tmp_path, 0), said)
    parts = [_other(tmp_path, number) for number in (1, 2, 3)]
    for number, part in enumerate(parts):
        # The halves overlap: what two catalogs saw is one observation.
        _fill(part, [o for i, o in enumerate(said) if i % 3 in (number, (number + 1) % 3)])
    for part in (*reversed(parts), parts[0]):
        merged = merge(engine, part, DERIVATION)
    assert (merged.new, merged.runs, merged.discoveries, merged.ids) == (0, 0, 0, 0)
    with read(engine) as conn:
        assert digest(conn) == whole
        brought = conn.execute(
            select(t.outcomes.c.asked_id, t.observations.c.gizmo_id).join(
                t.observations, t.observations.c.observation_id == t.outcomes.c.observation_id
            )
        ).all()
        assert brought
        assert all(asked == gizmo_id for asked, gizmo_id in brought)
        assert conn.execute(select(func.count()).select_from(t.fetch_failures)).scalar() == len(
            brought
        )


def test_a_merge_says_how_many_ids_it_brought(engine: Engine, tmp_path: Path) -> None:
    said = _observations(3, 2)
    part = _other(tmp_path, 1)
    _fill(part, said)
    with read(part) as conn:
        known = conn.execute(select(func.count()).select_from(t.frontier)).scalar_one()
    assert merge(engine, part, DERIVATION).ids == known > 0


def test_a_rebuild_ends_where_observing_did(engine: Engine) -> None:
    """Derived again from the archive, every row is the same."""
    said = _observations(12, 6)
    before = _fill(engine, said)
    with write(engine) as conn:
        rebuilt = rebuild(conn, DERIVATION)
    assert rebuilt.observations == len(said)
    with read(engine) as conn:
        assert digest(conn) == before


def test_a_catalog_of_what_was_known_at_a_moment_is_the_one_that_stood_then(
    engine: Engine, tmp_path: Path
) -> None:
    """All of its rows are derived again, those over all GPTs, too."""
    said = [
        msgspec.structs.replace(each, recorded_at=each.observed_at) for each in _observations(12, 6)
    ]
    whole, then = _other(tmp_path, 1), _other(tmp_path, 2)
    _fill(whole, said)
    moment = sorted(each.recorded_at for each in said)[len(said) // 2]
    known = [each for each in said if each.recorded_at <= moment]
    assert 0 < len(known) < len(said)
    with write(then) as conn:
        for name in ("one", "two"):
            add_source(conn, name, "recorded", NOW)
        observe(conn, DERIVATION, known)
    with write(then) as conn:
        settle(conn, DERIVATION)
        expected = digest(conn)

    done = copy_observations(engine, whole, DERIVATION, known_at=moment)

    assert done.new == len(known)
    with read(engine) as conn:
        assert conn.execute(select(t.stage_queue)).all() == []
        assert digest(conn) == expected


def test_the_stronger_verdict_of_a_not_found_stands_after_a_merge(
    engine: Engine, tmp_path: Path
) -> None:
    """One catalog held it and another counted it: it counts, whichever was merged into which."""
    said = _observations(2, 2)
    held = [*said[:-1], msgspec.structs.replace(said[-1], verdict="held")]
    counted = _other(tmp_path, 1)
    whole = _fill(counted, said)
    _fill(engine, held)
    merge(engine, counted, DERIVATION)
    with read(engine) as conn:
        assert digest(conn) == whole


def test_a_catalog_is_not_merged_into_itself(engine: Engine, catalog_url: str) -> None:
    """That would read and write one file at once, and do nothing."""
    again = open_engine(catalog_url)
    with pytest.raises(UsageError, match="itself"):
        merge(engine, again, DERIVATION)
    again.dispose()


def test_a_file_is_itself_by_any_name(tmp_path: Path) -> None:
    other = _other(tmp_path, 1)
    (tmp_path / "link.db").symlink_to(tmp_path / "other-1.db")
    linked = open_engine(f"sqlite:///{tmp_path / 'link.db'}")
    with pytest.raises(UsageError, match="itself"):
        merge(other, linked, DERIVATION)
    linked.dispose()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://a:b@host/db", "postgresql+psycopg://c@host:5432/db", True),
        ("postgresql://host/db", "postgresql:///db?host=host&port=5432", True),
        ("postgresql://host/db", "postgresql://host/other", False),
        ("postgresql://host/db", "postgresql://host:5433/db", False),
        ("postgresql://host/db", "postgresql://elsewhere/db", False),
        ("postgresql://host/db", "sqlite:///db", False),
    ],
)
def test_a_database_is_named_by_server_and_name(one: str, other: str, *, same: bool) -> None:
    assert is_same_place(parse_url(one), parse_url(other)) is same


def test_a_copy_that_saw_other_things_is_merged(tmp_path: Path) -> None:
    """A copied file has the identity of what it was copied from, and a history of its own since."""
    said = _observations(4, 3)
    mine = _other(tmp_path, 1)
    _fill(mine, said[: len(said) // 2])
    mine.dispose()
    shutil.copyfile(tmp_path / "other-1.db", tmp_path / "copy.db")
    copy = open_engine(f"sqlite:///{tmp_path / 'copy.db'}")
    whole = _fill(copy, said[len(said) // 2 :])
    assert merge(mine, copy, DERIVATION).new == len(said) - len(said) // 2
    with read(mine) as conn:
        assert digest(conn) == whole


def test_a_run_that_was_unfinished_is_completed_by_the_next_merge(
    engine: Engine, tmp_path: Path
) -> None:
    """Its outcomes and failures come once each, and it ends as it ended there."""
    there = _other(tmp_path, 1)
    with write(there) as conn:
        source_id = add_source(conn, "one", "recorded", NOW)
        key = runs.RunKey(command="harvest", source="one", ids_digest="x")
        run, _ = runs.open_or_resume(conn, key, now=NOW, rng=random.Random(1))

    def end(number: int) -> None:
        what: dict[str, Any] = {
            "run_id": run.run_id,
            "asked_id": f"g-Asked{number:05d}",
            "source_id": source_id,
        }
        what |= {"verdict": Verdict.UNAVAILABLE, "status": 503, "at": NOW}
        with write(there) as conn:
            outcome = runs.Outcome(attempts=1, requests=1, **what)
            runs.add_outcomes(conn, [outcome])
            # Two that differ in nothing but their bytes.
            for body in (b"busy", b"still busy"):
                failure = failures.Failure(detail="busy", redacted=False, body=body, **what)
                failures.add_failures(conn, [failure])

    end(1)
    merge(engine, there, DERIVATION)
    end(2)
    with write(there) as conn:
        runs.update_totals(conn, run.run_id, requested=2)
        runs.close_run(conn, run.run_id, now=NOW + DAY, status="finished")
        ended = runs.get_run(conn, run.run_id)
    for _ in range(2):
        merge(engine, there, DERIVATION)
    with read(engine) as conn:
        assert runs.get_run(conn, run.run_id) == ended
        assert runs.done_ids(conn, run.run_id) == {"g-Asked00001", "g-Asked00002"}
        found = [(each.asked_id, each.body) for each in failures.failures(conn, run.run_id, 9)]
    assert sorted(found, key=str) == [
        (f"g-Asked{number:05d}", body) for number in (1, 2) for body in (b"busy", b"still busy")
    ]


def test_the_frontier_is_merged_in_the_order_of_all_writers(tmp_path: Path) -> None:
    """In any other order a merge and a harvest can wait for each other."""
    there, mine = _other(tmp_path, 1), _other(tmp_path, 2)
    with write(there) as conn:
        for number in (3, 1, 2):
            frontier.add_ids(conn, [f"g-Front{number:04d}"], NOW)
    written: list[list[str]] = []

    def note(_conn: Any, statement: Any, many: Any, _params: Any, _options: Any) -> None:
        if getattr(statement, "is_dml", False) and statement.table is t.frontier:
            written.append([row.get("gizmo_id") or row["id"] for row in many])

    event.listen(mine, "before_execute", note)
    merge(mine, there, DERIVATION)
    assert written == [["g-Front0001", "g-Front0002", "g-Front0003"]] * 2


def test_of_a_catalog_of_the_forgotten_alone_nothing_is_taken(tmp_path: Path) -> None:
    said = _observations(1, 2)
    mine, theirs = _other(tmp_path, 1), _other(tmp_path, 2)
    _fill(theirs, said)
    with write(mine) as conn:
        add_tombstones(conn, "gpt", [said[0].gizmo_id, NAMED], NOW)
    done = merge(mine, theirs, DERIVATION)
    assert done.new == 0
    with read(mine) as conn:
        assert frontier.count_frontier(conn, NOW).known == 0
