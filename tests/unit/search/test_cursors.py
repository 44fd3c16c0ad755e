from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InvalidCursor
from catalog.search import (
    SORTS,
    Filter,
    Listing,
    Sort,
    decode_cursor,
    encode_cursor,
    order_key,
)
from catalog.search.cursors import Number, decode, encode
from tests.unit.search.drawn import filters

WRITING = Filter(categories=("writing",))
keys = st.builds(
    Listing,
    gizmo_id=st.text(max_size=12),
    name=st.none() | st.text(max_size=12),
    conversations=st.none() | st.integers(0, 10**12),
    reviews=st.none() | st.integers(1, 1000),
    stars=st.none() | st.integers(1, 5000),
    created_at=st.none() | st.integers(-(10**16), 10**16),
)


@given(filters, st.sampled_from(SORTS), keys, st.none() | st.integers(0, 10**16))
def test_cursor_gives_back_its_key(
    wanted: Filter, sort: Sort, listing: Listing, at: int | None
) -> None:
    key = order_key(sort, listing, 3)
    cursor = encode_cursor(wanted, sort, key, at=at)
    assert decode_cursor(cursor, wanted, sort, at=at) == key
    assert decode_cursor(cursor, wanted.normal(), sort, at=at) == key
    assert cursor.replace("-", "").replace("_", "").isalnum()


def _cursor() -> str:
    return encode_cursor(WRITING, "name", ("alpha", "g-aaaaaaaaa"))


@given(st.data())
def test_damaged_cursor_is_refused(data: st.DataObject) -> None:
    cursor = _cursor()
    at = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.characters().filter(lambda each: each != cursor[at]))
    for damaged in (
        cursor[:at] + other + cursor[at + 1 :],
        cursor[:at],
        cursor + other + cursor[-1],
    ):
        with pytest.raises(InvalidCursor, match="damaged"):
            decode_cursor(damaged, WRITING, "name")


@pytest.mark.parametrize("text", ["", "a", "é", "AAAA", "====", "null", "A" * 64])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor, match=r"is damaged.*begin again at the first page"):
        decode_cursor(text, WRITING, "name")


@pytest.mark.parametrize("pad", ["=", "==", "===="])
def test_cursor_in_another_spelling_is_refused(pad: str) -> None:
    with pytest.raises(InvalidCursor, match="damaged"):
        decode_cursor(_cursor() + pad, WRITING, "name")


def test_cursor_of_another_search_is_refused() -> None:
    with pytest.raises(InvalidCursor, match="another question: a filter, the order or the moment"):
        decode_cursor(_cursor(), WRITING, "rating")
    with pytest.raises(InvalidCursor, match="another question"):
        decode_cursor(_cursor(), Filter(), "name")
    with pytest.raises(InvalidCursor, match="another question"):
        decode_cursor(_cursor(), WRITING, "name", at=1)


def test_cursor_of_another_kind_of_list_is_refused() -> None:
    """All lists have one kind of cursor: each names its question."""
    cursor = encode(("authors", "name", ""), ("alpha", "user-a"))
    assert decode(cursor, ("authors", "name", ""), tuple[str, str]) == ("alpha", "user-a")
    for question in (
        ("authors", "gpts", ""),
        ("authors", "name", "Alpha"),
        ("changes", "name", ""),
    ):
        with pytest.raises(InvalidCursor, match="another question"):
            decode(cursor, question, tuple[str, str])
    with pytest.raises(InvalidCursor, match="another question"):
        decode_cursor(cursor, WRITING, "name")


@pytest.mark.parametrize("key", [(2**63, "user-a"), ("1", "user-a"), (1,), (1, "user-a", "")])
def test_cursor_whose_key_no_catalog_can_compare_is_refused(key: tuple[object, ...]) -> None:
    with pytest.raises(InvalidCursor, match="damaged"):
        decode(encode("any", key), "any", tuple[Number, str])


def test_cursor_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = _cursor()
    monkeypatch.setattr("catalog.search.cursors._VERSION", 2)
    with pytest.raises(InvalidCursor, match="another version"):
        decode_cursor(cursor, WRITING, "name")
