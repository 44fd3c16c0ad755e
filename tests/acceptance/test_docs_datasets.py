"""The blocks of docs/datasets.md run, each by itself, beside the exports that the page makes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from catalog.settings import load_settings
from catalog.storage.engine import open_engine
from catalog.storage.migrate import init
from tests.contract.telling import changed, day, document, said, tell
from tests.libraries import library

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)
    for line in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0].splitlines()
]
SPARK = "pyspark.sql"


def _imports(block: str) -> str:
    """The library that a block is about."""
    found = re.match(r"(?:import|from) ([\w.]+)", block)
    assert found, block
    return found[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small catalog, in which the page's own commands were run."""
    here = tmp_path_factory.mktemp("datasets")
    url = f"sqlite:///{here / 'catalog.db'}"
    init(url, day(1))
    engine = open_engine(url)
    for number in range(3):
        found = document(f"g-Made{number}UpId", 'NA, "said"\n=1+1')
        tell(engine, said(day(1), found), said(day(9), changed(found, name="Renamed")))
    engine.dispose()
    for words in COMMANDS:
        assert words[0] == "gpts-catalog"
        subprocess.run(
            [sys.executable, "-m", "catalog", *words[1:], "--catalog", url],
            cwd=here,
            check=True,
            capture_output=True,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
        )
    return here


def test_the_page_has_blocks_for_every_reader_it_names() -> None:
    found = {_imports(block) for block in PYTHON}
    assert found >= {"pandas", "polars", "duckdb", "sqlite3", SPARK, "datasets"}
    assert "```r\n" in PAGE


@pytest.mark.parametrize("block", PYTHON, ids=[_imports(block) for block in PYTHON])
def test_a_block_runs_as_it_stands(folder: Path, block: str) -> None:
    name = _imports(block)
    if name == SPARK:
        library("pyspark", word="spark")
    else:
        library(name)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", block],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_the_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text("\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)), "utf-8")
    settings = load_settings(path, {})
    assert settings.export.expect.least_rows == {"gizmos": 1000}
    assert settings.jobs["export"].keep == 4
    assert set(tomllib.loads(path.read_text("utf-8"))) == {"export", "jobs"}
