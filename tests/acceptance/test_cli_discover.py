from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import write_settings

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli


def a_word(gateway: RunningGateway) -> str:
    """A word of some GPT's name, for which a search finds it."""
    population = gateway.gateway.population
    for gizmo_id in population.ids():
        document = population.document(gizmo_id, gateway.gateway.clock.now())
        if document is None:
            continue
        found = re.search(r"[A-Za-z]{5,}", document["gizmo"]["display"]["name"] or "")
        if found:
            return found[0]
    raise AssertionError("the population has no such name")


def test_search_makes_ids_known_and_due(sim: Cli, gateway: RunningGateway) -> None:
    word = a_word(gateway)
    ran = sim("discover", word, "--json")
    assert ran.status == 0, ran.err
    (done,) = ran.lines
    assert done["answered"] == done["requests"] == 1
    assert done["named"] >= 1
    assert done["new"] == done["named"]
    due = sim("harvest", "--due", "--json")
    assert due.json["requested"] == done["named"]
    assert due.json["documents"] + due.json["not_found"] == done["named"]


def test_search_again_brings_nothing_new(sim: Cli, gateway: RunningGateway) -> None:
    word = a_word(gateway)
    sim("discover", word)
    ran = sim("discover", word, "--json")
    assert ran.status == 0
    assert ran.lines[0]["new"] == 0
    assert ran.lines[0]["named"] >= 1


def test_names_of_authors_are_searched_for_in_turn(sim: Cli) -> None:
    sim("harvest", "--refs", "ids.txt")
    seen: list[str] = []
    while len(seen) == len(set(seen)):
        done = sim("discover", "--authors", "4", "--json").lines[0]
        seen += [each["query"] for each in done["each"]]
    listed = sim("authors", "--limit", "1000", "--json").lines
    names = {each["display_name"] for each in listed if each["display_name"]}
    assert set(seen) == names
    assert seen[: len(names)] == sorted(names)


def test_list_of_references_enters_the_frontier_once(sim: Cli) -> None:
    (sim.folder / "list.txt").write_text("g-2fkFE8rbu  # well known\nno reference\n\ng-2fkFE8rbu\n")
    ran = sim("discover", "--refs", "list.txt", "--json")
    assert ran.status == 1
    assert ran.lines == [{"file": "list.txt", "ids": 1, "new": 1, "refused": 1, "forgotten": 0}]
    assert sim("discover", "--refs", "list.txt", "--json").lines[0]["new"] == 0
    listed = sim("sql", "SELECT query, rank FROM discoveries", "--json")
    if listed.status == 0:
        assert listed.lines == [{"query": "list.txt", "rank": 1}]


def test_dry_run_prices_and_asks_nobody(sim: Cli, gateway: RunningGateway) -> None:
    before = gateway.gateway.requests
    ran = sim("discover", "one", "two", "one", "--dry-run", "--json")
    assert ran.json == {"queries": ["one", "two"], "sources": ["sim"], "requests": 2}
    assert gateway.gateway.requests == before


def test_budget_that_is_used_up_leaves_searches(sim: Cli, gateway: RunningGateway) -> None:
    write_settings(sim.folder, gateway, requests_per_day=1)
    ran = sim("discover", "one", "two", "three", "--json")
    assert ran.status == 1
    assert ran.lines[0]["left"] == 2
    assert ran.lines[0]["stop"]["kind"] == "budget"


def test_nothing_to_search_for_is_wrong_usage(sim: Cli) -> None:
    ran = sim("discover", "  ")
    assert ran.status == 2
    assert "name some words" in ran.err


def test_refused_key_ends_with_status_3(sim: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATED_KEY", "sk-another-key-than-the-right-one")
    ran = sim("discover", "one", "--json")
    assert ran.status == 3


def add_flat(sim: Cli, *more: str) -> None:
    """Add a source that cannot be searched, and that would be asked last."""
    flat = [
        "[sources.flat]",
        'dialect = "mj-flat"',
        'base_url = "http://127.0.0.1:9"',
        "prefer = 9",
    ]
    with (sim.folder / "catalog.toml").open("a") as file:
        file.write("\n".join([*flat, *more, ""]))


def test_source_that_cannot_be_searched_is_left_out(sim: Cli) -> None:
    add_flat(sim)
    ran = sim("discover", "one", "--json")
    assert ran.status == 0, ran.err
    assert [each["source"] for each in ran.lines] == ["sim"]
    assert "left out: sources.flat" in ran.err
    assert sim("discover", "one", "--source", "flat").status == 2


def test_job_leaves_out_a_source_that_cannot_be_searched(sim: Cli, gateway: RunningGateway) -> None:
    add_flat(sim, "[jobs.discover]", f'queries = ["{a_word(gateway)}"]')
    ran = sim("jobs", "run", "discover", "--json")
    assert ran.status == 0, ran.err
    assert "left out: sources.flat" in ran.out
    runs = sim("sql", "SELECT source, status FROM runs WHERE command = 'discover'", "--json")
    assert runs.lines == [{"source": "sim", "status": "finished"}]
