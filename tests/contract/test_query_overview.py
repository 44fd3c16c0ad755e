from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.query.overview import ChangeCount, Month, Reach, overview, quantiles
from catalog.storage.engine import read, write
from catalog.storage.frontier import add_ids
from catalog.times import DAY, HOUR
from tests.contract.telling import NEVER, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_overview_of_an_empty_catalog_is_all_nothing(engine: Engine) -> None:
    with read(engine) as conn:
        found = overview(conn, day(1))
    assert found.coverage == Reach(known=0, with_document=0, never_asked=0)
    assert (found.months, found.freshness, found.changes) == ((), None, ())


def test_overview_counts_growth_changes_and_freshness(engine: Engine) -> None:
    two = document("g-Made2UpId", created_at="2026-01-15T00:00:00+00:00")
    tell(
        engine,
        said(day(1), document()),
        said(day(2), two),
        said(day(3), changed(document(), name="Another name")),
    )
    with read(engine) as conn:
        found = overview(conn, day(4))
    assert found.holdings.gpts == {"listed": 2}
    assert found.months == (
        Month(month="2026-01", created=1, first_seen=0, gone=0),
        Month(month="2026-02", created=0, first_seen=2, gone=0),
    )
    assert found.changes == (
        ChangeCount(cls="lifecycle", field="status", changes=2, noise=0),
        ChangeCount(cls="content", field="gizmo.display.name", changes=1, noise=0),
    )
    assert found.freshness is not None
    assert (found.freshness["50%"], found.freshness["100%"]) == (DAY, 2 * DAY)


def test_overview_counts_the_gone_in_the_month_they_went(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(2), None), said(day(4), None))
    with read(engine) as conn:
        found = overview(conn, day(5))
    assert found.months == (Month(month="2026-02", created=0, first_seen=1, gone=1),)
    assert found.freshness is None  # of what is gone none is told


def test_overview_counts_no_gpt_as_gone_that_came_back(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(2), None),
        said(day(4), None),
        said(day(5), document()),
    )
    with read(engine) as conn:
        assert [each.gone for each in overview(conn, day(5)).months] == [0]


def test_coverage_counts_ids_without_a_document(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with read(engine) as conn:
        before = overview(conn, day(1)).coverage
    with write(engine) as conn:
        add_ids(conn, [NEVER], day(1))
    with read(engine) as conn:
        after = overview(conn, day(1)).coverage
    assert (after.known, after.with_document) == (before.known + 1, before.with_document)


def test_quantiles_say_how_long_ago_a_share_was_seen_at_most() -> None:
    now = 100 * HOUR
    found = quantiles([(99 * HOUR, 9), (50 * HOUR, 1)], now)
    assert found is not None
    assert found["90%"] == HOUR
    assert found["100%"] == 50 * HOUR
    assert quantiles([], now) is None
