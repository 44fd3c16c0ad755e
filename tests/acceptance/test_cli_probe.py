from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.simulator import FaultKind, FaultPlan
from tests.acceptance.conftest import write_settings

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli

BUDGETS = {"probes_per_day": 50, "tokens_per_day": 1_000_000, "price_per_1k_tokens": 0.01}


@pytest.fixture
def ids(sim: Cli, gateway: RunningGateway) -> list[str]:
    """GPTs that exist, of a gateway that may be probed."""
    write_settings(sim.folder, gateway, **BUDGETS)
    population, now = gateway.gateway.population, gateway.clock.now()
    return [each for each in population.ids() if population.document(each, now)]


def spent(sim: Cli) -> dict[str, int]:
    """What was taken from the day's budgets, by kind."""
    lines = sim("sql", "SELECT kind, reserved FROM budgets", "--json").lines
    return {each["kind"]: each["reserved"] for each in lines}


def test_answers_are_kept_with_their_time_and_tokens(sim: Cli, ids: list[str]) -> None:
    ran = sim("probe", ids[0], ids[1], "--question", "Who are you?", "--json")
    assert ran.status == 0, ran.err
    first, second = ran.lines
    assert {first["gizmo_id"], second["gizmo_id"]} == {ids[0], ids[1]}
    assert first["verdict"] == "answered"
    assert first["text"].startswith("Hello! I am ")
    (kept,) = sim("probe", ids[0], "--history", "--json").lines
    assert kept["verdict"] == "answered"
    assert kept["question"] == "Who are you?"
    assert kept["answer"].startswith("Hello! I am ")
    assert kept["seconds"] > 0
    assert kept["first_seconds"] is None
    assert kept["cost"] is not None


def test_streamed_answer_is_put_together(sim: Cli, ids: list[str]) -> None:
    whole = sim("probe", ids[0], "--json").lines[0]
    streamed = sim("probe", ids[0], "--stream", "--json").lines[0]
    assert streamed["text"].rstrip() == whole["text"]
    kept = sim("probe", ids[0], "--history", "--json").lines
    assert [each["first_seconds"] is None for each in kept] == [True, False]
    assert 0 < kept[1]["first_seconds"] <= kept[1]["seconds"]


def test_probes_have_budgets_of_their_own(
    sim: Cli, ids: list[str], gateway: RunningGateway
) -> None:
    write_settings(sim.folder, gateway, probes_per_day=2, requests_per_day=5)
    ran = sim("probe", *ids[:4], "--json")
    assert ran.status == 1
    assert len(ran.lines) == 2
    assert "probes" in spent(sim)
    assert spent(sim)["probes"] == 2
    assert "requests" not in spent(sim)


def test_tokens_are_taken_before_and_what_was_not_used_is_given_back(
    sim: Cli, ids: list[str]
) -> None:
    lines = sim("probe", *ids[:3], "--json").lines
    used = sum(each["prompt_tokens"] + each["completion_tokens"] for each in lines)
    assert spent(sim)["tokens"] == used > 0


def test_no_probe_is_sent_whose_tokens_may_exceed_the_day(
    sim: Cli, ids: list[str], gateway: RunningGateway
) -> None:
    write_settings(sim.folder, gateway, probes_per_day=5, tokens_per_day=500)
    before = gateway.gateway.requests
    ran = sim("probe", ids[0])
    assert ran.status == 1
    assert "tokens are left" in ran.err
    assert gateway.gateway.requests == before
    assert spent(sim).get("tokens", 0) == 0


def test_dry_run_prices_and_asks_nobody(sim: Cli, ids: list[str], gateway: RunningGateway) -> None:
    before = gateway.gateway.requests
    bill = sim("probe", *ids[:3], "--dry-run", "--set", "max_tokens=100", "--json").json
    assert bill["probes"] == 3
    assert bill["tokens"] > 300
    assert bill["cost"] == pytest.approx(3 * 0.001 + bill["tokens"] / 1000 * 0.01)
    assert gateway.gateway.requests == before


def test_dry_run_says_what_is_left_today(sim: Cli, ids: list[str]) -> None:
    new = sim("probe", ids[0], "--dry-run", "--json").json
    assert (new["probes_left"], new["tokens_left"]) == (50, 1_000_000)
    sim("probe", *ids[:2])
    tokens = 1_000_000 - spent(sim)["tokens"]
    said = sim("probe", ids[0], "--dry-run").out
    assert f"today has 48 probes and {tokens:,} tokens left" in said
    assert "estimated at most" in said
    told = sim("probe", ids[0], "--dry-run", "--json").json
    assert (told["probes_left"], told["tokens_left"]) == (48, tokens)


def test_every_parameter_can_be_set(
    sim: Cli, ids: list[str], gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    answer = gateway.gateway.answer

    async def listen(request: Any) -> Any:
        if request.method == "POST":
            seen.append(await request.json())
        return await answer(request)

    monkeypatch.setattr(gateway.gateway, "answer", listen)
    wanted = {
        "temperature": 0.5,
        "top_p": 0.9,
        "n": 2,
        "stop": ["END"],
        "max_tokens": 7,
        "presence_penalty": 1.0,
        "frequency_penalty": -1.0,
        "logit_bias": {"50256": -100.0},
        "user": "me",
    }
    words = {
        "stop": '["END"]',
        "logit_bias": '{"50256" = -100}',
        "user": '"me"',
    }
    options = [f"{name}={words.get(name, value)}" for name, value in wanted.items()]
    ran = sim("probe", ids[0], *(x for each in options for x in ("--set", each)))
    assert ran.status == 0, ran.err
    (sent,) = seen
    assert {name: sent[name] for name in wanted} == wanted
    assert sent["model"] == f"gpt-4-gizmo-{ids[0]}"


def test_gpt_without_an_answer_is_a_failure_and_no_fact(sim: Cli, ids: list[str]) -> None:
    assert ids
    ran = sim("probe", "g-NotThere0", "--json")
    assert ran.status == 1
    assert ran.lines[0]["verdict"] == "unavailable"
    assert sim("show", "g-NotThere0").status != 0


def test_nobody_is_asked_without_a_budget(sim: Cli, gateway: RunningGateway) -> None:
    before = gateway.gateway.requests
    ran = sim("probe", "g-2fkFE8rbu")
    assert ran.status == 2
    assert "probes_per_day" in ran.err
    assert gateway.gateway.requests == before


@pytest.mark.parametrize("word", ["temperature", "colour=red", "n=0", "temperature=hot"])
def test_odd_parameter_is_explained(sim: Cli, ids: list[str], word: str) -> None:
    ran = sim("probe", ids[0], "--set", word)
    assert ran.status == 2
    assert f"--set {word}" in ran.err


def test_refused_key_ends_with_status_3(
    sim: Cli, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULATED_KEY", "sk-another-key-than-the-right-one")
    assert sim("probe", ids[0]).status == 3


def test_overloaded_source_is_not_asked_twice(
    sim: Cli, ids: list[str], gateway: RunningGateway
) -> None:
    """A probe that failed may have been paid for."""
    gateway.gateway.misbehave_as(FaultPlan(1, 1.0, kinds=[FaultKind.SERVER_ERROR]))
    before = gateway.gateway.requests
    sim("probe", ids[0])
    assert gateway.gateway.requests == before + 1
