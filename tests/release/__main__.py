"""``make release``: walk the checklist of a release, step by step, and publish nothing.

Each step says what it looks at and how it ended; all are walked, and one that failed makes the
status 1. ``full`` runs the long campaigns too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import catalog

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGNS = (
    ("laws", "10000"),
    ("kills", "50"),
    ("year", "365"),
    ("fuzz", "10000000"),
    ("crashes", "1000"),
    ("faults", "0"),
    ("locks", "3600"),
    ("queries", "10000"),
    ("chaos", "100"),
)
"""Words of the Makefile, with the doses that a release wants."""
_DATED = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", re.MULTILINE)

Step = tuple[str, Callable[[], str]]


class Unready(Exception):
    """A step that is not as a release needs it."""


def main() -> int:
    """Walk the list; the exit status."""
    failed = walked = 0
    for title, step in steps(full="full" in sys.argv[1:]):
        walked += 1
        _say(f"... {title}")
        try:
            _say(f" ok {title}: {step()}")
        except (Unready, OSError) as error:
            failed += 1
            _say(f"NOT {title}: {error}")
    _say(
        f"not ready: {failed} of {walked}; nothing was published"
        if failed
        else f"ready: git tag v{catalog.__version__}, and publish dist/"
    )
    return 1 if failed else 0


def steps(*, full: bool) -> Iterator[Step]:
    """The checklist.

    Args:
        full: with the campaigns.
    """
    yield "version and changelog", changelog
    yield "working tree", tree
    yield "migrations", migrations
    yield "checks", lambda: _make("check")
    yield "site", lambda: _make("site")
    yield "wheel", wheel
    for python in pythons():
        yield f"wheel in an empty environment, {python}", lambda python=python: tried(python)  # type: ignore[misc]
    if full:
        yield "tests", lambda: _make("test")
        for word, dose in CAMPAIGNS:
            yield f"campaign {word}", lambda word=word, dose=dose: _make(word, f"DOSE={dose}")  # type: ignore[misc]


def changelog() -> str:
    """The version has a dated section at the top of the changelog.

    Raises:
        Unready: it has none.
    """
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = _DATED.search(text)
    if found is None or found[1] != catalog.__version__:
        told = "no dated version" if found is None else found[1]
        raise Unready(
            f"catalog/__init__.py says {catalog.__version__}, CHANGELOG.md begins with {told}: "
            f"write '## [{catalog.__version__}] - YYYY-MM-DD' over what is new"
        )
    return f"{found[1]}, dated {found[2]}"


def tree() -> str:
    """Nothing is uncommitted.

    Raises:
        Unready: something is.
    """
    changed = do("git", "status", "--porcelain").splitlines()
    if changed:
        raise Unready(f"{len(changed)} files are not committed, {changed[0].strip()} for one")
    return f"clean at {do('git', 'rev-parse', '--short', 'HEAD').strip()}"


def migrations() -> str:
    """Every schema leads to this one, on both engines."""
    do(sys.executable, "-m", "pytest", "-q", "tests/migration")
    return f"{len(list((ROOT / 'migrations' / 'versions').glob('*.py')))} revisions, tried"


def wheel() -> str:
    """The wheel is built anew, and alone in ``dist``."""
    for old in (ROOT / "dist").glob("*.whl"):
        old.unlink()
    do("make", "wheel")
    return built().name


def pythons() -> list[str]:
    """The oldest and the newest Python that this machine has, of those that are supported."""
    there = []
    for minor in range(11, 30):
        name = f"python3.{minor}"
        try:
            do(name, "-c", "import venv, ensurepip")
        except (OSError, Unready):
            continue
        there.append(name)
    return list(dict.fromkeys([there[0], there[-1]])) if there else [sys.executable]


def tried(python: str) -> str:
    """The wheel, installed with what it needs and nothing else, takes its own tour.

    Args:
        python: the interpreter that makes the environment.
    """
    with tempfile.TemporaryDirectory(prefix="gpts-catalog-release-") as folder:
        place = Path(folder)
        if python == sys.executable:
            venv.create(place / "venv", with_pip=True)
        else:
            do(python, "-m", "venv", str(place / "venv"))
        own = place / "venv" / "bin"
        quiet = ("--disable-pip-version-check", "install", "--quiet")
        do(str(own / "python"), "-m", "pip", *quiet, str(built()))
        # No leftovers on PATH, another zone and locale, no terminal: as a new user's machine is.
        bare = {"PATH": str(own), "HOME": folder, "TZ": "Pacific/Chatham", "LC_ALL": "C"}
        said = do(str(own / "gpts-catalog"), "demo", cwd=place, environ=bare)
        version = do(str(own / "python"), "--version").strip()
    if "the catalog is whole" not in said:
        raise Unready("the demo ended without saying that the catalog is whole")
    return f"the demo runs on {version}"


def built() -> Path:
    """The one wheel in ``dist``.

    Raises:
        Unready: there is none, or there are several.
    """
    found = list((ROOT / "dist").glob("*.whl"))
    if len(found) != 1:
        raise Unready(f"dist holds {len(found)} wheels, not one: make wheel")
    return found[0]


def _make(word: str, *more: str) -> str:
    do("make", word, *more)
    return "done"


def do(*words: str, cwd: Path = ROOT, environ: dict[str, str] | None = None) -> str:
    """Run a command, and give what it prints."""
    ran = subprocess.run(
        words,
        cwd=cwd,
        env={**os.environ} if environ is None else environ,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        last = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-1:]
        raise Unready(f"{words[0]} {' '.join(words[1:4])} ended with {ran.returncode}: {last}")
    return ran.stdout


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
