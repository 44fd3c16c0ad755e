"""The jobs that ask several sources: preference, failover, second opinions, confirmations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from sqlalchemy import select, update

from catalog.errors import SettingsError
from catalog.harvest import confirm, refresh
from catalog.harvest.asking import askable
from catalog.settings import CatalogSettings, Settings, SourceSettings
from catalog.simulator import FaultKind, FaultPlan, Population, RunningGateway, running_gateway
from catalog.storage import frontier
from catalog.storage import tables as t
from catalog.storage.absent import companions
from catalog.storage.engine import open_engine, read, write
from catalog.storage.owners import this_process
from catalog.storage.sources import reserved
from catalog.times import DAY, day_of
from catalog.working import JobContext
from tests.contract.handing import handed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Engine

KEYS = {"KEY_ONE": "", "KEY_TWO": "sk-another-key-than-the-right-one"}
SIZE = 40


@pytest.fixture
def gateway() -> Iterator[RunningGateway]:
    with running_gateway(Population(7, SIZE)) as running:
        yield running


def source(gateway: RunningGateway, name: str, **more: object) -> SourceSettings:
    """A source that asks the gateway."""
    keys: dict[str, object] = {
        "name": name,
        "dialect": "gpts-v2",
        "base_url": gateway.url("plain"),
        "api_key_env": "KEY_ONE",
        "requests_per_second": 2000.0,
        "max_attempts": 1,
        **more,
    }
    return SourceSettings(**keys)  # type: ignore[arg-type]


def context(
    catalog_url: str, gateway: RunningGateway, *sources: SourceSettings, **options: object
) -> JobContext:
    return handed(
        "refresh",
        catalog_url,
        clock=gateway.clock,
        settings=Settings(
            catalog=CatalogSettings(url=catalog_url), sources={s.name: s for s in sources}
        ),
        environ={**KEYS, "KEY_ONE": gateway.key},
        options=options,
    )


@pytest.fixture
def known(catalog_url: str, gateway: RunningGateway) -> Iterator[Engine]:
    """A catalog that knows all ids, none asked yet."""
    opened = open_engine(catalog_url)
    with write(opened) as conn:
        frontier.add_ids(conn, gateway.gateway.population.ids(), gateway.clock.now())
    yield opened
    opened.dispose()


NO_SUCH_GPT = (404, {"detail": "gizmo not found"})
BROKEN = (500, {"error": "no"})


def answers(
    gateway: RunningGateway, said: dict[str, tuple[int, dict[str, str]]], mount: str = "/"
) -> None:
    """Have a gateway answer so about some GPTs, by one of its mounts or by all."""
    answer = gateway.gateway.answer

    async def instead(request: web.BaseRequest) -> web.StreamResponse:
        for gizmo_id, (status, words) in said.items():
            if request.path.startswith(mount) and gizmo_id in request.path:
                return web.json_response(words, status=status)
        return await answer(request)

    gateway.gateway.answer = instead  # type: ignore[method-assign]


def due_alone(engine: Engine, ids: Collection[str], gateway: RunningGateway) -> None:
    """Have some GPTs be due now, and the others tomorrow."""
    f, now = t.frontier, gateway.clock.now()
    with write(engine) as conn:
        conn.execute(update(f).values(due_at=now + DAY))
        conn.execute(update(f).where(f.c.gizmo_id.in_(ids)).values(due_at=now))


def verdicts(engine: Engine) -> dict[str, int]:
    """How many ids ended in a fact, by source."""
    with read(engine) as conn:
        rows = conn.execute(
            select(t.sources.c.name, t.outcomes.c.verdict).join(
                t.sources, t.sources.c.source_id == t.outcomes.c.source_id
            )
        ).all()
    found: dict[str, int] = {}
    for name, verdict in rows:
        found[name] = found.get(name, 0) + (verdict in {"document", "not_found"})
    return found


def test_preferred_source_is_asked_first_and_alone_if_it_answers(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    work = context(
        catalog_url, gateway, source(gateway, "second", prefer=1), source(gateway, "first")
    )
    result = refresh.work(work)
    assert result.status == "done"
    assert result.numbers["requested"] == SIZE
    assert verdicts(known) == {"first": SIZE}


def test_what_one_source_cannot_answer_goes_to_the_next(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    work = context(
        catalog_url,
        gateway,
        source(gateway, "down", base_url="http://127.0.0.1:9", breaker_failures=3),
        source(gateway, "refusing", api_key_env="KEY_TWO", prefer=1),
        source(gateway, "poor", requests_per_day=10, prefer=2),
        source(gateway, "well", prefer=3),
    )
    result = refresh.work(work)
    assert result.status == "done"
    assert result.numbers["failed"] == 0
    found = verdicts(known)
    assert found["poor"] + found["well"] == SIZE
    assert 0 < found["poor"] <= 10
    for word in ("down", "refusing", "poor"):
        assert word in result.message


def test_answers_about_other_gpts_are_no_answers(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    """A source that always gives one GPT's document leaves the others to the next."""
    gateway.gateway.misbehave_as(FaultPlan(1, 1.0, kinds=[FaultKind.OTHER_ID]))
    with running_gateway(gateway.gateway.population) as well:
        work = context(
            catalog_url,
            gateway,
            source(gateway, "confused"),
            source(well, "well", prefer=1, api_key_env="KEY_WELL"),
        )
        work = replace(work, environ={**work.environ, "KEY_WELL": well.key})
        result = refresh.work(work)
    assert (result.status, result.numbers["failed"]) == ("done", 0)
    assert verdicts(known)["well"] >= SIZE // 2


def test_budget_leaves_a_part_to_other_jobs_and_is_no_failure(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    work = context(catalog_url, gateway, source(gateway, "poor", requests_per_day=20))
    result = refresh.work(work)
    assert result.status == "done"
    assert result.numbers["requested"] == 19
    assert result.numbers["failed"] == result.numbers["left"] == 0
    with read(known) as conn:
        assert reserved(conn, 1, day_of(gateway.clock.now())) == 19
    assert "spent" in refresh.work(work).message


@pytest.mark.usefixtures("known")
def test_where_no_source_answers_the_work_failed(catalog_url: str, gateway: RunningGateway) -> None:
    work = context(catalog_url, gateway, source(gateway, "refusing", api_key_env="KEY_TWO"))
    result = refresh.work(work)
    assert result.status == "failed"
    assert result.refused
    assert result.numbers["failed"] >= 1
    assert result.numbers["failed"] + result.numbers["left"] == SIZE


@pytest.mark.usefixtures("known")
def test_why_some_were_not_answered_is_told(catalog_url: str, gateway: RunningGateway) -> None:
    few = list(gateway.gateway.population.ids())[:3]
    answers(gateway, dict.fromkeys(few, BROKEN))
    result = refresh.work(context(catalog_url, gateway, source(gateway, "only")))
    assert result.status == "partly"
    assert result.message.endswith("3 without an answer; only: 3 times HTTP 500: no")


def test_a_share_is_asked_at_a_second_source(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    work = context(
        catalog_url,
        gateway,
        source(gateway, "first"),
        source(gateway, "second", prefer=1),
        second_opinion=0.25,
    )
    assert refresh.work(work).status == "done"
    found = verdicts(known)
    assert found["first"] == SIZE
    assert 3 <= found["second"] <= 20


def test_share_is_another_one_each_day_and_the_same_for_all() -> None:
    ids = [f"g-{number:09}" for number in range(10_000)]
    one = refresh.chosen_share(ids, 0.01, "2026-02-03")
    other = refresh.chosen_share(ids, 0.01, "2026-02-04")
    assert 60 <= len(one) <= 140
    assert one == refresh.chosen_share(ids, 0.01, "2026-02-03")
    assert len(set(one) & set(other)) < 10
    assert refresh.chosen_share(ids, 0.0, "2026-02-03") == []
    assert refresh.chosen_share(ids, 1.0, "2026-02-03") == ids


def test_work_that_is_told_to_stop_gives_back_what_it_holds(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    work = context(catalog_url, gateway, source(gateway, "first", requests_per_second=50.0))
    work.stopping.set()
    result = refresh.work(work)
    assert result.status == "stopped"
    with read(known) as conn:
        assert frontier.count_frontier(conn, gateway.clock.now()).leased == 0


def test_what_a_process_held_that_is_gone_is_due(
    catalog_url: str, known: Engine, gateway: RunningGateway
) -> None:
    now = gateway.clock.now()
    with write(known) as conn:
        gone = this_process().rpartition(":")[0] + ":1.00"
        lease = frontier.Lease(owner=gone, until=now + DAY)
        frontier.claim(conn, lease, ids=None, limit=SIZE, now=now)
        assert frontier.held_due(conn, now) == frontier.Held(
            ids=SIZE, owners=(gone,), until=now + DAY
        )
    result = refresh.work(context(catalog_url, gateway, source(gateway, "one")))
    assert result.numbers["requested"] == SIZE
    with read(known) as conn:
        assert frontier.held_due(conn, now) == frontier.Held()


def test_reported_missing_is_asked_again_on_another_day_among_others(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    """Seven ids that the gateway takes down: they end as gone after two days."""
    work = context(catalog_url, gateway, source(gateway, "first"))
    population = gateway.gateway.population
    refresh.work(work)
    with read(known) as conn:
        listed = list(
            conn.execute(
                select(t.gizmos.c.gizmo_id)
                .where(t.gizmos.c.status == "listed")
                .order_by(t.gizmos.c.gizmo_id)
            ).scalars()
        )
    lost = set(listed[:7])
    answer = population.document
    population.document = (  # type: ignore[method-assign]
        lambda gizmo_id, at: None if gizmo_id in lost else answer(gizmo_id, at)
    )
    statuses = []
    for _ in range(2):
        gateway.clock.advance(DAY)
        due_alone(known, lost, gateway)
        with write(known) as conn:
            # Only what was lost is reported, as a refresh among many others would.
            f = t.frontier
            conn.execute(update(f).where(f.c.gizmo_id.in_(lost)).values(last_verdict="not_found"))
        result = confirm.work(work)
        assert result.numbers["not_found"] >= len(lost)
        with read(known) as conn:
            found = conn.execute(
                select(t.gizmos.c.status).where(t.gizmos.c.gizmo_id.in_(lost))
            ).scalars()
            statuses.append(set(found))
    assert statuses == [{"missing"}, {"gone"}]


def test_what_another_source_still_knows_is_never_called_gone(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    """Not for the moment, either, that lies between two answers of one confirmation."""
    mirror = source(gateway, "mirror", base_url=gateway.url("bare"))
    work = context(catalog_url, gateway, source(gateway, "denies", prefer=0), mirror)
    refresh.work(work)
    with read(known) as conn:
        lost = set(conn.execute(select(t.gizmos.c.gizmo_id).limit(3)).scalars())
    answers(gateway, dict.fromkeys(lost, NO_SUCH_GPT), mount="/plain/")
    for days in range(3):
        gateway.clock.advance(DAY)
        due_alone(known, lost, gateway)
        (confirm if days else refresh).work(work)
    with read(known) as conn:
        said = conn.execute(
            select(t.statuses.c.status).where(t.statuses.c.gizmo_id.in_(lost)).distinct()
        ).scalars()
        assert set(said) == {"listed", "missing"}
        denied = t.outcomes.c.verdict == "not_found"
        assert len(conn.execute(select(t.outcomes.c.at).where(denied)).all()) >= len(lost)
        now = conn.execute(
            select(t.gizmos.c.status).where(t.gizmos.c.gizmo_id.in_(lost)).distinct()
        )
        assert set(now.scalars()) == {"listed"}


def test_confirmation_counts_each_gpt_once(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    """Denied by both sources it is answered; where both fail it failed, and nothing hides it."""
    mirror = source(gateway, "mirror", base_url=gateway.url("bare"))
    work = context(catalog_url, gateway, source(gateway, "first", prefer=0), mirror)
    refresh.work(work)
    with read(known) as conn:
        listed = list(
            conn.execute(
                select(t.gizmos.c.gizmo_id).order_by(t.gizmos.c.gizmo_id).limit(4)
            ).scalars()
        )
    denied, broken = listed[:2], listed[2:]
    said = dict.fromkeys(listed, NO_SUCH_GPT)
    answers(gateway, said)
    for days in range(2):
        gateway.clock.advance(DAY)
        due_alone(known, listed, gateway)
        if days:
            said |= dict.fromkeys(broken, BROKEN)
        result = (confirm if days else refresh).work(work)
    assert result.numbers["answered"] == len(denied)
    assert result.numbers["failed"] == len(broken)


def test_gpts_asked_beside_are_known_to_the_source_that_denies(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    work = context(catalog_url, gateway, source(gateway, "first"))
    refresh.work(work)
    later = gateway.clock.now() + DAY
    with read(known) as conn:
        assert companions(conn, set(), 5, source="first", asked_by=later)
        assert companions(conn, set(), 5, source="another", asked_by=later) == []


def test_sources_are_ordered_by_preference_then_by_the_file(gateway: RunningGateway) -> None:
    settings = Settings(
        sources={
            each.name: each
            for each in (
                source(gateway, "c", prefer=1),
                source(gateway, "b"),
                source(gateway, "a"),
                SourceSettings(name="disk", dialect="recorded"),
            )
        }
    )
    assert [each.name for each in askable(settings)] == ["b", "a", "c"]
    assert [each.name for each in askable(settings, ("c", "a"))] == ["c", "a"]
    with pytest.raises(SettingsError, match="cannot be asked"):
        askable(settings, ("disk",))
    with pytest.raises(SettingsError, match="no source 'x'"):
        askable(settings, ("x",))
    with pytest.raises(SettingsError, match="add one"):
        askable(Settings())


def test_what_was_asked_by_a_clock_that_was_ahead_is_asked_again_when_it_is_set_back(
    known: Engine, catalog_url: str, gateway: RunningGateway
) -> None:
    work = context(catalog_url, gateway, source(gateway, "first"))
    true = gateway.clock.now()
    gateway.clock.set(true + 30 * DAY)
    assert refresh.work(work).numbers["documents"] > 0
    gateway.clock.set(true + DAY)
    assert refresh.work(work).numbers["requested"] == SIZE
    assert refresh.work(work).numbers["requested"] == 0
    with read(known) as conn:
        assert not conn.execute(
            select(t.frontier.c.gizmo_id).where(t.frontier.c.last_asked_at > true + 2 * DAY)
        ).all()


@pytest.mark.usefixtures("known")
def test_a_budget_that_ends_hides_no_source_that_is_ill(
    catalog_url: str, gateway: RunningGateway
) -> None:
    answers(gateway, dict.fromkeys(gateway.gateway.population.ids(), BROKEN))
    ill = source(gateway, "only", requests_per_day=20, max_attempts=2, backoff_base=0.001)
    message = refresh.work(context(catalog_url, gateway, ill)).message
    assert "times HTTP 500: no, " in message
    assert "today's budget of 20 requests" in message


@pytest.mark.usefixtures("known")
def test_answers_about_others_are_told_once_for_all_parts(
    catalog_url: str,
    gateway: RunningGateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refresh, "MOST", 8)
    gateway.gateway.misbehave_as(FaultPlan(1, 1.0, kinds=[FaultKind.OTHER_ID]))
    message = refresh.work(context(catalog_url, gateway, source(gateway, "only"))).message
    assert message.count("only: ") == 1
    assert message.endswith("times with the document of another GPT")
