"""What planning costs at a million GPTs: seconds for 1,000 visits, and for the day's price."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from catalog.plan import (
    Belief,
    Rules,
    State,
    Visit,
    after_visit,
    cell_of,
    known,
    outlook,
    price_of_day,
    weight_of,
)
from catalog.records import Verdict
from catalog.times import DAY

GPTS = 1_000_000
VISITS = 20_000.0


def main() -> int:
    """Measure, and print."""
    rng, rules = random.Random(1), Rules()
    grid: Counter[int] = Counter()
    for _ in range(GPTS):
        shape = 0.3 + rng.choice([0, 0, 1, 2, 5]) * rng.random()
        weight = weight_of(int(rng.paretovariate(0.6)), rules)
        grid[cell_of(Belief(shape, 19 + rng.expovariate(1 / 200)), weight)] += 1
    began = time.perf_counter()
    price = price_of_day(grid, VISITS, rules)
    priced = time.perf_counter()
    outlook(grid, VISITS, rules)
    told = time.perf_counter()
    states: list[State] = [known(1.0)] * 1000
    for at in range(DAY, 6 * DAY, DAY):
        states = [
            after_visit(
                state,
                Visit(at=at, verdict=Verdict.DOCUMENT, changed=rng.random() < 0.1),
                price,
                1.0,
                rules,
                rng,
            )[0]
            for state in states
        ]
    visited = (time.perf_counter() - told) / 5
    sys.stdout.write(
        f"{GPTS:,} GPTs in {len(grid):,} cells: price of the day {priced - began:.3f} s, "
        f"outlook {told - priced:.3f} s; 1,000 visits planned {visited:.3f} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
