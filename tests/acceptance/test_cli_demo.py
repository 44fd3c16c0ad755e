from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.acceptance.conftest import Cli

MOST_SECONDS = 60


def test_demo_is_over_within_a_minute_and_runs_what_it_names(cli: Cli) -> None:
    began = time.monotonic()
    process = cli.start("demo", "--dir", "tour")
    out, err = process.communicate(timeout=2 * MOST_SECONDS)
    assert process.returncode == 0, err
    assert time.monotonic() - began < MOST_SECONDS
    commands = re.findall(r"^\$ gpts-catalog (\S+)", out, re.MULTILINE)
    assert commands.count("harvest") == 4
    assert {"init", "sources", "changes", "metrics", "show", "search", "status", "verify"} <= set(
        commands
    )
    again = cli("digest", "--config", "tour/catalog.toml", "--catalog", "tour/catalog.db")
    assert out.endswith(again.out)


def test_demo_needs_an_empty_folder(cli: Cli) -> None:
    (cli.folder / "mine.txt").write_text("mine")
    ran = cli("demo", "--dir", ".")
    assert ran.status == 2
    assert "empty" in ran.err


def test_simulated_gateway_says_when_it_is_ready_and_ends_at_once(cli: Cli) -> None:
    process = cli.start("simulate-gateway", "--gpts", "10", "--ids", "ids.txt")
    assert process.stdout is not None
    assert "ready: http://127.0.0.1:" in process.stdout.readline()
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert len((cli.folder / "ids.txt").read_text().split()) == 10
