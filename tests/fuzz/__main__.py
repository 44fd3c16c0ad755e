"""``make fuzz DOSE=…``: documents that nobody would send, through decoding, normalising, folding.

Prints what came of them, and the number and the error of each at which the program fell; the
status is 1 then. ``--one NUMBER`` tries a single one again, and prints its bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.campaign import Tried, campaign, through_storage
from tests.fuzz.trial import Fuzzer

STORED = 100_000
"""At most so many of them go through storage, too."""
_SHOWN = 10


def main() -> int:
    """Run the campaign; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dose", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--stored", type=int, help="how many through storage")
    parser.add_argument("--one", type=int, help="the number of one to try again")
    given = parser.parse_args()
    if given.one is not None:
        sys.stdout.buffer.write(Fuzzer(given.seed).bytes_of(given.one) + b"\n")
        sys.stdout.flush()
        Fuzzer(given.seed).try_one(given.one, Counter())
        return 0
    begun = time.monotonic()

    def tell(done: int, tried: Tried) -> None:
        rate = done / (time.monotonic() - begun)
        print(f"{done} documents, {rate:.0f}/s, {len(tried.faults)} faults", flush=True)

    tried = campaign(given.seed, given.dose, given.processes, tell)
    seconds = time.monotonic() - begun
    print(
        f"{given.dose} documents of seed {given.seed} in {seconds:.0f} s"
        f" ({tried.cpu:.0f} s of processors): {dict(tried.told)}"
    )
    for number, error in sorted(tried.faults.items())[:_SHOWN]:
        print(f"--seed {given.seed} --one {number}\n{error}")
    print(f"{len(tried.faults)} faults")
    stored = min(given.dose, STORED) if given.stored is None else given.stored
    if stored:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="gpts-fuzz-") as folder:
            told = through_storage(given.seed, stored, Path(folder))
        print(f"through storage in {time.monotonic() - begun:.0f} s: {dict(told)}")
    return 1 if tried.faults else 0


if __name__ == "__main__":
    sys.exit(main())
