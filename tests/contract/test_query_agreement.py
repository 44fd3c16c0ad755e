from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from catalog.query.agreement import agreements
from catalog.storage.engine import read
from catalog.times import HOUR
from tests.contract.telling import DERIVER, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

ONE, TWO, THREE = "g-Made1UpId", "g-Made2UpId", "g-Made3UpId"


def test_sources_that_say_the_same_agree(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(1) + HOUR, document(), source="two"),
    )
    with read(engine) as conn:
        (found,) = agreements(conn, DERIVER, day(1), day(2))
    assert (found.sources, found.compared, found.agreed) == (("one", "two"), 1, 1)
    assert found.fields == {}


def test_contradictions_are_named_by_field(engine: Engine) -> None:
    other = changed(document(TWO), name="Another name", categories=["writing"])
    tell(
        engine,
        said(day(1), document(ONE)),
        said(day(1) + HOUR, document(ONE), source="two"),
        said(day(1), document(TWO)),
        said(day(1) + HOUR, other, source="two"),
        said(day(1), document(THREE)),
        said(day(1) + HOUR, None, source="two", gizmo_id=THREE),
    )
    with read(engine) as conn:
        (found,) = agreements(conn, DERIVER, day(1), day(2))
    assert (found.compared, found.agreed) == (3, 1)
    assert found.fields == {
        "gizmo.display.categories": 1,
        "gizmo.display.name": 1,
        "status": 1,
    }
    assert {each.gizmo_id for each in found.examples} == {TWO, THREE}


def test_sources_that_both_know_of_no_such_gpt_agree(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(2), None),
        said(day(2) + HOUR, None, source="two"),
    )
    with read(engine) as conn:
        (found,) = agreements(conn, DERIVER, day(2), day(3))
    assert (found.compared, found.agreed, found.examples) == (1, 1, ())


def test_what_a_source_does_not_send_it_does_not_deny(engine: Engine) -> None:
    less = copy.deepcopy(document())
    del less["gizmo"]["display"]["description"]
    del less["tools"]
    tell(engine, said(day(1), document()), said(day(1) + HOUR, less, source="two"))
    with read(engine) as conn:
        (found,) = agreements(conn, DERIVER, day(1), day(2))
    assert found.agreed == 1


def test_what_lies_days_apart_is_not_compared(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(3), changed(document(), name="New"), source="two"),
    )
    with read(engine) as conn:
        assert agreements(conn, DERIVER, day(1), day(5)) == []
        assert agreements(conn, DERIVER, day(4), day(5)) == []


def test_the_latest_word_of_each_source_counts(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), changed(document(), name="Old")),
        said(day(1) + 2 * HOUR, document()),
        said(day(1) + HOUR, document(), source="two"),
    )
    with read(engine) as conn:
        (found,) = agreements(conn, DERIVER, day(1), day(2))
    assert found.agreed == 1
