"""Running things in turn, and telling their medians with the spread."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping, Sequence

import msgspec

Sample = dict[str, float]
"""What one run measured, by name."""


class Measure(msgspec.Struct, frozen=True):
    """One number over several runs."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """From the lowest to the highest, as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0


Measures = dict[str, Measure]


def over(samples: Sequence[Sample]) -> Measures:
    """Each number that all ``samples`` have, over all of them."""
    return {
        name: Measure(
            statistics.median(sample[name] for sample in samples),
            min(sample[name] for sample in samples),
            max(sample[name] for sample in samples),
        )
        for name in samples[0]
    }


def interleaved(
    contenders: Mapping[str, Callable[[], Sample]], runs: int
) -> dict[str, list[Sample]]:
    """Run each of ``contenders`` so often, in turn: whatever else the machine does hits all alike.

    The order is turned round each time, and what one leaves behind is collected before the next.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(runs):
        for name in contenders if number % 2 == 0 else reversed(list(contenders)):
            gc.collect()
            samples[name].append(contenders[name]())
    return samples
