"""Asking the search index: how many hits it has, and hits in their order.

The two engines give hits in different ways. SQLite's FTS5 streams them in the order of ``doc_id``,
which is the order of popularity, so that a page costs what it shows. PostgreSQL's GIN gives a set
without an order: it is asked for one stretch of ``doc_id`` after the other, the stretches named by
terms of the index itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
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

from catalog.query.bounds import SHAPES, Bounds, conditions
from catalog.query.expressions import NOTHING, fts5, has_prefix, held_by, tsquery
from catalog.search.terms import All, Expression, Lexeme, Not
from catalog.search.terms import Any as AnyOf
from catalog.storage import tables as t
from catalog.storage.prepared import Prepared
from catalog.storage.search_index import (
    bucket_lexeme,
    bucket_of,
    bucket_range,
    group_range,
    held_terms,
    step_lexeme,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CAPPED = 2_000
"""Hits that PostgreSQL may be asked for at once, without an order, to be sorted here."""
FEW = 200
"""Hits that PostgreSQL is asked for at once where they probably fill a page or two."""
STRETCH = 16_384
"""GPTs in the first stretch of popularity that PostgreSQL is asked for: of a word that one GPT in
300 has, it holds a page."""
LONGEST = 8 * STRETCH
"""GPTs that are counted off for a stretch; a longer one goes to the end."""
SORTED, SORTED_BEGINNINGS = 3_000, 12_000
"""See :attr:`Index.few`."""
GATHERED = 30_000
"""See :attr:`Index.most_held`: in a million GPTs one in 30 is a hit, and a page soon found."""
SPELLED_OUT = 100
"""Terms that stand for their common beginning, where SQLite is asked for it."""
FEW_HELD = 5_000
"""Listings of a beginning that SQLite gathers sooner than it streams those of so many terms."""
MOST = 2_000
"""Hits that are read at once from SQLite."""


class Memory:
    """What a search found out about the index, while its transaction goes on.

    Attributes:
        terms: the terms that stand for beginnings; see :func:`_spelled_out`.
        at_once: hits that may be asked for at once: none, where there were more in another tier.
        ends: the last number of a stretch, by its first and its length.
    """

    def __init__(self) -> None:
        self.terms: dict[Lexeme, Expression | None] = {}
        self.at_once = CAPPED
        self.ends: dict[tuple[int, int], int | None] = {}


_FTS5 = table("search_index", column("rowid", BigInteger), column("search_index", Text))
_GIN = table(
    "search_index",
    column("doc_id", BigInteger),
    column("gizmo_id", Text),
    column("facet_id", Integer),
    column("user_id", Text),
    column("lexemes", TSVECTOR),
)
_HITS = table("search_index_hits", *(column(each.name, each.type) for each in list(_GIN.c)[:-1]))
"""What PostgreSQL's rows say of a listing, on SQLite."""
_MATCH = _FTS5.c.search_index.bool_op("MATCH")(bindparam("match", type_=Text))
_HAS = _GIN.c.lexemes.bool_op("@@")(cast(bindparam("match", type_=Text), TSQUERY))

UNINDEXED: ColumnElement[bool] = literal_column("listings.unindexed")
"""As the partial index of those listings says it."""

_LOW: BindParameter[Any] = bindparam("low")
_HIGH: BindParameter[Any] = bindparam("high")
_SIZE: BindParameter[int] = bindparam("size")
_NUMBER = t.listings.c.doc_id
_NTH = Prepared(select(_NUMBER).where(_NUMBER >= _LOW).order_by(_NUMBER).offset(_SIZE).limit(1))

_TERMS = table("search_index_counts", column("term", Text), column("doc", BigInteger))
_VOCABULARY = Prepared(
    select(_TERMS.c.term, _TERMS.c.doc)
    .where(_TERMS.c.term >= _LOW, _TERMS.c.term <= _HIGH)
    .limit(_SIZE)
)
_LAST_CHARACTER = "\U0010ffff"

_LAST_BUCKET = 63
_CHARACTERS = 64
_STEP = (bucket_range(_LAST_BUCKET)[1] + 1) // _CHARACTERS
"""Numbers of one bucket and one first character, which the index has a term for."""


class Hit(NamedTuple):
    """A listing that was found."""

    doc_id: int
    gizmo_id: str

    @property
    def order(self) -> tuple[int, str]:
        """Its place among the hits of a tier (rule 18)."""
        return -bucket_of(self.doc_id), self.gizmo_id


class Index:
    """The search index of an engine's catalogs; :func:`index_of` has it.

    Args:
        is_postgres: whether it is PostgreSQL's.

    Attributes:
        has: the condition on a row that its terms are as wanted; parameters: :meth:`asking`.
        listed: its rows, each with its listing.
        holds: the condition on a listing that its terms are as wanted; parameters likewise.
        counted: by the shape of bounds on their listings the hits' sets of facets and authors, in
            no order; parameters likewise.
        counted_named: the same with the hits' ids.
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
        limited = numbers.limit(bindparam("limit")).subquery()
        self._counts = {
            True: Prepared(select(func.count()).select_from(limited)),
            False: Prepared(numbers.with_only_columns(func.count())),
        }
        said = _GIN if is_postgres else _HITS
        self._said = rows if is_postgres else rows.join(_HITS, _HITS.c.doc_id == self._doc_id)
        hits = select(self._doc_id, said.c.gizmo_id).where(self.has, self._doc_id >= _LOW)
        hits = (hits if is_postgres else hits.order_by(self._doc_id)).limit(_SIZE)
        self._hits = lru_cache(SHAPES)(lambda names: Prepared(self._with(hits, names)))
        counted = select(said.c.facet_id, said.c.user_id).where(self.has)
        named = counted.add_columns(said.c.gizmo_id)
        self.counted = lru_cache(SHAPES)(lambda names: self._with(counted, names))
        self.counted_named = lru_cache(SHAPES)(lambda names: self._with(named, names))

    def few(self, expression: Expression) -> int:
        """Hits that are sorted as they are: beyond, walking the whole order finds a page sooner.

        PostgreSQL takes longer to look whether the index has what it walks along, and longest where
        a beginning is asked for.
        """
        return SORTED_BEGINNINGS if self._is_postgres and has_prefix(expression) else SORTED

    @property
    def most_held(self) -> int | None:
        """Hits from which on :attr:`holds` takes longer than looking at listings one by one.

        SQLite gathers all of them first; PostgreSQL chooses by itself.
        """
        return None if self._is_postgres else GATHERED

    def _with(self, query: Select[Any], names: tuple[str, ...]) -> Select[Any]:
        """A query of what the index says of hits, with conditions on their listings."""
        if not names:
            return query.select_from(self._said)
        listed = self._said.join(t.listings, t.listings.c.doc_id == self._doc_id)
        return query.select_from(listed).where(*conditions(names))

    def asking(self, conn: Connection, expression: Expression, memory: Memory) -> dict[str, Any]:
        """The parameters of :attr:`has`.

        Args:
            conn: a reading transaction.
            expression: what is asked.
            memory: of the search.
        """
        if self._is_postgres:
            return {"match": tsquery(expression)}
        found = _spelled_out(conn, expression, memory.terms)
        return {"match": NOTHING if found is None else fts5(found)}

    def count(
        self, conn: Connection, expression: Expression, limit: int | None, memory: Memory
    ) -> int:
        """How many listings the index has for ``expression``, counted up to ``limit``."""
        limited = {} if limit is None else {"limit": limit}
        query = self._counts[limit is not None]
        asking = self.asking(conn, expression, memory)
        return int(query.rows(conn, asking | limited)[0][0])

    @staticmethod
    def among(conn: Connection, expression: Expression, numbers: Sequence[int]) -> set[int]:
        """Those of some listings that the index has for ``expression``."""
        is_held = held_by(expression)
        held = held_terms(conn, numbers)
        return {number for number, terms in held.items() if is_held(f" {terms} ")}

    def in_order(
        self,
        conn: Connection,
        expression: Expression | None,
        bounds: Bounds,
        low: int,
        size: int,
        memory: Memory,
        *,
        at_once: int = 0,
    ) -> Iterator[list[Hit]]:
        """Hits by bucket and id, the most used first; in parts, to be read as far as needed.

        Args:
            conn: a reading transaction.
            expression: what their terms are; None: whatever they are.
            bounds: what holds of their listings.
            low: the first ``doc_id``, the first of its group.
            size: how many will do, probably.
            memory: of the search.
            at_once: hits that PostgreSQL is asked for all at once, as there probably are no more.
        """
        if expression is None:
            return _streamed(conn, _every(bounds.names), bounds.given, low, size)
        if self._is_postgres:
            return self._by_stretches(conn, bounds, expression, low, at_once, memory)
        asking = self.asking(conn, expression, memory)
        if asking["match"] == NOTHING:
            return iter(())
        return _streamed(conn, self._hits(bounds.names), asking | bounds.given, low, size)

    def _by_stretches(
        self,
        conn: Connection,
        bounds: Bounds,
        expression: Expression,
        low: int,
        at_once: int,
        memory: Memory,
    ) -> Iterator[list[Hit]]:
        """Hits, which the engine yields in no order, one stretch of numbers after the other.

        A stretch is as long as it takes to hold enough and not too many, going by the last one.

        Args:
            conn: a reading transaction.
            bounds: what holds of their listings.
            expression: what their terms are.
            low: the first number.
            at_once: hits that are asked for before any stretch is; 0: none.
            memory: of the search.
        """
        query = self._hits(bounds.names)
        at_once = min(at_once, memory.at_once)
        if at_once:
            asking = {"match": tsquery(expression), "low": low, "size": at_once + 1}
            hits = [Hit(*row) for row in query.rows(conn, bounds.given | asking)]
            if len(hits) <= at_once:
                yield sorted(hits, key=_order)
                return
            if at_once == CAPPED:
                memory.at_once = 0
        gpts = STRETCH
        while True:
            end = None
            if gpts <= LONGEST:
                if (low, gpts) not in memory.ends:
                    memory.ends[low, gpts] = _end(conn, low, gpts)
                end = memory.ends[low, gpts]
            within = expression if end is None else All((expression, stretch(low, end)))
            size = None if gpts <= STRETCH else CAPPED + 1
            asking = {"match": tsquery(within), "low": low, "size": size}
            hits = [Hit(*row) for row in query.rows(conn, bounds.given | asking)]
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


def _spelled_out(
    conn: Connection, expression: Expression, terms: dict[Lexeme, Expression | None]
) -> Expression | None:
    """``expression`` with the terms themselves in place of a beginning that few terms have.

    FTS5 streams the hits of terms, but has to gather all those of a beginning before the first;
    where these are few, that takes less than looking at each of many terms for every hit.

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
    terms = _VOCABULARY.rows(conn, bounds)
    if not terms:
        return None
    if len(terms) > SPELLED_OUT or sum(gpts for _, gpts in terms) < FEW_HELD:
        return lexeme
    return AnyOf(tuple(Lexeme(term) for term, _ in terms))


@lru_cache(SHAPES)
def _every(names: tuple[str, ...]) -> Prepared:
    """All listings that are indexed, in the order of their numbers."""
    query = select(_NUMBER, t.listings.c.gizmo_id).where(_NUMBER >= _LOW, ~UNINDEXED)
    return Prepared(query.where(*conditions(names)).order_by(_NUMBER).limit(_SIZE))


def _streamed(
    conn: Connection, query: Prepared, asking: dict[str, Any], low: int, size: int
) -> Iterator[list[Hit]]:
    """Hits of a query that yields them in the order of their numbers."""
    while True:
        # One more, to see whether the last one's group ends with it.
        size += 1
        hits = [Hit(*row) for row in query.rows(conn, {**asking, "low": low, "size": size})]
        if len(hits) < size:
            yield sorted(hits, key=_order)
            return
        low, _ = group_range(hits[-1].doc_id)
        whole = [hit for hit in hits if hit.doc_id < low]
        yield sorted(whole, key=_order)
        size = min(2 * size, MOST) if whole else 2 * size


def _end(conn: Connection, low: int, gpts: int) -> int | None:
    """The last number of a stretch of so many GPTs or a few more; None: it goes to the end."""
    last: int | None = next(
        (number for (number,) in _NTH.rows(conn, {"low": low, "size": gpts})), None
    )
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
