from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.search import canonical, script_of
from catalog.search.folding import is_glyph, words_and_runs
from tests.unit.search import definition

EVERY_CHARACTER = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(character) not in {"Cn", "Co", "Cs"}
]
MARKS = [each for each in EVERY_CHARACTER if unicodedata.category(each).startswith("M")]
strings = st.text(st.sampled_from(MARKS) | st.characters() | st.sampled_from("aé ー翻\u0640\u200d"))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("  Chat-GPT_4.1!  ", "chat gpt 4 1"),
        ("Résumé – “pro” 🚀 café", "resume pro cafe"),
        ("STRASSE Straße", "strasse strasse"),
        ("ＡＢＣ ①② ﬁn ℡", "abc 12 fin tel"),
        ("İstanbul Iğdır", "istanbul igdır"),
        ("Tiếng Việt", "tieng viet"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("Ёлка и йод", "елка и иод"),
        ("مُحَمَّد كتـــاب آلة", "محمد كتاب الة"),
        ("שָׁלוֹם", "שלום"),
        ("ｶﾞﾁｬ は\u3099", "ガチャ ば"),
        ("ภาษาไทย", "ภาษาไทย"),
        ("हिन्दी", "हिन्दी"),
        ("한국어\u1112\u1161\u11ab", "한국어한"),
        ("in\u00adter\u200dna\u200ctional葛\U000e0100城", "international葛城"),
        ("ไทย\u200bดี", "ไทย ดี"),
        ("❤️x1️⃣", "x1"),
        ("a\ud800b", "a b"),
    ],
)
def test_canonical_of_a_text(text: str, folded: str) -> None:
    assert canonical(text) == folded


def test_canonical_of_every_character_is_its_own() -> None:
    for character in EVERY_CHARACTER:
        folded = canonical(f"a{character}b")
        assert canonical(folded) == folded, hex(ord(character))


@given(strings)
def test_canonical_of_a_canonical_text_is_itself(text: str) -> None:
    folded = canonical(text)
    assert canonical(folded) == folded
    assert folded == " ".join(folded.split())


@given(
    st.text(st.sampled_from("aZ0 .'-–’“•…→🚀❤\ufe0f\u200d€ \u00a0×«·🇩")), st.sampled_from("éя翻")
)
def test_canonical_does_not_depend_on_other_letters_in_the_text(text: str, letter: str) -> None:
    """Texts that are ASCII but for signs take a short way; a letter beyond makes them take both."""
    assert canonical(f"{text}\n{letter}") == f"{canonical(text)} {canonical(letter)}".lstrip()


def test_signs_that_take_the_short_way_separate_as_on_the_long_one() -> None:
    short = [each for each in EVERY_CHARACTER if canonical(f"a{each}b") == "a b"]
    assert len(short) > 1000
    for sign in short:
        assert canonical(f"a{sign}b é") == "a b e", hex(ord(sign))


def test_glyphs_are_those_of_unicodes_scripts() -> None:
    kept = {each for character in EVERY_CHARACTER for each in canonical(character)} - {" "}
    assert [hex(ord(each)) for each in kept if is_glyph(each) != definition.is_glyph(each)] == []


def test_text_is_cut_into_words_and_runs_of_glyphs() -> None:
    assert words_and_runs("gpt翻译 abc def 助手ฯ5") == (
        ["gpt", "abc", "def", "5"],
        ["翻译", "助手ฯ"],
    )
    assert words_and_runs("бери é") == (["бери", "é"], [])
    assert words_and_runs("") == ([], [])


@given(strings)
def test_words_and_runs_hold_every_character(text: str) -> None:
    folded = canonical(text)
    words, runs = words_and_runs(folded)
    assert sorted("".join(words + runs)) == sorted(folded.replace(" ", ""))
    assert all(map(is_glyph, "".join(runs)))
    assert not any(map(is_glyph, "".join(words)))


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("", ""),
        ("🚀 42", ""),
        ("№ 1 – ٣", "Latin"),
        ("GPT", "Latin"),
        ("Résumé", "Latin"),
        ("𝐆𝐏𝐓 𝓒𝓸𝓭𝓮", "Latin"),
        ("翻译助手", "Han"),
        ("翻译 GPT", "Latin"),
        ("翻訳の達人 GPT4 Assistant", "Japanese"),
        ("한국어 GPT", "Hangul"),
        ("Ёлка", "Cyrillic"),
        ("مساعد", "Arabic"),
        ("ภาษาไทย", "Thai"),
        ("ა", "Georgian"),
        ("𐤀𐤁", "Other"),
    ],
)
def test_script_of_a_name_is_that_of_most_letters(name: str, script: str) -> None:
    assert script_of(name) == script


def test_script_of_a_tie_is_the_first_met() -> None:
    assert script_of("яz") == "Cyrillic"
    assert script_of("zя") == "Latin"
