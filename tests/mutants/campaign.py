"""Mutants of one package of the core, and which of them its tests notice.

mutmut makes the mutants and tries them: it copies the code, holds every variant of a function side
by side, and runs for each the tests that reach that function, in a process that has imported the
code. It changes functions alone; tables at the level of a module stay as they are. What is added
here: which tests belong to which package, a sample by seed, and that survivors are tried once more
(:mod:`tests.mutants.afresh`): what runs while a module is imported, or is remembered by a cache, is
changed only where the code is imported anew.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOT = Path(__file__).resolve().parents[2]
_BESIDE = ("docs", "jobs", "migrations")
_CARRIED = ("catalog", "tests", "pyproject.toml", *_BESIDE)
_NONE = "none-of-these"
"""Names no mutant: asked for it, mutmut makes them all, learns which tests reach what, and ends."""
_SURVIVED = frozenset({0, 33})
"""How mutmut writes that the tests passed, or that none reaches the function."""
_UNTRIED = frozenset({None, 2, 34, 35})
"""Not run, stopped by hand, left out, or suspicious: nothing is known of these."""

_CHILD = Path("catalog/storage/sqlite_reading.py")
_ALONE = '"-S", '
"""With it the console's process has no libraries, and changed code does not run without mutmut."""
_SPINNER = frozenset("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A package and what tries it.

    Attributes:
        files: patterns of the files that are changed.
        tests: paths whose tests run.
        arguments: more that pytest is told.
        anew: whether each mutant is tried in a process of its own at once: mutmut hands pytest the
            names of tests on a command line, which those with paths and statements in them do not
            survive.
    """

    files: tuple[str, ...]
    tests: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    anew: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a package's mutants.

    Attributes:
        made: how many there are.
        tried: how many of them were tried.
        survivors: names of those that no test noticed.
    """

    made: int
    tried: int
    survivors: tuple[str, ...]

    @property
    def score(self) -> float:
        """The share of the tried that were noticed; one that no longer ends is."""
        return 1 - len(self.survivors) / self.tried if self.tried else 0.0


def _pure(package: str, *arguments: str) -> Subject:
    return Subject(
        files=(f"catalog/{package}/*",), tests=(f"tests/unit/{package}",), arguments=arguments
    )


_NO_SIMULATION = "--ignore=tests/unit/plan/test_simulation.py"
"""Years of visits, through every function of the planner: minutes for each mutant."""
_SQLITE = ("-k", "not postgres")
"""A server is slow to fork."""

_OF_QUERY = (
    "api",
    "bookmarks",
    "console*",
    "coverage",
    "damaged_text",
    "export_people",
    "exporting",
    "health",
    "named_queries",
    "plans",
    "query_*",
    "questions",
    "report",
    "search_differential",
    "web_api",
)
_OF_STORAGE = (
    "absent",
    "alarms",
    "archive",
    "backup",
    "bookmarks",
    "console",
    "engine",
    "erasing",
    "exporting",
    "forgetting",
    "forgotten_again",
    "frontier",
    "harvest",
    "importing",
    "jobs",
    "listings*",
    "merge",
    "moving",
    "paces",
    "planning",
    "prepared",
    "prune",
    "query_search",
    "questions",
    "refused",
    "repricing",
    "roles",
    "runs",
    "sources",
    "sqlite_files",
    "stage2*",
    "thinning",
    "verify*",
    "views",
)


def _contract(names: Iterable[str]) -> tuple[str, ...]:
    """Files of the contract's tests by their names: those of whole commands and pages are slow."""
    places = (_ROOT / "tests/contract").glob
    found = {path for name in names for path in places(f"test_{name}.py")}
    return tuple(sorted(str(path.relative_to(_ROOT)) for path in found))


SUBJECTS = {
    "references": Subject(
        files=("catalog/references.py",), tests=("tests/unit/test_references.py",)
    ),
    "dialects": _pure("dialects"),
    "normalize": _pure("normalize"),
    "decide": _pure("decide"),
    "plan": _pure("plan", _NO_SIMULATION),
    "storage": Subject(
        files=("catalog/storage/*",),
        tests=(
            *_contract(_OF_STORAGE),
            "tests/faults/test_recover.py",
            "tests/migration/test_kept.py",
            "tests/migration/test_migrations.py",
            "tests/unit/test_catalog_urls.py",
            "tests/unit/test_codec.py",
            "tests/unit/test_ledger.py",
            "tests/unit/test_owners.py",
            "tests/unit/test_search_index.py",
            "tests/unit/test_sql_text.py",
            "tests/unit/test_sqlite_child.py",
        ),
        arguments=_SQLITE,
        anew=True,
    ),
    "query": Subject(
        files=("catalog/query/*",),
        tests=(*_contract(_OF_QUERY), "tests/unit/search"),
        arguments=_SQLITE,
        anew=True,
    ),
}
"""The core, package by package. Storage and query are tried on SQLite."""


def prepare(subject: Subject, place: Path, root: Path = _ROOT) -> None:
    """Copy the checkout to ``place``, and tell mutmut what to change there and what to run."""
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    for name in _CARRIED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)
    child = place / _CHILD
    if child.exists():
        text = child.read_text(encoding="utf-8")
        child.write_text(text.replace(_ALONE, ""), encoding="utf-8")
    settings = {
        "source_paths": ["catalog/"],
        "only_mutate": subject.files,
        "also_copy": _BESIDE,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", *subject.arguments],
        "pytest_add_cli_args_test_selection": subject.tests,
        "timeout_multiplier": 10.0,
        "use_git_change_detection": False,
        "track_dependencies": False,
    }
    lines = [
        "",
        "[tool.mutmut]",
        *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
    ]
    with (place / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _environ() -> dict[str, str]:
    return {**os.environ, "HYPOTHESIS_PROFILE": "ci", "PYTHONDONTWRITEBYTECODE": "1"}


def mutmut(place: Path, *words: str) -> str:
    """What mutmut says to these words, at ``place``, with a small dose of generated examples."""
    ran = subprocess.run(
        [sys.executable, "-m", "mutmut", *words],
        cwd=place,
        env=_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return "\n".join(line for line in ran.stdout.splitlines() if line[:1] not in _SPINNER)


def ends(place: Path) -> dict[str, int | None]:
    """How each mutant ended, as mutmut writes it; None where it was not tried."""
    found: dict[str, int | None] = {}
    for path in sorted((place / "mutants").rglob("*.meta")):
        found.update(json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"])
    return found


def sampled(names: Iterable[str], dose: int, seed: int) -> list[str]:
    """``dose`` of the names, or all where it is 0 or more than there are."""
    every = sorted(names)
    if not 0 < dose < len(every):
        return every
    return sorted(random.Random(seed).sample(every, dose))


def outcome(found: dict[str, int | None], wanted: Iterable[str]) -> Outcome:
    """What the ends say about the wanted mutants."""
    tried = [name for name in wanted if found.get(name) not in _UNTRIED]
    survivors = tuple(name for name in tried if found[name] in _SURVIVED)
    return Outcome(made=len(found), tried=len(tried), survivors=survivors)


def trying(place: Path, subject: Subject, names: Iterable[str]) -> dict[str, list[str]]:
    """The tests of each mutant, as mutmut learned which reach its function: the fastest first.

    What runs while a module is imported is tried by all tests.
    """
    learned = json.loads((place / "mutants" / "mutmut-stats.json").read_text(encoding="utf-8"))
    reached, seconds = learned["tests_by_mangled_function_name"], learned["duration_by_test"]
    package = subject.files[0].removesuffix(".py").removesuffix("/*").replace("/", ".")
    imported = set(json.loads(_run(place, "importing", [package], "")))
    ordered = sorted(seconds, key=lambda test: (seconds[test], test))
    asked = {}
    for name in names:
        function = name.rpartition("__mutmut_")[0]
        by = set(ordered if function in imported else reached.get(function, ()))
        asked[name] = [test for test in ordered if test in by]
    return dict(sorted(asked.items(), key=lambda each: sum(map(seconds.__getitem__, each[1]))))


def left_over(place: Path, subject: Subject, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the mutants that survive in a process of their own, too.

    Raises:
        RuntimeError: the tests fail without a mutant.
    """
    asked = trying(place, subject, names)
    return tuple(_run(place, "afresh", subject.arguments, json.dumps(asked)).split())


def _run(place: Path, module: str, arguments: Iterable[str], given: str) -> str:
    """What a module of this package prints, run where the changed code is."""
    ran = subprocess.run(
        [sys.executable, "-m", f"tests.mutants.{module}", *arguments],
        cwd=place / "mutants",
        env=_environ(),
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return ran.stdout


def campaign(
    place: Path, subject: Subject, wanted: Iterable[str] | None, dose: int, seed: int
) -> Outcome:
    """Try a sample of the mutants at ``place``, or those that are wanted by name.

    Raises:
        RuntimeError: mutmut made no mutants, or tried none; its own words say why.
    """
    said = mutmut(place, "run", "--max-children", "1", _NONE)
    names = ends(place)
    chosen = sampled(names, dose, seed) if wanted is None else list(wanted)
    if not names:
        raise RuntimeError(said)
    if subject.anew:
        left = left_over(place, subject, chosen)
        return Outcome(made=len(names), tried=len(chosen), survivors=left)
    said = mutmut(place, "run", "--max-children", "1", *chosen)
    came = outcome(ends(place), chosen)
    if not came.tried:
        raise RuntimeError(said)
    return msgspec.structs.replace(came, survivors=left_over(place, subject, came.survivors))
