r"""What a person types into a search: words, ``"phrases"``, ``prefix*``, ``-exclusions``.

Chunks are parted by blanks. Each chunk, and each phrase in quotes of any kind, is one term: its
canonical text, to be found unbroken. ``-`` before one excludes it, ``*`` behind one lets its last
word go on. The last chunk is a prefix also without a star, unless it is quoted or excluded: it may
not be typed to its end yet (rule 18). Every term must be found; there are no operators. A text that
only excludes finds everything else.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from catalog.errors import InvalidQuery
from catalog.search.folding import canonical

MAX_LENGTH = 500
"""Characters of a search text."""
MAX_TERMS = 32
"""Terms of a search text, those excluded too."""

# Closing quotes by the opening one, over the habits of languages: “…”, „…“, ”…”, «…», »…«, 「…」.
_QUOTES = {
    '"': '"',
    "“": '”"“',
    "„": '“”"',
    "”": '”"',
    "«": "»",
    "»": "«",
    "「": "」",
}
_CLOSING_ALONE = "」"
# Keyboards for Chinese and Japanese give these for the signs that mean something here.
_NARROW = str.maketrans({"\uff02": '"', "\uff0a": "*", "\uff0d": "-"})
_STAR = "*"
_MINUS = "-"
_OPERATORS = {
    "AND": "every word must be found anyway: leave AND out",
    "OR": "there is no OR: make two searches",
    "NOT": "write -word to exclude a word",
}


class Term(msgspec.Struct, frozen=True):
    """A piece of text to be found, or not to be found.

    Attributes:
        text: canonical, never empty.
        prefix: its last word may go on.
    """

    text: str
    prefix: bool = False


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A search text, understood.

    Attributes:
        text: what was typed.
        terms: what must be found; none where the query only excludes.
        excluded: what must not be found.
        typed: the text of each of the terms, then of the excluded ones, as it was typed.
    """

    text: str
    terms: tuple[Term, ...]
    excluded: tuple[Term, ...] = ()
    typed: tuple[str, ...] = ()

    @property
    def canonical(self) -> str:
        """The terms joined by blanks: what a name is compared with as a whole."""
        return " ".join(term.text for term in self.terms)


class _Chunk(msgspec.Struct):
    """A chunk as typed: where it begins, counted from 1, and what stands around its text."""

    text: str
    position: int
    is_quoted: bool
    is_excluded: bool
    has_star: bool


@lru_cache(maxsize=256)
def parse_query(text: str) -> Query:
    """Understand a search text.

    Args:
        text: what was typed. Signs alone, as ``&``, are passed over.

    Raises:
        InvalidQuery: it cannot be understood; says where, and what to write instead.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidQuery(
            f"{text[:40]}…", f"it has {len(text):,} characters, and {MAX_LENGTH} are allowed"
        )
    chunks = _Reader(text).chunks()
    _refuse_operators(text, chunks)
    searched = [(chunk, folded) for chunk in chunks if (folded := canonical(chunk.text))]
    if len(searched) > MAX_TERMS:
        raise InvalidQuery(text, f"it has {len(searched)} terms, and {MAX_TERMS} are allowed")
    if not searched:
        raise InvalidQuery(text, "there is no letter and no digit in it; write a word to search")
    terms, excluded = [], []
    for chunk, folded in searched:
        if chunk.is_excluded:
            excluded.append((Term(folded, chunk.has_star), chunk.text))
        else:
            is_unfinished = chunk is searched[-1][0] and not chunk.is_quoted
            terms.append((Term(folded, chunk.has_star or is_unfinished), chunk.text))
    return Query(
        text=text,
        terms=tuple(term for term, _ in terms),
        excluded=tuple(term for term, _ in excluded),
        typed=tuple(typed for _, typed in (*terms, *excluded)),
    )


def _refuse_operators(text: str, chunks: list[_Chunk]) -> None:
    """Refuse AND, OR and NOT as other searches have them, lest they be searched as words."""
    for at, chunk in enumerate(chunks):
        if chunk.is_quoted or chunk.is_excluded or chunk.has_star or chunk.text not in _OPERATORS:
            continue
        is_followed = at + 1 < len(chunks)
        if is_followed and (at or chunk.text == "NOT"):
            advice = f'{_OPERATORS[chunk.text]}; to search the word itself, write "{chunk.text}"'
            raise InvalidQuery(text, advice, chunk.position)


class _Reader:
    """Cuts a search text into chunks."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.signs = text.translate(_NARROW)
        self.at = 0

    def chunks(self) -> list[_Chunk]:
        """All chunks, in their order."""
        found = []
        while self.at < len(self.text):
            if self.signs[self.at].isspace():
                self.at += 1
            else:
                found.append(self._chunk())
        return found

    def _chunk(self) -> _Chunk:
        begin = self.at
        is_excluded = self.signs[begin] == _MINUS
        self.at += is_excluded
        is_quoted = self.at < len(self.text) and self.signs[self.at] in _QUOTES
        body = self._quoted() if is_quoted else self._plain()
        stars = self._stars()
        if stars and (stars > 1 or not canonical(body)):
            self._refuse_star(self.at - stars)
        return _Chunk(body, begin + 1, is_quoted, is_excluded, bool(stars))

    def _quoted(self) -> str:
        """The text between quotes; goes behind them."""
        begin = self.at
        closing = _QUOTES[self.signs[begin]]
        for at in range(begin + 1, len(self.text)):
            if self.signs[at] in closing:
                self.at = at + 1
                return self.text[begin + 1 : at]
        sign = self.text[begin]
        raise InvalidQuery(
            self.text,
            f"a quote {sign} opens that nothing closes; write {closing[0]} where the phrase ends, "
            f"or leave {sign} out",
            begin + 1,
        )

    def _plain(self) -> str:
        """The text up to a blank, a star or a phrase; goes there."""
        begin = self.at
        while self.at < len(self.text):
            sign = self.signs[self.at]
            if sign == _CLOSING_ALONE:
                advice = f"{sign} closes a phrase that nothing opens; leave it out"
                raise InvalidQuery(self.text, advice, self.at + 1)
            if sign.isspace() or sign == _STAR or sign in _QUOTES:
                break
            self.at += 1
        return self.text[begin : self.at]

    def _stars(self) -> int:
        """How many stars stand here; goes behind them, where a chunk must end."""
        begin = self.at
        while self.at < len(self.text) and self.signs[self.at] == _STAR:
            self.at += 1
        stars = self.at - begin
        if stars and self.at < len(self.text) and not self.signs[self.at].isspace():
            self._refuse_star(begin)
        return stars

    def _refuse_star(self, at: int) -> None:
        raise InvalidQuery(
            self.text,
            "a star stands alone or inside a word; one star may stand behind the beginning of a "
            "word, as in transl*",
            at + 1,
        )
