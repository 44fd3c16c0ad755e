"""What ``verify`` finds in a catalog whose rows were changed behind its back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from catalog.storage import tables as t
from catalog.storage.engine import read, write
from catalog.storage.verify import MOST, REBUILD, RECOVER, Finding, verify
from tests.contract.telling import ID, changed, day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

OTHER = "g-Other0000"


@pytest.fixture
def whole(engine: Engine) -> Engine:
    """Two GPTs, one of which changed its name."""
    tell(
        engine,
        said(day(1), document()),
        said(day(2), changed(document(), name="Another name")),
        said(day(1), document(OTHER)),
    )
    return engine


def found(engine: Engine) -> list[Finding]:
    """All findings."""
    with read(engine) as conn:
        return [finding for check in verify(conn) for finding in check.findings]


def wrong_digest(conn: Connection) -> None:
    p = t.payloads.c
    first = conn.execute(
        select(p.payload_id).where(p.payload_id != t.NOT_FOUND_PAYLOAD).order_by(p.payload_id)
    ).scalar()
    conn.execute(update(t.payloads).where(p.payload_id == first).values(digest=b"\0" * 32))


def no_current_row(conn: Connection) -> None:
    conn.execute(delete(t.gizmos).where(t.gizmos.c.gizmo_id == OTHER))


def no_observation(conn: Connection) -> None:
    row: Any = conn.execute(select(t.gizmos).where(t.gizmos.c.gizmo_id == OTHER)).mappings().one()
    conn.execute(insert(t.gizmos).values({**row, "gizmo_id": "g-Nothing00"}))


def overlap(conn: Connection) -> None:
    r = t.gizmo_revisions.c
    conn.execute(update(t.gizmo_revisions).where(r.gizmo_id == ID).values(valid_to=day(9)))


def gap(conn: Connection) -> None:
    r = t.gizmo_revisions.c
    closed = (r.gizmo_id == ID) & r.valid_to.is_not(None)
    conn.execute(update(t.gizmo_revisions).where(closed).values(valid_to=r.valid_to - 1))


def ended(conn: Connection) -> None:
    s = t.statuses.c
    conn.execute(update(t.statuses).where(s.gizmo_id == OTHER).values(valid_to=day(3)))


def other_name(conn: Connection) -> None:
    g = t.gizmos.c
    conn.execute(update(t.gizmos).where(g.gizmo_id == OTHER).values(name="Not so"))


def other_status(conn: Connection) -> None:
    s = t.statuses.c
    conn.execute(update(t.statuses).where(s.gizmo_id == OTHER).values(status="gone"))


def no_tools(conn: Connection) -> None:
    tools = t.CHILDREN["tools"]
    conn.execute(delete(tools).where(tools.c.gizmo_id == OTHER))


def no_first_change(conn: Connection) -> None:
    conn.execute(delete(t.changes).where(t.changes.c.gizmo_id == OTHER))


@pytest.mark.parametrize(
    ("damage", "check", "what", "do"),
    [
        (wrong_digest, "payloads", "payload", RECOVER),
        (no_current_row, "observations", f"{OTHER} has documents but no row in gizmos", REBUILD),
        (no_current_row, "changes", f"changes of {OTHER}, which has no row in gizmos", REBUILD),
        (no_observation, "observations", "g-Nothing00 has a row in gizmos but no doc", REBUILD),
        (no_observation, "changes", "g-Nothing00 has no change that lists it first", REBUILD),
        (overlap, "intervals", f"gizmo_revisions of {ID}: from {day(1)} to {day(9)}", REBUILD),
        (gap, "intervals", f"gizmo_revisions of {ID}: from {day(1)} to {day(2) - 1}", REBUILD),
        (ended, "intervals", f"statuses of {OTHER}: from {day(1)} to {day(3)}, then", REBUILD),
        (other_name, "current rows", f"{OTHER} in gizmos differs from its open rev", REBUILD),
        (other_status, "current rows", f"{OTHER} in gizmos differs from its open status", REBUILD),
        (no_tools, "counts", f"{OTHER} has 0 open rows in tools, not 1", REBUILD),
        (no_first_change, "changes", f"{OTHER} has no change that lists it first", REBUILD),
    ],
)
def test_what_was_changed_behind_its_back_is_found(
    whole: Engine, damage: Callable[[Connection], None], check: str, what: str, do: str
) -> None:
    assert found(whole) == []
    with write(whole) as conn:
        damage(conn)

    assert (check, do) in [
        (each.check, each.do) for each in found(whole) if each.what.startswith(what)
    ]


def test_row_that_an_index_lacks_is_found_by_the_engines_own_check(whole: Engine) -> None:
    if whole.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's pages are checked by the server")
    whole.dispose()
    lacking = (
        "CREATE TABLE kept AS SELECT * FROM sqlite_master WHERE sql GLOB 'CREATE INDEX*changes*'",
        "DELETE FROM sqlite_master WHERE name IN (SELECT name FROM kept)",
    )
    again = (
        "UPDATE changes SET observed_at = observed_at + 1",
        "INSERT INTO sqlite_master SELECT * FROM kept",
        "DROP TABLE kept",
    )
    for statements in (lacking, again):
        with closing(sqlite3.connect(whole.url.database or "")) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            for statement in statements:
                connection.execute(statement)
            connection.commit()
    assert ("engine", RECOVER) in [(each.check, each.do) for each in found(whole)]


def test_row_that_names_none_is_found_where_the_engine_did_not_mind(whole: Engine) -> None:
    if whole.dialect.name != "sqlite":
        pytest.skip("PostgreSQL never stops minding")
    with closing(sqlite3.connect(whole.url.database or "")) as connection:
        connection.execute("DELETE FROM sources")
        connection.commit()

    assert [each.do for each in found(whole) if "of sources that is not there" in each.what]


def test_so_many_findings_of_one_kind_are_told_and_no_more(engine: Engine) -> None:
    tell(engine, *(said(day(1), document(f"g-Many{number:05}")) for number in range(MOST + 2)))
    with write(engine) as conn:
        conn.execute(text("UPDATE listings SET by_rating = 7"))

    assert [each.check for each in found(engine)].count("listings") == MOST


def test_checks_say_how_much_they_looked_at(whole: Engine) -> None:
    with read(whole) as conn:
        looked_at = {check.name: check.looked_at for check in verify(conn)}
        rows = {
            table: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (
                *(t.observations, t.gizmo_revisions, t.gizmo_authors, t.attachments, t.statuses),
                *t.CHILDREN.values(),
                t.facet_sets,
            )
        }
    assert looked_at["facets"] == rows.pop(t.facet_sets) > 0
    assert looked_at["observations"] == rows.pop(t.observations) == 3
    assert looked_at["intervals"] == sum(rows.values())


def test_observation_that_is_met_again_keeps_the_earliest_time_it_was_recorded(
    whole: Engine,
) -> None:
    """And no other is touched."""
    tell(whole, said(day(1), document(), recorded_at=day(1) - 2))
    tell(whole, said(day(1), document(), recorded_at=day(1) - 1))
    o = t.observations.c
    with read(whole) as conn:
        times = conn.execute(
            select(o.recorded_at).order_by(o.gizmo_id != ID, o.observed_at)
        ).scalars()
        assert list(times) == [day(1) - 2, day(2), day(1)]


@pytest.mark.parametrize("kind", ["facets", "listing"])
def test_counts_of_facets_are_looked_at_once_stage_2_has_settled(whole: Engine, kind: str) -> None:
    with write(whole) as conn:
        conn.execute(update(t.facet_sets).values(gpts=t.facet_sets.c.gpts + 1))
        conn.execute(insert(t.stage_queue), {"kind": kind, "key": ID})
    assert "facets" not in {each.check for each in found(whole)}
    with write(whole) as conn:
        conn.execute(delete(t.stage_queue))
    assert "facets" in {each.check for each in found(whole)}
