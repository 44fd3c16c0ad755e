"""What happened within a window, as reports, watches and exports ask for it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

from catalog.query import windows
from catalog.query.exporting import late_ids
from catalog.query.scopes import Scope
from catalog.storage import runs
from catalog.storage.engine import read, write
from tests.contract.telling import ID, day, document, said, tell

if TYPE_CHECKING:
    import pytest
    from sqlalchemy import Engine


def test_gpts_that_were_touched_come_some_at_a_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window may hold all there are, and each part is held in memory."""
    ids = [f"g-Touched{number:02}" for number in range(5)]
    tell(engine, *(said(day(1), document(each)) for each in reversed(ids)))
    monkeypatch.setattr(windows, "PAGE", 2)
    with read(engine) as conn:
        parts = list(windows.touched(conn, Scope(since=day(1), until=day(2))))
    assert parts == [ids[:2], ids[2:4], ids[4:]]


def test_what_was_judged_since_a_moment_is_new_though_it_was_recorded_before(
    engine: Engine,
) -> None:
    """A run that closes judges its not-founds (rule 6); its documents say what they said."""
    other = "g-Other0000"
    key = runs.RunKey(command="harvest", source="one", ids_digest="x")
    with write(engine) as conn:
        run = runs.open_run(conn, key, now=day(2), rng=random.Random(1))
    told = (
        said(day(1), document()),
        said(day(2), None, gizmo_id=ID),
        said(day(2), document(other)),
    )
    tell(engine, told[0], *(msgspec.structs.replace(each, run_id=run.run_id) for each in told[1:]))
    with write(engine) as conn:
        runs.close_run(conn, run.run_id, now=day(4), status="finished", reason=None)
    with read(engine) as conn:
        assert late_ids(conn, day(3)) == [ID]
        assert late_ids(conn, day(5)) == []
