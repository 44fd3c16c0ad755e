from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search import (
    TIERS,
    All,
    Any,
    Candidates,
    Expression,
    Lexeme,
    Not,
    Texts,
    anywhere,
    candidates,
    facet_key,
    facet_term,
    index_terms,
    parse_query,
    tier,
)
from catalog.search.properties import characters_known
from catalog.search.terms import FACET_TAGS, LONGEST, terms_version, without
from tests.unit.search.definition import folded, holds, slow_tier
from tests.unit.search.drawn import all_texts, exclusions, searches

ESSAYS = Texts(
    name="Essay 论文助手",
    labels=("Ann", "essay"),
    description="Any essay, 论文",
    starters=("Ann!",),
)


def test_version_of_terms_names_both_unicodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's and that of ``regex``, which tells its own by how many characters it knows."""
    version = terms_version()
    assert version == terms_version()
    # Unicode 14, the oldest of a Python that is served, has more than that.
    assert 130_000 < characters_known() < 0x40000
    monkeypatch.setattr("unicodedata.unidata_version", "99.0.0")
    assert terms_version() != version
    monkeypatch.undo()
    monkeypatch.setattr("catalog.search.properties.characters_known", lambda: 200_000)
    assert terms_version() != version


def test_index_terms_stand_in_the_best_group_alone() -> None:
    terms = index_terms(ESSAYS, {})
    assert {each for each in terms if not each.startswith("x")} == {
        *("0essay", "5e", "5es", "5ess", "6e", "6es", "6ess", "7a", "7an", "7ann"),
        *("1essay", "1论", "1文", "1助", "1手", "1论文", "1文助", "1助手", "2ann", "3any"),
    }
    assert len([each for each in terms if each.startswith("x")]) == 1


def test_name_of_glyphs_begins_with_one_and_with_two() -> None:
    terms = index_terms(Texts(name="论文助手"), {})
    assert {each for each in terms if each[0] in "05"} == {"0论", "0论文"}
    assert {each for each in index_terms(Texts(name="论 文"), {}) if each[0] in "05"} == {"0论"}


def test_glyphs_with_a_blank_between_are_no_pair() -> None:
    terms = index_terms(Texts(starters=("论", "文")), {})
    assert terms == {"4论", "4文"}


def test_long_words_are_cut() -> None:
    long = "x" * (LONGEST + 9)
    terms = index_terms(Texts(name=long, description=long + "y"), {})
    assert max(map(len, terms)) == LONGEST + 1
    assert not any(each.startswith("3") for each in terms)


@given(all_texts | st.builds(Texts, name=st.text(), description=st.text()), st.text())
def test_index_terms_are_one_word_to_any_index(texts: Texts, value: str) -> None:
    terms = index_terms(texts, {"category": [value], "author": [value]})
    assert all(re.fullmatch(r"[0-9a-z\x80-\U0010ffff]+", each) for each in terms)
    assert not any(character.isspace() for each in terms for character in each)


def test_facet_terms_tell_kinds_and_values_apart() -> None:
    terms = {facet_term(kind, value) for kind in FACET_TAGS for value in ("a", "b")}
    assert len(terms) == 2 * len(FACET_TAGS)
    assert {each[0] for each in terms} == set(FACET_TAGS.values())
    assert index_terms(Texts(), {"tag": ("a", "b"), "year": ()}) == {
        facet_term("tag", "a"),
        facet_term("tag", "b"),
    }


def test_facet_terms_are_one_for_all_spellings_but_of_a_user_id() -> None:
    assert facet_term("category", " Writing ") == facet_term("category", "writing")
    assert facet_term("author", "User-a") != facet_term("author", "user-a")


@given(st.text())
def test_key_of_a_facet_key_is_itself(value: str) -> None:
    assert facet_key(facet_key(value)) == facet_key(value)


@given(searches, st.lists(all_texts, max_size=5))
def test_candidates_hold_every_match_and_no_other_where_exact(text: str, many: list[Texts]) -> None:
    query = parse_query(text)
    indexed = [index_terms(each, {}) for each in many]
    expected = [slow_tier(query, folded(each)) for each in many]
    for level in TIERS:
        asked = candidates(query, level)
        found = [holds(asked.expression, terms) for terms in indexed]
        wanted = [each == level for each in expected]
        assert all(is_found >= is_wanted for is_found, is_wanted in zip(found, wanted, strict=True))
        assert found == wanted or not asked.exact
    everything = anywhere(query)
    found = [holds(everything.expression, terms) for terms in indexed]
    wanted = [each is not None for each in expected]
    assert all(is_found >= is_wanted for is_found, is_wanted in zip(found, wanted, strict=True))
    assert found == wanted or not everything.exact


@given(exclusions, st.lists(all_texts, max_size=5))
def test_what_a_query_excludes_is_taken_from_something_else(text: str, many: list[Texts]) -> None:
    query = parse_query(text)
    asked = without(Lexeme("one"), query)
    assert _negations(asked.expression)
    expected = [slow_tier(query, folded(each)) == 0 for each in many]
    found = [holds(asked.expression, index_terms(each, {}) | {"one"}) for each in many]
    assert all(is_found >= is_wanted for is_found, is_wanted in zip(found, expected, strict=True))
    assert found == expected or not asked.exact
    assert not holds(asked.expression, frozenset())


def _negations(expression: Expression, *, is_in_all: bool = False) -> bool:
    """Whether each Not stands beside something that is none: engines can ask nothing else."""
    if isinstance(expression, Lexeme):
        return True
    if isinstance(expression, Not):
        return is_in_all and _negations(expression.part)
    is_all = isinstance(expression, All)
    return not all(isinstance(each, Not) for each in expression.parts) and all(
        _negations(each, is_in_all=is_all) for each in expression.parts
    )


@given(searches)
def test_nothing_is_asked_that_only_excludes(text: str) -> None:
    query = parse_query(text)
    for level in TIERS:
        assert _negations(candidates(query, level).expression)
    assert _negations(anywhere(query).expression)


@pytest.mark.parametrize(
    "text", ["essay", "ess", "essayist", "论", "论文", '"a"', "a* b*", "a -b", "a -论文", "a 论"]
)
def test_words_and_pairs_of_glyphs_are_decided_by_the_index(text: str) -> None:
    query = parse_query(text)
    assert all(candidates(query, level).exact for level in (0, 3, 4, 5))
    assert anywhere(query).exact
    assert candidates(query, 2).exact is (len(query.terms) == 1)


@pytest.mark.parametrize(
    "text", ['"a b"', "论文助", "a论", "论a", "哈哈哈", f'"{"a" * 64}"', 'a -"b c"']
)
def test_what_the_index_cannot_say_is_verified(text: str) -> None:
    query = parse_query(text)
    assert not any(candidates(query, level).exact for level in (2, 3, 4, 5))
    assert not anywhere(query).exact


def test_short_prefixes_are_asked_as_edges_where_there_are_any() -> None:
    asked = candidates(parse_query("es"), 4)
    upto = Any((Lexeme("6es"), Lexeme("7es"), Lexeme("3es", prefix=True)))
    better = Any((Lexeme("6es"), Lexeme("7es")))
    assert asked == Candidates(All((upto, Not(better))), exact=True)


def test_long_prefixes_are_asked_as_prefixes() -> None:
    asked = candidates(parse_query("essa"), 1)
    assert isinstance(asked.expression, All)
    assert asked.expression.parts[0] == Lexeme("0essa", prefix=True)


def test_beginning_of_a_name_asks_for_all_its_parts_in_the_name() -> None:
    asked = candidates(parse_query("论文助 es"), 1)
    assert isinstance(asked.expression, All)
    assert asked.expression.parts[0] == All(
        (Lexeme("0论文"), Lexeme("6es"), Lexeme("1论文"), Lexeme("1文助"))
    )
    assert not asked.exact


def test_a_word_without_end_is_found_by_its_beginning() -> None:
    endless = Texts(description="x" * 5000)
    query = parse_query("x" * 100)
    assert holds(anywhere(query).expression, index_terms(endless, {}))
    assert tier(query, endless) == 4
