"""SIGKILL from outside, at any moment and before every call that changes a disk.

The real command on a real file; after each kill the catalog verifies, and the same command given
again ends where an undisturbed one does. Moves, workers and servers have campaigns of their own.
"""

from __future__ import annotations

import os
import random
import select
import signal
import time
from collections import Counter

import msgspec
import pytest

from tests.faults.disturbing import LASTING, Disturbance, told
from tests.faults.playing import EVERY, PLAYABLE, Set, chosen, played, share
from tests.faults.scenes import NAMES, Wrong

__all__ = ["played"]

DOSE = int(os.environ.get("GPTS_CRASHES", "2"))
"""Kills at random moments, over all commands; the full dose is 1,000."""
POINTS = int(os.environ.get("GPTS_CRASH_POINTS", "3"))
"""Kills before a call that changes a file, over all commands; 0 takes every one there is."""

pytestmark = PLAYABLE


@pytest.mark.parametrize("name", chosen(DOSE, NAMES))
def test_a_command_killed_at_any_moment_ends_as_an_undisturbed_one(
    played: Set, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dose = share(DOSE, NAMES, name)
    scene, rng = played.scenes[name], random.Random(f"{name} {DOSE}")
    played.stage.expected(scene)
    begun = time.monotonic()
    played.stage.play(scene)
    # A little more than it takes: the last moment counts as well.
    longest = (time.monotonic() - begun) / 2
    ended: Counter[int] = Counter()
    for number in range(dose):
        moment = rng.uniform(0, longest)

        def kill(pid: int, moment: float = moment) -> None:
            handle = os.pidfd_open(pid)
            # Until then, or until it has ended by itself.
            select.select([handle], [], [], moment)
            os.close(handle)
            os.kill(pid, signal.SIGKILL)

        try:
            ended[played.stage.play(scene, meanwhile=kill)] += 1
        except Wrong as wrong:
            raise AssertionError(f"kill {number} after {moment:.4f} s: {wrong}") from wrong
    with capsys.disabled():
        print(f"\n{name}: {ended[-signal.SIGKILL]} killed of {ended.total()}, others were done")


@pytest.mark.parametrize("name", chosen(POINTS or EVERY, NAMES))
def test_a_command_killed_before_a_call_on_its_files_ends_as_an_undisturbed_one(
    played: Set, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dose = share(POINTS, NAMES, name)
    scene, stage = played.scenes[name], played.stage
    stage.play(scene, Disturbance(calls=LASTING))
    count = told(stage.record).calls
    assert count
    dose = min(dose, count) if POINTS else count
    points = sorted(random.Random(name).sample(range(1, count + 1), dose))
    killed = 0
    for point in points:
        try:
            killed += stage.play(scene, Disturbance(at=point)) == -signal.SIGKILL
        except Wrong as wrong:
            where = msgspec.json.encode(told(stage.record)).decode()
            raise AssertionError(f"killed at call {point}: {where}: {wrong}") from wrong
    with capsys.disabled():
        print(f"\n{name}: {killed} killed at {len(points)} of {count} calls")
    # Threads make a few calls more or fewer than the last time.
    assert killed >= 0.9 * len(points)
