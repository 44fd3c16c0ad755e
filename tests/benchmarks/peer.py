"""The optional peer: dlt's ``scd2`` strategy, in an environment of its own, made on demand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.dose import Dose
from tests.benchmarks.rounds import Round, Rounds
from tests.benchmarks.weights import Weights, weigh

SWITCH = "GPTS_BENCH_PEERS"
_HERE = Path(__file__).resolve().parent / "peers"
_REQUIREMENTS = _HERE / "requirements.txt"
_TOLD = 2000
_SCRIPT = _HERE / "dlt_scd2.py"


def name() -> str:
    """The peer with its version, as pinned."""
    pins = _REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    version = next(pin.partition("==")[2] for pin in pins if pin.startswith("dlt"))
    return f"dlt {version} `scd2`, SQLite"


def install(folder: Path) -> Path:
    """Make the peer's environment below ``folder``, from whatever index pip is configured to use.

    Returns:
        Its Python.
    """
    environment = folder / "peer"
    _run(sys.executable, "-m", "venv", str(environment))
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    quiet = ("--quiet", "--disable-pip-version-check")
    _run(str(python), "-m", "pip", "install", *quiet, "--requirement", str(_REQUIREMENTS))
    return python


def run(python: Path, rounds: Rounds, dose: Dose, folder: Path) -> Weights:
    """Weigh the database that the peer makes of the same documents.

    It cannot be copied half-way with all it remembers, so each kind begins with the first round.
    """
    return weigh(
        rounds,
        dose.rounds,
        lambda first: _load(python, folder, [first])[-1],
        lambda _kind, further: _load(python, folder, [rounds.first, *further])[1:],
    )


def _load(python: Path, folder: Path, loaded: list[Round]) -> list[int]:
    where, work = folder / "peer-rounds", folder / "peer-work"
    where.mkdir()
    work.mkdir()
    for number, each in enumerate(loaded):
        each.write_lines(where / f"{number:03}.jsonl")
    said = _run(str(python), str(_SCRIPT), str(where), str(work))
    shutil.rmtree(where)
    shutil.rmtree(work)
    return [int(size) for size in said.split()]


def _run(*command: str) -> str:
    """Run the command, telling what it wrote if it fails."""
    environ = os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false"}
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-_TOLD:]}")
    return done.stdout
