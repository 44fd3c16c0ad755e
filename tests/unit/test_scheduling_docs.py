"""What ``docs/scheduling.md`` says about jobs, and the unit file in it."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from catalog.cli.jobs import STOP_WITHIN
from catalog.cli.main import run
from catalog.settings import load_settings
from jobs.declare import plan
from jobs.registry import JOBS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(block("ini"))
    return parser


def test_every_job_is_in_the_table_and_no_other() -> None:
    named = re.findall(r"^\| `(\w+)` \| (off|daily|Sundays)", PAGE, re.MULTILINE)
    assert {name for name, _ in named} == JOBS.keys()
    for name, when in named:
        schedule = JOBS[name].schedule
        assert (schedule == "off") == (when == "off")
        assert schedule.endswith("* * 0") == (when == "Sundays")


def test_times_in_the_table_are_those_of_the_declarations() -> None:
    for name, hour, minute in re.findall(r"^\| `(\w+)` \| \w+ (\d\d):(\d\d)", PAGE, re.MULTILINE):
        assert JOBS[name].schedule.startswith(f"{int(minute)} {int(hour)} ")


def test_the_settings_on_the_page_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "catalog.toml"
    path.write_text(block("toml"))
    planned = plan(JOBS, load_settings(path, {}))
    assert planned["refresh"].expects[0].least == 100
    assert planned["probe"].schedule is not None


def test_the_unit_starts_a_command_that_there_is(
    unit: configparser.ConfigParser, capsys: pytest.CaptureFixture[str]
) -> None:
    program, command, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/.venv/bin/gpts-catalog")
    assert run([command, "--help"]) == 0
    known = capsys.readouterr().out
    assert all(word in known for word in words if word.startswith("--"))


def test_the_unit_leaves_the_scheduler_time_to_end_by_itself(
    unit: configparser.ConfigParser,
) -> None:
    service = unit["Service"]
    words = shlex.split(service["ExecStart"])
    within = float(words[words.index("--stop-within") + 1])
    assert within == STOP_WITHIN
    assert float(service["TimeoutStopSec"]) > within
    assert service["RestartPreventExitStatus"] == "2"
    assert "KillSignal" not in service


def test_the_unit_hides_no_process_from_who_shares_the_catalog(
    unit: configparser.ConfigParser,
) -> None:
    """A process that cannot be seen would be taken for one that is gone, and its lock for free."""
    assert "ProtectProc" not in unit["Service"]
    assert "PrivatePIDs" not in unit["Service"]


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("there is no systemd here")
    # The program need not be there for its text to be right.
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", block("ini"), flags=re.MULTILINE)
    path = tmp_path / "gpts-catalog.service"
    path.write_text(text)
    said = subprocess.run(
        [command, "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    ).stderr
    assert [line for line in said.splitlines() if path.name in line] == []
