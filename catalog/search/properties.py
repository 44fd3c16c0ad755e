"""What Unicode says of a character, as far as search asks: a thin layer over ``regex``.

Python's own :mod:`unicodedata` knows neither scripts nor which characters are invisible. Loading
this takes a twentieth of a second, so :mod:`catalog.search.folding` does it when it first meets a
character that is not ASCII.
"""

from __future__ import annotations

from itertools import chain
from typing import Literal

import regex

_KEPT = regex.compile(r"[\p{L}\p{N}\p{M}]")
_KEPT_RUNS = regex.compile(f"{_KEPT.pattern}+")
# Marks that only tell how to read or stress a letter, by the ranges of their blocks: combining
# diacritical marks with their extensions, Cyrillic, Hebrew points, Arabic vowel and recitation
# signs; tatweel stretches a word. Vowel signs and viramas of other scripts are spelling.
_DIACRITIC = regex.compile(
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u0897-\u089f\u08ca-\u08e1\u08e3-\u08ff]"
)
# Joiners, soft hyphens, variation selectors, marks of direction, fillers. The zero-width space is
# one of them, but stands where a word ends.
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}--\u200b]", regex.VERSION1)

_LETTER = regex.compile(r"\p{L}")
_OF_NO_SCRIPT = regex.compile(r"[\p{Script=Common}\p{Script=Inherited}]")
# The scripts that names are written in.
_SCRIPTS = {
    name: regex.compile(rf"\p{{Script={name}}}")
    for name in (
        "Latin",
        "Cyrillic",
        "Greek",
        "Arabic",
        "Hebrew",
        "Han",
        "Hiragana",
        "Katakana",
        "Hangul",
        "Bopomofo",
        "Thai",
        "Lao",
        "Khmer",
        "Myanmar",
        "Devanagari",
        "Bengali",
        "Gurmukhi",
        "Gujarati",
        "Oriya",
        "Tamil",
        "Telugu",
        "Kannada",
        "Malayalam",
        "Sinhala",
        "Tibetan",
        "Georgian",
        "Armenian",
        "Ethiopic",
        "Mongolian",
        "Syriac",
        "Thaana",
        "Javanese",
        "Cherokee",
        "Canadian_Aboriginal",
        "Yi",
    )
}
OTHER = "Other"
"""A script that hardly any name is written in."""


# The planes of characters that are letters or tags; the others hold none, or are private.
_CHARACTERS = (range(0x40000), range(0xE0000, 0xE1000))


def characters_known() -> int:
    """How many characters ``regex`` knows as parts of words: each version of Unicode adds some.

    It does not tell its version of Unicode otherwise. Takes a tenth of a second.
    """
    every = "".join(map(chr, chain.from_iterable(_CHARACTERS)))
    return sum(len(found.group()) for found in _KEPT_RUNS.finditer(every))


def part_of(character: str) -> Literal["word", "nothing", "gap"]:
    """What a character of a decomposed text is to search.

    Returns:
        ``word``: a letter, a digit or a mark; ``nothing``: a diacritic, or invisible; ``gap``: all
        else, which separates.
    """
    if _DIACRITIC.match(character) or _INVISIBLE.match(character):
        return "nothing"
    return "word" if _KEPT.match(character) else "gap"


def script_of_letter(character: str) -> str:
    """The script of a letter; empty for what is no letter, or one of several scripts."""
    if not _LETTER.match(character) or _OF_NO_SCRIPT.match(character):
        return ""
    return next((name for name, pattern in _SCRIPTS.items() if pattern.match(character)), OTHER)
