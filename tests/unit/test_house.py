"""The house: what may stand in the tree, and that a machine with little can set it up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import catalog

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "pyproject.toml",
    "README.md",
    "catalog",
    "migrations",
    "tests",
    "jobs",
    "data",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "docs",
    "requirements.txt",
    "requirements-dev.txt",
}
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
APART = tuple(
    f"tests/{each}/requirements.txt" for each in ("datasets", "fuzz", "mutants", "pages", "spark")
)
"""What single words of the Makefile need on top."""


def _ignored() -> list[str]:
    lines = (ROOT / ".gitignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "!"))]


def _files() -> list[Path]:
    """Every file of the tree that git would take, relative to it; needs no git."""
    patterns = [".git", *_ignored()]
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        folders[:] = [each for each in folders if not any(fnmatch(each, p) for p in patterns)]
        for name in names:
            path = here / name
            if path == Path("data/README.md") or not any(
                fnmatch(name, p) or fnmatch(path.as_posix(), p) for p in patterns
            ):
                found.append(path)
    return found


FILES = _files()


def _text(path: Path) -> str:
    return (ROOT / path).read_bytes().decode("utf-8", "replace")


def test_top_level_holds_what_the_design_names() -> None:
    top = {path.parts[0] for path in FILES}
    assert {each for each in top if not each.startswith(".")} <= ALLOWED


def test_no_file_names_a_path_of_this_machine() -> None:
    """Places that only this checkout, this person or this interpreter has."""
    places = {ROOT, Path.home(), Path(sys.prefix)}
    deep = [re.escape(str(each)) for each in places if len(each.parts) > 2]
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(deep)})(?![\w-])")
    home = re.compile(r"(?<![\w.:/-])/(?:home|Users|root)/[\w.-]+/")
    assert [
        str(path)
        for path in FILES
        if home.search(text := _text(path)) or (deep and pattern.search(text))
    ] == []


def test_no_file_names_a_package_index() -> None:
    option = "index" + "-url"
    host = re.compile(
        rf"{option}|find-links +|hosted\.[a-z]+/packages|https?://\S+/simple\b", re.IGNORECASE
    )
    here = Path(__file__).relative_to(ROOT)
    assert [str(path) for path in FILES if path != here and host.search(_text(path))] == []


def test_no_lock_file_stands_that_would_name_a_package_index() -> None:
    assert {path.name for path in FILES} & {"uv.lock", "poetry.lock", "pdm.lock"} == set()


@pytest.mark.parametrize("name", [*REQUIREMENTS, *APART])
def test_requirements_are_pinned_and_hashed_and_nothing_else(name: str) -> None:
    lines = re.sub(r" \\\n +", " ", (ROOT / name).read_text()).splitlines()
    entries = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert entries
    form = re.compile(r"[a-z0-9-]+(\[\S+\])?==\S+( ; [^\\]+?)?( --hash=sha256:[0-9a-f]{64})+ *")
    assert [line for line in entries if not form.fullmatch(line)] == []


def test_development_requirements_contain_the_plain_ones_at_the_same_versions() -> None:
    plain, more = (
        set(
            re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
        )
        for name in REQUIREMENTS
    )
    assert plain < more


def test_every_word_of_the_makefile_has_a_help_line() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    words = set(phony[1].split())
    assert words == set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))
    assert {"help", "install", "demo", "test", "check", "bench"} <= words


def test_make_alone_prints_the_help_lines() -> None:
    made = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    assert re.search(r"^make demo +\S", made.stdout, re.MULTILINE)


def test_ci_runs_the_words_that_people_use() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert "set -euo pipefail" in text
    assert text.index("make check") < text.index("make test")


def test_version_has_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", catalog.__version__)


def test_wheel_carries_the_migrations() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"migrations": "catalog/_migrations"}


def test_command_begins_where_ctrl_c_is_met_before_anything_is_loaded() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"gpts-catalog": "catalog.__main__:main"}
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, catalog.__main__; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {each for each in loaded if each.startswith("catalog")} == {
        "catalog",
        "catalog.__main__",
    }
