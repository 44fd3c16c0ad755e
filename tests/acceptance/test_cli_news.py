"""A new field never breaks a harvest: it is said once, with an example, in the run's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.cli.news import MOST, news
from catalog.simulator import FaultPlan
from catalog.simulator.faults import FaultKind
from catalog.storage.stage2 import Settled
from catalog.times import DAY, from_iso

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli


def test_a_field_that_appears_is_said_once_in_the_report(sim: Cli, gateway: RunningGateway) -> None:
    # What its first hundred documents have is what a source's documents are.
    for _ in range(4):
        quiet = sim("harvest", "--refs", "ids.txt")
        assert (quiet.status, "appeared" in quiet.out) == (0, False)
        gateway.clock.advance(DAY)
    gateway.gateway.misbehave_as(FaultPlan(1, 1.0, [FaultKind.NEW_FIELD]))
    loud = sim("harvest", "--refs", "ids.txt")
    assert loud.status == 0
    assert "appeared: gizmo." in loud.out
    assert ", as " in loud.out
    gateway.clock.advance(DAY)
    again = sim("harvest", "--refs", "ids.txt")
    assert (again.status, "appeared" in again.out) == (0, False)
    status = sim("status")
    assert "fields that came or went" in status.out
    assert "fields that no table knows" in status.out


def test_strangers_text_in_an_example_steers_no_terminal() -> None:
    at = from_iso("2026-01-01T00:00:00Z")
    drift = {
        "source": "sim",
        "wrapping": "",
        "path": "gizmo.x\x1b[2J",
        "kind": "appeared",
        "at": at,
        "first_seen_at": at,
        "last_seen_at": at,
        "example": '"\x1b]0;title\x07"',
    }
    event = {
        "field": "gizmo.tags",
        "added": '["\\u001b[31m"]',
        "removed": "",
        "first_day": "2026-01-01",
        "gpts": 20,
        "compared": 30,
    }
    drifts = tuple(drift | {"path": f"gizmo.{n}"} for n in range(MOST + 3))
    lines = news(Settled(0, 0, 0, (event,), (drift, *drifts)))
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    assert sum(line.startswith("  appeared") for line in lines) == MOST
    assert f"  and {4} more: see gpts-catalog status" in lines
    assert lines[-1].endswith("on 20 of 30 GPTs")
    assert news(None) == []
