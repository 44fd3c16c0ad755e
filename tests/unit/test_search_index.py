"""The numbers of listings sort as results do, as far as they can."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.search.listing import MOST_BUCKETS
from catalog.storage.engine import LOCKS, lock_of
from catalog.storage.search_index import (
    OVERFLOW,
    Limits,
    bucket_lexeme,
    bucket_range,
    first_slot,
    group_range,
    is_at_home,
    joined,
    order_characters,
    order_lexemes,
    order_range,
    step_lexeme,
)

BUCKETS = st.integers(0, MOST_BUCKETS)
IDS = st.one_of(
    st.from_regex(r"g-[A-Za-z0-9]{9}", fullmatch=True),
    st.from_regex(r"g-[0-9a-f]{32}", fullmatch=True),
    st.text(max_size=8),
    st.text(max_size=6).map("g-".__add__),
)


@given(st.tuples(BUCKETS, IDS), st.tuples(BUCKETS, IDS))
@example((0, "g-"), (0, "g-0"))
@example((3, "g-9zzz"), (3, "g-A000"))
def test_numbers_sort_by_bucket_and_then_by_the_id(
    one: tuple[int, str], other: tuple[int, str]
) -> None:
    """Of one group they say nothing: their reader sorts those by their ids."""
    before, after = sorted((one, other), key=lambda each: (-each[0], each[1]))
    low, high = order_range(*before), order_range(*after)
    assert low == high or low[1] < high[0]
    if before[0] != after[0]:
        assert low[1] <= bucket_range(before[0])[1] < bucket_range(after[0])[0] <= high[0]


@given(BUCKETS, IDS)
def test_numbers_lie_in_their_ranges(bucket: int, gizmo_id: str) -> None:
    low, high = order_range(bucket, gizmo_id)
    first = first_slot(bucket, gizmo_id)
    last = first + Limits().slots - 1
    assert low <= first <= last <= high < OVERFLOW
    assert bucket_range(bucket)[0] <= low
    assert high <= bucket_range(bucket)[1]
    for number in (first, last):
        assert group_range(number) == (low, high)
        assert is_at_home(number, bucket, gizmo_id)
    assert not is_at_home(first - 1, bucket, gizmo_id)
    assert not is_at_home(last + 1, bucket, gizmo_id)
    assert not is_at_home(OVERFLOW, bucket, gizmo_id)


@given(st.lists(IDS, min_size=2, max_size=2), BUCKETS)
def test_ids_under_different_locks_never_choose_the_same_number(
    ids: list[str], bucket: int
) -> None:
    """So two writers at once need not know of each other."""
    one, other = (range(first_slot(bucket, each), first_slot(bucket, each) + 32) for each in ids)
    if lock_of(ids[0]) != lock_of(ids[1]):
        assert not set(one) & set(other)


def test_there_is_a_stripe_for_every_lock() -> None:
    assert LOCKS <= 1 << 11


@given(st.from_regex(r"g-[A-Za-z0-9]{4}", fullmatch=True))
def test_letters_and_digits_have_a_number_each(gizmo_id: str) -> None:
    for place, character in enumerate(gizmo_id[2:]):
        other = "0" if character != "0" else "z"
        changed = gizmo_id[: 2 + place] + other + gizmo_id[3 + place :]
        assert order_characters(changed) != order_characters(gizmo_id)


def test_order_lexemes_name_the_bucket_and_the_first_character() -> None:
    assert order_lexemes(7, "g-Zebra0000") == ("b56", "o5636")
    assert order_lexemes(7, "g-Zebra0000") == (bucket_lexeme(7), step_lexeme(7, 36))
    assert order_lexemes(62, "g-0000") == ("b01", "o0101")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), "1b 1é"),
        (Limits(terms=2), "1b 1é"),
        (Limits(terms=1), None),
        (Limits(size=6), "1b 1é"),
        (Limits(size=5), None),
    ],
)
def test_terms_are_joined_unless_they_are_too_many(limits: Limits, expected: str | None) -> None:
    assert joined({"1é", "1b"}, limits) == expected
