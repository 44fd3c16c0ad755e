"""Asking the search index: expressions as each engine writes them, and hits in their order.

The two engines give hits in different ways. SQLite's FTS5 streams them in the order of ``doc_id``,
which is the order of popularity, so that a page costs what it shows. PostgreSQL's GIN gives a set
without an order: it is asked for one stretch of ``doc_id`` after the other, the stretches named by
terms of the index itself.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from catalog.search.terms import All, Expression, Lexeme, Not
from catalog.search.terms import Any as AnyOf
from catalog.storage import tables as t
from catalog.storage.search_index import (
    bucket_lexeme,
    bucket_range,
    group_range,
    held_terms,
    step_lexeme,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CAPPED = 2_000
"""Hits that PostgreSQL may be asked for at once, without an order, to be sorted here."""
STRETCH = 16_384
"""GPTs in the first stretch of popularity that PostgreSQL is asked for: of a word that one GPT in
300 has, it holds a page."""
LONGEST = 8 * STRETCH
"""GPTs that are counted off for a stretch; a longer one goes to the end."""
GATHERED = 50_000
"""See :attr:`Index.most_held`: in a million GPTs one in 20 is a hit, and a page soon found."""
SPELLED_OUT = 50
"""Terms that stand for their common beginning, where SQLite is asked for it."""
MOST = 2_000
"""Hits that are read at once from SQLite."""

NOTHING = '""'
"""What no row of FTS5 matches."""

Terms = dict[Lexeme, Expression | None]
"""The terms that stand for beginnings, as a search goes on; see :func:`_spelled_out`."""

_FTS5 = table("search_index", column("rowid", BigInteger), column("search_index", Text))
_GIN = table("search_index", column("doc_id", BigInteger), column("lexemes", TSVECTOR))
_MATCH = _FTS5.c.search_index.bool_op("MATCH")(bindparam("match", type_=Text))
_HAS = _GIN.c.lexemes.bool_op("@@")(cast(bindparam("match", type_=Text), TSQUERY))

LISTED = (t.listings.c.doc_id, t.listings.c.bucket, t.listings.c.gizmo_id)
"""The columns of :class:`Hit`."""
UNINDEXED: ColumnElement[bool] = literal_column("listings.unindexed")
"""As the partial index of those listings says it."""

_LOW: BindParameter[int] = bindparam("low")
_SIZE: BindParameter[int] = bindparam("size")
_NUMBER = t.listings.c.doc_id
_EVERY = select(*LISTED).where(_NUMBER >= _LOW, ~UNINDEXED).order_by(_NUMBER).limit(_SIZE)
_NTH = select(_NUMBER).where(_NUMBER >= _LOW).order_by(_NUMBER).offset(_SIZE).limit(1)

_TERMS = table("search_index_counts", column("term", Text))
_VOCABULARY = (
    select(_TERMS.c.term)
    .where(_TERMS.c.term >= bindparam("low"), _TERMS.c.term <= bindparam("high"))
    .limit(_SIZE)
)
_LAST_CHARACTER = "\U0010ffff"

_LAST_BUCKET = 63
_CHARACTERS = 64
_STEP = (bucket_range(_LAST_BUCKET)[1] + 1) // _CHARACTERS
"""Numbers of one bucket and one first character, which the index has a term for."""


class Hit(NamedTuple):
    """A listing that was found, and what it is ordered by."""

    doc_id: int
    bucket: int
    gizmo_id: str

    @property
    def order(self) -> tuple[int, str]:
        """Its place among the hits of a tier (rule 18)."""
        return -self.bucket, self.gizmo_id


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


def is_held(expression: Expression, terms: Sequence[str]) -> bool:
    """Whether a listing of these terms, which are sorted, is found by ``expression``."""
    if isinstance(expression, Lexeme):
        at = bisect_left(terms, expression.text)
        if at == len(terms):
            return False
        return terms[at] == expression.text or (
            expression.prefix and terms[at].startswith(expression.text)
        )
    if isinstance(expression, Not):
        return not is_held(expression.part, terms)
    of_parts = (is_held(part, terms) for part in expression.parts)
    return all(of_parts) if isinstance(expression, All) else any(of_parts)


class Index:
    """The search index of an engine's catalogs; :func:`index_of` has it.

    Args:
        is_postgres: whether it is PostgreSQL's.

    Attributes:
        has: the condition on a row that its terms are as wanted; parameters: :meth:`asking`.
        listed: its rows, each with its listing.
        holds: the condition on a listing that its terms are as wanted; parameters likewise.
    """

    def __init__(self, *, is_postgres: bool) -> None:
        self._is_postgres = is_postgres
        rows: FromClause = _GIN if is_postgres else _FTS5
        self._doc_id: ColumnElement[int] = _GIN.c.doc_id if is_postgres else _FTS5.c.rowid
        self.has: ColumnElement[bool] = _HAS if is_postgres else _MATCH
        self.listed: FromClause = rows.join(t.listings, t.listings.c.doc_id == self._doc_id)
        numbers = select(self._doc_id).select_from(rows).where(self.has)
        # The sign keeps SQLite from looking up all that is held, instead of walking an order.
        number = t.listings.c.doc_id if is_postgres else literal_column("+listings.doc_id")
        self.holds: ColumnElement[bool] = number.in_(numbers)
        counted = numbers.limit(bindparam("limit")).subquery()
        self._counts = {
            True: select(func.count()).select_from(counted),
            False: numbers.with_only_columns(func.count()),
        }
        hits = select(*LISTED).select_from(self.listed).limit(_SIZE)
        hits = hits.where(self.has, self._doc_id >= _LOW)
        self._hits = hits if is_postgres else hits.order_by(self._doc_id)

    @property
    def most_held(self) -> int | None:
        """Hits from which on :attr:`holds` takes longer than looking at listings one by one.

        SQLite gathers all of them first; PostgreSQL chooses by itself.
        """
        return None if self._is_postgres else GATHERED

    def asking(self, conn: Connection, expression: Expression, terms: Terms) -> dict[str, Any]:
        """The parameters of :attr:`has`.

        Args:
            conn: a reading transaction.
            expression: what is asked.
            terms: what was found of the index's terms in this transaction; is added to.
        """
        if self._is_postgres:
            return {"match": tsquery(expression)}
        found = _spelled_out(conn, expression, terms)
        return {"match": NOTHING if found is None else fts5(found)}

    def count(
        self, conn: Connection, expression: Expression, limit: int | None, terms: Terms
    ) -> int:
        """How many listings the index has for ``expression``, counted up to ``limit``."""
        limited = {} if limit is None else {"limit": limit}
        query = self._counts[limit is not None]
        asking = self.asking(conn, expression, terms)
        return int(conn.execute(query, asking | limited).scalar_one())

    @staticmethod
    def among(conn: Connection, expression: Expression, numbers: Sequence[int]) -> set[int]:
        """Those of some listings that the index has for ``expression``."""
        held = held_terms(conn, numbers)
        return {number for number, terms in held.items() if is_held(expression, terms.split())}

    def in_order(
        self,
        conn: Connection,
        expression: Expression | None,
        conditions: Sequence[ColumnElement[bool]],
        low: int,
        size: int,
        terms: Terms,
    ) -> Iterator[list[Hit]]:
        """Hits by bucket and id, the most used first; in parts, to be read as far as needed.

        Args:
            conn: a reading transaction.
            expression: what their terms are; None: whatever they are.
            conditions: what holds of their listings.
            low: the first ``doc_id``, the first of its group.
            size: how many will do, probably.
            terms: as for :meth:`asking`.
        """
        if expression is None:
            return _streamed(conn, _EVERY.where(*conditions), {}, low, size)
        query = self._hits.where(*conditions) if conditions else self._hits
        if self._is_postgres:
            return self._by_stretches(conn, query, expression, low)
        asking = self.asking(conn, expression, terms)
        return iter(()) if asking["match"] == NOTHING else _streamed(conn, query, asking, low, size)

    def _by_stretches(
        self, conn: Connection, query: Select[Any], expression: Expression, low: int
    ) -> Iterator[list[Hit]]:
        """Hits of a query that yields them in no order, one stretch of numbers after the other.

        A stretch is as long as it takes to hold enough and not too many, going by the last one.
        """
        gpts = STRETCH
        while True:
            end = _end(conn, low, gpts) if gpts <= LONGEST else None
            within = expression if end is None else All((expression, stretch(low, end)))
            size = None if gpts <= STRETCH else CAPPED + 1
            asking = {"match": tsquery(within), "low": low, "size": size}
            hits = [Hit(*row) for row in conn.execute(query, asking).all()]
            if size is not None and len(hits) == size:
                gpts = LONGEST if gpts > LONGEST else max(gpts // 8, STRETCH)
                continue
            yield sorted(hits, key=_order)
            if end is None:
                return
            low = end + 1
            gpts *= max(1, CAPPED // (2 * len(hits) + 1))


_ENGINES = {each: Index(is_postgres=each) for each in (False, True)}


def index_of(conn: Connection) -> Index:
    """The search index of the catalog that ``conn`` reads."""
    return _ENGINES[conn.dialect.name == "postgresql"]


def _spelled_out(conn: Connection, expression: Expression, terms: Terms) -> Expression | None:
    """``expression`` with the terms themselves in place of a beginning that few terms have.

    FTS5 streams the hits of terms, but has to gather all those of a beginning before the first.

    Returns:
        None where there are no such terms, and so no hits.
    """
    if isinstance(expression, Lexeme):
        if not expression.prefix:
            return expression
        if expression not in terms:
            terms[expression] = _all_that_begin(conn, expression)
        return terms[expression]
    if isinstance(expression, Not):
        without = _spelled_out(conn, expression.part, terms)
        return None if without is None else Not(without)
    parts = [_spelled_out(conn, part, terms) for part in expression.parts]
    if isinstance(expression, All) and any(
        found is None and not isinstance(part, Not)
        for part, found in zip(expression.parts, parts, strict=True)
    ):
        return None
    found = tuple(part for part in parts if part is not None)
    return type(expression)(found) if found else None


def _all_that_begin(conn: Connection, lexeme: Lexeme) -> Expression | None:
    bounds = {"low": lexeme.text, "high": lexeme.text + _LAST_CHARACTER, "size": SPELLED_OUT + 1}
    terms = conn.execute(_VOCABULARY, bounds).scalars().all()
    if not terms:
        return None
    if len(terms) > SPELLED_OUT:
        return lexeme
    return AnyOf(tuple(map(Lexeme, terms)))


def _streamed(
    conn: Connection, query: Select[Any], asking: dict[str, Any], low: int, size: int
) -> Iterator[list[Hit]]:
    """Hits of a query that yields them in the order of their numbers."""
    while True:
        # One more, to see whether the last one's group ends with it.
        size += 1
        rows = conn.execute(query, {**asking, "low": low, "size": size})
        hits = [Hit(*row) for row in rows.all()]
        if len(hits) < size:
            yield sorted(hits, key=_order)
            return
        low, _ = group_range(hits[-1].doc_id)
        whole = [hit for hit in hits if hit.doc_id < low]
        yield sorted(whole, key=_order)
        size = min(2 * size, MOST) if whole else 2 * size


def _end(conn: Connection, low: int, gpts: int) -> int | None:
    """The last number of a stretch of so many GPTs or a few more; None: it goes to the end."""
    last: int | None = conn.execute(_NTH, {"low": low, "size": gpts}).scalar()
    if last is None or last > bucket_range(0)[1]:
        return None
    return (last // _STEP + 1) * _STEP - 1


def stretch(low: int, end: int) -> AnyOf:
    """The listings whose numbers are from ``low`` to ``end``, and a few before that.

    Args:
        low: the first number.
        end: the last number, the last one of a bucket and first character.
    """
    first, last = low // _STEP, end // _STEP
    parts: list[Expression] = []
    for place in range(first // _CHARACTERS, last // _CHARACTERS + 1):
        steps = range(max(first, place * _CHARACTERS), min(last, (place + 1) * _CHARACTERS - 1) + 1)
        bucket = _LAST_BUCKET - place
        if len(steps) == _CHARACTERS:
            parts.append(Lexeme(bucket_lexeme(bucket)))
        else:
            parts += [Lexeme(step_lexeme(bucket, step % _CHARACTERS)) for step in steps]
    return AnyOf(tuple(parts))


def _order(hit: Hit) -> tuple[int, str]:
    return hit.order
