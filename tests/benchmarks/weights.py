"""Bytes on disk for each document stored, and for each further observation of it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.benchmarks.dose import Dose
from tests.benchmarks.floor_writers import run as run_floor
from tests.benchmarks.imports import import_file, make_catalog, make_floor
from tests.benchmarks.places import Places
from tests.benchmarks.real import RealNoise
from tests.benchmarks.rounds import Round, Rounds

KINDS = ("identical", "noise", "metrics", "content")
FIRST = "first"

Weights = dict[str, float]
"""Bytes a document (``first``), and bytes a further observation by kind."""


class StorageResult(msgspec.Struct, frozen=True, kw_only=True):
    """What storing costs on disk.

    Attributes:
        documents: GPTs.
        rounds: further observations of each, of each kind.
        raw: the documents as they were sent.
        holders: by who holds them.
        real: real documents that differ in noise alone; None where there are none.
    """

    documents: int
    rounds: int
    raw: Weights
    holders: dict[str, Weights]
    real: RealNoise | None = None


def weigh(
    rounds: Rounds,
    count: int,
    start: Callable[[Round], int],
    extend: Callable[[str, list[Round]], list[int]],
) -> Weights:
    """Bytes by kind.

    The first further round is not counted: PostgreSQL keeps the room of the rows that it replaces,
    and uses it from then on.

    Args:
        rounds: what is stored.
        count: further rounds of each kind that are counted.
        start: stores the first round, and says what that took.
        extend: stores further rounds of one kind upon a copy of the first, and says what all takes
            after each.
    """
    documents = len(rounds.first.documents)
    weights = {FIRST: start(rounds.first) / documents}
    for kind in KINDS:
        further = [rounds.further(kind, number + 1) for number in range(count + 1)]
        sizes = extend(kind, further)
        weights[kind] = (sizes[-1] - sizes[0]) / (documents * count)
    return weights


def run(places: Places, rounds: Rounds, dose: Dose, folder: Path) -> dict[str, Weights]:
    """Weigh the catalog and the floor on one engine."""
    return {
        f"{name}, {places.name}": _of_engine(places, rounds, dose, folder, make, work)
        for name, make, work in (
            ("catalog", make_catalog, import_file),
            ("floor", make_floor, run_floor),
        )
    }


def _of_engine(
    places: Places,
    rounds: Rounds,
    dose: Dose,
    folder: Path,
    make: Callable[[Places], str],
    work: Callable[[str, Path], object],
) -> Weights:
    url = make(places)
    empty = places.size(url)

    def start(first: Round) -> int:
        work(url, first.write_lines(folder / "weighed.jsonl"))
        return places.size(url) - empty

    def extend(_kind: str, further: list[Round]) -> list[int]:
        copy = places.copy(url)
        sizes: list[int] = []
        for each in further:
            work(copy, each.write_lines(folder / "weighed.jsonl"))
            sizes.append(places.size(copy))
        places.drop(copy)
        return sizes

    weights = weigh(rounds, dose.rounds, start, extend)
    places.drop(url)
    return weights


def raw(rounds: Rounds, dose: Dose) -> Weights:
    """The documents themselves."""
    return weigh(
        rounds,
        dose.rounds,
        lambda first: first.size,
        lambda _kind, further: list(itertools.accumulate(each.size for each in further)),
    )


def git_version() -> str | None:
    """The git of this machine, if there is one."""
    git = shutil.which("git")
    return git and _git(git, Path.cwd(), "--version").split()[-1]


def run_git(rounds: Rounds, dose: Dose, folder: Path) -> Weights | None:
    """Weigh git's pack of the documents, one file a GPT and one commit a round; None without git.

    All its objects and their index count, after ``git repack -adf``.
    """
    git = shutil.which("git")
    if git is None:
        return None
    tree = folder / "git"
    tree.mkdir()
    _git(git, tree, "init", "--quiet")

    def commit(where: Path, each: Round) -> None:
        each.write_files(where)
        _git(git, where, "add", "--all")
        _git(git, where, "commit", "--quiet", "--allow-empty", "--message", str(each.at))

    def start(first: Round) -> int:
        commit(tree, first)
        return _packed(git, tree)

    def extend(kind: str, further: list[Round]) -> list[int]:
        copy = folder / f"git-{kind}"
        shutil.copytree(tree, copy)
        sizes: list[int] = []
        for each in further:
            commit(copy, each)
            sizes.append(_packed(git, copy))
        shutil.rmtree(copy)
        return sizes

    weights = weigh(rounds, dose.rounds, start, extend)
    shutil.rmtree(tree)
    return weights


def _packed(git: str, tree: Path) -> int:
    _git(git, tree, "repack", "-adf", "--quiet")
    objects = tree / ".git" / "objects"
    return sum(each.stat().st_size for each in objects.rglob("*") if each.is_file())


def _git(git: str, where: Path, *words: str) -> str:
    """Run git as nobody's own, so that no setting of a person changes what is weighed."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    nobody = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "bench"), ("EMAIL", "bench@example.invalid"))
    }
    nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        [git, *words], cwd=where, env=plain | nobody | nothing, check=True, capture_output=True
    )
    return done.stdout.decode()
