"""The one exception to laws 1 and 2: what a tombstone covers is no part of the catalog."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from catalog.derive import Derivation
from catalog.storage import tables as t
from catalog.storage.erasing import erase_covered
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.stage2 import settle
from catalog.storage.tombstones import add_tombstones
from tests.laws.firing import make_rules_of_many_small
from tests.laws.worlds import GPTS, NOW, arrivals, dumped, keep, scratch, undone, worlds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from sqlalchemy import Connection, Engine

    from catalog.records import Observation

DOSE = {"sqlite": 40, "postgres": 8}
USERS = ("user-one", "user-two")
WANTED = os.environ.get("GPTS_LAWS_EXAMPLES", "")
RULES = Derivation()


def _is_covered(said: Observation, gpts: Sequence[str], users: Sequence[str]) -> bool:
    user = said.document.scalars.get("user_id") if said.document is not None else None
    return said.gizmo_id in gpts or user in users


def _bury(conn: Connection, gpts: Sequence[str], users: Sequence[str]) -> None:
    add_tombstones(conn, "gpt", gpts, NOW)
    add_tombstones(conn, "author", users, NOW)


def test_a_catalog_is_that_of_what_no_tombstone_covers(
    engine: Engine,
    engine_name: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Whether it was said before or after it was to be forgotten, and in whatever order."""
    monkeypatch.chdir(tmp_path_factory.mktemp("forgetting"))

    @settings(
        max_examples=int(WANTED or DOSE[engine_name]),
        derandomize=not WANTED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        world = data.draw(worlds(), label="world")
        coming = data.draw(arrivals(world), label="arrivals")
        gpts = data.draw(st.sampled_from(((), GPTS[:1], GPTS[1:])), label="gpts")
        users = data.draw(st.sampled_from(((), USERS[:1], USERS)), label="authors")
        when = data.draw(st.integers(0, len(coming)), label="when")
        make_rules_of_many_small(monkeypatch, data.draw(st.sampled_from((1, 2)), label="many"))
        left = [each for each in world if not _is_covered(each, gpts, users)]
        with scratch(engine) as conn:
            with undone(conn):
                _bury(conn, gpts, users)
                keep(conn, left)
                expected = dumped(conn)
                shapes = _shapes(conn)
            for number, arrival in enumerate([*coming, None]):
                if number == when:
                    _bury(conn, gpts, users)
                    erase_covered(conn, RULES)
                if arrival is not None:
                    observe(conn, RULES, arrival.batch)
            settle(conn, RULES)
            assert dumped(conn) == expected, "whenever it was to be forgotten"
            assert _shapes(conn) == shapes
            erase_covered(conn, RULES)
            assert dumped(conn) == expected, "erased again"
            rebuild(conn, RULES)
            assert dumped(conn) == expected, "rebuilt"

    check()


def _shapes(conn: Connection) -> set[str]:
    return set(conn.execute(select(t.shapes.c.paths)).scalars())
