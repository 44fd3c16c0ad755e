"""Search finds all that the definition finds, and nothing else, in seven languages."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from catalog.errors import InvalidQuery
from catalog.search import TIERS, Matcher, anywhere, candidates, canonical, index_terms, parse_query
from tests.unit.search.definition import folded, holds, is_glyph, slow_tier
from tests.unit.search.samples import ALL, SAMPLES

if TYPE_CHECKING:
    from catalog.search import Query, Texts

LONGEST = 6
INDEX = [index_terms(each, {}) for each in ALL]
FOLDED = [folded(each) for each in ALL]


def _pieces(texts: Texts) -> set[str]:
    """Every piece of 1 to 6 characters of every text."""
    return {
        text[at : at + size]
        for text in (texts.name, *texts.labels, texts.description, *texts.starters)
        for size in range(1, LONGEST + 1)
        for at in range(len(text) - size + 1)
    }


def _queries(texts: tuple[Texts, ...]) -> list[Query]:
    queries = []
    for piece in sorted(set().union(*map(_pieces, texts))):
        # Pieces of signs alone, or with half a pair of quotes, are no queries.
        try:
            queries.append(parse_query(piece))
        except InvalidQuery:
            continue
    # A hyphen before a word makes it one to be left out.
    return [query for query in queries if query.terms]


def _by_index(query: Query) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """The GPTs of each tier: as the index yields them where it decides, and as verified."""
    matcher = Matcher(query)
    decided, verified = {}, {}
    for tier in TIERS:
        asked = candidates(query, tier)
        found = {at for at, terms in enumerate(INDEX) if holds(asked.expression, terms)}
        verified[tier] = {at for at in found if matcher.tier(ALL[at]) == tier}
        if asked.exact:
            decided[tier] = found
    return decided, verified


@pytest.mark.parametrize("language", SAMPLES)
def test_every_piece_of_a_text_finds_what_the_definition_finds(language: str) -> None:
    queries = _queries(SAMPLES[language])
    assert len(queries) > 200
    for query in queries:
        wanted: dict[int, set[int]] = defaultdict(set)
        for at, groups in enumerate(FOLDED):
            tier = slow_tier(query, groups)
            if tier is not None:
                wanted[tier].add(at)
        decided, verified = _by_index(query)
        assert {tier: found for tier, found in verified.items() if found} == wanted, query
        assert decided == {tier: wanted.get(tier, set()) for tier in decided}, query
        everything = anywhere(query)
        found = {at for at, terms in enumerate(INDEX) if holds(everything.expression, terms)}
        hit = set().union(*wanted.values())
        assert found == hit if everything.exact else found >= hit, query


@pytest.mark.parametrize("language", ["zh", "ja", "ko", "th"])
def test_every_piece_of_glyphs_finds_its_own_text(language: str) -> None:
    for texts in SAMPLES[language]:
        for piece in _pieces(texts):
            term = canonical(piece)
            if piece.isalnum() and all(map(is_glyph, piece)) and term in canonical(texts.name):
                assert Matcher(parse_query(piece)).tier(texts) in {0, 1, 2}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("翻译", "翻译助手 Pro"),
        ("ガイド", "日本語チューター"),
        ("국어", "한국어 선생님"),
        ("ภาษา", "ผู้ช่วยแปลภาษา"),
        ("الكتابة", "مُساعد الكتابة"),
        ("учебе", "Помощник по учёбе"),
        ("resume", "Résumé Writer – Pro"),
    ],
)
def test_a_word_of_each_language_is_found(word: str, name: str) -> None:
    query = parse_query(f'"{word}"')
    found = {each.name for each in ALL if Matcher(query).tier(each) is not None}
    assert name in found
    assert len(found) <= 2
