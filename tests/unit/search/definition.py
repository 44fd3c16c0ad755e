"""Rule 18 once more, as slowly and plainly as can be, and how an index answers an expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import regex

from catalog.search import All, Any, Expression, Lexeme, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.search import Query, Term, Texts

# Below Thai stand marks that these scripts share with others.
_GLYPH = regex.compile(
    r"(?=[\u0e01-\U0010ffff])[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}"
    r"\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Bopomofo}]"
)

Groups = list[list[str]]


def is_glyph(character: str) -> bool:
    """Whether Unicode says that ``character`` is written in a script that matches as substrings."""
    return _GLYPH.match(character) is not None


def folded(texts: Texts) -> Groups:
    """The canonical texts: of the name, the labels, the description, the starters."""
    groups: tuple[Iterable[str], ...] = (
        (texts.name,),
        texts.labels,
        (texts.description,),
        texts.starters,
    )
    return [[canonical(each) for each in group] for group in groups]


def _is_edge(left: str, right: str) -> bool:
    """Whether a word may end between two neighbours: none is cut in two."""
    return not left or not right or " " in left + right or is_glyph(left) or is_glyph(right)


def has(term: Term, text: str) -> bool:
    """Whether ``term`` stands anywhere in a canonical text."""
    size = len(term.text)
    return term.text in text and any(
        text[at : at + size] == term.text
        and _is_edge(text[max(0, at - 1) : at], text[at])
        and (term.prefix or _is_edge(text[at + size - 1], text[at + size : at + size + 1]))
        for at in range(len(text) - size + 1)
    )


def slow_tier(query: Query, groups: Groups) -> int | None:
    """The tier, by the words of the rule."""
    if any(has(term, text) for term in query.excluded for group in groups for text in group):
        return None
    levels = [
        next(
            (at for at, group in enumerate(groups) if any(has(term, each) for each in group)), None
        )
        for term in query.terms
    ]
    if None in levels:
        return None
    if not levels:
        return 0
    whole, name = query.canonical, groups[0][0]
    if name == whole:
        return 0
    is_free = query.terms[-1].prefix
    if name.startswith(whole) and (is_free or _is_edge(whole[-1], name[len(whole) :][:1])):
        return 1
    return 2 + max(level for level in levels if level is not None)


def holds(expression: Expression, terms: frozenset[str]) -> bool:
    """Whether an index that keeps ``terms`` of a GPT finds it."""
    if isinstance(expression, Lexeme):
        if expression.prefix:
            return any(each.startswith(expression.text) for each in terms)
        return expression.text in terms
    if isinstance(expression, All):
        return all(holds(each, terms) for each in expression.parts)
    if isinstance(expression, Any):
        return any(holds(each, terms) for each in expression.parts)
    return not holds(expression.part, terms)
