"""The command line against a simulated gateway, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from catalog.cli.main import run
from catalog.simulator import Population, RunningGateway, running_gateway, write_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
GPTS = 30
KEY = "SIMULATED_KEY"


class Ran(msgspec.Struct, frozen=True):
    """How a command ended.

    Attributes:
        status: its exit status.
        out: what it printed.
        err: what it said beside.
    """

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object that it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The objects that it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """Runs commands, as a person in a folder would.

    Args:
        folder: where.
        capture: catches what they print.
    """

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *words: str) -> Ran:
        """Run a command in this process."""
        self._capture.readouterr()
        status = run(list(words))
        captured = self._capture.readouterr()
        return Ran(status, captured.out, captured.err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "catalog", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def gateway() -> Iterator[RunningGateway]:
    """A gateway with few GPTs that change fast; its clock stands still."""
    with running_gateway(Population(5, GPTS, pace=20.0)) as running:
        yield running


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    # Whoever runs the tests may have told rich that there is a terminal, or how wide it is.
    for name in ("FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Cli(folder, capsys)


@pytest.fixture
def sim(cli: Cli, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line with the gateway as its only source, an empty catalog, and ids.txt."""
    write_settings(cli.folder, gateway)
    monkeypatch.setenv(KEY, gateway.key)
    monkeypatch.setenv("GPTS_CATALOG_CLOCK", gateway.clock_url)
    write_ids(gateway.gateway.population, cli.folder / "ids.txt")
    assert cli("init").status == 0
    return cli


def write_settings(folder: Path, gateway: RunningGateway, **more: object) -> None:
    """Write a catalog.toml that names the gateway as the source ``sim``."""
    keys = {
        "dialect": "gpts-v2",
        "base_url": gateway.url("plain"),
        "api_key_env": KEY,
        "requests_per_second": 1000,
        "backoff_base": 0.01,
        "price_per_request": 0.001,
        **more,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in keys.items()]
    (folder / "catalog.toml").write_text("\n".join(["[sources.sim]", *lines, ""]))
