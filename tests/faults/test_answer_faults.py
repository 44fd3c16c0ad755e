"""The n-th answer of a gateway fails, n = 1, 2, …, until a harvest passes undisturbed.

The real command against a gateway on loopback. Whatever comes back, the harvest ends with words,
the catalog verifies, and the same command given again ends as an undisturbed one: a failure is no
fact (law 4), and no answer is lost (law 1).
"""

from __future__ import annotations

import os
import random
import socket
from collections import Counter
from contextlib import closing

import pytest

from catalog.simulator import Fault, FaultKind, FaultPlan
from tests.faults.playing import EVERY, PLAYABLE, Set, chosen, played, share
from tests.faults.scenes import SIZE, Wrong

__all__ = ["played"]

DOSE = int(os.environ.get("GPTS_FAULTS", "3"))
"""Faults, over all kinds; 0 takes every answer with every kind."""
STORM = 6
"""Answers in a row that fail, where they do so in storms."""
_FACTS = {FaultKind.OTHER_ID, FaultKind.NEW_FIELD}
"""Kinds that are documents, and so no failures."""
KINDS = [(kind, length) for kind in FaultKind if kind not in _FACTS for length in (1, STORM)]
UNREACHABLE = 3
_ENDED = (0, 1, UNREACHABLE)

pytestmark = PLAYABLE


class Nth(FaultPlan):
    """Lets the n-th question fail, and some that follow it.

    Args:
        kind: how.
        at: the first that fails, from 1.
        length: how many do.
    """

    def __init__(self, kind: FaultKind, at: int, length: int) -> None:
        super().__init__(0, 0.0)
        self.asked = 0
        self._fault = Fault(kind, None)
        self._hit = range(at, at + length)

    def for_id(self, gizmo_id: str) -> Fault | None:
        """The fault of the question that is asked now, whatever it asks for."""
        del gizmo_id
        self.asked += 1
        return self._fault if self.asked in self._hit else None


@pytest.mark.parametrize(("kind", "length"), chosen(DOSE or EVERY, KINDS))
def test_a_harvest_whose_answer_fails_says_so_and_comes_back(
    played: Set, kind: FaultKind, length: int, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, stage, gateway = played.scenes["harvest"], played.stage, played.gateway.gateway
    stage.expected(scene)
    dose = min(share(DOSE, KINDS, (kind, length)), SIZE) if DOSE else SIZE
    points = sorted(random.Random(f"{kind} {length}").sample(range(1, SIZE + 1), dose))
    ended: Counter[int] = Counter()
    for point in points:
        gateway.misbehave_as(Nth(kind, point, length))
        try:
            status = stage.play(scene, afterwards=lambda: gateway.misbehave_as(None))
        except Wrong as wrong:
            raise AssertionError(f"{kind} at answer {point}: {wrong}") from wrong
        finally:
            gateway.misbehave_as(None)
        assert status in _ENDED
        ended[status] += 1
    with capsys.disabled():
        print(f"\n{kind} x {length}: {len(points)} of {SIZE} answers; statuses {dict(ended)}")


@pytest.mark.parametrize("trouble", ["no such host", "no TLS", "nobody listens"])
def test_a_harvest_that_reaches_nobody_says_so_and_comes_back(played: Set, trouble: str) -> None:
    """What lies before the first answer: the name, the connection, its encryption."""
    scene, stage = played.scenes["harvest"], played.stage
    with closing(socket.socket()) as taken:
        # Bound and not listening: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        wrong = {
            "no such host": "http://gateway.invalid/plain",
            "no TLS": played.gateway.url("plain").replace("http:", "https:"),
            "nobody listens": f"http://127.0.0.1:{taken.getsockname()[1]}/plain",
        }[trouble]
        settings = stage.folder / "place" / "catalog.toml"
        right = (scene.start / "catalog.toml").read_text(encoding="utf-8")
        misled = right.replace(played.gateway.url("plain"), wrong).replace(
            'dialect = "gpts-v2"', 'dialect = "gpts-v2"\nbreaker_failures = 5'
        )

        def mend() -> None:
            settings.write_text(right, encoding="utf-8")

        status = stage.play(stage.with_settings(scene, misled), afterwards=mend)
    assert status == UNREACHABLE
