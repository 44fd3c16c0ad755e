"""The frontier and the planner at a size: ``python -m tests.scaling [GPTS] [--days D]``.

A frontier of so many GPTs is written as a year of visits would leave it, to SQLite or, with
``--catalog URL``, to an empty database, and lives some days: each begins with the settlement of the
day, then claims, plans and gives back until its budget is spent. Claims, aggregates, prices and
visits are the functions that ship; what a visit sees is drawn from a true change rate of its GPT.
docs/scaling.md has the figures.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from catalog import plan
from catalog.harvest.planning import sums_of
from catalog.query.outlook import grid_of
from catalog.records import Verdict
from catalog.storage import frontier
from catalog.storage import planning as store
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.migrate import init
from catalog.storage.rows import insert_rows
from catalog.times import DAY, HOUR, Micros, Stopwatch, from_iso

if TYPE_CHECKING:
    from sqlalchemy import Engine

START: Micros = from_iso("2026-02-01T00:00:00Z")
ROUND = 11.0
"""Days in which the budget would visit every GPT once: 1,000 million visits of 10 million GPTs, and
so of any other number, in three years."""
LEASED = 500
"""Ids of one claim, given back in one transaction."""
PART = 20_000
STRATA = tuple(f"category-{number}" for number in range(10))
RULES = plan.Rules()


class Lived(msgspec.Struct, kw_only=True):
    """What a day cost, in seconds of CPU, and how it went.

    Attributes:
        settling: the aggregates over the frontier, the priors and the price.
        solving: of that, the price alone.
        claiming: taking ids.
        planning: what follows from the visits.
        returning: giving them back, with the commit.
        cells: boxes of the grid that are not empty.
        overdue: GPTs that were due before the day began.
        visits: how many there were.
        early: of those, visits of GPTs that were not due yet.
        real: seconds by the wall that claiming, planning and giving back took: what a server of
            its own works and waits is in them.
    """

    settling: float = 0.0
    solving: float = 0.0
    claiming: float = 0.0
    planning: float = 0.0
    returning: float = 0.0
    cells: int = 0
    overdue: int = 0
    visits: int = 0
    early: int = 0
    real: float = 0.0


class World:
    """So many GPTs, and what visits of them see.

    Args:
        gpts: how many.
        rng: for all choices.

    Attributes:
        budget: visits of a day.
    """

    def __init__(self, gpts: int, rng: random.Random) -> None:
        self.gpts = gpts
        self.budget = max(1, round(gpts / ROUND))
        self._rng = rng
        # A million GPTs are a few megabytes; objects would be a hundred.
        self._rates, self._weights = array("f"), array("f")
        for _ in range(gpts):
            self._rates.append(rng.gammavariate(plan.STORE.shape, 1 / plan.STORE.days))
            self._weights.append(plan.weight_of(int(rng.paretovariate(0.6)), RULES))

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """The frontier as a year of visits at the budget's pace would leave it."""
        grid: Counter[int] = Counter()
        sample = range(0, self.gpts, max(1, self.gpts // 100_000))
        for number in sample:
            grid[self._learned(number).cell or 0] += self.gpts // len(sample)
        price = plan.price_of_day(grid, self.budget, RULES)
        names = t.frontier.columns.keys()
        for start in range(0, self.gpts, PART):
            rows = []
            for number in range(start, min(self.gpts, start + PART)):
                state = self._learned(number)
                weight = self._weights[number]
                _, due = plan.priced_again(state, START, price, weight, RULES)
                asked = START - int(self._rng.random() * (due - START))
                row = dict.fromkeys(names) | {
                    "gizmo_id": _id(number),
                    "added_at": START - 365 * DAY,
                    "due_at": due - START + asked,
                    "last_asked_at": asked,
                    "last_verdict": str(Verdict.DOCUMENT),
                    "confirmed_at": asked,
                    "stratum": STRATA[number % len(STRATA)],
                    "evidence_shape": state.shape,
                    "evidence_days": state.days,
                    **{name: getattr(state, name) for name in ("attempts", "misses", "cell")},
                    **{name: getattr(state, name) for name in ("rate", "log_rate")},
                }
                rows.append(row)
            yield rows

    def _learned(self, number: int) -> plan.State:
        """What a year says: as many changes as were likely, in 200 to 365 days."""
        days = 200 + 165 * ((number * 2_654_435_761) % 1000) / 1000
        seen = min(self._rates[number] * days, days / ROUND)
        evidence = plan.State(shape=seen, days=days, confirmed_at=START)
        return plan.priced_again(
            evidence, START, plan.Price(1.0, RULES.ceiling), self._weights[number], RULES
        )[0]

    def visit(
        self, held: frontier.Claimed, now: Micros, price: plan.Price, priors: plan.Priors
    ) -> frontier.Move:
        """Visit a GPT: what is known then, and when it is due again."""
        number = int(held.gizmo_id[2:])
        since = (now - (held.confirmed_at or now)) / DAY
        state, due_at = plan.after_visit(
            plan.State(
                shape=held.evidence_shape,
                days=held.evidence_days,
                **{
                    name: getattr(held, name)
                    for name in ("confirmed_at", "attempts", "misses", "cell", "rate", "log_rate")
                },
            ),
            plan.Visit(
                at=now,
                verdict=Verdict.DOCUMENT,
                changed=self._rng.expovariate(1.0) < self._rates[number] * since,
            ),
            price,
            self._weights[number],
            RULES,
            self._rng,
            prior=priors.of(held.stratum),
        )
        return frontier.Move(
            gizmo_id=held.gizmo_id,
            at=now,
            verdict=str(Verdict.DOCUMENT),
            attempts=state.attempts,
            due_at=due_at,
            learned=frontier.Learned(
                evidence_shape=state.shape,
                evidence_days=state.days,
                stratum=held.stratum,
                **{
                    name: getattr(state, name)
                    for name in ("confirmed_at", "misses", "cell", "rate", "log_rate")
                },
            ),
        )


class _Worked:
    """Seconds of CPU since it was made: what a loaded machine does not stretch."""

    def __init__(self) -> None:
        self._began = time.process_time()

    @property
    def seconds(self) -> float:
        """Seconds of CPU so far."""
        return time.process_time() - self._began


def _id(number: int) -> str:
    return f"g-{number:09d}"


def fill(engine: Engine, world: World) -> None:
    """Write the frontier; its indexes are made at the end, in a fraction of the time."""
    with write(engine) as conn:
        for index in t.frontier.indexes:
            index.drop(conn)
    for rows in world.rows():
        with write(engine) as conn:
            insert_rows(conn, t.frontier, rows)
    with write(engine) as conn:
        for index in t.frontier.indexes:
            index.create(conn)


def live(
    engine: Engine, world: World, day: Micros, priors: plan.Priors, last: float | None
) -> tuple[Lived, plan.Priors, float]:
    """Live a day.

    Args:
        engine: the catalog.
        world: what visits see.
        day: its first moment.
        priors: of the day before.
        last: its price.

    Returns:
        What it cost, and the priors and the price of the day.
    """
    lived = Lived()
    watch = _Worked()
    with read(engine) as conn:
        stands = store.stands(conn)
        lived.overdue = store.count_overdue(conn, day)
    priors = plan.learn_priors(sums_of(stands), priors)
    grid = grid_of(stands, priors)
    solving = _Worked()
    price = plan.price_of_day(grid, world.budget, RULES, overdue=lived.overdue, last=last)
    lived.solving, lived.settling, lived.cells = solving.seconds, watch.seconds, len(grid)
    for hour in range(24):
        wanted = world.budget * (hour + 1) // 24
        while lived.visits < wanted and _batch(
            engine, world, lived, (price, priors), day + hour * HOUR, wanted
        ):
            pass
    while lived.visits < world.budget and _batch(
        engine, world, lived, (price, priors), day + DAY - 1, world.budget, early=True
    ):
        pass
    return lived, priors, price.price


def _batch(
    engine: Engine,
    world: World,
    lived: Lived,
    terms: tuple[plan.Price, plan.Priors],
    now: Micros,
    wanted: int,
    *,
    early: bool = False,
) -> int:
    """Claim, visit and give back once. Returns how many."""
    limit = min(LEASED, wanted - lived.visits)
    watch, real = _Worked(), Stopwatch()
    lease = frontier.Lease("a worker", now + HOUR)
    with write(engine) as conn:
        ids = frontier.soonest(conn, now, int(RULES.floor * DAY), limit) if early else None
        held = frontier.claim(conn, lease, ids=ids, limit=limit, now=now)
    claimed = watch.seconds
    moves = [world.visit(each, now, *terms) for each in held]
    planned = watch.seconds
    with write(engine) as conn:
        frontier.release(conn, lease.owner, moves)
    lived.claiming += claimed
    lived.planning += planned - claimed
    lived.returning += watch.seconds - planned
    lived.real += real.seconds
    lived.visits += len(held)
    lived.early += len(held) if early else 0
    return len(held)


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.scaling", description=__doc__)
    parser.add_argument("gpts", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--catalog", metavar="URL", help="an empty database; else SQLite for now")
    asked = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        url = asked.catalog or f"sqlite:///{Path(folder) / 'catalog.db'}"
        init(url, START)
        engine = open_engine(url)
        watch, worked = Stopwatch(), _Worked()
        world = World(asked.gpts, rng)
        fill(engine, world)
        size = "" if asked.catalog else f" of {_size(Path(folder)):,.0f} MiB"
        _say(
            f"{asked.gpts:,} GPTs, {world.budget:,} visits a day; a frontier{size},"
            f" made in {worked.seconds:,.0f} s of CPU\n\n"
            "| day | settling, s | of it the price, s | cells | overdue | visits | of them early |"
            " claiming, s | planning, s | giving back, s | ms a visit | by the wall |\n"
            f"| --- |{' ---: |' * 11}\n"
        )
        priors, price = plan.Priors(), None
        for number in range(asked.days):
            lived, priors, price = live(engine, world, START + number * DAY, priors, price)
            seconds = lived.claiming + lived.planning + lived.returning
            _say(
                f"| {number + 1} | {lived.settling:.1f} | {lived.solving:.2f} | {lived.cells:,} |"
                f" {lived.overdue:,} | {lived.visits:,} | {lived.early:,} | {lived.claiming:.1f} |"
                f" {lived.planning:.1f} | {lived.returning:.1f} |"
                f" {1000 * seconds / max(1, lived.visits):.3f} |"
                f" {1000 * lived.real / max(1, lived.visits):.3f} |\n"
            )
        engine.dispose()
        size = "" if asked.catalog else f"file {_size(Path(folder)):,.0f} MiB, "
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    _say(
        f"\n{size}memory at most {peak:,.0f} MiB, {worked.seconds:,.0f} s of CPU"
        f" and {watch.seconds:,.0f} s by the clock in all\n"
    )
    return 0


def _size(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.iterdir()) / 2**20


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
