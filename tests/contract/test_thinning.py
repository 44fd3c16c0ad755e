"""Thinning drops what says nothing new, and the catalog says the same (rule 14)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from catalog.care.pruning import UNTHINNED, prune_all
from catalog.derive import Derivation
from catalog.errors import StorageError
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.dump import digest, facts_digest
from catalog.storage.engine import read, write
from catalog.storage.rebuild import rebuild
from catalog.storage.thinning import Plan, thin
from catalog.storage.verify import verify
from catalog.storage.work_tables import prunings
from catalog.times import DAY
from tests.laws.firing import make_rules_of_many_small
from tests.laws.worlds import (
    GPTS,
    START,
    arrivals,
    document,
    keep,
    scratch,
    state_absence,
    state_document,
    undone,
    worlds,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from catalog.records import Observation

RULES = Derivation()
GPT, OTHER = GPTS[:2]
END = START + 200 * DAY
NOW = END + UNTHINNED
DAYS = 20
DOSE = {"sqlite": 40, "postgres": 8}
WANTED = os.environ.get("GPTS_LAWS_EXAMPLES", "")


def _visit(day: int, gizmo_id: str = GPT, **said: Any) -> Observation:
    """A document of one day; how long ago it was made differs each time, and is noise."""
    usual = {"name": "Tide", "description": "words " * 50, "tags": ["public"], "updated_at": None}
    made = document(gizmo_id, **{**usual, "ago": f"{day} days ago", **said})
    return _at(day, state_document(made))


def _at(day: float, said: Observation) -> Observation:
    """What is said, said on some day: beyond the worlds' own present, too."""
    return msgspec.structs.replace(said, observed_at=START + round(day * DAY))


def _history() -> list[Observation]:
    """Two hundred days of a GPT: a new name on day 100, a number that moves on day 50."""

    def at_times(day: int) -> dict[str, Any]:
        # Last confirmed on day 60: a change would tell since when it may have been.
        author = {"author": "Ann"} if day % 20 == 0 and day <= 60 else {}
        return {**author, **({"novelty": day} if 30 <= day <= 40 else {})}

    said = [
        _visit(
            day,
            name="Tide" if day < 100 else "Ebb",
            conversations="96" if day < 50 else "1K+",
            **at_times(day),
        )
        for day in range(200)
    ]
    return [*said, *(_visit(day, OTHER) for day in (0, 199))]


def _times(conn: Connection, gizmo_id: str = GPT) -> list[int]:
    """The days of which an observation is kept."""
    o = t.observations.c
    query = select(o.observed_at).where(o.gizmo_id == gizmo_id).order_by(o.observed_at)
    return [(at - START) // DAY for at in conn.execute(query).scalars()]


def _count(conn: Connection, table: Any) -> int:
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def full(engine: Engine) -> Engine:
    with write(engine) as conn:
        for source in ("alpha", "beta"):
            conn.execute(
                insert(t.sources), {"name": source, "dialect": "recorded", "added_at": START}
            )
        keep(conn, _history())
    return engine


def test_what_begins_or_ends_something_stays(full: Engine) -> None:
    with write(full) as conn:
        before = _count(conn, t.observations)
        done = thin(conn, RULES, END)
        left = _times(conn)
        assert done.observations == before - len(left) - 2
    # The first, the last; before and with a number, a name; a field's first and last mention; and
    # the first and last with each set of fields: with the author, and with the novelty alone.
    assert left == [0, 1, 30, 39, 40, 49, 50, 60, 99, 100, 199]


def test_the_catalog_says_the_same(full: Engine) -> None:
    with write(full) as conn:
        facts, before = facts_digest(conn), digest(conn)
        thin(conn, RULES, END)
        assert facts_digest(conn) == facts
        thinned = digest(conn)
        assert thinned != before
        assert [each.findings for each in verify(conn) if each.findings] == []
        rebuild(conn, RULES)
        assert digest(conn) == thinned


def test_what_stays_is_read_byte_for_byte(full: Engine) -> None:
    """Deltas on payloads that go are encoded anew."""
    with write(full) as conn:
        p = t.payloads.c
        bases = set(conn.execute(select(p.base_id).where(p.base_id.is_not(None))).scalars())
        payloads = conn.execute(select(p.payload_id).where(p.payload_id > 0)).scalars()
        stood = get_payloads(conn, list(payloads))
        before = conn.execute(select(func.sum(func.length(p.data)))).scalar_one()
        done = thin(conn, RULES, END)
        left = conn.execute(select(p.payload_id).where(p.payload_id > 0)).scalars().all()
        assert get_payloads(conn, left) == {number: stood[number] for number in left}
        assert done.payloads == len(stood) - len(left) > 0
        after = conn.execute(select(func.sum(func.length(p.data)))).scalar_one()
        assert done.size == before - after > 0
        assert bases


def test_thinned_again_nothing_more_goes(full: Engine) -> None:
    with write(full) as conn:
        assert thin(conn, RULES, END).observations
        assert thin(conn, RULES, END).observations == 0


def test_young_ones_stay(full: Engine) -> None:
    with write(full) as conn:
        thin(conn, RULES, START + 90 * DAY)
        left = _times(conn)
    assert left[-110:] == list(range(90, 200))
    assert len(left) < 130


def test_what_another_row_names_stays(full: Engine) -> None:
    with write(full) as conn:
        o = t.observations.c
        by_day = {
            (at - START) // DAY: (number, payload)
            for number, at, payload in conn.execute(
                select(o.observation_id, o.observed_at, o.payload_id).where(o.gizmo_id == GPT)
            )
        }
        conn.execute(
            insert(t.outcomes),
            {"run_id": "r", "asked_id": GPT, "source_id": 1, "verdict": "document", "effect": ""}
            | {"attempts": 1, "requests": 1, "status": 200, "detail": "", "at": START}
            | {"observation_id": by_day[120][0]},
        )
        conn.execute(
            insert(t.discoveries),
            {"gizmo_id": GPT, "source_id": 1, "query": "q", "at": START, "rank": 1, "title": ""}
            | {"payload_id": by_day[130][1]},
        )
        conn.execute(insert(t.judgements), {"observation_id": by_day[140][0]})
        thin(conn, RULES, END)
        left = _times(conn)
        assert {120, 140} < set(left)
        assert 130 not in left
        assert get_payloads(conn, [by_day[130][1]])


def test_a_dry_run_says_the_same_and_drops_nothing(full: Engine, tmp_path: Path) -> None:
    with read(full) as conn:
        before = digest(conn)
        planned = Plan(conn, RULES, END).count()
    said = prune_all(full, tmp_path, NOW, DAYS, thin=True, dry_run=True)[-1]
    with read(full) as conn:
        assert digest(conn) == before
        assert _count(conn, prunings) == 0
    done = prune_all(full, tmp_path, NOW, DAYS, thin=True)[-1]
    assert said.removed == done.removed == planned.observations > 0
    assert said.note == done.note
    assert 0 < done.size <= said.size
    with read(full) as conn:
        row = conn.execute(select(prunings.c.what, prunings.c.removed, prunings.c.bytes)).one()
    assert tuple(row) == (done.what, done.removed, done.size)


def test_nothing_is_dropped_unless_it_is_asked_for(full: Engine, tmp_path: Path) -> None:
    with read(full) as conn:
        before = digest(conn)
    assert prune_all(full, tmp_path, NOW, DAYS)[-1].what == "reports"
    with read(full) as conn:
        assert digest(conn) == before


def test_the_last_month_stays_however_little_is_to_be_kept(full: Engine, tmp_path: Path) -> None:
    """Whether a value is back soon depends on how many visits lie between (rule 8)."""
    prune_all(full, tmp_path, START + 200 * DAY, 1, thin=True)
    with read(full) as conn:
        left = _times(conn)
    month = UNTHINNED // DAY
    assert left[-month:] == list(range(200 - month, 200))


def test_where_a_flap_would_be_seen_all_stays(full: Engine) -> None:
    """A name that is back after many visits is no flap, and would be one after few."""
    names = ["Ebb", *["Tide"] * 15, "Ebb", *["Ebb"] * 40]
    with write(full) as conn:
        keep(conn, [_visit(day, GPTS[2], name=name) for day, name in enumerate(names)])
        thin(conn, RULES, END)
        assert _times(conn, GPTS[2]) == list(range(len(names)))
        assert len(_times(conn)) < 20
        c = t.changes.c
        flaps = conn.execute(select(c.flap).where(c.field == "gizmo.display.name")).scalars()
        assert not any(flaps)


def test_days_that_count_for_a_mass_event_stay(
    full: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of thirty are no mass event, and would be one of a few."""
    make_rules_of_many_small(monkeypatch, 2)
    many = [f"g-Many{number:05}" for number in range(30)]
    with write(full) as conn:
        said = [_visit(day, each, tags=["public"]) for each in many for day in (0, 5, 9, 199)]
        said += [_visit(7, each, tags=["public", "first"]) for each in many[:2]]
        said += [_visit(7, each, tags=["public"]) for each in many[2:]]
        keep(conn, said)
        stood = conn.execute(select(t.mass_events.c.event_id)).scalars().all()
        thin(conn, RULES, END)
        assert conn.execute(select(t.mass_events.c.event_id)).scalars().all() == stood
        assert _times(conn, many[5]) == [0, 7, 9, 199]


def test_documents_without_which_no_drift_would_be_seen_stay(engine: Engine) -> None:
    """Of a path that vanished, a hundred documents had to have it, and a hundred to lack it."""
    with write(engine) as conn:
        source = {"name": "alpha", "dialect": "recorded", "added_at": START}
        conn.execute(insert(t.sources), source)
        keep(conn, [_visit(day, **({"author": "Ann"} if day < 105 else {})) for day in range(210)])
        stood = conn.execute(select(t.drift.c.path, t.drift.c.kind)).all()
        assert "vanished" in {kind for _, kind in stood}
        assert thin(conn, RULES, END).observations == 0
        assert _times(conn) == list(range(210))
        assert conn.execute(select(t.drift.c.path, t.drift.c.kind)).all() == stood


def test_not_founds_between_go_and_those_of_an_open_run_stay(full: Engine) -> None:
    with write(full) as conn:
        said = [_visit(0, GPTS[2])]
        said += [_at(day, state_absence(GPTS[2])) for day in range(3, 30)]
        said += [_at(10.1, state_absence(GPTS[2], verdict=""))]
        keep(conn, said)
        thin(conn, RULES, END)
        left = _times(conn, GPTS[2])
    assert {0, 3, 4, 10, 29} <= set(left)
    assert len(left) < 12


def test_a_catalog_that_would_say_something_else_stays_as_it_is(
    full: Engine, tmp_path: Path
) -> None:
    """What was derived by older rules is made again by a rebuild, and by nothing in passing."""
    with write(full) as conn:
        conn.execute(update(t.gizmos).where(t.gizmos.c.gizmo_id == GPT).values(name="Other"))
        before = digest(conn)
    with pytest.raises(StorageError) as told:
        prune_all(full, tmp_path, NOW, DAYS, thin=True)
    assert str(told.value) == (
        "without the observations that thinning drops the catalog would not say the same:"
        " nothing was dropped; if the program is newer than what it derived, run gpts-catalog"
        " rebuild and try again"
    )
    with read(full) as conn:
        assert digest(conn) == before
        assert _count(conn, prunings) == 0


def test_whatever_was_said_the_catalog_says_the_same_now_and_later(
    engine: Engine, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @settings(
        max_examples=int(WANTED or DOSE[engine_name]),
        derandomize=not WANTED,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        world = data.draw(worlds(least=6, most=14), label="world")
        coming = data.draw(arrivals(world), label="arrivals")
        later = data.draw(worlds(), label="later")
        with monkeypatch.context() as patch, scratch(engine) as conn:
            small = data.draw(st.sampled_from((0, 1, 2)), label="many")
            if small:
                make_rules_of_many_small(patch, small)
            keep(conn, *(arrival.batch for arrival in coming))
            facts = facts_digest(conn)
            with undone(conn):
                keep(conn, _moved(later))
                afterwards = facts_digest(conn)
            thin(conn, RULES, START + 60 * DAY)
            assert facts_digest(conn) == facts
            thinned = digest(conn)
            rebuild(conn, RULES)
            assert digest(conn) == thinned, "rebuilt"
            if not small:
                keep(conn, _moved(later))
                assert facts_digest(conn) == afterwards, "later"

    check()


def _moved(world: list[Observation]) -> list[Observation]:
    """What is said, said half a year later."""
    return [
        msgspec.structs.replace(each, observed_at=each.observed_at + 180 * DAY) for each in world
    ]
