"""Whether all is well: the first line, the exit status, the metrics, and who is told."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from catalog.times import DAY, to_iso
from tests.acceptance.conftest import KEY, Cli, write_settings
from tests.unit.notify.hooks import running_hook

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway

TOKEN = "token-0123456789"


def test_status_begins_with_a_line_that_says_all(sim: Cli, gateway: RunningGateway) -> None:
    assert sim("status").out.startswith("well: 0 GPTs\n")
    sim("harvest", "--refs", "ids.txt")
    gateway.clock.advance(DAY // 8)
    first = sim("status").out.splitlines()[0]
    assert first.startswith("well: 30 GPTs, all confirmed within 3 h, last asked 3 h ago")
    gateway.clock.advance(4 * DAY)
    first, second = sim("status").out.splitlines()[:2]
    assert first.startswith("1 ALARM: quiet")
    assert second.startswith("  ! quiet: 30 ids are due")


def test_check_is_1_on_an_alarm_and_0_on_warnings_alone(sim: Cli, gateway: RunningGateway) -> None:
    sim("harvest", "--refs", "ids.txt")
    with_unknown_fields = sim("status", "--check", "--json")
    assert with_unknown_fields.status == 0
    assert with_unknown_fields.json["status"] == "well"
    gateway.clock.advance(4 * DAY)
    found = sim("status", "--check", "--json")
    assert found.status == 1
    assert [each["kind"] for each in found.json["alarms"] if each["severity"] == "alarm"] == [
        "quiet"
    ]
    assert sim("status").status == 0


def test_report_of_now_has_the_alarms_that_status_has(sim: Cli, gateway: RunningGateway) -> None:
    sim("harvest", "--refs", "ids.txt")
    gateway.clock.advance(4 * DAY)
    standing = sim("status", "--check", "--json").json["alarms"]
    assert "quiet" in {each["kind"] for each in standing}
    today = to_iso(gateway.clock.now())[:10]
    for words in ((), ("--day", today), ("--since", today)):
        told = sim("report", *words, "--json").json["alarms"]
        assert [each["message"] for each in told] == [each["message"] for each in standing]
    # Nobody looked before now, so nobody knows since when.
    assert "(since" not in next(line for line in sim("report").out.splitlines() if "quiet" in line)
    yesterday = to_iso(gateway.clock.now() - DAY)[:10]
    assert sim("report", "--day", yesterday, "--json").json["alarms"] == []


def test_status_tells_what_was_spent_and_what_is_left(sim: Cli, gateway: RunningGateway) -> None:
    write_settings(sim.folder, gateway, requests_per_day=100, probes_per_day=5)
    sim("harvest", "--refs", "ids.txt")
    out = sim("status").out
    assert re.search(r"sim +requests +30 +70 of 100 left +cost 0\.03", out)
    assert re.search(r"sim +probes +0 +5 of 5 left", out)
    spent = sim("status", "--json").json["spent"]
    assert [(each["kind"], each["taken"], each["left"]) for each in spent] == [
        ("requests", 30, 70),
        ("probes", 0, 5),
    ]


def test_metrics_are_printed_for_a_textfile(sim: Cli) -> None:
    sim("harvest", "--refs", "ids.txt")
    ran = sim("status", "--metrics")
    assert ran.status == 0
    assert 'gpts_catalog_gpts{status="listed"} 30.0' in ran.out.splitlines()
    assert ran.out.startswith("# HELP gpts_catalog_well ")
    assert sim("status", "--metrics", "--check").status == 2


def test_a_job_tells_the_webhook_what_it_found(
    sim: Cli, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = sim.folder / "catalog.toml"
    settings.write_text(settings.read_text() + '[notify]\nwebhook_env = "HOOK"\n')
    with running_hook() as hook:
        monkeypatch.setenv("HOOK", f"{hook.url}/{TOKEN}")
        sim("harvest", "--refs", "ids.txt")
        gateway.clock.advance(2 * DAY)
        monkeypatch.setenv(KEY, "another-key-altogether")
        ran = sim("jobs", "run", "refresh")
        assert ran.status in {1, 3}
        (raised,) = hook.came
        assert "source_dead" in {each["kind"] for each in raised["items"]}
        assert TOKEN not in ran.err
        assert "alarm source_dead sim: " in ran.err
        monkeypatch.setenv(KEY, gateway.key)
        gateway.clock.advance(DAY // 24)
        assert sim("jobs", "run", "refresh").status == 0
        assert [each["kind"] for each in hook.came[1]["items"] if each["cleared_at"]]
    assert sim("status", "--check").status == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("is_set", [False, True], ids=["by option", "by setting"])
def test_the_scheduler_serves_metrics_and_health(cli: Cli, *, is_set: bool) -> None:
    cli("init")
    port = _free_port()
    where = f"127.0.0.1:{port}"
    if is_set:
        with (cli.folder / "catalog.toml").open("a") as settings:
            settings.write(f'[metrics]\nlisten = "{where}"\n')
    process = cli.start("schedule", *(() if is_set else ("--listen", where)))
    assert process.stderr is not None
    while "serving" not in (line := process.stderr.readline()):
        assert line, "the scheduler ended"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["status"]) == (200, "well")
    connection.close()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_place_that_is_none_to_listen_on_is_wrong_usage(cli: Cli) -> None:
    cli("init")
    ran = cli("schedule", "--listen", "9877")
    assert ran.status == 2
    assert "HOST:PORT" in ran.err


def test_metrics_have_one_form(sim: Cli) -> None:
    ran = sim("status", "--metrics", "--json")
    assert ran.status == 2
    assert "leave one of them out" in ran.err
