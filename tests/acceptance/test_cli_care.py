"""Merging, rebuilding as known then, and digests of what a killed process left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.storage import tables as t
from catalog.storage.engine import open_engine, write
from catalog.times import DAY

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli


def _digest(cli: Cli, *words: str) -> str:
    return str(cli("digest", "--json", *words).json["digest"])


def test_merging_two_days_equals_having_seen_both(sim: Cli, gateway: RunningGateway) -> None:
    for name in ("catalog.db", "one.db", "two.db"):
        assert sim("init", "--catalog", name).status == 0
    for name in ("one.db", "two.db"):
        for catalog in ("catalog.db", name):
            assert sim("harvest", "--refs", "ids.txt", "--catalog", catalog).status == 0
        gateway.clock.advance(DAY)
    assert sim("merge", "one.db", "--catalog", "two.db").status == 0
    assert _digest(sim, "--catalog", "two.db") == _digest(sim, "--catalog", "catalog.db")
    once = sim("merge", "one.db", "--catalog", "two.db")
    assert once.out.startswith("merged ")
    assert once.err == ""
    again = sim("merge", "one.db", "--catalog", "two.db", "--json")
    assert again.json["new"] == again.json["runs"] == 0


def test_a_catalog_is_not_merged_into_itself(sim: Cli) -> None:
    assert sim("init", "--catalog", "one.db").status == 0
    ran = sim("merge", "one.db", "--catalog", "one.db")
    assert ran.status == 2
    assert "itself" in ran.err


def test_a_catalog_as_known_then_is_the_catalog_of_then(sim: Cli, gateway: RunningGateway) -> None:
    words = ("--catalog", "catalog.db")
    assert sim("init", *words).status == 0
    assert sim("harvest", "--refs", "ids.txt", *words).status == 0
    then, day = _digest(sim, *words), "2026-01-01"
    gateway.clock.advance(DAY)
    assert sim("harvest", "--refs", "ids.txt", *words).status == 0
    assert _digest(sim, *words) != then
    assert sim("rebuild", "--known-at", day, "--to", "then.db", *words).status == 0
    assert _digest(sim, "--catalog", "then.db") == then
    ran = sim("rebuild", "--known-at", day, "--to", "then.db", *words)
    assert ran.status == 2
    assert "there is a catalog already" in ran.err
    assert sim("rebuild", "--known-at", day, *words).status == 2


def test_a_digest_settles_what_a_killed_process_left(sim: Cli) -> None:
    words = ("--catalog", "catalog.db")
    assert sim("init", *words).status == 0
    assert sim("harvest", "--refs", "ids.txt", *words).status == 0
    settled = _digest(sim, *words)
    engine = open_engine(f"sqlite:///{sim.folder}/catalog.db")
    with write(engine) as conn:
        authors = set(conn.execute(t.authors.delete().returning(t.authors.c.user_id)).scalars())
        queue = [{"kind": "author", "key": author} for author in sorted(authors)]
        conn.execute(t.stage_queue.insert(), queue)
    engine.dispose()
    assert _digest(sim, *words) == settled
