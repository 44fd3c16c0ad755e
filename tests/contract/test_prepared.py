"""Statements that the drivers are given as they are say what they say through SQLAlchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import bindparam, event, select

from catalog.errors import StorageError
from catalog.storage import tables as t
from catalog.storage.dialects import one_of
from catalog.storage.engine import read
from catalog.storage.prepared import Prepared
from catalog.storage.rows import PER_GPT
from tests.contract.telling import ID, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

_TOLD = Prepared(
    select(t.observations.c.observed_at, t.observations.c.observation_id).where(
        one_of(t.observations.c.gizmo_id, "ids"), t.observations.c.observed_at >= bindparam("since")
    )
)


@pytest.mark.parametrize("table", [table.name for table in PER_GPT])
def test_rows_are_those_of_sqlalchemy(engine: Engine, table: str) -> None:
    tell(engine, said(day(1), document(tags=["public"])), said(day(2), document(name="Other")))
    named = t.metadata.tables[table]
    query = select(named).where(named.c.gizmo_id == bindparam("id"))
    with read(engine) as conn:
        found = Prepared(query).rows(conn, {"id": ID})
        expected = [tuple(row) for row in conn.execute(query, {"id": ID})]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]


def test_lists_and_values_of_the_query_itself_are_parameters(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(2), document("g-Other0001", "Other")))
    with read(engine) as conn:
        for ids, since, expected in (
            ([ID, "g-Other0001"], 0, [day(1), day(2)]),
            ([ID, "g-Other0001"], day(2), [day(2)]),
            ([ID], 0, [day(1)]),
            ([], 0, []),
        ):
            rows = _TOLD.rows(conn, {"ids": ids, "since": since, "more": "is passed over"})
            assert [at for at, _ in rows] == expected
        listed = Prepared(select(t.statuses.c.gizmo_id).where(t.statuses.c.status == "listed"))
        assert len(listed.rows(conn, {})) == 2


def test_listeners_hear_the_statement(engine: Engine) -> None:
    heard: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        heard.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    with read(engine) as conn:
        heard.clear()
        _TOLD.rows(conn, {"ids": [ID], "since": 0})
    assert [each for each in heard if "observations" in each]


@pytest.mark.parametrize("value", [2**70, "half\ud800"])
def test_errors_of_the_driver_are_ours(engine: Engine, value: Any) -> None:
    asked = {"ids": [ID], "since": value}
    with pytest.raises(StorageError, match="cannot take a value"), read(engine) as conn:
        _TOLD.rows(conn, asked)
    with read(engine) as conn:
        assert _TOLD.rows(conn, {"ids": [], "since": 0}) == []
