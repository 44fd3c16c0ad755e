from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from catalog.derive import Derivation
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.stage2 import settle
from tests.laws.firing import FIRED, RULES, fired, fired_on_arrival, make_rules_of_many_small
from tests.laws.worlds import arrivals, dumped, keep, scratch, undone, worlds

if TYPE_CHECKING:
    from sqlalchemy import Engine

DOSE = {"sqlite": 120, "postgres": 20}
"""Examples where ``GPTS_LAWS_EXAMPLES`` says nothing."""

ENOUGH = 100
"""Examples in which every rule has to fire; fewer show no more than that nothing breaks."""

WANTED = os.environ.get("GPTS_LAWS_EXAMPLES", "")


def test_any_order_split_and_repetition_gives_one_catalog(
    engine: Engine, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = Derivation()
    counts: Counter[str] = Counter()
    examples = 0

    @settings(
        max_examples=int(WANTED or DOSE[engine_name]),
        # The small dose is the same one each time: every rule has to fire in it.
        derandomize=not WANTED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        nonlocal examples
        world = data.draw(worlds(), label="world")
        coming = data.draw(arrivals(world), label="arrivals")
        make_rules_of_many_small(monkeypatch, data.draw(st.sampled_from((1, 2)), label="many"))
        with scratch(engine) as conn:
            with undone(conn):
                keep(conn, world)
                expected = dumped(conn)
                rules_fired = fired(conn, world) | fired_on_arrival(coming)
            with undone(conn):
                keep(conn, *([each] for each in world))
                assert dumped(conn) == expected, "step by step"
            for arrival in coming:
                observe(conn, rules, arrival.batch)
                if arrival.settled:
                    settle(conn, rules)
            assert dumped(conn) == expected, "in any order"
            rebuild(conn, rules)
            assert dumped(conn) == expected, "rebuilt"
        examples += 1
        counts.update(rules_fired)
        for rule in rules_fired:
            event(rule)

    check()
    FIRED[f"law 2, {engine_name}"] = (examples, counts)
    if examples >= ENOUGH:
        assert [rule for rule in RULES if not counts[rule]] == []
