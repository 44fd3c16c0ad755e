"""Rounds in which workers are killed, put to sleep and cut off, and their server restarted.

A round is a moment with ids that are due then. All else, who does what when, is drawn from a seed.
The gateway is a cache that says the same at whatever moment of a round it is asked, so that a
catalog made in peace can be compared with one that was not.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from catalog.harvest.store import LEASE
from catalog.times import HOUR, SECOND, Micros
from tests.faults.workers.crew import LONG_ENOUGH, Crew, stop_all

if TYPE_CHECKING:
    import subprocess

    from catalog.simulator import Population

STEP: Micros = 12 * HOUR
"""Between two rounds: what a source said in one vouches for its not-founds in the next."""
KNOWN = 400
"""Ids that there are."""
MOST = 3
"""Workers of a round, at most."""
IDS = 130
"""Ids that are due in a round: each of so many workers finds some, as each claims fifty at once."""
ABSENT = 3
"""Of them, those that there are not, at most: a run with more of them is not believed."""
EVENTS = ("kill", "pause", "cut", "restart", "crash")
PATIENCE = 60.0
"""Seconds after which an event that waits for workers to get on comes anyway."""
AGAIN = 6
"""How often a round is taken up again, by workers that nobody disturbs."""
WELL, UNREACHED, AWAY = (0, 1), 3, 4
"""How a worker ends: done, or partly; where its source could not be reached; where the catalog's
server was not there as it began."""


@dataclass(frozen=True)
class Round:
    """What is to be done, and what comes in between.

    Attributes:
        at: the moment.
        ids: what is due then.
        events: what happens, in order.
    """

    at: Micros
    ids: tuple[str, ...]
    events: tuple[str, ...]


@dataclass
class Suffered:
    """What workers went through.

    Attributes:
        events: how often what happened.
        asked_again: ids that were asked more than once in a round, as whoever asked first was lost.
    """

    events: Counter[str] = field(default_factory=Counter)
    asked_again: int = 0


def rounds(population: Population, count: int, seed: int) -> list[Round]:
    """So many rounds, and one in which nothing happens at the end, days later."""
    rng = random.Random(seed)
    known = list(islice(population.ids(), KNOWN))
    made = []
    for number in range(count):
        at = population.start + number * STEP
        events = tuple(rng.choice(EVENTS) for _ in range(rng.choice((1, 1, 2))))
        there = [each for each in known if population.exists(each, at - STEP)]
        gone = [each for each in known if not population.exists(each, at - STEP)]
        # When a source says that there is no such GPT, that is now: time must not pass meanwhile.
        absent = ABSENT if number and "pause" not in events else 0
        ids = rng.sample(there, IDS) + rng.sample(gone, min(absent, len(gone)))
        made.append(Round(at, tuple(ids), events))
    return [*made, Round(population.start + (count + 4) * STEP, tuple(known[:1]), ())]


def live_in_peace(crew: Crew, script: list[Round]) -> None:
    """One worker, whom nobody disturbs."""
    for each in script:
        _begin(crew, each, workers=1)
        status = crew.harvest(0).wait(LONG_ENOUGH)
        assert status in WELL, crew.said(0)
        assert not crew.unanswered(each.ids, each.at)


def suffer(crew: Crew, script: list[Round], seed: int) -> Suffered:
    """Several workers, and what comes upon them."""
    suffered = Suffered()
    for number, each in enumerate(script):
        rng = random.Random(seed * 1_000_003 + number)
        workers = rng.randint(2, MOST) if each.events else 1
        _begin(crew, each, workers)
        _Struggle(crew, each, workers, rng, suffered).live()
        _look(crew, each, suffered)
        print(f"round {number + 1}: {workers} workers, {', '.join(each.events) or 'peace'}")
    return suffered


def _begin(crew: Crew, each: Round, workers: int) -> None:
    crew.clock.set(each.at)
    crew.recorder.clock.set(each.at)
    crew.make_due(each.ids, each.at)
    crew.recorder.forget(awaited=workers)


class _Struggle:
    """One round.

    Args:
        crew: the machines.
        this: the round.
        workers: how many.
        rng: says who and when.
        suffered: is counted up.
    """

    def __init__(
        self, crew: Crew, this: Round, workers: int, rng: random.Random, suffered: Suffered
    ) -> None:
        self._crew = crew
        self._round = this
        self._rng = rng
        self._suffered = suffered
        self._workers = {machine: crew.harvest(machine) for machine in range(workers)}
        self._ended: list[tuple[int, subprocess.Popen[bytes]]] = []
        self._new: set[int] = set()
        self._fine: dict[int, tuple[int, ...]] = {}

    def live(self) -> None:
        """Live it to its end: until something is known of every id."""
        try:
            for number, event in enumerate(self._round.events):
                # Somewhere in the midst: some have been asked, some have not.
                part = (number + self._rng.random()) / len(self._round.events)
                self._until_asked(1 + int(part * (len(self._round.ids) - 2)))
                self._happen(event)
            self._wait_for_all()
            for _ in range(AGAIN):
                left = self._crew.unanswered(self._round.ids, self._round.at)
                if not left:
                    break
                self._crew.make_due(left, self._crew.clock.now())
                self._workers = {0: self._crew.harvest(0)}
                self._wait_for_all()
            assert not self._crew.unanswered(self._round.ids, self._round.at), self._crew.said(0)
        finally:
            stop_all(self._workers.values())

    def _until_asked(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while len(self._crew.recorder.asked) < count and time.monotonic() < deadline:
            if all(each.poll() is not None for each in self._workers.values()):
                return
            time.sleep(0.005)

    def _happen(self, event: str) -> None:
        machine = self._rng.choice(sorted(self._workers))
        worker = self._workers[machine]
        if event == "cut" and not self._crew.network.cuts:
            event = "kill"
        self._suffered.events[event] += 1
        match event:
            case "kill":
                worker.kill()
                worker.wait()
                self._workers[machine] = self._crew.harvest(machine)
                self._new.add(machine)
            case "pause":
                worker.send_signal(signal.SIGSTOP)
                self._crew.clock.advance(LEASE + SECOND)
                # The others take what it had, unless it sleeps with a lock.
                self._until_asked(len(self._crew.recorder.asked) + self._rng.randint(5, 60))
                worker.send_signal(signal.SIGCONT)
            case "cut":
                self._fine[machine] = (*WELL, UNREACHED)
                self._crew.network.cut(machine)
                time.sleep(self._rng.uniform(0.2, 3.0))
                self._crew.network.mend(machine)
            case _:
                # One that has not reached the server yet does not wait for it.
                self._fine |= dict.fromkeys(self._new, (*WELL, AWAY))
                self._crew.server.stop("fast" if event == "restart" else "immediate")
                time.sleep(self._rng.uniform(0.0, 1.0))
                self._crew.server.start()

    def _wait_for_all(self) -> None:
        for machine, worker in self._workers.items():
            status = worker.wait(LONG_ENOUGH)
            assert status in self._fine.get(machine, WELL), (
                f"{self._round.events}: {status}: {self._crew.said(machine)}"
            )


def _look(crew: Crew, this: Round, suffered: Suffered) -> None:
    """What must hold after each round."""
    asked = Counter(each.gizmo_id for each in crew.recorder.asked)
    told = dict(
        crew.sql(
            "SELECT asked_id, count(*) FROM outcomes"
            " WHERE verdict IN ('document', 'not_found') AND at >= %s GROUP BY asked_id",
            this.at,
        )
    )
    assert told.keys() == set(this.ids)
    again = {each for each, times in asked.items() if times > 1}
    suffered.asked_again += len(again)
    # One outcome a visit, and no visit without one but those that were cut short.
    assert all(told[each] <= asked[each] for each in this.ids)
    assert all(told[each] == 1 for each in set(this.ids) - again)
    if not set(this.events) & {"kill", "pause", "cut"}:
        assert again <= _in_flight_twice(crew), f"{this.events}: {sorted(again)}"
    assert crew.sql("SELECT count(*) FROM frontier WHERE lease_owner IS NOT NULL") == [(0,)]


def _in_flight_twice(crew: Crew) -> set[str]:
    """Ids that one and the same worker asked for again: its own repeat of an attempt."""
    machines: dict[str, set[int]] = {}
    for each in crew.recorder.asked:
        machines.setdefault(each.gizmo_id, set()).add(each.machine)
    return {gizmo_id for gizmo_id, found in machines.items() if len(found) == 1}
