"""What matches, and how well: the definition that every faster way is held against (rule 18).

A term is found in a text where its canonical text stands unbroken in the canonical text, beginning
and ending at the edge of a word: a word matches whole, with a prefix from its beginning; glyphs
have no edges and match anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from catalog.search.folding import canonical, is_glyph
from catalog.search.queries import Query, Term
from catalog.search.texts import Texts

EXACT_NAME, NAME_PREFIX, NAME, LABELS, DESCRIPTION, STARTERS = TIERS = range(6)
"""The tiers, best first: the whole name, the beginning of the name, then the worst of the terms,
each counted where it is found best: in name, labels, description or starters."""


def tier(query: Query, texts: Texts) -> int | None:
    """How well ``texts`` match ``query``: one of :data:`TIERS`; None: not at all."""
    return Matcher(query).tier(texts)


# Categories and tools are a few words that nearly every GPT says.
_folded_label = lru_cache(maxsize=4096)(canonical)


class Matcher:
    """Looks at the texts of many GPTs for one query.

    Folds no more of a GPT's texts than it takes to find every term.

    Args:
        query: what to look for.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        self._whole = Term(query.canonical, query.terms[-1].prefix) if query.terms else None

    def tier(self, texts: Texts) -> int | None:
        """How well ``texts`` match: one of :data:`TIERS`; None: not at all."""
        found = self._found(texts)
        if found is None or not self.query.excluded:
            return found
        everything = [each for group in _groups(texts) for each in group]
        is_excluded = any(_is_in(term, each) for term in self.query.excluded for each in everything)
        return None if is_excluded else found

    def _found(self, texts: Texts) -> int | None:
        """The tier as it is without exclusions."""
        if self._whole is None:
            return EXACT_NAME
        missing = list(self.query.terms)
        for level, group in enumerate(_groups(texts), start=NAME):
            if level == NAME and _begins(self._whole, group[0]):
                return EXACT_NAME if group[0] == self._whole.text else NAME_PREFIX
            missing = [term for term in missing if not any(_is_in(term, each) for each in group)]
            if not missing:
                return level
        return None


def _groups(texts: Texts) -> Iterator[list[str]]:
    """The canonical texts of each group, from the name to the starters."""
    yield [canonical(texts.name)]
    yield [_folded_label(each) for each in texts.labels]
    yield [canonical(texts.description)]
    yield [canonical(each) for each in texts.starters]


def _begins(term: Term, text: str) -> bool:
    return text.startswith(term.text) and _ends_well(term, text, len(term.text))


def _is_in(term: Term, text: str) -> bool:
    """Whether a canonical ``text`` has ``term``."""
    at = text.find(term.text)
    while at >= 0:
        if _begins_well(term, text, at) and _ends_well(term, text, at + len(term.text)):
            return True
        at = text.find(term.text, at + 1)
    return False


def _begins_well(term: Term, text: str, at: int) -> bool:
    return at == 0 or not _is_of_word(text[at - 1]) or not _is_of_word(term.text[0])


def _ends_well(term: Term, text: str, end: int) -> bool:
    return (
        term.prefix
        or end == len(text)
        or not _is_of_word(text[end])
        or not _is_of_word(term.text[-1])
    )


def _is_of_word(character: str) -> bool:
    return character != " " and not is_glyph(character)
