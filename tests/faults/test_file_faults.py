"""Calls on files fail at the n-th time: n = 1, 2, … until a command passes undisturbed.

The real command on a real file. Whatever fails, the command ends with words and without a
traceback, the catalog verifies, and the same command given again ends as an undisturbed one.
"""

from __future__ import annotations

import os
import random
from collections import Counter

import msgspec
import pytest

from tests.faults.disturbing import FILE_FAULTS, Call, Disturbance, told
from tests.faults.playing import EVERY, PLAYABLE, Set, chosen, played, share
from tests.faults.scenes import NAMES, Wrong

__all__ = ["played"]

DOSE = int(os.environ.get("GPTS_FAULTS", "4"))
"""Faults, over all commands and kinds; 0 takes every call of every command."""
KINDS = [(name, fault) for name in NAMES for fault in FILE_FAULTS]

pytestmark = PLAYABLE


@pytest.mark.parametrize(("name", "fault"), chosen(DOSE or EVERY, KINDS))
def test_a_command_whose_call_fails_says_so_and_comes_back(
    played: Set, name: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dose = share(DOSE, KINDS, (name, fault))
    scene, stage, disturbance = played.scenes[name], played.stage, FILE_FAULTS[fault]
    stage.play(scene, Disturbance(calls=disturbance.calls))
    count = told(stage.record).calls
    dose = min(dose, count) if DOSE else count
    points = sorted(random.Random(f"{name} {fault}").sample(range(1, count + 1), dose))
    ended: Counter[int] = Counter()
    for point in points:
        try:
            ended[stage.play(scene, msgspec.structs.replace(disturbance, at=point))] += 1
        except Wrong as wrong:
            where = told(stage.record).where
            raise AssertionError(f"{fault} at call {point}, {where}: {wrong}") from wrong
    with capsys.disabled():
        print(f"\n{name}, {fault}: {len(points)} of {count} calls; exit statuses {dict(ended)}")


def test_kinds_of_faults_reach_every_kind_of_call() -> None:
    reached = Call(0)
    for disturbance in FILE_FAULTS.values():
        reached |= Call(disturbance.calls)
    assert reached == ~Call(0) & ~Call.UNLINK
