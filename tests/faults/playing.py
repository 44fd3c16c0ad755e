"""What the campaigns share that disturb scenes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from catalog.simulator import RunningGateway
from tests.faults.disturbing import COMPILER, build_shim
from tests.faults.forking import Forge
from tests.faults.scenes import Scene, Stage, scenes

PLAYABLE = pytest.mark.skipif(
    sys.platform != "linux" or COMPILER is None,
    reason="calls are counted by a library for Linux that a C compiler makes",
)
"""The mark of tests that need the library."""
EVERY = 10**6
"""A dose that leaves no place out."""
T = TypeVar("T")


class Set:
    """Scenes, and where they are played.

    Args:
        folder: an empty one.
        forge: runs commands.
        made: the scenes, and the gateway that one of them asks.
    """

    def __init__(
        self, folder: Path, forge: Forge, made: tuple[dict[str, Scene], RunningGateway]
    ) -> None:
        self.stage = Stage(forge, folder)
        self.scenes, self.gateway = made


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Set]:
    """All scenes, on a stage of their own."""
    folder = tmp_path_factory.mktemp("played")
    beginnings = folder / "beginnings"
    beginnings.mkdir()
    with Forge(build_shim(folder)) as forge, scenes(forge, beginnings) as made:
        yield Set(folder, forge, made)


def chosen(dose: int, places: Sequence[T]) -> list[T]:
    """The places to which some of a dose falls."""
    return [place for place in places if share(dose, places, place)]


def share(dose: int, places: Sequence[T], place: T) -> int:
    """How much of a dose falls to one of some places; a small one leaves some out."""
    number = places.index(place)
    return dose * (number + 1) // len(places) - dose * number // len(places)
