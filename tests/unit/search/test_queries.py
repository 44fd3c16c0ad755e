from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InvalidQuery
from catalog.search import Term, canonical, parse_query
from catalog.search.queries import MAX_LENGTH, MAX_TERMS


def _terms(text: str) -> tuple[list[str], list[str]]:
    """What a text asks for and excludes, prefixes with a star."""
    query = parse_query(text)

    def shown(terms: tuple[Term, ...]) -> list[str]:
        return [each.text + "*" * each.prefix for each in terms]

    return shown(query.terms), shown(query.excluded)


@pytest.mark.parametrize(
    ("text", "terms", "excluded"),
    [
        ("Translate", ["translate*"], []),
        ("chat-gpt writer", ["chat gpt", "writer*"], []),
        ("writer ", ["writer*"], []),
        ("transl* pro", ["transl*", "pro*"], []),
        ('"Cover Letter"', ["cover letter"], []),
        ('"cover let"*', ["cover let*"], []),
        ("“a b” „c d“ «e f» ”g h” »i j« 「k l」", ["a b", "c d", "e f", "g h", "i j", "k l"], []),
        ("翻訳「助手 」", ["翻訳", "助手"], []),
        ("essay -code", ["essay"], ["code"]),
        ("-rock", [], ["rock"]),
        ('-"source code" -pyth* essay', ["essay*"], ["source code", "pyth*"]),
        ("mail & more", ["mail", "more*"], []),
        ("mail !", ["mail*"], []),
        ("mail - -!", ["mail*"], []),
        ("＂a b＂＊　－ｃ", ["a b*"], ["c"]),
        ("c++", ["c*"], []),
        ("AND", ["and*"], []),
        ("rock AND", ["rock", "and*"], []),
        ('rock "AND" roll', ["rock", "and", "roll*"], []),
        ("rock and roll", ["rock", "and", "roll*"], []),
        ("don't", ["don t*"], []),
    ],
)
def test_query_is_understood(text: str, terms: list[str], excluded: list[str]) -> None:
    assert _terms(text) == (terms, excluded)


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ('say "hello', 5, 'write " where the phrase ends'),
        ("say „hello", 5, "write “ where the phrase ends"),
        ("hello」", 6, "nothing opens"),
        ("*", 1, "transl*"),
        ("a * b", 3, "transl*"),
        ("a **", 3, "transl*"),
        ("ab**", 3, "transl*"),
        ("a*b", 2, "transl*"),
        ("-*", 2, "transl*"),
        ("&*", 2, "transl*"),
        ('"a b"*c', 6, "transl*"),
        ("rock AND roll", 6, "leave AND out"),
        ("rock OR roll", 6, "two searches"),
        ("NOT roll", 1, "write -word"),
        ("rock NOT roll", 6, '"NOT"'),
        ("!? 🚀", None, "no letter and no digit"),
        ("", None, "no letter and no digit"),
        ("a " * MAX_TERMS + "b", None, "33 terms, and 32 are allowed"),
        ("a" * (MAX_LENGTH + 1), None, "501 characters, and 500 are allowed"),
    ],
)
def test_bad_query_is_explained(text: str, position: int | None, words: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_query(text)
    assert caught.value.position == position
    assert words in caught.value.reason
    assert (f"at character {position}, " in str(caught.value)) is (position is not None)


def test_terms_joined_are_what_names_are_compared_with() -> None:
    assert parse_query('-x "My Own" GPT!').canonical == "my own gpt"


@given(st.text(st.sampled_from('ab翻é "*-“”„«»「」!AND')) | st.text())
def test_any_text_is_a_query_or_explained(text: str) -> None:
    with suppress(InvalidQuery):
        query = parse_query(text)
        terms = query.terms + query.excluded
        assert terms
        assert len(query.typed) == len(terms)
        assert all(each.text and canonical(each.text) == each.text for each in terms)
