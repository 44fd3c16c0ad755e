from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from catalog.records import Verdict
from catalog.simulator import FaultKind, FaultPlan
from catalog.storage import frontier
from catalog.storage.engine import open_engine, write
from catalog.times import DAY, HOUR
from catalog.wording.text import moment
from tests.acceptance.conftest import GPTS, KEY, write_settings

if TYPE_CHECKING:
    from subprocess import Popen

    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli

KEYS = [
    "run",
    "requested",
    "documents",
    "new",
    "changed",
    "unchanged",
    "not_found",
    "mismatched",
    "failed",
    "left",
    "requests",
    "seconds",
]
PROJECT = "g-p-0123456789abcdef0123456789abcdef"


def test_harvest_ends_with_one_object_whose_sums_hold(sim: Cli, gateway: RunningGateway) -> None:
    ran = sim("harvest", "--refs", "ids.txt", "--json")
    assert ran.status == 0
    found = ran.json
    assert list(found) == KEYS
    truth = list(gateway.truth().values())
    assert found["requested"] == GPTS
    assert found["documents"] == found["new"] == truth.count(Verdict.DOCUMENT)
    assert found["not_found"] == truth.count(Verdict.NOT_FOUND)
    assert found["requests"] == gateway.stats["requests"]
    assert found["left"] == found["failed"] == found["mismatched"] == 0


def test_harvest_of_a_word_stores_what_show_shows(sim: Cli, gateway: RunningGateway) -> None:
    gizmo_id = next(iter(gateway.gateway.population.ids()))
    assert sim("harvest", f"https://chatgpt.com/g/{gizmo_id}-a-slug?x=1").status == 0
    ran = sim("show", gizmo_id, "--json")
    document = gateway.gateway.population.document(gizmo_id, gateway.clock.now())
    assert document is not None
    assert ran.json["name"] == document["gizmo"]["display"]["name"]
    assert ran.json["fields"]["gizmo.display.name"]["source"] == "sim"


def test_due_takes_what_the_frontier_says(sim: Cli, gateway: RunningGateway) -> None:
    sim("harvest", "--refs", "ids.txt")
    calm = sim("harvest", "--due", "--json")
    assert (calm.status, calm.json["requested"]) == (0, 0)
    gateway.clock.advance(2 * DAY)
    ran = sim("harvest", "--due", "--limit", "7", "--json")
    assert (ran.status, ran.json["requested"]) == (0, 7)
    rest = sim("harvest", "--due", "--json")
    assert rest.json["requested"] == GPTS - 7


def test_dry_run_prices_and_asks_nobody(sim: Cli, gateway: RunningGateway) -> None:
    write_settings(sim.folder, gateway, requests_per_day=20)
    ran = sim("harvest", "--refs", "ids.txt", "--dry-run", "--json")
    assert ran.status == 0
    assert (ran.json["requests"], ran.json["left"]) == (GPTS, GPTS - 20)
    assert ran.json["cost"] == pytest.approx(GPTS * 0.001)
    assert gateway.stats["requests"] == 0
    assert sim("status", "--json").json["frontier"]["known"] == 0


def test_refused_references_are_named_and_make_status_1(sim: Cli) -> None:
    ids = (sim.folder / "ids.txt").read_text().splitlines()
    (sim.folder / "some.txt").write_text(f"{ids[0]}\n{PROJECT}\n{ids[0]}  # again\n\n# none\n")
    ran = sim("harvest", "--refs", "some.txt", "--json")
    assert ran.status == 1
    assert ran.json["requested"] == 1
    assert f"some.txt:2: '{PROJECT}' names no GPT: g-p- begins the id of a project" in ran.err
    assert "1 reference named a GPT again" in ran.err


def test_only_refused_references_are_status_2(sim: Cli, gateway: RunningGateway) -> None:
    ran = sim("harvest", PROJECT, "nonsense")
    assert ran.status == 2
    assert ran.err.count("refused: ") == 2
    assert sim("harvest", PROJECT).err.endswith("no reference names a GPT: it was refused\n")
    (sim.folder / "none.txt").write_text("# to be filled\n\n")
    assert "none.txt holds none" in sim("harvest", "--refs", "none.txt").err
    assert gateway.stats["requests"] == 0


def test_failed_ids_are_status_1_and_resume_leaves_none(sim: Cli, gateway: RunningGateway) -> None:
    gateway.gateway.misbehave_as(FaultPlan(2, 0.4, [FaultKind.HTML]))
    ran = sim("harvest", "--refs", "ids.txt", "--json")
    assert ran.status == 1
    assert ran.json["failed"] == list(gateway.truth().values()).count(Verdict.MALFORMED)
    assert ran.json["left"] == 0


def test_failures_say_why_and_which(sim: Cli, gateway: RunningGateway) -> None:
    gateway.gateway.misbehave_as(FaultPlan(2, 0.4, [FaultKind.HTML]))
    ran = sim("harvest", "--refs", "ids.txt")
    failed = {gizmo_id for gizmo_id, each in gateway.truth().items() if each is Verdict.MALFORMED}
    assert "why they failed" in ran.out
    assert "malformed: check base_url and dialect" in ran.out
    run_id = ran.out.split("(run ")[1].split(")")[0]
    listed = sim("status", "--failed", run_id)
    assert {line.split()[0] for line in listed.out.splitlines()} == failed
    (sim.folder / "again.txt").write_text(listed.out)
    assert sim("harvest", "--refs", "again.txt", "--dry-run", "--json").json["requested"] == len(
        failed
    )
    lines = sim("status", "--failed", run_id, "--json").lines
    assert {line["asked_id"] for line in lines} == failed
    (source,) = sim("status", "--json").json["sources"]
    assert sum(reason["count"] for reason in source["reasons"]) == len(failed)
    assert all(reason["example"] in failed for reason in source["reasons"])
    assert "why ids failed in the last run of sim" in sim("status").out
    assert sim("status", "--failed", "no-such-run").status == 1


def test_dry_run_prices_what_is_left_of_the_run_that_would_go_on(
    sim: Cli, gateway: RunningGateway
) -> None:
    write_settings(sim.folder, gateway, requests_per_day=10)
    assert sim("harvest", "--refs", "ids.txt").status == 1
    write_settings(sim.folder, gateway)
    ran = sim("harvest", "--refs", "ids.txt", "--dry-run", "--json")
    assert (ran.json["requested"], ran.json["resumed"]) == (GPTS - 10, 10)
    assert ran.json["requests"] == GPTS - 10
    assert "knows about 10 ids already" in sim("harvest", "--refs", "ids.txt", "--dry-run").out
    assert sim("harvest", "--refs", "ids.txt", "--json").json["requests"] == GPTS


def test_a_run_that_its_source_stopped_is_an_alarm(
    sim: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "another-key-altogether")
    assert sim("harvest", "--refs", "ids.txt").status == 3
    ran = sim("status", "--check")
    assert ran.status == 1
    assert "! source_dead sim: its last run stopped: " in ran.out


def test_refusals_are_printed_up_to_a_number(sim: Cli) -> None:
    (sim.folder / "bad.txt").write_text("no id\n" * 50)
    ran = sim("harvest", "--refs", "bad.txt")
    assert ran.status == 2
    assert ran.err.count("refused: ") == 20
    assert "and 30 more refused" in ran.err
    assert "all 50 were refused" in ran.err


def test_refused_key_is_status_3_and_says_what_to_do(
    sim: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "another-key-altogether")
    ran = sim("harvest", "--refs", "ids.txt", "--json")
    assert ran.status == 3
    assert "refuses the key" in ran.err
    assert ran.json["left"] > 0


def test_key_that_is_not_set_is_status_2(sim: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY)
    ran = sim("harvest", "--refs", "ids.txt")
    assert ran.status == 2
    assert f"export {KEY}" in ran.err


def test_used_up_budget_is_status_1_and_the_rest_is_left(sim: Cli, gateway: RunningGateway) -> None:
    write_settings(sim.folder, gateway, requests_per_day=10)
    ran = sim("harvest", "--refs", "ids.txt", "--json")
    assert ran.status == 1
    assert (ran.json["requests"], ran.json["left"]) == (10, GPTS - 10)
    assert "budget" in ran.err


def test_unknown_source_is_status_2_and_names_the_known(sim: Cli) -> None:
    ran = sim("harvest", "--refs", "ids.txt", "--source", "nobody")
    assert ran.status == 2
    assert "configured are: sim" in ran.err


def test_sources_check_says_how_a_source_is(
    sim: Cli, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim("harvest", "--refs", "ids.txt")
    well = sim("sources", "check", "--json")
    assert well.status == 0
    assert (well.json["verdict"], well.json["wrapping"]) == ("document", "gizmo")
    assert well.json["envelope"] is True
    before = gateway.stats["requests"]
    monkeypatch.setenv(KEY, "another-key-altogether")
    bad = sim("sources", "check", "sim")
    assert bad.status == 3
    assert "refuses the key" in bad.out
    assert gateway.stats["requests"] == before + 1


def test_key_that_can_be_none_stops_its_own_source_alone(
    sim: Cli, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stopped all sources, after a request whose answer was not shown."""
    with (sim.folder / "catalog.toml").open("a") as settings:
        settings.write(
            f'\n[sources.bad]\ndialect = "gpts-v2"\nbase_url = "{gateway.url("plain")}"\n'
            'api_key_env = "BAD_KEY"\n'
        )
    monkeypatch.setenv("BAD_KEY", "wrong")
    checked = sim("sources", "check", "--json")
    assert checked.status == 2
    assert {each["source"]: each["well"] for each in checked.lines} == {"sim": True, "bad": False}
    assert sim("harvest", "--refs", "ids.txt", "--source", "sim").status == 0
    refused = sim("harvest", "--refs", "ids.txt", "--source", "bad")
    assert refused.status == 2
    assert "what BAD_KEY holds can be no key" in refused.err


def test_sources_check_of_a_source_that_is_down_is_status_3(
    sim: Cli, gateway: RunningGateway
) -> None:
    write_settings(sim.folder, gateway, base_url="http://127.0.0.1:9")
    ran = sim("sources", "check")
    assert ran.status == 3
    assert "cannot be reached" in ran.out


def _asked_some(process: Popen[str], gateway: RunningGateway) -> None:
    """Wait until the harvest asks."""
    while gateway.stats["requests"] < 5:
        assert process.poll() is None, process.communicate()


@pytest.fixture
def slow(sim: Cli, gateway: RunningGateway) -> Cli:
    """As ``sim``, but a harvest takes several seconds."""
    write_settings(sim.folder, gateway, requests_per_second=10, max_concurrency=2)
    return sim


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_once_a_harvest_finishes_what_is_in_flight(
    slow: Cli, gateway: RunningGateway, number: signal.Signals
) -> None:
    process = slow.start("harvest", "--refs", "ids.txt", "--json")
    _asked_some(process, gateway)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command" in err
    assert "Traceback" not in err
    asked = gateway.stats["asked"]
    assert f'"left": {GPTS - asked}' in out
    write_settings(slow.folder, gateway)
    ran = slow("harvest", "--refs", "ids.txt", "--json")
    assert ran.status == 0
    assert ran.json["left"] == 0
    assert set(gateway.stats["attempts"].values()) == {1}


def test_killed_a_harvest_is_told_as_cut_off_and_nothing_it_held_is_passed_over(
    slow: Cli, gateway: RunningGateway
) -> None:
    process = slow.start("harvest", "--refs", "ids.txt")
    _asked_some(process, gateway)
    while "harvest is at work" not in (line := slow("status", "--check").out):
        assert process.poll() is None, line
    process.kill()
    process.communicate(timeout=30)
    found = slow("status").out.splitlines()
    (holds,) = [line for line in found if line.startswith("  GPTs ")]
    listed = int(holds.split()[1])
    assert found[0].startswith(f"well: {listed} GPT")
    assert found[0].endswith(", harvest was cut off: give the same command again")
    assert found[1].startswith("  authors and mass events are still to be counted: harvest was")
    told = slow("authors")
    assert "authors of what came last are not counted yet" in told.err
    assert "no author is known" not in told.err
    assert "not counted yet" in slow("authors", "--id", "user-Nobody").err
    assert "not counted yet" in slow("stats").err
    assert " due and left out: held until " in slow("harvest", "--due", "--dry-run").err
    write_settings(slow.folder, gateway)
    ran = slow("harvest", "--due", "--json")
    assert (ran.status, ran.json["requested"]) == (0, GPTS - listed)
    assert "left out" not in ran.err
    assert "cut off" not in slow("status", "--check").out
    assert slow("authors").err.startswith(f"{len(slow('authors', '--json').lines)} authors, by")


def test_due_ids_that_another_process_holds_are_told(sim: Cli, gateway: RunningGateway) -> None:
    now = gateway.clock.now()
    engine = open_engine(f"sqlite:///{sim.folder}/data/catalog.db")
    with write(engine) as conn:
        frontier.add_ids(conn, [f"g-Held{number:05d}" for number in range(3)], now)
        lease = frontier.Lease(owner="elsewhere:7:2.0", until=now + HOUR)
        frontier.claim(conn, lease, ids=None, limit=2, now=now)
    engine.dispose()
    ran = sim("harvest", "--due", "--json")
    assert ran.json["requested"] == 1
    until = moment(now + HOUR)
    assert f"2 more are due and left out: held until {until} by process 7 on" in ran.err
    ran = sim("harvest", "--due")
    assert ran.out.startswith("nothing else is due")
    assert "2 more are due and left out" in ran.err


def test_interrupted_twice_a_harvest_stops_at_once_and_goes_on_later(
    slow: Cli, gateway: RunningGateway
) -> None:
    plan = FaultPlan(1, 1.0, [FaultKind.HANG], permanent=1.0)
    process = slow.start("harvest", "--refs", "ids.txt")
    _asked_some(process, gateway)
    gateway.gateway.misbehave_as(plan)
    process.send_signal(signal.SIGINT)
    for line in process.stderr or ():
        if "Ctrl-C again" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "give the same command again" in err
    # What hung was not asked again, as it would have been after a single Ctrl-C.
    assert set(gateway.stats["attempts"].values()) == {1}
    gateway.gateway.misbehave_as(None)
    write_settings(slow.folder, gateway)
    ran = slow("harvest", "--refs", "ids.txt", "--json")
    assert (ran.status, ran.json["left"]) == (0, 0)
    assert slow("verify").status == 0
