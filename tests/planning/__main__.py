"""``make planning``: simulate all, and write the tables and the plot of docs/planning.md.

``GPTS_PLANNING_GPTS`` and ``GPTS_PLANNING_SEEDS`` set the dose, ``GPTS_PLANNING_PROCESSES`` how
many run side by side.
"""

from __future__ import annotations

import os
import sys
import time

from tests.planning.campaign import cases, means, simulate
from tests.planning.history import files, rates_of
from tests.planning.page import write

GPTS, SEEDS = 500, 10


def main() -> int:
    """Simulate, write, and say what took how long."""
    gpts = int(os.environ.get("GPTS_PLANNING_GPTS", GPTS))
    seeds = int(os.environ.get("GPTS_PLANNING_SEEDS", SEEDS))
    processes = int(os.environ.get("GPTS_PLANNING_PROCESSES", os.cpu_count() or 1))
    paths = files()
    rates = rates_of(paths) if paths else []
    if not rates:
        sys.stderr.write("no history beside the checkout: its rates are left out\n")
    todo = list(cases(gpts=gpts, seeds=seeds, rates=rates))
    began = time.monotonic()
    done = []
    for each in simulate(todo, processes):
        done.append(each)
        if len(done) % 50 == 0:
            left = (time.monotonic() - began) / len(done) * (len(todo) - len(done))
            sys.stderr.write(f"{len(done)} of {len(todo)}, {left:.0f} s left\n")
    write(means(done), gpts=gpts, seeds=seeds, rates=rates)
    sys.stderr.write(f"{len(todo)} simulations in {time.monotonic() - began:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
