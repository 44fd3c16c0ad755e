"""Several workers as processes of their own: one PostgreSQL, one gateway, one rate, one budget."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from catalog.errors import CatalogAway, CommitUnknown
from catalog.simulator import Population, SimulatedClock
from catalog.storage.engine import open_engine, read, write
from catalog.storage.migrate import init
from catalog.storage.sources import add_source, source_names
from catalog.times import DAY, HOUR, MINUTE, from_iso
from jobs.registry import JOBS
from tests.databases import NOW
from tests.faults.workers.chaos import Suffered, live_in_peace, rounds, suffer
from tests.faults.workers.crew import LONG_ENOUGH, Crew, stop_all
from tests.faults.workers.gateway import Clocks, Recorder
from tests.faults.workers.network import networked
from tests.faults.workers.server import PORT, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tests.faults.workers.gateway import Asked

WORKERS = tuple(int(each) for each in os.environ.get("GPTS_WORKERS", "1,4").split(","))
"""How many workers harvest side by side, one measurement each; the full dose is 1,2,4,8."""
CAMPAIGN = 3
"""So many measurements are a campaign."""
RATE = float(os.environ.get("GPTS_WORKERS_RATE", "60"))
"""Requests a second that the source takes from all of them; the full dose is 200."""
IN_FLIGHT = int(os.environ.get("GPTS_WORKERS_IN_FLIGHT", "3"))
"""Requests in flight a worker; the full dose is 8."""
SECONDS = float(os.environ.get("GPTS_WORKERS_SECONDS", "4"))
"""Seconds that a measurement takes at the full rate; the full dose is 15."""
AT_ONCE = 50
"""Ids that a worker claims at a time."""
LATENCY = 0.1
"""Seconds in which the gateway answers."""
LATE = 0.3
"""Seconds by which requests may come later to the record than they were sent: machines are busy."""

ROUNDS = int(os.environ.get("GPTS_CHAOS", "2"))
"""Rounds of chaos; the full dose is 100."""
SEED = int(os.environ.get("GPTS_CHAOS_SEED", "8"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its machines are of Linux")


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Machines, a server and a gateway."""
    population = Population(7, 6000)
    with ExitStack() as stack:
        network = stack.enter_context(networked(max(*WORKERS, 4)))
        print(
            "\nworkers on machines of their own"
            if network.cuts
            else "\nno network namespaces here: workers share loopback, and nobody is cut off"
        )
        # A socket's path must be short, so not below pytest's own folder.
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True)
        )
        server = Server(Path(folder) / "data", network)
        stack.callback(server.stop, "immediate")
        said = SimulatedClock(population.start)
        recorder = Recorder(population, said, network, LATENCY)
        stack.enter_context(recorder.running())
        clocks = Clocks(SimulatedClock(population.start), network)
        stack.callback(clocks.close)
        yield Crew(tmp_path_factory.mktemp("crew"), network, server, recorder, clocks)


def most_in_a_window(asked: list[Asked], seconds: float) -> int:
    """The most requests that came within so many seconds."""
    times = sorted(each.at for each in asked)
    first = most = 0
    for last, at in enumerate(times):
        while at - times[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def throughput(asked: list[Asked]) -> float:
    """Requests a second while all workers were at work."""
    machines = {each.machine for each in asked}
    begin = max(min(x.at for x in asked if x.machine == each) for each in machines)
    end = min(max(x.at for x in asked if x.machine == each) for each in machines)
    return sum(begin <= each.at < end for each in asked) / (end - begin)


def harvested(crew: Crew, workers: int) -> list[Asked]:
    """What the gateway was asked while so many workers harvested what was due."""
    crew.recorder.forget(awaited=workers)
    started = [crew.harvest(machine) for machine in range(workers)]
    try:
        for machine, worker in enumerate(started):
            assert worker.wait(LONG_ENOUGH) == 0, crew.said(machine)
    finally:
        stop_all(started)
    return list(crew.recorder.asked)


def test_throughput_grows_with_workers_until_the_shared_rate(crew: Crew) -> None:
    """Nothing beyond the rate that all share, and nothing asked twice."""
    now = crew.recorder.gateway.clock.now()
    reached = {}
    for workers in WORKERS:
        crew.use(f"growth{workers}", requests_per_second=RATE, max_concurrency=IN_FLIGHT)
        able = min(RATE, workers * IN_FLIGHT / LATENCY)
        # Each takes some at once: there is enough for all.
        enough = int(able * SECONDS) + AT_ONCE * workers
        ids = list(islice(crew.recorder.gateway.population.ids(), enough))
        crew.make_due(ids, now)
        asked = harvested(crew, workers)
        reached[workers] = throughput(asked)
        most = most_in_a_window(asked, 1.0)
        print(
            f"{workers} workers: {reached[workers]:.1f} requests a second"
            f" of {able:.0f}, {most} in the fullest second"
        )
        assert Counter(each.gizmo_id for each in asked) == Counter(ids)
        assert {each.machine for each in asked} == set(range(workers))
        assert most <= RATE * (1 + 0.05 + LATE) + workers + 1
        assert not crew.unanswered(ids, now)
        assert crew.sql("SELECT count(*) FROM frontier WHERE lease_owner IS NOT NULL") == [(0,)]
    assert reached[max(WORKERS)] <= RATE * 1.1
    # How much faster it goes says the campaign: a small dose on a busy machine says nothing.
    if len(WORKERS) >= CAMPAIGN:
        assert reached[max(WORKERS)] > 1.2 * reached[min(WORKERS)]


def test_workers_spend_one_budget_together_to_the_last_request(crew: Crew) -> None:
    now = crew.recorder.gateway.clock.now()
    crew.use("budget", requests_per_second=200, max_concurrency=4, requests_per_day=150)
    ids = list(crew.recorder.gateway.population.ids())[:400]
    crew.make_due(ids, now)
    crew.recorder.forget(awaited=3)
    started = [crew.harvest(machine) for machine in range(3)]
    try:
        for machine, worker in enumerate(started):
            assert worker.wait(LONG_ENOUGH) == 1, crew.said(machine)
    finally:
        stop_all(started)
    spent = len(crew.recorder.asked)
    assert spent <= 150
    assert crew.sql("SELECT reserved FROM budgets") == [(spent,)]
    # What one gave back as it ended, another may have asked for in vain before.
    assert crew.harvest(0).wait(LONG_ENOUGH) == 1
    assert len(crew.recorder.asked) == 150
    assert crew.sql("SELECT reserved FROM budgets") == [(150,)]
    assert max(Counter(each.gizmo_id for each in crew.recorder.asked).values()) == 1


def until(true: Callable[[], bool]) -> None:
    """Wait for what other processes do."""
    deadline = time.monotonic() + LONG_ENOUGH
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_scheduler_that_is_killed_is_followed_by_the_other(crew: Crew) -> None:
    """Each slot is run once, whoever is there: what the dead one held is free at once."""
    crew.use("schedulers")
    off = "".join(f'[jobs.{name}]\nschedule = "off"\n' for name in JOBS if name != "verify")
    for machine in range(2):
        with crew.config(machine).open("a", encoding="utf-8") as file:
            file.write(f'{off}[jobs.verify]\nschedule = "0 3 * * *"\n')
    crew.clock.set(from_iso("2026-03-01T02:00:00Z"))
    runs = "SELECT owner FROM job_runs WHERE status = 'done' ORDER BY started_at"
    started = [crew.start(machine, "schedule", "--look-every", "0.1") for machine in range(2)]
    try:
        until(lambda: all("the scheduler runs" in crew.said(machine) for machine in range(2)))
        crew.clock.advance(HOUR + MINUTE)
        until(lambda: len(crew.sql(runs)) == 1)
        leader = int(crew.sql(runs)[0][0].rsplit(":", 2)[1])
        first, other = sorted(started, key=lambda each: each.pid != leader)
        first.kill()
        first.wait()
        crew.clock.advance(DAY)
        until(lambda: len(crew.sql(runs)) == 2)
        assert int(crew.sql(runs)[1][0].rsplit(":", 2)[1]) == other.pid
    finally:
        stop_all(started)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_server_that_restarts_is_waited_for(crew: Crew, mode: str) -> None:
    """A transaction that it cut short stored nothing; the next one finds it again."""
    crew.server.create(f"restart_{mode}")
    url = crew.server.url(f"restart_{mode}")
    init(url, NOW)
    pauses: list[float] = []

    def start_again(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            crew.server.start()

    engine = open_engine(url, durable=True, wait=start_again)
    try:
        with pytest.raises(CatalogAway):  # noqa: PT012, SIM117  (it is lost in the midst)
            with write(engine) as conn:
                add_source(conn, "lost", "gpts-v2", NOW)
                crew.server.stop(mode)
                add_source(conn, "lost too", "gpts-v2", NOW)
        with write(engine) as conn:
            add_source(conn, "kept", "gpts-v2", NOW)
        assert len(pauses) == 2
        with read(engine) as conn:
            assert list(source_names(conn).values()) == ["kept"]
    finally:
        engine.dispose()


def test_commit_whose_answer_is_lost_is_asked_for(crew: Crew) -> None:
    """Done or undone, the server says which: nothing is written twice, and nothing is lost."""
    crew.server.create("answers")
    url = crew.server.url("answers")
    init(url, NOW)
    engine = open_engine(url, durable=True, wait=lambda _: None)
    lost: list[str] = []

    def lose(connection: Connection) -> None:
        if lost and lost[0] != "before":
            driver: Any = connection.connection.driver_connection
            driver.commit()
            # What is committed already would else be no more to be asked for.
            driver.close()
        if lost:
            crew.server.stop("immediate")
            if lost.pop() != "for good":
                crew.server.start()

    event.listen(engine, "commit", lose)
    try:
        lost.append("after")
        with write(engine) as conn:
            add_source(conn, "kept", "gpts-v2", NOW)
        lost.append("before")
        with pytest.raises(CatalogAway), write(engine) as conn:
            add_source(conn, "undone", "gpts-v2", NOW)
        with read(engine) as conn:
            assert list(source_names(conn).values()) == ["kept"]
        lost.append("for good")
        again = "stored whole or not at all.* give the same command again"
        with pytest.raises(CommitUnknown, match=again), write(engine) as conn:
            add_source(conn, "kept too", "gpts-v2", NOW)
        crew.server.start()
        with write(engine) as conn:
            add_source(conn, "kept too", "gpts-v2", NOW)
            assert list(source_names(conn).values()) == ["kept", "kept too"]
    finally:
        engine.dispose()


def test_server_that_was_never_there_is_not_waited_for(crew: Crew) -> None:
    url = crew.server.url("nowhere").replace(f"port={PORT}", "port=1")
    waited: list[float] = []
    engine = open_engine(url, wait=waited.append)
    with pytest.raises(CatalogAway, match="no connection"), read(engine):
        pass
    assert not waited


def test_chaos_leaves_the_catalog_of_one_undisturbed_worker(crew: Crew) -> None:
    limits = {
        "requests_per_second": 100,
        "max_concurrency": 4,
        "connect_timeout": 2,
        "read_timeout": 5,
        "total_timeout": 5,
        "backoff_base": 0.2,
        "backoff_max": 1,
        "breaker_failures": 200,
    }
    script = rounds(crew.recorder.gateway.population, ROUNDS, SEED)
    digests = []
    suffered = Suffered()
    for name in ("peace", "chaos"):
        crew.use(name, **limits)
        if name == "peace":
            live_in_peace(crew, script)
        else:
            suffered = suffer(crew, script, SEED)
        assert "the catalog is whole" in crew.run("verify")
        digests.append(crew.run("digest"))
    told = ", ".join(f"{count} {event}" for event, count in sorted(suffered.events.items()))
    print(f"{ROUNDS} rounds: {told}; {suffered.asked_again} ids were asked again")
    assert sum(suffered.events.values()) >= ROUNDS
    assert digests[0] == digests[1]
