"""Who moved in a window, who came, who went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import UsageError
from catalog.query.movers import arrivals, departures, first_seen, movers
from catalog.search.listing import rating_bound
from catalog.storage.engine import read
from tests.contract.telling import ID, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.query.movers import By, Mover
    from catalog.records import Observation
    from catalog.times import Micros

ONE, TWO, THREE = (f"g-Mover000{number}" for number in (1, 2, 3))


def numbered(
    gizmo_id: str, at: Micros, conversations: str, total: int = 0, reviews: int = 0
) -> Observation:
    """A document with these numbers."""
    numbers: dict[str, Any] = {"num_conversations_str": conversations}
    if reviews:
        numbers["review_stats"] = {"total": total, "count": reviews}
    return said(at, document(gizmo_id, f"Name of {gizmo_id}", vanity_metrics=numbers))


@pytest.fixture
def moved(engine: Engine) -> Engine:
    """One grows from 90 to 1K+, two from 10K+ to 25K+, the third comes with 50K+ on day 4."""
    tell(
        engine,
        numbered(ONE, day(1), "90", 40, 10),
        numbered(TWO, day(1), "10K+", 5, 1),
        numbered(ONE, day(3), "500", 80, 20),
        numbered(THREE, day(4), "50K+", 400, 80),
        numbered(ONE, day(5), "1K+", 80, 20),
        numbered(TWO, day(5), "25K+", 10, 2),
        numbered(THREE, day(6), "50K+", 405, 81),
    )
    return engine


def _found(engine: Engine, since: Micros, until: Micros, by: By = "conversations") -> list[Mover]:
    with read(engine) as conn:
        return movers(conn, since, until, by)


def _grown(found: list[Mover]) -> list[tuple[str, float, float]]:
    return [(each.gizmo_id, each.before, each.after) for each in found]


def test_movers_are_those_that_grew_the_most_first(moved: Engine) -> None:
    found = _found(moved, day(2), day(7))
    assert _grown(found) == [(TWO, 10_000, 25_000), (ONE, 90, 1_000)]
    assert [each.growth for each in found] == [15_000, 910]


def test_mover_says_who_it_is_and_when_its_numbers_were_said(moved: Engine) -> None:
    mover = _found(moved, day(2), day(7))[1]
    assert (mover.name, mover.author) == (f"Name of {ONE}", "An Author")
    assert (mover.before_at, mover.after_at) == (day(1), day(5))


def test_number_that_was_said_again_stood_until_then(engine: Engine) -> None:
    """It has one point, which alone would tell of growth from long ago."""
    tell(
        engine,
        numbered(ONE, day(1), "90"),
        numbered(TWO, day(1), "90"),
        numbered(ONE, day(20), "90"),
        numbered(ONE, day(22), "500"),
        numbered(TWO, day(22), "500"),
    )
    found = {each.gizmo_id: each.before_at for each in _found(engine, day(21), day(23))}
    assert found == {ONE: day(20), TWO: day(1)}


def test_another_source_may_say_nothing_of_the_number(engine: Engine) -> None:
    tell(
        engine,
        numbered(ONE, day(1), "90"),
        said(day(20), document(ONE, f"Name of {ONE}", vanity_metrics=None), source="two"),
        numbered(ONE, day(22), "500"),
    )
    (mover,) = _found(engine, day(21), day(23))
    assert mover.before_at == day(1)


def test_nothing_grew_from_before_the_first_document(engine: Engine) -> None:
    with read(engine) as conn:
        assert first_seen(conn) is None
    tell(engine, numbered(ONE, day(2), "90"), numbered(TWO, day(1), "90"))
    with read(engine) as conn:
        assert first_seen(conn) == day(1)


@pytest.mark.parametrize(
    ("since", "until", "grown"),
    [
        (day(1), day(3), [(ONE, 90, 500)]),
        (day(1), day(3) - 1, []),
        (day(3), day(5) - 1, []),
        (day(3), day(5), [(TWO, 10_000, 25_000), (ONE, 500, 1_000)]),
        (day(1) - 1, day(7), []),
        (day(5), day(5), []),
    ],
)
def test_growth_lies_between_the_last_points_at_or_before_both_ends(
    moved: Engine, since: Micros, until: Micros, grown: list[tuple[str, float, float]]
) -> None:
    assert _grown(_found(moved, since, until)) == grown


def test_movers_by_reviews(moved: Engine) -> None:
    assert _grown(_found(moved, day(2), day(7), "reviews")) == [(ONE, 10, 20), (TWO, 1, 2)]
    assert _grown(_found(moved, day(4), day(7), "reviews")) == [(TWO, 1, 2), (THREE, 80, 81)]


def test_movers_by_rating_go_by_the_bound_that_lists_are_sorted_by(moved: Engine) -> None:
    found = _found(moved, day(2), day(7), "rating")
    assert {each.gizmo_id: (each.before, each.after) for each in found} == {
        ONE: (rating_bound(40, 10), rating_bound(80, 20)),
        TWO: (rating_bound(5, 1), rating_bound(10, 2)),
    }
    assert [each.growth for each in found] == sorted((each.growth for each in found), reverse=True)


def test_movers_are_no_more_than_asked_for_and_equal_ones_go_by_id(engine: Engine) -> None:
    ids = [f"g-Equal000{number}" for number in range(5)]
    tell(
        engine,
        *(numbered(each, day(1), "10") for each in reversed(ids)),
        *(numbered(each, day(2), "20") for each in reversed(ids)),
    )
    with read(engine) as conn:
        found = movers(conn, day(1), day(3), limit=3)
    assert [each.gizmo_id for each in found] == ids[:3]


def test_what_shrinks_is_no_mover(engine: Engine) -> None:
    tell(engine, numbered(ONE, day(1), "20"), numbered(ONE, day(2), "10"))
    assert _found(engine, day(1), day(3)) == []


def test_gpt_without_the_number_is_no_mover(engine: Engine) -> None:
    tell(engine, numbered(ONE, day(1), "20"), numbered(ONE, day(2), "30", 5, 1))
    assert _found(engine, day(1), day(3), "reviews") == []
    assert _found(engine, day(1), day(3), "rating") == []


def test_window_that_ends_before_it_begins_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="nothing lies between"):
        _found(engine, day(2), day(1))


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_no_movers_or_too_many_are_refused(engine: Engine, limit: int) -> None:
    with read(engine) as conn, pytest.raises(UsageError, match=r"a page of .* ask for"):
        movers(conn, day(1), day(2), limit=limit)


def test_arrivals_are_the_gpts_first_seen_in_a_window(moved: Engine) -> None:
    with read(moved) as conn:
        assert [each.gizmo_id for each in arrivals(conn)] == [ONE, TWO, THREE]
        assert [each.gizmo_id for each in arrivals(conn, day(2), day(5))] == [THREE]
        assert list(arrivals(conn, day(5))) == []


def test_departures_are_the_gpts_gone_in_a_window(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(2), None),
        said(day(3), None),
        said(day(1), document(ONE)),
        said(day(2), None, gizmo_id=ONE),
    )
    with read(engine) as conn:
        found = [(each.gizmo_id, each.observed_at) for each in departures(conn)]
        assert list(departures(conn, until=day(2))) == []
    # The other is missing, and may come back.
    assert found == [(ID, day(3))]
