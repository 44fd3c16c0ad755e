"""The simulated gateway as a process, and its clock."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from catalog.errors import UsageError
from catalog.simulator import START, Population, SimulatedClock, running_gateway, serve
from catalog.times import DAY, SECOND

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = (
    "import sys\n"
    "from catalog.simulator import serve\n"
    "serve(sys.stdout, size=40, seed=9, faults=0.1, speed=1000.0, rate_limit=500.0)\n"
)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_when_told(stop: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        root = re.search(r"ready: (\S+) mounts=plain,info,bare,mj,chat,chat-object ", line)
        assert root, line
        told = httpx.get(f"{root[1]}/_sim/truth", trust_env=False).json()
        assert list(told)[:40] == list(Population(9, 40).ids())
        process.send_signal(stop)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""


def test_a_taken_port_is_said() -> None:
    with (
        running_gateway(Population(1, 1)) as first,
        pytest.raises(UsageError, match=str(first.port)),
    ):
        serve(io.StringIO(), size=1, port=first.port)


def test_a_rate_limit_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError):
        serve(io.StringIO(), rate_limit=0)


def test_gateways_can_run_side_by_side() -> None:
    population = Population(1, 1)
    with running_gateway(population) as one, running_gateway(population) as other:
        one.clock.advance(DAY)
        assert httpx.get(one.clock_url, trust_env=False).json() == {"now": "2026-01-02T00:00:00Z"}
        assert httpx.get(other.clock_url, trust_env=False).json() == {"now": "2026-01-01T00:00:00Z"}


def test_a_clock_stands_still_until_it_is_told() -> None:
    clock = SimulatedClock(START)
    assert clock.now() == clock.now() == START
    clock.advance(SECOND)
    assert clock.now() == START + SECOND
    clock.set(START)
    assert clock.now() == START


def test_a_fast_clock_runs_at_a_multiple_of_real_time() -> None:
    real = [100.0]
    clock = SimulatedClock(START, 60.0, lambda: real[0])
    real[0] += 2
    assert clock.now() == START + 120 * SECOND
    clock.advance(DAY)
    real[0] += 1
    assert clock.now() == START + DAY + 180 * SECOND
    clock.set(START)
    assert clock.now() == START


def test_no_clock_runs_backwards() -> None:
    with pytest.raises(UsageError):
        SimulatedClock(START, -1.0)
