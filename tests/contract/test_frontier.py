from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import select

from catalog.errors import CatalogBusy
from catalog.storage import runs
from catalog.storage.archive import put_payloads
from catalog.storage.engine import open_engine, read, write
from catalog.storage.frontier import (
    Claimed,
    Discovery,
    Learned,
    Lease,
    Move,
    add_discoveries,
    add_ids,
    claim,
    count_frontier,
    drop,
    due,
    reap,
    recall,
    release,
    renew,
    soonest,
    unknown_to,
    was_ahead,
)
from catalog.storage.sources import add_source
from catalog.storage.tables import frontier
from catalog.times import DAY, HOUR
from tests.contract.test_archive import new
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from tests.databases import Postgres

IDS = [f"g-{n:09}" for n in range(10)]
MINE = Lease("here:1:1.0", NOW + HOUR)
THEIRS = Lease("there:2:2.0", NOW + HOUR)


def row(conn: Connection, gizmo_id: str) -> dict[str, object]:
    return dict(
        conn.execute(select(frontier).where(frontier.c.gizmo_id == gizmo_id)).mappings().one()
    )


def take(
    conn: Connection,
    lease: Lease,
    *,
    ids: Sequence[str] | None = None,
    limit: int = 100,
    now: int = NOW,
) -> list[str]:
    return [each.gizmo_id for each in claim(conn, lease, ids=ids, limit=limit, now=now)]


def move(gizmo_id: str, **changed: object) -> Move:
    usual = Move(gizmo_id=gizmo_id, at=NOW + 1, verdict="document", attempts=0, due_at=NOW + DAY)
    return msgspec.structs.replace(usual, **changed)


@pytest.fixture
def known(engine: Engine) -> Engine:
    """An engine on a catalog that knows :data:`IDS`, all due."""
    with write(engine) as conn:
        add_ids(conn, IDS, NOW)
    return engine


def test_ids_are_added_once_and_due_at_once(engine: Engine) -> None:
    with write(engine) as conn:
        assert add_ids(conn, IDS[:3] + IDS[:1], NOW) == 3
        assert add_ids(conn, IDS[:5], NOW + DAY) == 2
        assert add_ids(conn, [], NOW) == 0
        assert row(conn, IDS[0]) == {
            "gizmo_id": IDS[0],
            "added_at": NOW,
            "due_at": NOW,
            "attempts": 0,
            "last_asked_at": None,
            "last_verdict": None,
            "lease_owner": None,
            "lease_until": None,
            **msgspec.structs.asdict(Learned()),
        }


def test_what_was_learned_comes_back_with_the_next_claim(known: Engine) -> None:
    learned = Learned(
        evidence_shape=1.5,
        evidence_days=20.0,
        confirmed_at=NOW,
        misses=1,
        cell=77,
        rate=0.1,
        log_rate=-2.5,
        stratum="writing young",
    )
    with write(known) as conn:
        claim(conn, Lease("me", NOW + DAY), ids=IDS[:2], limit=2, now=NOW)
        release(conn, "me", [move(IDS[0], learned=learned, due_at=NOW), move(IDS[1], due_at=NOW)])
        found = claim(conn, Lease("me", NOW + DAY), ids=IDS[:2], limit=2, now=NOW)
        names = Learned.__struct_fields__
        assert {name: getattr(found[0], name) for name in names} == msgspec.structs.asdict(learned)
        assert found[1].evidence_days == 0.0


def test_soonest_due_are_those_that_wait_for_no_reason(known: Engine) -> None:
    with write(known) as conn:
        claim(conn, Lease("me", NOW + DAY), ids=IDS[:5], limit=5, now=NOW)
        release(
            conn,
            "me",
            [
                move(IDS[0], due_at=NOW + 9 * DAY, learned=Learned()),
                move(IDS[1], due_at=NOW + 5 * DAY, learned=Learned()),
                move(IDS[2], due_at=NOW + 3 * DAY, learned=Learned(misses=1)),
                move(IDS[3], due_at=NOW + 3 * DAY, attempts=1, learned=Learned()),
                move(IDS[4], due_at=NOW + 3 * DAY, at=NOW + 2 * DAY, learned=Learned()),
            ],
        )
        later = NOW + 2 * DAY
        assert soonest(conn, later, DAY, 10) == [IDS[1], IDS[0]]
        assert soonest(conn, later, DAY, 1) == [IDS[1]]
        assert soonest(conn, NOW, DAY, 10) == []
        # As long ago as it has to be, and a moment less.
        assert soonest(conn, NOW + 1 + DAY, DAY, 10) == [IDS[1], IDS[0]]
        assert soonest(conn, NOW + DAY, DAY, 10) == []


def test_many_ids_are_added(engine: Engine) -> None:
    with write(engine) as conn:
        assert add_ids(conn, (f"g-{n:09}" for n in range(3_000)), NOW) == 3_000


def test_claim_takes_the_longest_due_first(known: Engine) -> None:
    with write(known) as conn:
        add_ids(conn, ["g-older00000"], NOW - 1)
        add_ids(conn, ["g-later00000"], NOW + 1)
        expected = due(conn, NOW, 3)

        assert take(conn, MINE, limit=3) == expected == ["g-older00000", *IDS[:2]]
        assert take(conn, MINE) == IDS[2:]


def test_claim_of_named_ids_takes_them_due_or_not(known: Engine) -> None:
    with write(known) as conn:
        add_ids(conn, ["g-later00000"], NOW + DAY)
        wanted = [IDS[4], "g-later00000", IDS[1], "g-unknown000"]

        assert take(conn, MINE, ids=wanted) == wanted[:3]
        assert take(conn, MINE, ids=[]) == []


def test_claim_takes_nothing_that_is_held(known: Engine) -> None:
    with write(known) as conn:
        take(conn, THEIRS, ids=IDS[:3])

        assert take(conn, MINE) == IDS[3:]
        assert take(conn, MINE) == []
        assert row(conn, IDS[0])["lease_owner"] == THEIRS.owner
        assert row(conn, IDS[9])["lease_until"] == MINE.until


def test_claim_takes_what_was_held_too_long(known: Engine) -> None:
    with write(known) as conn:
        take(conn, THEIRS, ids=IDS[:3])

        assert take(conn, MINE, ids=IDS[:3], now=THEIRS.until - 1) == []
        assert take(conn, MINE, ids=IDS[:3], now=THEIRS.until) == IDS[:3]


def test_claim_tells_how_often_it_failed(known: Engine) -> None:
    with write(known) as conn:
        take(conn, MINE)
        release(conn, MINE.owner, [move(IDS[0], attempts=3, due_at=NOW + 5)])

        assert claim(conn, MINE, ids=IDS[:1], limit=1, now=NOW) == [
            Claimed(gizmo_id=IDS[0], attempts=3, due_at=NOW + 5, last_asked_at=NOW + 1)
        ]


def test_two_workers_never_claim_the_same(catalog_url: str, engine: Engine) -> None:
    ids = [f"g-{n:09}" for n in range(400)]
    with write(engine) as conn:
        add_ids(conn, ids, NOW)
    taken: dict[str, list[str]] = {"a": [], "b": []}
    start = threading.Barrier(2)

    def work(owner: str) -> None:
        own = open_engine(catalog_url)
        start.wait()
        while True:
            with write(own) as conn:
                part = take(conn, Lease(owner, NOW + HOUR), limit=13)
            if not part:
                break
            assert len(part) <= 13
            taken[owner] += part
        own.dispose()

    workers = [threading.Thread(target=work, args=(owner,)) for owner in taken]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(taken["a"] + taken["b"]) == ids


def test_claim_steps_over_what_another_is_claiming(postgres_pair: tuple[Engine, Engine]) -> None:
    """On PostgreSQL two open transactions do not wait for each other."""
    one, two = postgres_pair
    with write(one) as conn:
        add_ids(conn, IDS, NOW)
    with write(one) as first, write(two) as second:
        assert take(first, MINE, limit=4) == IDS[:4]
        assert take(second, THEIRS, limit=4) == IDS[4:8]


@pytest.fixture
def postgres_pair(postgres: Postgres) -> Iterator[tuple[Engine, Engine]]:
    name = postgres.lend()
    one, two = (open_engine(postgres.url(name), busy_timeout=0.2) for _ in range(2))
    yield one, two
    one.dispose()
    two.dispose()
    postgres.take_back(name)


def test_release_moves_the_next_visit(known: Engine) -> None:
    with write(known) as conn:
        take(conn, MINE)
        moved = release(
            conn, MINE.owner, [move(IDS[0]), move(IDS[1], verdict="throttled", attempts=2)]
        )

        assert moved == 2
        assert row(conn, IDS[1]) == {
            "gizmo_id": IDS[1],
            "added_at": NOW,
            "due_at": NOW + DAY,
            "attempts": 2,
            "last_asked_at": NOW + 1,
            "last_verdict": "throttled",
            "lease_owner": None,
            "lease_until": None,
            **msgspec.structs.asdict(Learned()),
        }
        assert release(conn, MINE.owner, []) == 0


def test_release_of_a_lost_lease_does_nothing(known: Engine) -> None:
    with write(known) as conn:
        take(conn, MINE, ids=IDS[:2])
        take(conn, THEIRS, ids=IDS[:1], now=MINE.until)
        before = row(conn, IDS[0])

        assert release(conn, MINE.owner, [move(IDS[0]), move(IDS[1])]) == 1
        assert row(conn, IDS[0]) == before
        assert release(conn, MINE.owner, [move(IDS[1])]) == 0


def test_renewed_lease_is_not_taken(known: Engine) -> None:
    with write(known) as conn:
        take(conn, MINE, ids=IDS[:2])

        assert renew(conn, MINE.owner, NOW + 5 * HOUR) == set(IDS[:2])
        assert renew(conn, THEIRS.owner, NOW + 5 * HOUR) == set()
        assert take(conn, THEIRS, ids=IDS[:2], now=NOW + 4 * HOUR) == []


def test_dropped_ids_are_due_as_before(known: Engine) -> None:
    with write(known) as conn:
        before = row(conn, IDS[0])
        take(conn, MINE, ids=IDS[:5])

        assert drop(conn, MINE.owner, IDS[:1]) == 1
        assert row(conn, IDS[0]) == before
        assert drop(conn, THEIRS.owner) == 0
        assert drop(conn, MINE.owner) == 4
        assert take(conn, THEIRS) == IDS


def test_reaper_frees_what_the_dead_hold(known: Engine) -> None:
    with write(known) as conn:
        take(conn, MINE, ids=IDS[:3])
        take(conn, THEIRS, ids=IDS[3:5])

        assert reap(conn, lambda owner: owner == MINE.owner) == 2
        assert take(conn, THEIRS) == IDS[3:]


def test_frontier_is_counted(known: Engine) -> None:
    with write(known) as conn:
        take(conn, MINE, ids=IDS[:3])
        take(conn, Lease(THEIRS.owner, NOW + 1), ids=IDS[3:5])
        release(conn, MINE.owner, [move(IDS[0])])

        counts = count_frontier(conn, NOW + 2)

    assert msgspec.structs.asdict(counts) == {
        "known": 10,
        "never_asked": 9,
        "due": 9,
        "leased": 2,
        "expired": 2,
        "next_due_at": NOW + DAY,
    }


def test_empty_frontier_is_counted(engine: Engine) -> None:
    with read(engine) as conn:
        counts = count_frontier(conn, NOW)

    assert (counts.known, counts.next_due_at) == (0, None)


def test_what_was_asked_by_a_clock_that_was_ahead_is_due_at_once(known: Engine) -> None:
    ahead = NOW + 30 * DAY
    with write(known) as conn:
        take(conn, Lease(MINE.owner, ahead + HOUR), ids=IDS[:2], now=ahead)
        moves = [move(each, at=ahead, due_at=ahead + DAY) for each in IDS[:2]]
        release(conn, MINE.owner, [*moves[:1], msgspec.structs.replace(moves[1], due_at=NOW)])
        take(conn, MINE, ids=IDS[2:3])
        release(conn, MINE.owner, [move(IDS[2])])
        assert recall(conn, NOW) == 1
        assert recall(conn, NOW) == 0
        assert [row(conn, each)["due_at"] for each in IDS[:3]] == [NOW, NOW, NOW + DAY]


def test_outcomes_to_come_say_that_a_clock_was_ahead(engine: Engine) -> None:
    key = runs.RunKey(command="harvest", source="s", ids_digest="x")
    with write(engine) as conn:
        number = add_source(conn, "s", "gpts-v1", NOW)
        run = runs.open_run(conn, key, now=NOW, rng=random.Random(1))
        outcome = runs.Outcome(
            run_id=run.run_id,
            asked_id=IDS[0],
            source_id=number,
            verdict="document",
            attempts=1,
            requests=1,
            status=200,
            at=NOW + 30 * DAY,
        )
        assert not was_ahead(conn, NOW)
        runs.add_outcomes(conn, [outcome])
        assert was_ahead(conn, NOW)
        assert not was_ahead(conn, NOW + 30 * DAY)


def test_ids_that_a_source_has_not_named_are_told(engine: Engine) -> None:
    item = new(IDS[0], b'{"id":"g-000000000"}')
    with write(engine) as conn:
        number = put_payloads(conn, [item])[item.digest]
        one, two = (add_source(conn, each, "gpts-v1", NOW) for each in ("one", "two"))
        for source, gizmo_id in ((one, IDS[0]), (two, IDS[1])):
            fact = Discovery(
                gizmo_id=gizmo_id,
                source_id=source,
                query="q",
                at=NOW,
                rank=1,
                title="A GPT",
                payload_id=number,
            )
            add_discoveries(conn, [fact])
        assert unknown_to(conn, one, IDS[:3]) == set(IDS[1:3])
        assert unknown_to(conn, two, IDS[:3]) == {IDS[0], IDS[2]}
        assert unknown_to(conn, one, []) == set()


def test_discoveries_are_recorded_once(engine: Engine) -> None:
    item = new(IDS[0], b'{"id":"g-000000000"}')
    with write(engine) as conn:
        number = put_payloads(conn, [item])[item.digest]
        fact = Discovery(
            gizmo_id=IDS[0],
            source_id=add_source(conn, "s", "gpts-v1", NOW),
            query="translation",
            at=NOW,
            rank=1,
            title="A GPT",
            payload_id=number,
        )
        later = msgspec.structs.replace(fact, at=NOW + 1)

        assert add_discoveries(conn, [fact]) == 1
        assert add_discoveries(conn, [later, fact]) == 1
        assert add_discoveries(conn, []) == 0


def test_claim_is_busy_while_another_holds_the_rows(
    catalog_url: str, known: Engine, engine_name: str
) -> None:
    """SQLite makes it wait; PostgreSQL lets it step over, and it comes back with nothing."""
    other = open_engine(catalog_url)

    def attempt() -> list[str]:
        with write(known) as conn:
            return take(conn, MINE)

    with write(other) as holding:
        take(holding, THEIRS)
        if engine_name == "sqlite":
            with pytest.raises(CatalogBusy):
                attempt()
        else:
            assert attempt() == []
    other.dispose()


@pytest.mark.parametrize("action", ["release", "renew", "drop", "add_ids"])
def test_rows_that_another_is_changing_are_busy(
    catalog_url: str, known: Engine, action: str
) -> None:
    other = open_engine(catalog_url)
    with write(known) as conn:
        take(conn, MINE)

    def attempt() -> None:
        with write(known) as conn:
            if action == "release":
                release(conn, MINE.owner, [move(IDS[0])])
            elif action == "renew":
                renew(conn, MINE.owner, NOW + DAY)
            elif action == "drop":
                drop(conn, MINE.owner)
            else:
                add_ids(conn, ["g-brandnew0"], NOW)

    with write(other) as holding:
        renew(holding, MINE.owner, NOW + 2 * HOUR)
        add_ids(holding, ["g-brandnew0"], NOW)
        with pytest.raises(CatalogBusy):
            attempt()
    attempt()
    other.dispose()
