from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search import (
    Listing,
    Texts,
    bucket,
    facet_term,
    facets_of,
    index_facets,
    index_terms,
    order_columns,
    rating_bound,
)
from catalog.search.listing import NO_NAME
from catalog.times import from_iso

FULL = Listing(
    gizmo_id="g-aaaaaaaaa",
    name="Ärzte-Hilfe",
    description="Hilft.",
    starters=("Was tun?",),
    author="Ann Lee",
    user_id="user-1",
    categories=("research", "writing"),
    tools=("browser", "plugins_prototype"),
    domains=("api.example.com",),
    tags=("public",),
    voice="ember",
    conversations=1000,
    reviews=10,
    stars=47,
    created_at=from_iso("2023-12-31T23:59:59Z"),
    updated_at=3,
    changed_at=4,
)


def test_texts_of_a_listing_name_author_categories_tools_and_domains() -> None:
    labels = ("Ann Lee", "research", "writing", "browser", "plugins_prototype", "api.example.com")
    assert FULL.texts == Texts(
        name="Ärzte-Hilfe", labels=labels, description="Hilft.", starters=("Was tun?",)
    )
    assert Listing(gizmo_id="g-aaaaaaaaa").texts == Texts()


def test_facets_of_a_listing() -> None:
    assert facets_of(FULL) == {
        "category": ("research", "writing"),
        "tool": ("browser", "plugins_prototype"),
        "tag": ("public",),
        "author": ("user-1",),
        "status": ("listed",),
        "voice": ("ember",),
        "script": ("Latin",),
        "year": ("2023",),
    }
    assert {name for name, values in facets_of(Listing(gizmo_id="g-a")).items() if values} == {
        "status"
    }


def test_facets_that_are_indexed_name_the_author_too() -> None:
    terms = index_terms(FULL.texts, index_facets(FULL))
    assert {facet_term("author_name", "ANN LEE"), facet_term("year", "2023")} < terms


@pytest.mark.parametrize("moment", [None, 0, 10**18, -(10**18)])
def test_year_of_a_moment_that_says_nothing_is_none(moment: int | None) -> None:
    assert Listing(gizmo_id="g-a", created_at=moment).year is None


@pytest.mark.parametrize(
    ("conversations", "expected"),
    [(None, 0), (-1, 0), (0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1000, 10), (2**80, 62)],
)
def test_bucket_is_the_order_of_magnitude(conversations: int | None, expected: int) -> None:
    assert bucket(conversations) == expected


@pytest.mark.parametrize(
    ("stars", "reviews", "bound"),
    [
        # Reference: the closed form for p = 1 is n / (n + z²), with z² = 3.8415.
        (5, 1, 1 + 4 / 4.8414588),
        (500, 100, 1 + 4 * 100 / 103.8414588),
        # For p = 1/2 and n = 10 the interval is [0.2366, 0.7634] (Wilson 1927).
        (30, 10, 1 + 4 * 0.2365931),
        (10, 10, 1.0),
        (999, 10, 1 + 4 * 10 / 13.8414588),
        (0, 10, 1.0),
    ],
)
def test_rating_bound(stars: int, reviews: int, bound: float) -> None:
    assert rating_bound(stars, reviews) == pytest.approx(bound, abs=1e-6)


@pytest.mark.parametrize(("stars", "reviews"), [(None, 3), (3, None), (0, 0), (3, 0), (3, -1)])
def test_rating_without_reviews_is_none(stars: int | None, reviews: int | None) -> None:
    assert rating_bound(stars, reviews) is None


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.just(n), st.integers(n, 5 * n))))
def test_rating_bound_lies_below_the_average_and_nears_it(told: tuple[int, int]) -> None:
    reviews, stars = told
    bound = rating_bound(stars, reviews)
    more = rating_bound(stars * 10, reviews * 10)
    assert bound is not None
    assert more is not None
    assert 1 <= bound <= stars / reviews + 1e-9
    assert bound <= more + 1e-9


def test_few_good_reviews_do_not_beat_many() -> None:
    few, many = rating_bound(10, 2), rating_bound(4600, 1000)
    assert few is not None
    assert many is not None
    assert few < many


def test_order_columns_ascend_with_what_is_not_known_last() -> None:
    known, empty = order_columns(FULL), order_columns(Listing(gizmo_id="g-a"))
    zero = order_columns(Listing(gizmo_id="g-a", conversations=0, name=""))
    assert known == {
        "by_conversations": -1000,
        "by_rating": -(rating_bound(47, 10) or 0),
        "by_created": -from_iso("2023-12-31T23:59:59Z"),
        "by_updated": -3,
        "by_changed": -4,
        "name_key": "ärzte-hilfe",
    }
    for name, value in known.items():
        assert value < empty[name]  # type: ignore[operator]  # both are of one kind
    assert zero["by_conversations"] < empty["by_conversations"]  # type: ignore[operator]
    assert (zero["name_key"], empty["name_key"]) == ("", NO_NAME)
