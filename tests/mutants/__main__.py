"""``make mutants PACKAGE=…``: do the tests of a package notice when its code is changed?

Prints every change that they did not notice, and the score: the share of the changes that were
tried and noticed. ``--only NAME…`` tries mutants again by the names that were printed.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

from tests.mutants.campaign import SUBJECTS, campaign, mutmut, prepare


def main() -> int:
    """Run the campaign on one package; the exit status is 1 where it stays below its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=sorted(SUBJECTS))
    parser.add_argument("--dose", type=int, default=0, help="how many mutants; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--goal", type=float, default=0.0, help="the least score, 0 to 1")
    parser.add_argument("--place", type=Path, default=Path("build/mutants"))
    parser.add_argument("--only", nargs="+", help="names of mutants")
    given = parser.parse_args()
    place = (given.place / given.package).resolve()
    begun = time.monotonic()
    subject = SUBJECTS[given.package]
    prepare(subject, place)
    came = campaign(place, subject, given.only, given.dose, given.seed)
    for name in came.survivors:
        print(mutmut(place, "show", name))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{given.package}: {came.tried} of {came.made} mutants, seed {given.seed},"
        f" {len(came.survivors)} survived, score {came.score:.1%},"
        f" {time.monotonic() - begun:.0f} s ({usage.ru_utime + usage.ru_stime:.0f} s of processors)"
    )
    return 1 if came.score < given.goal else 0


if __name__ == "__main__":
    sys.exit(main())
