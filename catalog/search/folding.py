"""Text as it is searched: folded so that spellings of one word are equal, and cut into units.

What comes out of :func:`canonical` has words and *glyphs*. A glyph is a character of a script that
writes no blanks between words, or, as Korean, joins particles to them (rule 18): those match as
substrings. Everything else that is a letter, a digit or a mark makes up words, which match whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_BLANK = " "
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else _BLANK for code in range(128)}
# Dashes, quotes, bullets, arrows, emoji: signs that stand in many texts which else are ASCII, with
# what is invisible after them. Each separates, whatever stands beside it; a test tries them all.
_SIGNS = re.compile(
    "[\u00a0-\u00a7\u00a9\u00ab\u00ac\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf\u00d7\u00f7"
    "\u2010-\u2027\u2030-\u2038\u20ac\u2190-\u21ff\u2500-\u2775\u2794-\u27bf"
    "\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff][\ufe0f\u200d]*"
)
# Han, Hiragana, Katakana, Hangul, Thai, Lao, Khmer, Myanmar, Bopomofo and the marks they share, by
# ranges that hold no other letter: `re` is many times faster at ranges than `regex` at properties.
# A test holds them against Unicode's Script_Extensions.
_GLYPH = (
    "\u0e01-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u3247\u3250-\u9fff"
    "\ua960-\ua97f\ua9e0-\ua9fe\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff\U000116d0-\U000116ff"
    "\U00016fe2\U00016fe3\U00016ff0-\U00016fff\U0001aff0-\U0001b16f\U0001d360-\U0001d371"
    "\U00020000-\U0003cfff"
)
_RUNS = re.compile(f"[{_GLYPH}]+")
_WORDS = re.compile(f"[^ {_GLYPH}]+")
_FIRST_GLYPH = "\u0e01"
_MAY_HOLD_GLYPHS = re.compile(f"[{_FIRST_GLYPH}-\U0010ffff]")


class _Folding(dict[int, int | str | None]):
    """What becomes of each character, for :meth:`str.translate`; filled as characters are met.

    So a text costs one look-up a character, and no start pays for the million it never meets.
    """

    def __missing__(self, code: int) -> int | str | None:
        from catalog.search.properties import part_of  # noqa: PLC0415  (see there)

        becomes = {"word": code, "nothing": None, "gap": _BLANK}[part_of(chr(code))]
        self[code] = becomes
        return becomes


_FOLDING = _Folding()


def canonical(text: str) -> str:
    """``text`` folded for search; folding it again changes nothing.

    NFKC, casefolded, without diacritics and invisible characters; whatever is neither letter,
    number nor mark separates, and any run of it is one blank; none stands at either end.
    """
    if not text.isascii():
        text = _SIGNS.sub(_BLANK, text)
    if text.isascii():
        return _BLANK.join(text.translate(_ASCII).split())
    # Taken apart, so that marks can be dropped, and put together again (UAX #15).
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = unicodedata.normalize("NFKD", folded).translate(_FOLDING)
    return _BLANK.join(unicodedata.normalize("NFC", folded).split())


def is_glyph(character: str) -> bool:
    """Whether a canonical ``character`` belongs to a script that matches as substrings."""
    return character >= _FIRST_GLYPH and _RUNS.match(character) is not None


def words_and_runs(text: str) -> tuple[list[str], list[str]]:
    """The words of a canonical ``text``, and its unbroken runs of glyphs, each in their order."""
    if text.isascii() or not _MAY_HOLD_GLYPHS.search(text):
        return text.split(), []
    return _WORDS.findall(text), _RUNS.findall(text)


@lru_cache(maxsize=8192)
def _script(character: str) -> str:
    from catalog.search.properties import script_of_letter  # noqa: PLC0415  (see there)

    return script_of_letter(character)


def script_of(name: str) -> str:
    """The script of most letters of ``name``, of several the first met; empty without letters.

    Returns:
        A name of the Unicode property; ``Japanese`` where there is any kana; ``Other`` for scripts
        that hardly any name is written in.
    """
    if name.isascii():
        return "Latin" if any(map(str.isalpha, name)) else ""
    # NFKC: letters styled or widened as symbols belong to no script.
    counts = Counter(filter(None, map(_script, unicodedata.normalize("NFKC", name))))
    if counts.keys() & {"Hiragana", "Katakana"}:
        return "Japanese"
    return counts.most_common(1)[0][0] if counts else ""
