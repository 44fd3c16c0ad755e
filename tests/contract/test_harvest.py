"""A harvest where things go wrong: what was answered is stored and counted."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import func, select

from catalog.derive import Derivation
from catalog.dialects import get_dialect
from catalog.errors import BudgetUsedUp, CatalogBusy, SourceRefused, StorageError
from catalog.fetch.client import Asked, Withdrawn
from catalog.harvest import Harvest, HarvestOptions
from catalog.harvest.store import Ended, Store, digest_of
from catalog.harvest.totals import Stop
from catalog.records import Answer, Reading, Request
from catalog.secrets import Redactor
from catalog.settings import SourceSettings
from catalog.storage import engine as engines
from catalog.storage import failures, frontier, runs
from catalog.storage import tables as t
from catalog.times import DAY, HOUR, MINUTE, FixedClock, Micros, from_iso
from tests.laws.asking import Asking, Said, absent, given
from tests.laws.worlds import START, document

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

    from catalog.harvest.totals import Harvested

IDS = ["g-Law000001", "g-Law000002", "g-Law000003"]
MANY = [f"g-Many{number:05d}" for number in range(120)]
REFUSED, SPENT = 401, 402
Said200 = Callable[[Request], tuple[bytes, int]]


class Gateway:
    """Answers at once, and counts what it was asked; stands where a fetcher does."""

    def __init__(self, answer: Said200) -> None:
        self._answer = answer
        self.sent = 0
        self.stopped: str | None = None

    async def ask(
        self,
        request: Request,
        read: Callable[[Answer], Sequence[Reading]],
        *,
        still: Callable[[], bool],
    ) -> Asked:
        """Answer one question."""
        if self.stopped:
            raise SourceRefused(self.stopped)
        if not still():
            raise Withdrawn
        body, status = self._answer(request)
        self.sent += 1
        if status == SPENT:
            raise BudgetUsedUp("the day's requests are spent")
        if status == REFUSED:
            self.stopped = "the key is refused"
        answer = Answer(status=status, headers={}, body=body, received_at=START)
        return Asked(readings=tuple(read(answer)), requests=1, attempts=1, answer=answer)

    def stop(self, reason: str) -> None:
        """Nothing waits here."""


def known(request: Request) -> tuple[bytes, int]:
    """The document of the one GPT that is asked for."""
    return json.dumps({"gizmo": {"id": request.asked[0], "display": {"name": "n"}}}).encode(), 200


def chat(content: str) -> bytes:
    """A chat completion with ``content``."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


def source_of(**more: Any) -> SourceSettings:
    """A source that is never really asked."""
    settings: dict[str, Any] = {"dialect": "gpts-v2", "base_url": "https://a.test"}
    settings |= {"name": "alpha", "max_concurrency": 4} | more
    return SourceSettings(**settings)


def store_of(
    engine: Engine,
    source: SourceSettings,
    clock: FixedClock,
    ids: Sequence[str] = (),
    *,
    due: bool = False,
    listed_at: Micros | None = None,
) -> Store:
    """A run's side of the catalog."""
    return Store(
        engine,
        source,
        key=runs.RunKey(
            command="harvest --due" if due else "harvest",
            source=source.name,
            ids_digest="" if due else digest_of(ids),
        ),
        deriver=Derivation(),
        redactor=Redactor(()),
        clock=clock,
        rng=random.Random(),
        listed_at=listed_at,
    )


def harvest(
    store: Store,
    source: SourceSettings,
    gateway: Gateway,
    ids: Sequence[str],
    options: HarvestOptions | None = None,
) -> Harvested | None:
    """Harvest ``ids``; what went wrong with the catalog is put up with."""

    async def main() -> Harvested | None:
        dialect = get_dialect(source)
        run = Harvest(store, dialect, gateway, FixedClock(START), options)  # type: ignore[arg-type]
        try:
            await run.run(ids)
        except StorageError:
            return None
        return run.ended

    try:
        return asyncio.run(main())
    finally:
        store.close()


def count(engine: Engine, table: Table) -> int:
    """The rows of a table."""
    with engines.read(engine) as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_batch_whose_first_id_is_missing_loses_no_document_and_no_request(engine: Engine) -> None:
    source = source_of(dialect="chat-query", batch_size=3)

    def answer(request: Request) -> tuple[bytes, int]:
        if len(request.asked) == 1:
            return json.dumps({"error": {"message": "gizmo not found"}}).encode(), 404
        documents = [document("g-Other0001", name="O"), *(document(each) for each in IDS[1:])]
        return chat("```json\n" + json.dumps(documents) + "\n```"), 200

    gateway = Gateway(answer)
    ended = harvest(store_of(engine, source, FixedClock(START), IDS), source, gateway, IDS)
    assert ended is not None
    assert ended.totals.requests == gateway.sent == 2
    assert (ended.totals.documents, ended.totals.not_found) == (2, 1)
    with engines.read(engine) as conn:
        found = set(conn.execute(select(t.gizmos.c.gizmo_id)).scalars())
    assert found == {"g-Other0001", *IDS[1:]}


def test_a_batch_answer_that_is_cut_is_kept_once_and_counted(engine: Engine) -> None:
    source = source_of(dialect="chat-query", batch_size=3)

    def answer(request: Request) -> tuple[bytes, int]:
        if len(request.asked) == 1:
            return known(request)
        return chat('```json\n[{"gizmo": {"id": "g-Law0000'), 200

    gateway = Gateway(answer)
    ended = harvest(store_of(engine, source, FixedClock(START), IDS), source, gateway, IDS)
    assert ended is not None
    assert (ended.totals.documents, ended.totals.requests, gateway.sent) == (3, 4, 4)
    assert count(engine, t.fetch_failures) == 1


@pytest.mark.parametrize("step", ["claim", "write"])
def test_what_was_answered_is_stored_though_the_catalog_fails_in_between(
    engine: Engine, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, gateway = source_of(), Gateway(known)
    store = store_of(engine, source, FixedClock(START), MANY)
    work, calls = getattr(store, step), Counter[str]()

    def failing(*args: Any) -> Any:
        calls[step] += 1
        if calls[step] == 2:
            raise StorageError("the disk is full")
        return work(*args)

    monkeypatch.setattr(store, step, failing)
    assert harvest(store, source, gateway, MANY) is None
    assert count(engine, t.outcomes) == gateway.sent > 0


def test_a_transaction_that_lost_against_another_writer_is_tried_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, gateway = source_of(), Gateway(known)
    store = store_of(engine, source, FixedClock(START), MANY)
    work, calls = store.write, Counter[str]()

    def failing(batch: Sequence[Ended]) -> Any:
        calls["write"] += 1
        if calls["write"] == 2:
            raise CatalogBusy("a deadlock")
        return work(batch)

    monkeypatch.setattr(store, "write", failing)
    ended = harvest(store, source, gateway, MANY)
    assert ended is not None
    assert ended.totals.documents == len(MANY)


async def _cut_off(store: Store, source: SourceSettings, gateway: Gateway, after: int) -> None:
    """Harvest, and be cancelled while answers gather for the ``after``-th time."""
    task: list[asyncio.Task[None]] = []
    naps = Counter[float]()

    async def sleep(seconds: float) -> None:
        naps[seconds] += 1
        if seconds < 1 and naps[seconds] > after:
            task[0].cancel()
        await asyncio.sleep(0 if seconds < 1 else seconds)

    options = HarvestOptions(sleep=sleep)
    dialect = get_dialect(source)
    run = Harvest(store, dialect, gateway, FixedClock(START), options)  # type: ignore[arg-type]
    task.append(asyncio.ensure_future(run.run(MANY)))
    await asyncio.wait(task)
    assert run.ended is not None
    assert run.ended.totals.documents == gateway.sent


@pytest.mark.parametrize("after", range(4))
def test_a_run_that_is_cut_off_stores_and_counts_what_was_answered(
    engine: Engine, after: int
) -> None:
    source, gateway = source_of(), Gateway(known)
    store = store_of(engine, source, FixedClock(START), MANY)
    asyncio.run(_cut_off(store, source, gateway, after))
    with engines.read(engine) as conn:
        assert len(runs.done_ids(conn, store.run.run_id)) == gateway.sent
    store.close()


def test_ids_of_a_partner_that_died_are_asked_though_the_clock_stands_still(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, gateway = source_of(), Gateway(known)
    store = store_of(engine, source, FixedClock(START), IDS)
    begin = store.begin

    def begun(ids: Sequence[str]) -> list[str]:
        todo = begin(ids)
        dead = frontier.Lease(owner=f"{socket.gethostname()}:999999:1.00", until=START + HOUR)
        with engines.write(engine) as conn:
            frontier.claim(conn, dead, ids=ids[:1], limit=1, now=START)
        return todo

    monkeypatch.setattr(store, "begin", begun)
    ended = harvest(store, source, gateway, IDS)
    assert ended is not None
    assert ended.totals.documents == len(IDS)


def test_ids_that_failed_when_a_source_refused_are_asked_again(engine: Engine) -> None:
    """The key is mended and the same command given: nothing that was stored is asked twice."""
    source, clock = source_of(max_concurrency=1), FixedClock(START)

    def refusing(request: Request) -> tuple[bytes, int]:
        return (b"", REFUSED) if request.asked[0] == IDS[1] else known(request)

    first = harvest(store_of(engine, source, clock, IDS), source, Gateway(refusing), IDS)
    assert first is not None
    assert first.stop is not None
    assert first.stop.kind == "refused"
    assert (first.totals.documents, first.totals.failed, first.totals.left) == (1, 1, 1)
    with engines.read(engine) as conn:
        assert runs.get_run(conn, first.totals.run).status == "failed"
    gateway = Gateway(known)
    second = harvest(store_of(engine, source, clock, IDS), source, gateway, IDS)
    assert second is not None
    assert second.totals.run == first.totals.run
    assert (second.totals.documents, second.totals.failed, second.totals.left) == (3, 0, 0)
    assert second.brought["documents"] == second.brought["requests"] == 2
    assert (gateway.sent, second.totals.requests) == (2, 4)


def test_a_run_that_stops_while_it_asks_again_is_not_over(engine: Engine) -> None:
    """Else the third command would ask, and pay for, everything once more."""
    source, clock = source_of(max_concurrency=1), FixedClock(START)
    refusing = Gateway(
        lambda request: (b"", REFUSED) if request.asked[0] == IDS[2] else known(request)
    )
    first = harvest(store_of(engine, source, clock, IDS), source, refusing, IDS)
    assert first is not None
    assert (first.totals.documents, first.totals.failed, first.totals.left) == (2, 1, 0)
    spent = Gateway(lambda _: (b"", SPENT))
    second = harvest(store_of(engine, source, clock, IDS), source, spent, IDS)
    assert second is not None
    assert second.unfinished
    gateway = Gateway(known)
    third = harvest(store_of(engine, source, clock, IDS), source, gateway, IDS)
    assert third is not None
    assert (third.totals.run, gateway.sent) == (first.totals.run, 1)
    assert (third.totals.documents, third.unfinished) == (3, False)


def end(store: Store, readings: Asking, said: Sequence[Said], at: Micros) -> None:
    store.write(
        [
            Ended(
                asked=each.asked,
                readings=readings.readings(each, at),
                attempts=1,
                requests=1,
                received_at=at,
            )
            for each in said
        ]
    )


def test_what_failed_is_asked_again_by_one_of_two_processes(engine: Engine) -> None:
    asking, source, clock = Asking(engine), source_of(), FixedClock(START)
    one = store_of(engine, source, clock, IDS)
    one.claim(one.begin(IDS))
    end(one, asking, [Said(each, b"", status=503) for each in IDS], clock.at)
    one.close()
    two, three = (store_of(engine, source, clock, IDS) for _ in range(2))
    assert two.begin(IDS) == three.begin(IDS) == IDS
    two.claim(IDS)
    end(two, asking, [given(each, document(each)) for each in IDS], clock.at)
    assert three.claim(IDS) == ([], [])
    assert three.finish(None).documents == len(IDS)
    two.close()
    three.close()


def test_what_came_for_a_batch_is_kept_though_nothing_more_can_be_asked(engine: Engine) -> None:
    source = source_of(dialect="chat-query", batch_size=3)

    def answer(request: Request) -> tuple[bytes, int]:
        if len(request.asked) == 1:
            return b"", SPENT
        return chat("```json\n" + json.dumps([document("g-Other0001", name="O")]) + "\n```"), 200

    gateway = Gateway(answer)
    ended = harvest(store_of(engine, source, FixedClock(START), IDS), source, gateway, IDS)
    assert ended is not None
    assert (ended.totals.requests, ended.totals.failed, ended.totals.left) == (1, 1, 2)
    with engines.read(engine) as conn:
        assert list(conn.execute(select(t.gizmos.c.gizmo_id)).scalars()) == ["g-Other0001"]


def test_a_run_whose_last_ids_were_refused_is_not_over(engine: Engine) -> None:
    source, clock = source_of(max_concurrency=1), FixedClock(START)
    gateway = Gateway(lambda _: (b"", REFUSED))
    first = harvest(store_of(engine, source, clock, IDS[:1]), source, gateway, IDS[:1])
    assert first is not None
    assert first.stop is not None
    assert first.totals.left == 0
    again = Gateway(known)
    second = harvest(store_of(engine, source, clock, IDS[:1]), source, again, IDS[:1])
    assert second is not None
    assert second.totals.run == first.totals.run
    assert (second.totals.documents, second.totals.failed) == (1, 0)


def test_claims_are_renewed_while_a_source_makes_us_wait(engine: Engine) -> None:
    source, clock = source_of(), FixedClock(START)
    store = store_of(engine, source, clock, IDS)
    store.begin(IDS)
    store.claim(IDS)
    clock.at += MINUTE
    store.renew()
    clock.at += MINUTE + 30_000_000
    with engines.write(engine) as conn:
        other = frontier.Lease(owner="elsewhere:1:1.00", until=clock.at + HOUR)
        assert frontier.claim(conn, other, ids=IDS, limit=9, now=clock.at) == []
    store.close()


def test_a_document_that_came_twice_at_once_is_new_once(engine: Engine) -> None:
    answer = {
        "code": 0,
        "data": {
            "stat": {"read": 1},
            "info": document(IDS[0], name="x"),
            "@timestamp": "2024-03-01T20:00:00Z",
        },
    }
    totals = Asking(engine).run(Said(IDS[0], answer), Said(IDS[1], answer))
    assert (totals.new, totals.documents, totals.mismatched) == (1, 1, 1)


def test_not_founds_of_a_cache_count_though_its_documents_are_old(engine: Engine) -> None:
    """The cache answers well: that its documents were said days ago is no outage."""
    asking = Asking(engine)
    old = "2024-02-20T00:00:00Z"
    cached = [
        Said(each, {"code": 0, "data": {"info": document(each), "@timestamp": old}})
        for each in MANY[:6]
    ]
    asking.run(*cached, at=START)
    for night in (1, 2):
        asking.run(*cached[1:], absent(MANY[0]), at=START + night * DAY)
    with engines.read(engine) as conn:
        status = conn.execute(
            select(t.gizmos.c.status).where(t.gizmos.c.gizmo_id == MANY[0])
        ).scalar()
    assert from_iso(old) < START
    assert status == "gone"


def test_a_day_s_budget_is_given_back_to_its_own_day(engine: Engine) -> None:
    source = source_of(requests_per_day=10)
    clock = FixedClock(from_iso("2024-03-01T23:59:59Z"))
    store = store_of(engine, source, clock, IDS)
    store.begin(IDS)
    assert store.reserve(6) == 6
    clock.at += 2_000_000
    store.give_back(4)
    assert store.reserve(99) == 10
    store.close()
    with engines.read(engine) as conn:
        taken = conn.execute(select(t.budgets.c.reserved).order_by(t.budgets.c.day)).scalars()
        assert list(taken) == [2, 10]


def test_an_answer_without_documents_says_what_it_was(engine: Engine) -> None:
    """One failure row, with the bytes, the verdict and what the source said."""
    totals = Asking(engine).run(Said(IDS[0], b"<html>no route</html>", status=200))
    assert totals.failed == 1
    with engines.read(engine) as conn:
        kept = failures.failures(conn, totals.run, 9)
    assert [failure.body for failure in kept] == [b"<html>no route</html>"]
    assert msgspec.structs.asdict(kept[0])["verdict"] == "malformed"


def test_a_scheduler_that_lives_for_days_ends_what_its_source_ended(engine: Engine) -> None:
    """Its process is there and works on: on another run, as the one is left."""
    source, clock = source_of(), FixedClock(START)
    one = store_of(engine, source, clock, due=True)
    one.claim(one.begin(MANY[:3]))
    one.finish(Stop("refused", "the key is refused"))
    one.close()
    clock.at += HOUR
    same = store_of(engine, source, clock, due=True)
    assert same.begin(MANY[:3]) == MANY[:3]
    assert same.run.run_id == one.run.run_id
    same.finish(Stop("refused", "the key is refused"))
    same.close()
    clock.at += DAY
    later = store_of(engine, source, clock, due=True)
    later.begin(MANY[:3])
    later.close()
    with engines.read(engine) as conn:
        assert runs.get_run(conn, one.run.run_id).finished_at == clock.at
    assert later.run.run_id != one.run.run_id
