from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.text import escape_text, unescape_text

# Every code point there is, lone surrogates among them, and the awkward ones often.
ANY_TEXT = st.text(
    st.one_of(
        st.sampled_from("\x00\ud800\udfff\ufdd0\U0001f600a0d8"),
        st.characters(exclude_categories=()),
    )
)


@given(ANY_TEXT)
@example("\ufdd0" + "0000")
@example("\ufdd0")
def test_escape_is_reversible(text: str) -> None:
    assert unescape_text(escape_text(text)) == text


@given(ANY_TEXT)
def test_escaped_text_is_taken_by_every_database(text: str) -> None:
    escaped = escape_text(text)
    assert "\x00" not in escaped
    escaped.encode()


@given(ANY_TEXT, ANY_TEXT)
def test_texts_that_differ_stay_different(one: str, other: str) -> None:
    assert (escape_text(one) == escape_text(other)) is (one == other)


@pytest.mark.parametrize("text", ["", "plain", "Füße", "👩‍👩‍👧", "עברית"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert escape_text(text) == text


def test_the_escaped_form_is_the_escape_and_four_digits() -> None:
    assert escape_text("a\x00\ud83d") == "a\ufdd00000\ufdd0d83d"
