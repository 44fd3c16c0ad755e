"""Writers at once: what they share they write in one order, and add up what they count."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import delete, event, insert, select, text

from catalog.errors import CatalogBusy, CatalogCorrupt
from catalog.storage import stage1
from catalog.storage import tables as t
from catalog.storage.engine import LOCKS, lock_keys, lock_of, open_engine, read, write
from catalog.storage.locks import own_derivation, share_derivation
from catalog.storage.observe import observe
from catalog.storage.rows import insert_rows
from catalog.storage.shared import Shared
from catalog.storage.sources import add_source
from catalog.storage.stage1 import Statements, replay, set_verdicts
from catalog.storage.work_tables import write_locks
from tests.contract.telling import DERIVER, day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Engine, Table

    from catalog.records import Observation, Row
    from tests.databases import Postgres

SHARED = ("shapes", "unmapped_fields", "mime_sets", "facet_sets", "stage_queue")
"""The tables whose rows belong to no GPT, in the order in which all write them."""


def gpt(number: int) -> str:
    return f"g-Writer{number:03d}"


@pytest.fixture
def two(postgres: Postgres) -> Iterator[tuple[Engine, Engine]]:
    """Two writers of one catalog on PostgreSQL."""
    name = postgres.lend()
    url = postgres.url(name)
    one, other = (open_engine(url, busy_timeout=20) for _ in range(2))
    with write(one) as conn:
        add_source(conn, "one", "recorded", day(1))
    yield one, other
    one.dispose()
    other.dispose()
    postgres.take_back(name)


def unmapped(engine: Engine) -> list[tuple[Any, ...]]:
    c = t.unmapped_fields.c
    with read(engine) as conn:
        query = select(c.path, c.count, c.first_seen_at, c.last_seen_at, c.example)
        return [tuple(row) for row in conn.execute(query)]


def test_unmapped_paths_add_up_over_batches(engine: Engine) -> None:
    """The example is the earliest, then the smallest, whatever the order of the batches."""
    tell(engine, said(day(5), document(gpt(1), novelty=7)))
    tell(engine, said(day(3), document(gpt(2), novelty=8)), said(day(9), document(gpt(2))))
    tell(engine, said(day(3), document(gpt(3), novelty=6)))
    tell(engine, said(day(3), document(gpt(4), novelty=9)))
    tell(engine, said(day(8), document(gpt(5), novelty=1)))
    assert unmapped(engine) == [("gizmo.novelty", 5, day(3), day(8), "6")]


def test_two_writers_of_an_unmapped_path_add_up(two: tuple[Engine, Engine]) -> None:
    one, other = two
    with write(one) as conn:
        observe(conn, DERIVER, [said(day(1), document(gpt(1), novelty=1))])
    failed: list[BaseException] = []

    def second() -> None:
        try:
            with write(other) as conn:
                observe(conn, DERIVER, [said(day(3), document(gpt(3), novelty=1))])
        except BaseException as error:  # noqa: BLE001 -- told by the test's own thread
            failed.append(error)

    thread = threading.Thread(target=second)
    with write(one) as conn:
        observe(conn, DERIVER, [said(day(2), document(gpt(2), novelty=1))])
        thread.start()
        _wait_for_a_waiter(conn)
    thread.join()
    assert not failed
    assert [row[1] for row in unmapped(one)] == [3]


def _wait_for_a_waiter(conn: Any) -> None:
    """Until another session waits for a lock."""
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(100_000):
        if conn.execute(query).scalar_one():
            return
    pytest.fail("nobody waits")


def _written(
    engine: Engine, batch: Sequence[Observation], patch: pytest.MonkeyPatch
) -> list[tuple[str, list[Any]]]:
    """What observing a batch inserts into shared tables, statement by statement."""
    statements: list[tuple[str, list[Any]]] = []

    def add(table: Table, whole: Sequence[Mapping[str, Any]]) -> None:
        if whole and table.name in SHARED:
            key = "digest" if table in (t.shapes, t.facet_sets) else None
            names = [key] if key else [column.key for column in table.primary_key.columns]
            statements.append((table.name, [tuple(row[name] for name in names) for row in whole]))

    def note(_conn: Any, statement: Any, many: Any, params: Any, _options: Any) -> None:
        # What insert_rows writes is noted there: here it comes as text, or by columns.
        if getattr(statement, "is_insert", False) and statement.select is None:
            add(statement.table, many or [params])

    def noted(conn: Connection, table: Table, rows: Sequence[Row], **more: Any) -> None:
        add(table, rows)
        insert_rows(conn, table, rows, **more)

    patch.setattr("catalog.storage.shared.insert_rows", noted)
    event.listen(engine, "before_execute", note)
    with write(engine) as conn:
        observe(conn, DERIVER, batch)
    event.remove(engine, "before_execute", note)
    return statements


def test_shared_rows_are_written_once_and_in_one_order(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By GPTs that are new, that are replayed, and whose not-found is judged: all in one batch."""
    absence = said(day(4), None, gizmo_id=gpt(30))
    tell(
        engine,
        *(said(day(5), document(gpt(number))) for number in range(0, 30, 2)),
        said(day(3), document(gpt(30))),
        msgspec.structs.replace(absence, verdict=""),
    )
    batch = [absence]
    for number in reversed(range(30)):
        what = document(gpt(number))
        what["gizmo"][f"novelty_{number % 7}"] = 1
        what["product_features"]["attachments"]["accepted_mime_types"] = [f"a/{number * 7 % 30}"]
        what["gizmo"]["author"]["user_id"] = f"user-{number * 11 % 30}"
        what["gizmo"]["tags"] = [f"tag-{number * 11 % 30}"]
        batch.append(said(day(2), what))
    written = _written(engine, batch, monkeypatch)
    assert tuple(name for name, _ in written) == SHARED
    for name, rows in written:
        assert rows == sorted(rows), name
        assert len(rows) > 3, name


def test_verdicts_lock_their_gpts_before_they_write(two: tuple[Engine, Engine]) -> None:
    """Who holds the GPT writes its rows: the other way round two writers wait for ever."""
    one, other = two
    absence = msgspec.structs.replace(
        said(day(2), None, gizmo_id=gpt(1), recorded_at=day(5)), verdict=""
    )
    with write(one) as conn:
        observed = observe(conn, DERIVER, [said(day(1), document(gpt(1))), absence])
    failed: list[BaseException] = []

    def judge() -> None:
        try:
            with write(other) as conn:
                set_verdicts(conn, DERIVER, {observed.observation_ids[1]: "counted"})
        except BaseException as error:  # noqa: BLE001 -- told by the test's own thread
            failed.append(error)

    thread = threading.Thread(target=judge)
    with write(one) as conn:
        lock_keys(conn, [gpt(1)])
        thread.start()
        _wait_for_a_waiter(conn)
        observe(conn, DERIVER, [msgspec.structs.replace(absence, recorded_at=day(3))])
    thread.join()
    assert not failed
    with read(one) as conn:
        row = conn.execute(
            select(t.observations.c.verdict, t.observations.c.recorded_at).where(
                t.observations.c.payload_id == t.NOT_FOUND_PAYLOAD
            )
        ).one()
    assert tuple(row) == ("counted", day(3))


def test_stage_2_and_other_derivations_exclude_each_other(
    two: tuple[Engine, Engine],
) -> None:
    one, other = two
    short = text("SET LOCAL lock_timeout = '200ms'")

    def attempt(lock: Callable[[Connection], None]) -> None:
        with write(other) as conn:
            conn.execute(short)
            lock(conn)

    with write(one) as conn:
        share_derivation(conn)
        attempt(share_derivation)
        with pytest.raises(CatalogBusy):
            attempt(own_derivation)
    with write(one) as conn:
        own_derivation(conn)
        for lock in (share_derivation, own_derivation):
            with pytest.raises(CatalogBusy):
                attempt(lock)
        # GPTs are other locks.
        attempt(lambda conn: lock_keys(conn, [gpt(1)]))
    attempt(own_derivation)


def test_every_lock_has_its_row(two: tuple[Engine, Engine]) -> None:
    one, _ = two
    with write(one) as conn:
        numbers = conn.execute(select(write_locks.c.number).order_by(write_locks.c.number))
        assert numbers.scalars().all() == list(range(LOCKS))
        lost = write_locks.c.number == lock_of(gpt(1))
        conn.execute(delete(write_locks).where(lost))
        lock_keys(conn, [key for key in map(gpt, range(2, 9)) if lock_of(key) != lock_of(gpt(1))])
        with pytest.raises(CatalogCorrupt, match="write_locks"):
            lock_keys(conn, [gpt(1), gpt(2)])
        conn.execute(insert(write_locks), {"number": lock_of(gpt(1))})


def test_a_replay_holds_a_bounded_number_of_observations(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GPTs are replayed together while they have few; one that has many is replayed alone."""
    monkeypatch.setattr(stage1, "REPLAY", 4)
    counts = {gpt(1): 2, gpt(2): 2, gpt(3): 1, gpt(4): 6, gpt(5): 1}
    tell(
        engine,
        *(
            said(day(1 + number), document(gizmo_id, name=f"Name {number}"))
            for gizmo_id, count in counts.items()
            for number in range(count)
        ),
    )
    parts: list[dict[str, int]] = []

    def note(statements: Statements) -> None:
        parts.append({gizmo_id: len(each) for gizmo_id, each in statements.items()})

    with write(engine) as conn:
        effects = replay(conn, DERIVER, sorted(counts), Shared(), note)
    assert parts == [{gpt(1): 2, gpt(2): 2}, {gpt(3): 1}, {gpt(4): 6}, {gpt(5): 1}]
    assert len(effects) == sum(counts.values())


def test_a_gpt_known_by_a_not_found_alone_is_new_with_an_older_document(engine: Engine) -> None:
    """It was asked for before it was heard of; one that had a document is not new again."""
    tell(engine, said(day(5), None, gizmo_id=gpt(1)), said(day(5), document(gpt(2))))
    with write(engine) as conn:
        observed = observe(
            conn, DERIVER, [said(day(2), document(gpt(1))), said(day(2), document(gpt(2)))]
        )
    assert observed.effects == ("new", "unchanged")
