from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.storage.sql_text import first_word, names_in, numbered


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("select 1", "SELECT"),
        ("  \n\t-- SELECT\n DO $$ $$", "DO"),
        ("/* a /* nested */ SELECT */ COPY x", "COPY"),
        ("/**/;; values (1)", "VALUES"),
        ("(SELECT 1)", "("),
        ("", ""),
        (" -- nothing", ""),
        ("/* never closed SELECT", ""),
    ],
)
def test_first_word_is_found_behind_comments(text: str, word: str) -> None:
    assert first_word(text) == word


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SELECT :a, :b, :a", {"a", "b"}),
        ("SELECT ':a', \":b\", $$ :c $$, $tag$ :d $$ :e $tag$", set()),
        ("SELECT 'it''s :a', E'it\\'s :b', e'\\\\', :c", {"c"}),
        ("SELECT 1 -- :a\n, :b /* :c /* :d */ :e */", {"b"}),
        ("SELECT x::text, :a::text", {"a"}),
        ("SELECT a$1$ :a", {"a"}),
        ("SELECT 'never closed :a", set()),
        ("SELECT :été, :_x1", {"été", "_x1"}),
    ],
)
def test_parameters_are_told_from_what_is_quoted(text: str, names: set[str]) -> None:
    assert names_in(text) == names


def test_parameters_are_numbered_in_their_order() -> None:
    text, order = numbered("SELECT :b, ':a', :a, :b, list[1:n]", {"a", "b"})
    assert text == "SELECT $1, ':a', $2, $1, list[1:n]"
    assert order == ["b", "a"]


@given(st.text(alphabet="a1:'\"$-/*\\ \n;E_", max_size=40))
def test_any_text_is_read_whole(text: str) -> None:
    assert numbered(text, set())[0] == text
    assert names_in(text) >= set(numbered(text, {"a", "a1"})[1])
