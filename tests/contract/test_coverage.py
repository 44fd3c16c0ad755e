from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from catalog.query.coverage import coverage, gaps, trends
from catalog.query.covered import Coverage, Growth, Share, ToolUse, Trends
from catalog.storage import tables as t
from catalog.storage.engine import read
from catalog.times import from_iso
from tests.contract.telling import changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

ONE, TWO, THREE = "g-Made1UpOn", "g-Made2UpTw", "g-Made3UpTh"
NOW = day(20)


@pytest.fixture
def told(engine: Engine) -> Engine:
    """Three GPTs: one seen often, one that goes, one of another author, with days between."""
    one = document(ONE, created_at="2024-01-15T00:00:00+00:00")
    two = document(TWO, created_at="2026-02-02T00:00:00+00:00")
    three = document(
        THREE,
        author={"user_id": "user-two", "display_name": "Another", "display_socials": []},
    )
    three["gizmo"]["display"]["categories"] = ["writing"]
    dalle = {"id": "gzm_tool_2", "type": "dalle", "settings": None, "metadata": None}
    more = changed(one, name="Another name")
    more["tools"] = [*more["tools"], dalle]
    three["tools"] = []
    tell(
        engine,
        said(day(1), one),
        said(day(2), two, source="other"),
        said(day(5), three),
        said(day(9), more),
        said(day(11), None, gizmo_id=TWO, source="other"),
        said(day(12), None, gizmo_id=TWO, source="other"),
        said(day(19), more),
    )
    return engine


def test_coverage_counts_what_is_there(told: Engine) -> None:
    with read(told) as conn:
        found = coverage(conn, NOW)
        changes = len(conn.execute(select(t.changes)).all())
    assert found == Coverage(
        gpts=3,
        listed=2,
        missing=0,
        gone=1,
        authors=2,
        observations=7,
        changes=changes,
        first_observed=day(1),
        last_observed=day(19),
        days_observed=7,
        gaps=(
            ("2026-02-03", "2026-02-04"),
            ("2026-02-06", "2026-02-08"),
            ("2026-02-10", "2026-02-10"),
            ("2026-02-13", "2026-02-18"),
        ),
        confirmed_within={1: 0.0, 7: 0.5, 30: 1.0},
        sources=("one", "other"),
    )


def test_coverage_as_of_a_moment_knows_nothing_of_what_came_later(told: Engine) -> None:
    at = day(9) + 1
    with read(told) as conn:
        found = coverage(conn, at, at=at)
    assert (found.gpts, found.listed, found.gone) == (3, 3, 0)
    assert (found.observations, found.last_observed, found.days_observed) == (4, day(9), 4)
    assert found.confirmed_within == {1: 1 / 3, 7: 2 / 3, 30: 1.0}
    assert found.gaps[-1] == ("2026-02-06", "2026-02-08")
    with read(told) as conn:
        assert [coverage(conn, NOW, at=day(5) - less).gpts for less in (0, 1)] == [3, 2]


def test_growth_as_of_a_moment_leaves_out_what_was_not_seen_yet(told: Engine) -> None:
    at = day(3)
    with read(told) as conn:
        found = trends(conn, at, at=at)
    assert found.growth[-1] == Growth(month="2026-02", made=2, seen=2)


def test_coverage_of_now_is_that_as_of_now(told: Engine) -> None:
    with read(told) as conn:
        assert coverage(conn, NOW) == coverage(conn, NOW, at=NOW)
        assert trends(conn, NOW) == trends(conn, NOW, at=NOW)


def test_coverage_of_some_gpts_is_of_these_alone(told: Engine) -> None:
    only = select(t.gizmos.c.gizmo_id).where(t.gizmos.c.gizmo_id == THREE)
    with read(told) as conn:
        found = coverage(conn, NOW, only=only)
        pictures = trends(conn, NOW, only=only)
    assert (found.gpts, found.authors, found.observations) == (1, 1, 1)
    assert found.sources == ("one",)
    assert found.gaps == ()
    assert (found.changes, found.first_observed, found.last_observed) == (1, day(5), day(5))
    assert found.confirmed_within == {1: 0.0, 7: 0.0, 30: 1.0}
    assert [each.name for each in pictures.categories] == ["writing"]
    assert [each.gpts for each in pictures.freshness] == [0, 0, 1, 0, 0]
    assert pictures.growth[-1] == Growth(month="2026-02", made=0, seen=1)
    assert pictures.tools == ()


def test_coverage_of_an_empty_catalog_is_empty(engine: Engine) -> None:
    with read(engine) as conn:
        found, pictures = coverage(conn, NOW), trends(conn, NOW)
    assert found == Coverage(confirmed_within={1: 0.0, 7: 0.0, 30: 0.0})
    assert (pictures.growth, pictures.categories, pictures.tools) == ((), (), ())
    assert sum(each.gpts for each in pictures.freshness) == 0


def test_trends_tell_growth_categories_tools_and_freshness(told: Engine) -> None:
    with read(told) as conn:
        found = trends(conn, NOW)
    # One says nothing of when it was made, and is counted with none.
    assert found.growth[0] == Growth(month="2024-01", made=1, seen=0)
    assert len(found.growth) == 26
    assert found.growth[-2:] == (
        Growth(month="2026-01", made=1, seen=0),
        Growth(month="2026-02", made=2, seen=3),
    )
    assert found.categories == (Share(name="other", gpts=2), Share(name="writing", gpts=1))
    assert found.tools == (
        ToolUse(month="2026-02", tool="browser", tools=2),
        ToolUse(month="2026-02", tool="dalle", tools=1),
    )
    assert found.freshness == (
        Share(name="1", gpts=0),
        Share(name="7", gpts=1),
        Share(name="30", gpts=1),
        Share(name="90", gpts=0),
        Share(name="older", gpts=0),
    )


def test_a_tool_that_goes_is_not_counted_any_more(engine: Engine) -> None:
    with_tool = document(ONE)
    without = document(ONE)
    without["tools"] = []
    march = from_iso("2026-03-02T09:00:00Z")
    tell(engine, said(day(1), with_tool), said(march, without))
    with read(engine) as conn:
        found = trends(conn, march)
        before = trends(conn, day(20), at=day(20))
    assert found.tools == (
        ToolUse(month="2026-02", tool="browser", tools=1),
        ToolUse(month="2026-03", tool="browser", tools=0),
    )
    assert before.tools == found.tools[:1]


def test_a_gpt_made_before_there_were_any_counts_with_the_first_month(engine: Engine) -> None:
    tell(engine, said(day(1), document(ONE, created_at="1999-01-01T00:00:00+00:00")))
    with read(engine) as conn:
        found = trends(conn, day(1))
    assert found.growth[0] == Growth(month="2023-11", made=1, seen=0)
    assert isinstance(found, Trends)


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ([], ()),
        ([5], ()),
        ([5, 6, 7], ()),
        ([0, 2], (("1970-01-02", "1970-01-02"),)),
        ([0, 5, 6, 9], (("1970-01-02", "1970-01-05"), ("1970-01-08", "1970-01-09"))),
    ],
)
def test_gaps_are_the_days_between(days: list[int], found: tuple[tuple[str, str], ...]) -> None:
    assert gaps(days) == found
