from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from catalog.errors import InvalidFilter, InvalidQuery
from catalog.search import (
    SORTS,
    Filter,
    Listing,
    Matching,
    Sort,
    check,
    default_sort,
    from_query,
    matches,
    order_key,
    to_query,
)
from catalog.search.conditions import facet_groups
from catalog.times import from_iso
from tests.unit.search.drawn import filters

LISTING = Listing(
    gizmo_id="g-aaaaaaaaa",
    name="Essay Writer",
    description="Drafts.",
    author="Ann Lee",
    user_id="user-1",
    categories=("research", "Writing"),
    tools=("browser", "dalle"),
    tags=("public",),
    voice="ember",
    conversations=1000,
    reviews=10,
    stars=50,
    created_at=from_iso("2024-02-13T09:19:19Z"),
    updated_at=from_iso("2024-03-01T00:00:00Z"),
    changed_at=from_iso("2024-04-01T00:00:00Z"),
    first_seen_at=from_iso("2024-05-01T00:00:00Z"),
)
EMPTY = Listing(gizmo_id="g-bbbbbbbbb", created_at=0)


@given(filters)
def test_filter_comes_back_from_a_url_query(wanted: Filter) -> None:
    query = to_query(wanted)
    assert query.isascii()
    back = from_query(query)
    assert back == wanted.normal()
    assert to_query(back) == query
    assert from_query("?" + query) == back


@given(filters)
def test_normal_of_a_normal_filter_is_itself(wanted: Filter) -> None:
    assert wanted.normal().normal() == wanted.normal()


def test_url_query_uses_the_names_of_the_command_line() -> None:
    wanted = Filter(
        text=' "cover letter" pro ',
        categories=("Writing", "research", "writing "),
        authors=("Ann Lee", "user-1"),
        years=(2024, 2023),
        min_conversations=10,
        min_rating=4,
        created_since=from_iso("2024-02-13T00:00:00Z"),
    )
    assert to_query(wanted) == (
        "q=%22cover+letter%22+pro&category=research&category=writing&author=Ann+Lee&author=user-1"
        "&year=2023&year=2024&min_conversations=10&min_rating=4.0"
        "&created_since=2024-02-13T00%3A00%3A00Z"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_conversations", "a"),
        ("max_conversations", 1.5),
        ("min_reviews", True),
        ("min_rating", "4"),
    ],
)
def test_filter_whose_number_is_none_is_refused(field: str, value: Any) -> None:
    """It was taken, and was a bare TypeError once it was asked with."""
    with pytest.raises(InvalidFilter, match=r"expected a .*number.*, got"):
        Filter(**{field: value})


def test_bare_date_means_its_beginning_since_and_its_end_until() -> None:
    wanted = from_query("seen_since=2024-02-13&seen_until=2024-02-13&q=&category=")
    assert wanted == Filter(
        seen_since=from_iso("2024-02-13T00:00:00Z"),
        seen_until=from_iso("2024-02-13T23:59:59.999999Z"),
    )


@pytest.mark.parametrize(
    ("query", "key", "words"),
    [
        ("categry=a", "categry", "did you mean 'category'?"),
        ("categories=a", "categories", "did you mean 'category'?"),
        ("zzzz=1", "zzzz", "there are q, category"),
        ("q=a&q=b", "q", "given twice"),
        ("min_reviews=1&min_reviews=2", "min_reviews", "given twice"),
        ("year=24a", "year", "a whole number, got '24a'"),
        ("min_conversations=1.5", "min_conversations", "a whole number, got '1.5'"),
        ("min_rating=good", "min_rating", "a number from 1 to 5"),
        ("created_since=yesterday", "created_since", "as 2024-02-13"),
        ("seen_until=2024-02-30", "seen_until", "as 2024-02-13"),
    ],
)
def test_bad_url_query_is_explained(query: str, key: str, words: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        from_query(query)
    assert caught.value.key == key
    assert words in str(caught.value)
    assert repr(key) in str(caught.value)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Filter(statuses=("lsted",)), "did you mean 'listed'?"),
        (Filter(statuses=("?",)), "there are listed, missing, gone"),
        (Filter(categories=(" ",)), "'category': its value is empty"),
        (Filter(authors=("",)), "'author': its value is empty"),
        (Filter(years=(0,)), "no year of four digits"),
        (Filter(min_reviews=-1), "expected 0 or more, got -1"),
        (Filter(min_conversations=2, max_conversations=1), "2 is more than max_conversations, 1"),
        (Filter(min_rating=5.5), "from 1 to 5, got 5.5"),
        (Filter(min_rating=float("nan")), "from 1 to 5, got nan"),
        (Filter(seen_since=2, seen_until=1), "lies after seen_until, 1970-01-01T00:00:00.000001Z"),
        (Filter(created_until=10**18), "beyond the year 9999"),
        (
            Filter(min_reviews=2**63),
            "expected 9223372036854775807 or less, got 9223372036854775808",
        ),
        (Filter(max_conversations=2**63), "expected 9223372036854775807 or less"),
        (Filter(authors=("a",) * 501), "'author': 501 values are too many for one search"),
        (Filter(years=(2024,) * 501), "'year': 501 values are too many for one search"),
    ],
)
def test_filter_that_makes_no_sense_is_explained(wanted: Filter, words: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        check(wanted)
    assert words in str(caught.value)


def test_filter_with_a_bad_text_is_explained() -> None:
    with pytest.raises(InvalidQuery):
        check(Filter(text='"open'))
    with pytest.raises(InvalidQuery):
        Matching(Filter(text='"open'))


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(text=" "),
        Filter(statuses=("Listed ",), years=(2024,), seen_since=1, seen_until=1, min_rating=1),
        Filter(text="essay", min_conversations=1, max_conversations=1),
    ],
)
def test_filter_that_makes_sense_passes(wanted: Filter) -> None:
    check(wanted)


_AT = from_iso("2024-02-13T09:19:19Z")


@pytest.mark.parametrize(
    ("members", "holds"),
    [
        ({}, True),
        ({"categories": ("writing",)}, True),
        ({"categories": ("WRITING", "research")}, True),
        ({"categories": ("writing", "other")}, False),
        ({"tools": ("dalle", "browser")}, True),
        ({"tools": ("dalle", "python")}, False),
        ({"tags": ("public", "beta")}, False),
        ({"authors": ("user-1",)}, True),
        ({"authors": ("User-1",)}, False),
        ({"authors": ("x", "ann lee")}, True),
        ({"authors": ("ann",)}, False),
        ({"statuses": ("gone", "listed")}, True),
        ({"statuses": ("gone",)}, False),
        ({"voices": ("ember", "x")}, True),
        ({"scripts": ("latin",)}, True),
        ({"scripts": ("Han",)}, False),
        ({"years": (2023, 2024)}, True),
        ({"years": (2023,)}, False),
        ({"min_conversations": 1000}, True),
        ({"min_conversations": 1001}, False),
        ({"max_conversations": 1000}, True),
        ({"max_conversations": 999}, False),
        ({"min_reviews": 10}, True),
        ({"min_reviews": 11}, False),
        ({"min_rating": 3.8}, True),
        ({"min_rating": 4}, False),
        ({"created_since": _AT}, True),
        ({"created_since": _AT + 1}, False),
        ({"created_until": _AT}, True),
        ({"created_until": _AT - 1}, False),
        ({"updated_since": from_iso("2024-03-01T00:00:00Z")}, True),
        ({"changed_until": from_iso("2024-03-31T00:00:00Z")}, False),
        ({"seen_since": from_iso("2024-04-30T00:00:00Z")}, True),
        ({"categories": ("writing",), "years": (2023,)}, False),
    ],
)
def test_conditions_hold_of_a_listing(members: dict[str, Any], *, holds: bool) -> None:
    assert matches(Filter(**members), LISTING) is holds
    # Nothing is known of the other, so that no condition holds of it.
    status = {"statuses": ("gone", "listed")}
    assert matches(Filter(**members), EMPTY) is (members in ({}, status))


def test_a_moment_of_zero_says_nothing() -> None:
    assert not matches(Filter(created_until=1), EMPTY)


def test_facets_are_asked_value_by_value_or_one_of_several() -> None:
    wanted = Filter(
        categories=("Writing", " lifestyle"),
        statuses=("gone", "Listed"),
        years=(2024, 2023),
        authors=("nobody",),
    )
    assert set(facet_groups(wanted.normal())) == {
        ("category", frozenset({"writing"})),
        ("category", frozenset({"lifestyle"})),
        ("status", frozenset({"gone", "listed"})),
        ("year", frozenset({"2023", "2024"})),
    }
    assert facet_groups(Filter(text="a", authors=("nobody",), min_reviews=1).normal()) == ()


def test_matching_gives_the_tier_of_the_text() -> None:
    assert Matching(Filter(text="essay writer")).tier(LISTING) == 0
    assert Matching(Filter(text="drafts")).tier(LISTING) == 4
    assert Matching(Filter(text="poem")).tier(LISTING) is None
    assert Matching(Filter(text="-poem")).tier(LISTING) == 0
    assert Matching(Filter(text="-drafts")).tier(LISTING) is None
    assert Matching(Filter(text="essay", years=(2023,))).tier(LISTING) is None
    assert Matching(Filter(years=(2024,))).tier(LISTING) == 0
    assert matches(Filter(text="poem"), LISTING)


def test_order_is_by_relevance_with_a_text_and_by_conversations_without() -> None:
    assert default_sort(Filter(text="a")) == "relevance"
    assert default_sort(Filter(text=" ")) == "conversations"
    assert default_sort(Filter(text="-a")) == "conversations"


@pytest.mark.parametrize(
    ("sort", "better", "worse"),
    [
        ("relevance", {"conversations": 1000}, {"conversations": 100}),
        ("conversations", {"conversations": 2}, {"conversations": 1}),
        ("conversations", {"conversations": 0}, {}),
        ("rating", {"stars": 460, "reviews": 100}, {"stars": 5, "reviews": 1}),
        ("rating", {"stars": 1, "reviews": 1}, {}),
        ("created", {"created_at": 2}, {"created_at": 1}),
        ("updated", {"updated_at": 2}, {}),
        ("changed", {"changed_at": 2}, {"changed_at": 1}),
        ("name", {"name": "alpha"}, {"name": "Beta"}),
        ("name", {"name": "Ω"}, {}),
    ],
)
def test_order_puts_the_better_first(
    sort: Sort, better: dict[str, Any], worse: dict[str, Any]
) -> None:
    first, second = Listing(gizmo_id="g-z", **better), Listing(gizmo_id="g-a", **worse)
    assert order_key(sort, first) < order_key(sort, second)
    assert order_key("relevance", first, 1) > order_key("relevance", second, 0)


@pytest.mark.parametrize("sort", SORTS)
def test_order_of_equals_is_by_gizmo_id(sort: Sort) -> None:
    second = msgspec.structs.replace(LISTING, gizmo_id="g-b")
    assert order_key(sort, LISTING)[:-1] == order_key(sort, second)[:-1]
    assert order_key(sort, LISTING) < order_key(sort, second)


def test_conversations_of_one_bucket_are_equals_by_relevance() -> None:
    more = msgspec.structs.replace(LISTING, conversations=1023)
    assert order_key("relevance", more, 3) == order_key("relevance", LISTING, 3)
