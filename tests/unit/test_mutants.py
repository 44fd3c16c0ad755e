from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import msgspec
import pytest

from tests.mutants import campaign as campaigns
from tests.mutants.campaign import SUBJECTS, Subject, campaign, outcome, prepare, sampled

SUBJECT = Subject(files=("catalog/planted.py",), tests=("tests/test_planted.py",))
SEEN = "def seen(number: int) -> int:\n    return number + 1\n"
IMPORTED = "def made() -> int:\n    return 1\n\n\nMADE = made()\n"
UNSEEN = "def unseen(number: int) -> int:\n    return number - 1\n"
CODE = f"{SEEN}\n\n{UNSEEN}\n\n{IMPORTED}"
TEST = """from catalog.planted import MADE, seen, unseen

def test_planted():
    assert MADE == 1
    assert seen(1) == 2
    assert isinstance(unseen(1), int)
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project with a function that its test holds, one that it only calls, one for import."""
    root = tmp_path / "checkout"
    for name in ("catalog", "docs", "jobs", "migrations", "tests/mutants"):
        (root / name).mkdir(parents=True)
    for module in ("afresh.py", "importing.py"):
        shutil.copy(Path(campaigns.__file__).with_name(module), root / "tests" / "mutants")
    (root / "pyproject.toml").write_text("[tool.pytest]\naddopts = ['--import-mode=importlib']\n")
    (root / "catalog" / "__init__.py").write_text("")
    (root / "catalog" / "planted.py").write_text(CODE)
    (root / "tests" / "test_planted.py").write_text(TEST)
    return root


def test_sample_is_the_same_for_a_seed_and_another_for_another() -> None:
    names = [f"m{number}" for number in range(100)]

    assert sampled(reversed(names), 10, 1) == sampled(names, 10, 1)
    assert len(set(sampled(names, 10, 1))) == 10
    assert sampled(names, 10, 1) != sampled(names, 10, 2)
    assert sampled(names, 0, 1) == sampled(names, 1000, 1) == sorted(names)


def test_score_counts_what_was_tried_and_a_mutant_without_a_test_survives() -> None:
    ends = {"failed": 1, "endless": 36, "passed": 0, "unreached": 33, "left": None, "beside": 0}

    came = outcome(ends, ["failed", "endless", "passed", "unreached", "left", "strange"])

    assert (came.made, came.tried, came.survivors) == (6, 4, ("passed", "unreached"))
    assert came.score == 0.5
    assert outcome(ends, []).score == 0


def test_copy_says_what_is_changed_and_what_runs(checkout: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    (place / "old").mkdir(parents=True)

    prepare(SUBJECT, place, checkout)

    told = tomllib.loads((place / "pyproject.toml").read_text())["tool"]
    assert told["mutmut"]["only_mutate"] == ["catalog/planted.py"]
    assert told["mutmut"]["pytest_add_cli_args_test_selection"] == ["tests/test_planted.py"]
    assert told["pytest"]["addopts"] == ["--import-mode=importlib"]
    assert (place / "catalog" / "planted.py").read_text() == CODE
    assert not (place / "old").exists()


@pytest.mark.parametrize("package", sorted(SUBJECTS))
def test_packages_and_their_tests_are_there(package: str, request: pytest.FixtureRequest) -> None:
    root = request.config.rootpath

    assert all(list(root.glob(pattern)) for pattern in SUBJECTS[package].files)
    assert all((root / path).exists() for path in SUBJECTS[package].tests)


@pytest.mark.parametrize("anew", [False, True])
def test_planted_mutants_are_noticed_or_survive(
    checkout: Path, tmp_path: Path, *, anew: bool
) -> None:
    pytest.importorskip("mutmut", reason="mutmut is installed by make mutants alone")
    place = tmp_path / "place"
    subject = msgspec.structs.replace(SUBJECT, anew=anew)
    prepare(subject, place, checkout)

    came = campaign(place, subject, None, 0, 1)

    assert came.made == came.tried == 5
    assert [name.partition("__mutmut")[0] for name in came.survivors] == [
        "catalog.planted.x_unseen",
        "catalog.planted.x_unseen",
    ]
