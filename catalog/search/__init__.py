"""What a search means: folding, queries, matching, index terms, filters, orders. Pure.

Says which GPTs match a filter, and in which order (rule 18); it opens no catalog. The storage
layer keeps what :mod:`catalog.search.terms` makes of a listing, the query layer reads it back.
"""

from __future__ import annotations

from catalog.search.conditions import Matching, matches, order_key
from catalog.search.cursors import decode_cursor, encode_cursor
from catalog.search.filters import (
    SORTS,
    Filter,
    Sort,
    check,
    default_sort,
    from_query,
    to_query,
)
from catalog.search.folding import canonical, script_of
from catalog.search.listing import (
    Listing,
    bucket,
    facets_of,
    index_facets,
    order_columns,
    rating_bound,
)
from catalog.search.matching import TIERS, Matcher, tier
from catalog.search.queries import Query, Term, parse_query
from catalog.search.terms import (
    All,
    Any,
    Candidates,
    Expression,
    Lexeme,
    Not,
    anywhere,
    candidates,
    facet_key,
    facet_term,
    index_terms,
)
from catalog.search.texts import Texts

__all__ = [
    "SORTS",
    "TIERS",
    "All",
    "Any",
    "Candidates",
    "Expression",
    "Filter",
    "Lexeme",
    "Listing",
    "Matcher",
    "Matching",
    "Not",
    "Query",
    "Sort",
    "Term",
    "Texts",
    "anywhere",
    "bucket",
    "candidates",
    "canonical",
    "check",
    "decode_cursor",
    "default_sort",
    "encode_cursor",
    "facet_key",
    "facet_term",
    "facets_of",
    "from_query",
    "index_facets",
    "index_terms",
    "matches",
    "order_columns",
    "order_key",
    "parse_query",
    "rating_bound",
    "script_of",
    "tier",
    "to_query",
]
