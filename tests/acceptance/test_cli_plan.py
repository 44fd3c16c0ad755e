from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.conftest import write_settings

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli


def test_plan_says_what_the_budget_buys_and_more_would(sim: Cli, gateway: RunningGateway) -> None:
    write_settings(sim.folder, gateway, requests_per_day=100)
    sim("harvest", "--refs", "ids.txt")
    write_settings(sim.folder, gateway, requests_per_day=3)
    found = sim("plan", "--json").json
    assert found["requests"] == 3
    assert 0 < found["now"]["freshness"] < found["more"]["freshness"] <= 1
    assert found["now"]["freshness"] >= found["now"]["round_robin"] - 1e-9
    shares = [each["freshness"] for each in found["curve"]]
    assert shares == sorted(shares)
    text = sim("plan").out
    assert "true at any moment" in text
    assert "← now" in text


def test_plan_without_a_budget_says_so(sim: Cli) -> None:
    sim("harvest", "--refs", "ids.txt")
    ran = sim("plan")
    assert ran.status == 0
    assert "without requests_per_day" in ran.out


def test_plan_of_an_empty_catalog_says_what_to_do(sim: Cli) -> None:
    ran = sim("plan")
    assert ran.status == 2
    assert "discover" in ran.err


def test_due_harvests_keep_the_budget_of_a_month(sim: Cli, gateway: RunningGateway) -> None:
    """With requests for a sixth of the GPTs a day, every GPT has its turn within a week or two."""
    write_settings(sim.folder, gateway, requests_per_day=1000)
    sim("harvest", "--refs", "ids.txt")
    write_settings(sim.folder, gateway, requests_per_day=5)
    for _ in range(14):
        gateway.clock.advance(24 * 3600 * 1_000_000)
        ran = sim("jobs", "run", "refresh", "--json")
        assert ran.status in {0, 1}, ran.err
    rows = sim("sql", "SELECT reserved FROM budgets ORDER BY day", "--json").lines
    assert all(each["reserved"] <= 5 for each in rows[1:])
    asked = sim("sql", "SELECT count(*) AS n FROM outcomes", "--json").lines[0]["n"]
    assert asked >= 30 + 14 * 4


def test_plan_says_which_ceiling_cannot_be_kept(sim: Cli, gateway: RunningGateway) -> None:
    write_settings(sim.folder, gateway, requests_per_day=100)
    sim("harvest", "--refs", "ids.txt")
    assert "cannot be kept" not in sim("plan").out
    write_settings(sim.folder, gateway, requests_per_day=1)
    with (sim.folder / "catalog.toml").open("a") as settings:
        settings.write("\n[plan]\nceiling_days = 7\n")
    assert "ceiling_days = 7 cannot be kept: " in sim("plan").out
