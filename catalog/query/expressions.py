"""What is asked of the search index, as each engine writes it, and as Python looks at terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.search.terms import All, Expression, Lexeme, Not
from catalog.search.terms import Any as AnyOf

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = '""'
"""What no row of FTS5 matches."""


def fts5(expression: Expression) -> str:
    """``expression`` as FTS5 reads it."""
    if isinstance(expression, Lexeme):
        # A text in quotes is one token: the index's terms hold letters and digits alone.
        quoted = expression.text.replace('"', '""')
        return f'"{quoted}"' + (" *" if expression.prefix else "")
    if isinstance(expression, AnyOf):
        return "(" + " OR ".join(map(fts5, expression.parts)) + ")"
    if isinstance(expression, Not):
        raise TypeError("a Not stands in an All alone: FTS5's NOT has two sides")
    positive = " AND ".join(fts5(part) for part in expression.parts if not isinstance(part, Not))
    for part in expression.parts:
        if isinstance(part, Not):
            positive = f"({positive}) NOT {fts5(part.part)}"
    return f"({positive})"


def tsquery(expression: Expression) -> str:
    """``expression`` as PostgreSQL's ``tsquery`` is written."""
    if isinstance(expression, Lexeme):
        quoted = expression.text.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'" + (":*" if expression.prefix else "")
    if isinstance(expression, Not):
        return f"!{tsquery(expression.part)}"
    sign = " | " if isinstance(expression, AnyOf) else " & "
    return "(" + sign.join(map(tsquery, expression.parts)) + ")"


def has_prefix(expression: Expression) -> bool:
    """Whether a beginning of terms is asked for."""
    if isinstance(expression, Lexeme):
        return expression.prefix
    if isinstance(expression, Not):
        return has_prefix(expression.part)
    return any(map(has_prefix, expression.parts))


def held_by(expression: Expression) -> Callable[[str], bool]:
    """What says whether a listing of some terms is found by ``expression``.

    Args:
        expression: what is asked.

    Returns:
        A function of the terms as :func:`catalog.storage.search_index.held_terms` has them, with a
        blank before and behind. Written for thousands of listings: it cuts nothing up.
    """
    if isinstance(expression, Lexeme):
        text = f" {expression.text}" if expression.prefix else f" {expression.text} "
        return lambda terms: text in terms
    if isinstance(expression, Not):
        without = held_by(expression.part)
        return lambda terms: not without(terms)
    parts = list(map(held_by, expression.parts))
    if isinstance(expression, All):
        return lambda terms: all(part(terms) for part in parts)
    return lambda terms: any(part(terms) for part in parts)
