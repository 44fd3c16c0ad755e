from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search import Matcher, Texts, parse_query, tier
from tests.unit.search.definition import folded, slow_tier
from tests.unit.search.drawn import all_texts, queries

WRITER = Texts(
    name="Essay Writer Pro",
    labels=("Ann Lee", "writing", "browser"),
    description="Drafts essays in any style; 论文写作助手 included.",
    starters=("Draft an outline", "Fix my grammar"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("essay writer pro", 0),
        ("Essay-Writer PRO!", 0),
        ('"essay writer pro"', 0),
        ("essay", 1),
        ("essay wri", 1),
        ('"essay wri"', None),
        ('"essay writer"', 1),
        ('"essay"', 1),
        ("ess*", 1),
        ("writer", 2),
        ("pro essay", 2),
        ("writer pro", 2),
        ("essay lee", 3),
        ("ann", 3),
        ('"ann lee"', 3),
        ('"lee writing"', None),
        ("essay browser drafts", 4),
        ("写作", 4),
        ("essay 作助", 4),
        ("写手", None),
        ("in", 4),
        ('"raft"', None),
        ("raft", None),
        ("outline", 5),
        ("essay fix", 5),
        ('"outline fix"', None),
        ("essay -grammar", None),
        ("essay -gram", 1),
        ("essay -gram*", None),
        ('essay -"fix grammar"', 1),
        ("essay -论文", None),
        ("essay poem", None),
    ],
)
def test_tier_of_a_query(text: str, expected: int | None) -> None:
    assert tier(parse_query(text), WRITER) == expected
    assert slow_tier(parse_query(text), folded(WRITER)) == expected


def test_nothing_matches_a_gpt_without_texts() -> None:
    assert tier(parse_query("a"), Texts()) is None


@given(queries, st.lists(all_texts, max_size=4))
def test_matcher_says_what_the_definition_says(text: str, many: list[Texts]) -> None:
    query = parse_query(text)
    matcher = Matcher(query)
    assert [matcher.tier(each) for each in many] == [
        slow_tier(query, folded(each)) for each in many
    ]
