"""Index terms: what an inverted index keeps of a GPT, and what it is asked for a query.

A term is a tag and a text, made of ASCII letters and digits and of characters beyond ASCII alone,
so that every index takes it as one word. The tags:

====== =========================================================================================
tag    text
====== =========================================================================================
1234   a word, a glyph, or two neighbouring glyphs of the name, the labels, the description, the
       starters: each only in the best of these groups, as tiers ask for it
0      the first word, glyph or two glyphs of the name
5      beginnings, of 1 to 3 characters, of the name's first word
6 7    beginnings of words of the name, of the labels (the better of the two): an index is slow at
       short prefixes, and most hits of a half-typed word are wanted here
x      a hash of the whole canonical name
others a hash of a facet value, see :func:`facet_term`
====== =========================================================================================

Words are cut to 64 characters. What the index cannot decide (phrases, runs of three glyphs and
more, longer words) it yields candidates for: see :class:`Candidates`.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain, pairwise

import msgspec

from catalog.search.folding import canonical, is_glyph, words_and_runs
from catalog.search.matching import EXACT_NAME, LABELS, NAME, NAME_PREFIX, STARTERS
from catalog.search.queries import Query, Term
from catalog.search.texts import Texts
from catalog.text import sort_key

LONGEST = 64
"""Characters of a word that the index keeps."""
EDGE = 3
"""Longest beginning of a word that is an index term of its own."""
TERMS = 1
"""The version of the terms that are made here: to be raised with whatever changes them."""
_HASH = 16
_PAIR = 2

_FIRST, _FIRST_EDGE, _WHOLE = "0", "5", "x"
_GROUP = {NAME: "1", LABELS: "2", LABELS + 1: "3", STARTERS: "4"}
_GROUP_EDGE = {NAME: "6", LABELS: "7"}
FACET_TAGS = {
    "category": "c",
    "tool": "t",
    "tag": "g",
    "author": "u",
    "author_name": "n",
    "status": "s",
    "voice": "v",
    "script": "l",
    "year": "y",
}
"""Tags of facet values: the author is the user_id, the author's name stands beside it."""


class Lexeme(msgspec.Struct, frozen=True):
    """Has an index term.

    Attributes:
        text: the term.
        prefix: any term that begins so will do.
    """

    text: str
    prefix: bool = False


class All(msgspec.Struct, frozen=True):
    """Has every part; one part at least is no :class:`Not`, and those stand nowhere else."""

    parts: tuple[Expression, ...]


class Any(msgspec.Struct, frozen=True):
    """Has one part or more."""

    parts: tuple[Expression, ...]


class Not(msgspec.Struct, frozen=True):
    """Has not the part."""

    part: Expression


Expression = Lexeme | All | Any | Not


class Candidates(msgspec.Struct, frozen=True):
    """What the index is asked for the GPTs of one tier.

    Attributes:
        expression: holds of every GPT of that tier.
        exact: holds of no other, so that nothing need be verified.
    """

    expression: Expression
    exact: bool


def terms_version() -> str:
    """What terms are made by: equal ones make equal terms of equal texts.

    Letters are folded as Python's Unicode has them, and cut up as that of ``regex`` does: a newer
    one of either can make other terms of texts in a script that it adds to.
    """
    from catalog.search.properties import characters_known  # noqa: PLC0415  (see there)

    return f"{TERMS} unicode={unicodedata.unidata_version} characters={characters_known()}"


@lru_cache(maxsize=16384)
def facet_key(value: str) -> str:
    """A facet value as it is compared and looked up: without outer blanks, NFKC, casefolded.

    The key of a key is itself.
    """
    # Casefolding may leave what NFKC would compose, and NFKC may make blanks of signs.
    return unicodedata.normalize("NFKC", sort_key(value)).strip()


@lru_cache(maxsize=16384)
def facet_term(kind: str, value: str) -> str:
    """The index term of a facet value.

    Args:
        kind: one of :data:`FACET_TAGS`.
        value: as stored or as asked for: spellings with one :func:`facet_key` have one term. A
            user_id is compared as it is.
    """
    return FACET_TAGS[kind] + _hash(value if kind == "author" else facet_key(value))


def _hash(text: str) -> str:
    # Lone surrogates come from a command line alone; they must find nothing, not fail.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_HASH]


def index_terms(texts: Texts, facets: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Every index term of one GPT.

    Args:
        texts: what is searched of it.
        facets: its facet values by kind, see :func:`facet_term`.
    """
    name = canonical(texts.name)
    name_words, name_runs = words_and_runs(name)
    label_words, label_runs = _cut_up(texts.labels)
    terms = {facet_term(kind, value) for kind, values in facets.items() for value in values}
    known: set[str] = set()
    for tag, (words, runs) in (
        (_GROUP[NAME], (name_words, name_runs)),
        (_GROUP[LABELS], (label_words, label_runs)),
        (_GROUP[LABELS + 1], _cut_up((texts.description,))),
        (_GROUP[STARTERS], _cut_up(texts.starters)),
    ):
        units = _units(words, runs) - known
        known |= units
        terms.update([tag + unit for unit in units])
    edges = _edges(name_words)
    terms.update([_GROUP_EDGE[NAME] + edge for edge in edges])
    terms.update([_GROUP_EDGE[LABELS] + edge for edge in _edges(label_words) - edges])
    if name:
        terms.add(_WHOLE + _hash(name))
        terms |= _first_terms(name)
    return frozenset(terms)


def _cut_up(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The words and runs of several texts; a line break parts them as any sign does."""
    return words_and_runs(canonical("\n".join(texts)))


def _units(words: list[str], runs: list[str]) -> set[str]:
    """Words as they are indexed, glyphs, and pairs of neighbouring glyphs."""
    units = {word[:LONGEST] for word in words}
    for run in runs:
        units.update(run)
        units.update([first + second for first, second in pairwise(run)])
    return units


def _edges(words: Iterable[str]) -> set[str]:
    return {word[:length] for word in words for length in range(1, min(EDGE, len(word)) + 1)}


def _first_terms(name: str) -> set[str]:
    first = _first_unit(name)
    if not is_glyph(first[0]):
        edges = (_FIRST_EDGE + edge for edge in _edges([first]))
        return {_FIRST + first[:LONGEST], *edges}
    return {_FIRST + first[0], _FIRST + first}


def _first_unit(text: str) -> str:
    """The first word of a canonical text, or its first two glyphs, or its first alone."""
    words, runs = words_and_runs(text)
    return runs[0][:_PAIR] if is_glyph(text[0]) else words[0]


def candidates(query: Query, tier: int) -> Candidates:
    """What to ask the index for the GPTs of one tier.

    Args:
        query: what is searched.
        tier: one of :data:`catalog.search.matching.TIERS`.
    """
    return _less_excluded(query, *_TIER.get(tier, _of_group)(query, tier))


def anywhere(query: Query) -> Candidates:
    """What to ask the index for the GPTs of all tiers together: to count them, say."""
    found = _all([_up_to(term, STARTERS) for term in query.terms])
    return _less_excluded(query, found, all(map(_is_decided, query.terms)))


def without(wanted: Expression, query: Query) -> Candidates:
    """What to ask the index for the GPTs that a query does not exclude.

    Args:
        wanted: what else is asked; FTS5 takes nothing away from everything.
        query: what must not be found.
    """
    return _less_excluded(query, wanted, is_exact=True)


def _less_excluded(query: Query, wanted: Expression, is_exact: bool) -> Candidates:  # noqa: FBT001  (a pair)
    parts = [wanted]
    for term in query.excluded:
        if _is_decided(term):
            parts.append(Not(_up_to(term, STARTERS)))
        else:
            is_exact = False
    return Candidates(_all(parts), is_exact)


def _exact_name(query: Query, _tier: int) -> tuple[Expression, bool]:
    return Lexeme(_WHOLE + _hash(query.canonical)), True


def _name_prefix(query: Query, _tier: int) -> tuple[Expression, bool]:
    begins, is_exact = _beginning(query)
    return _all([begins, Not(_exact_name(query, 0)[0])]), is_exact


def _of_group(query: Query, tier: int) -> tuple[Expression, bool]:
    """Every term in a group up to that of ``tier``, and, where that can be said, not in a better.

    Of the two tiers of whole names the second may be undecided; but every GPT in them has all terms
    in its name, so that what is not in a better group is in neither.
    """
    is_decided = all(map(_is_decided, query.terms))
    found = [_up_to(term, tier) for term in query.terms]
    if tier > NAME and is_decided:
        return _all([*found, Not(_all([_up_to(term, tier - 1) for term in query.terms]))]), True
    found.append(Not(_exact_name(query, 0)[0]))
    begins, is_exact = _beginning(query)
    if is_exact:
        found.append(Not(begins))
    return _all(found), is_decided and is_exact


_TIER = {EXACT_NAME: _exact_name, NAME_PREFIX: _name_prefix}


def _is_decided(term: Term) -> bool:
    """Whether the index alone can say that a group has ``term``: one word, one or two glyphs."""
    words, runs = words_and_runs(term.text)
    if [len(run) for run in runs] in ([1], [_PAIR]):
        return not words
    is_whole = len(words) == 1 and len(words[0]) <= LONGEST - (not term.prefix)
    return is_whole and not runs


def _all(parts: list[Expression]) -> Expression:
    unique = tuple(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else All(unique)


def _any(parts: Iterable[Expression]) -> Expression:
    unique = tuple(dict.fromkeys(parts))
    return unique[0] if len(unique) == 1 else Any(unique)


class _Piece(msgspec.Struct, frozen=True):
    """A part of a term that the index knows by itself."""

    text: str
    prefix: bool

    def within(self, tier: int) -> Lexeme:
        """The piece in the group of ``tier``."""
        if self.prefix and len(self.text) <= EDGE and tier in _GROUP_EDGE:
            return Lexeme(_GROUP_EDGE[tier] + self.text)
        return Lexeme(_GROUP[tier] + self.text, self.prefix)


def _pieces(term: Term) -> list[_Piece]:
    """Everything that the index knows of ``term``, each piece once."""
    words, runs = words_and_runs(term.text)
    is_open = term.prefix and not is_glyph(term.text[-1])
    pieces = [_Piece(word[:LONGEST], prefix=False) for word in words]
    if is_open:
        pieces[-1] = _Piece(words[-1][:LONGEST], prefix=True)
    glyphs = (
        [first + second for first, second in pairwise(run)] if len(run) > 1 else [run]
        for run in runs
    )
    pieces += [_Piece(text, prefix=False) for text in chain.from_iterable(glyphs)]
    return list(dict.fromkeys(pieces))


def _up_to(term: Term, tier: int) -> Expression:
    """Every piece of ``term`` in the group of ``tier`` or a better one."""
    return _all(
        [_any(piece.within(each) for each in range(NAME, tier + 1)) for piece in _pieces(term)]
    )


def _beginning(query: Query) -> tuple[Expression, bool]:
    """What the index knows of names that begin with the whole query, and whether that decides."""
    whole = Term(query.canonical, query.terms[-1].prefix)
    first = _first_unit(whole.text)
    is_open = whole.prefix and first == whole.text and not is_glyph(first[0])
    if is_open and len(first) <= EDGE:
        start = Lexeme(_FIRST_EDGE + first)
    else:
        start = Lexeme(_FIRST + first[:LONGEST], is_open)
    if _is_decided(whole):
        return start, True
    return _all([start, *(piece.within(NAME) for piece in _pieces(whole))]), False
