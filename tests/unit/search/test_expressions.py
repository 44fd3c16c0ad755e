from __future__ import annotations

import pytest

from catalog.query.expressions import fts5, tsquery
from catalog.search.terms import All, Lexeme, Not
from catalog.search.terms import Any as AnyOf

A, B, C = Lexeme("a"), Lexeme("b", prefix=True), Lexeme("c")


def test_expressions_are_written_for_each_engine() -> None:
    asked = All((AnyOf((A, B)), C, Not(All((A, C)))))

    assert fts5(asked) == '((("a" OR "b" *) AND "c") NOT ("a" AND "c"))'
    assert tsquery(asked) == "(('a' | 'b':*) & 'c' & !('a' & 'c'))"


@pytest.mark.parametrize("expression", [Not(A), AnyOf((A, Not(B)))])
def test_what_excludes_alone_cannot_be_asked_of_fts5(expression: Not | AnyOf) -> None:
    with pytest.raises(TypeError, match="a Not stands in an All alone"):
        fts5(expression)
