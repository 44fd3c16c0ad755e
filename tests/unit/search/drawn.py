"""What is drawn at random for the tests of search."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import strategies as st

from catalog.errors import InvalidQuery
from catalog.search import Filter, Texts, parse_query
from catalog.search.terms import LONGEST
from catalog.times import from_iso

# Few characters, so that words begin, contain and equal each other often.
_LONG = "a" * (LONGEST - 1)
_words = st.text(st.sampled_from("abб"), min_size=1, max_size=5) | st.sampled_from(
    [_LONG, _LONG + "b", _LONG + "ba", _LONG + "bab"]
)
_glyphs = st.text(st.sampled_from("翻译助"), min_size=1, max_size=4)
_pieces = st.lists(_words | _glyphs | st.sampled_from(["ab翻译", "译a"]), max_size=4)
_text = st.tuples(_pieces, st.sampled_from([" ", "-", ""])).map(lambda each: each[1].join(each[0]))
all_texts = st.builds(
    Texts,
    name=_text,
    labels=st.lists(_text, max_size=2).map(tuple),
    description=_text,
    starters=st.lists(_text, max_size=2).map(tuple),
)


def _is_query(text: str) -> bool:
    with suppress(InvalidQuery):
        return bool(parse_query(text))
    return False


_chunks = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "-"]),
    _words | _glyphs | _text.map('"{}"'.format),
    st.sampled_from(["", "*"]),
)
queries = st.lists(_chunks, min_size=1, max_size=3).map(" ".join).filter(_is_query)
searches = queries.filter(lambda text: bool(parse_query(text).terms))
"""Queries that say what is to be found, and not only what is not."""
exclusions = queries.filter(lambda text: not parse_query(text).terms)


_LAST = from_iso("9999-12-31T23:59:59Z")
_values = st.lists(st.text(max_size=6), max_size=3).map(tuple)
_moments = st.none() | st.integers(-(10**15), _LAST)
_counts = st.none() | st.integers(0, 10**15)
filters = st.builds(
    Filter,
    text=st.none() | st.text(max_size=20),
    **dict.fromkeys(
        ("categories", "tools", "tags", "authors", "statuses", "voices", "scripts"), _values
    ),
    years=st.lists(st.integers(1, 9999), max_size=3).map(tuple),
    min_conversations=_counts,
    max_conversations=_counts,
    min_reviews=_counts,
    min_rating=st.none() | st.floats(1, 5) | st.integers(1, 5),
    **{
        f"{what}_{side}": _moments
        for what in ("created", "updated", "changed", "seen")
        for side in ("since", "until")
    },
)
