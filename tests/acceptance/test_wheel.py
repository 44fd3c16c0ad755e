"""The wheel works outside the checkout: it carries its migrations and its dictionary."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's contents in a folder of their own, as an installer lays them down."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"),
            *("--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    (wheel,) = folder.glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def _run(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "catalog", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def test_the_wheel_makes_a_catalog_and_fills_it(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"gizmo":{"id":"g-Wheel0001","display":{"name":"W"}}}')
    where = ("--catalog", "made.db")
    made = _run(unpacked, tmp_path, "init", *where)
    assert made.returncode == 0, made.stderr
    taken = _run(unpacked, tmp_path, "import", "one.json", "--source", "archive", *where)
    assert taken.returncode == 0, taken.stderr
    assert "the catalog is whole" in _run(unpacked, tmp_path, "verify", *where).stdout


def test_the_wheel_holds_what_it_runs_and_nothing_else(unpacked: Path) -> None:
    tops = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"catalog", "jobs"}
    assert (unpacked / "catalog" / "_migrations" / "versions" / "0001_first.py").is_file()
    for number in (1, 2):
        assert (unpacked / "catalog" / "storage" / "dictionaries" / f"{number}.zdict").is_file()
