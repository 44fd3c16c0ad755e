"""The search index: which terms each listing has, under numbers that sort as results do.

SQLite keeps it in an FTS5 table without content, PostgreSQL in a table with a GIN index. What is
counted and sorted of a hit stands beside it, in a narrow table on SQLite, in the same rows on
PostgreSQL. All are made by the migrations. A listing's number, its ``doc_id``, is

    ======  ====================================================================================
    bits    hold
    ======  ====================================================================================
    6       63 - bucket: the most used listings come first
    24      the four characters behind ``g-``, 6 bits each: within a bucket the order of the ids
    11      the stripe: which of the locks that writers hold stands for the id
    5       the slot, a free one
    ======  ====================================================================================

so that an engine which yields hits in the order of their numbers yields them in the order of rule
18, but for those of one *group*, of equal bucket and beginning: their reader sorts them. Two
writers that work at the same time hold different locks and so write different stripes: they need
not know of each other.

What a group has no slot for, and what has too many terms, is not indexed; every search looks at
the texts of those listings themselves. Terms are :mod:`catalog.search`'s business, and so is what
is asked of the index.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import zstandard
from sqlalchemy import BigInteger, column, select, table, text

from catalog.errors import CatalogCorrupt
from catalog.storage import tables as t
from catalog.storage.dialects import one_of
from catalog.storage.engine import lock_of
from catalog.storage.prepared import Prepared
from catalog.storage.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

_BUCKETS = 63
_CHARACTER_BITS = 6
_CHARACTERS = 4
_STRIPE_BITS = 11
_SLOT_BITS = 5
_GROUP_BITS = _STRIPE_BITS + _SLOT_BITS
_BUCKET_BITS = _CHARACTER_BITS * _CHARACTERS + _GROUP_BITS
_OVERFLOW_BITS = 32
_PREFIX = "g-"

OVERFLOW = 1 << 48
"""From here on are the numbers of listings whose group is full, in no order."""

_PUT_IN = table("search_index_terms", column("doc_id", BigInteger), column("terms"))
"""What was put into SQLite's index, which has to be told that to take it out."""
_HELD = Prepared(
    select(_PUT_IN.c.doc_id, _PUT_IN.c.terms).where(one_of(_PUT_IN.c.doc_id, "numbers"))
)

_LEVEL = 3
_DELETE = "delete"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is indexed at most.

    Attributes:
        slots: listings of one group and stripe.
        terms: terms of one listing.
        size: bytes of them, joined by blanks. PostgreSQL refuses a ``tsvector`` of over 1 MB, and
            a listing nears that only to fill the index with rubbish.
    """

    slots: int = 1 << _SLOT_BITS
    terms: int = 16_384
    size: int = 300_000


LIMITS = Limits()


# The order of numbers.


def _character(code: int) -> int:
    """Six bits that sort as code points do: digits, capitals, small letters one each."""
    if code <= ord("9"):
        return max(code - ord("0") + 1, 0)
    if code <= ord("Z"):
        return max(code - ord("A") + 11, 10)
    if code <= ord("z"):
        return max(code - ord("a") + 37, 36)
    return 63


def order_characters(gizmo_id: str) -> tuple[int, ...]:
    """The four numbers, 0 to 63, that the id's beginning sorts by."""
    if not gizmo_id.startswith(_PREFIX):
        return (0 if gizmo_id < _PREFIX else 63,) * _CHARACTERS
    start = len(_PREFIX)
    codes = [_character(ord(each)) for each in gizmo_id[start : start + _CHARACTERS]]
    return (*codes, *(0,) * (_CHARACTERS - len(codes)))


def bucket_range(bucket: int) -> tuple[int, int]:
    """The first and the last number that listings of a bucket may have."""
    low = (_BUCKETS - bucket) << _BUCKET_BITS
    return low, low + (1 << _BUCKET_BITS) - 1


def bucket_of(doc_id: int) -> int:
    """The bucket of a listing that is indexed, by its number."""
    return _BUCKETS - (doc_id >> _BUCKET_BITS)


def order_range(bucket: int, gizmo_id: str) -> tuple[int, int]:
    """The first and the last number of a group: that of a bucket and an id's beginning."""
    low = _BUCKETS - bucket
    for each in order_characters(gizmo_id):
        low = low << _CHARACTER_BITS | each
    low <<= _GROUP_BITS
    return low, low + (1 << _GROUP_BITS) - 1


def group_range(doc_id: int) -> tuple[int, int]:
    """The first and the last number of the group that ``doc_id`` is of."""
    low = doc_id >> _GROUP_BITS << _GROUP_BITS
    return low, low + (1 << _GROUP_BITS) - 1


def order_lexemes(bucket: int, gizmo_id: str) -> tuple[str, str]:
    """What PostgreSQL's index holds beside the terms: the bucket, and the first character with it.

    By these a common word can be walked part by part in the order of numbers, which GIN alone
    cannot do.
    """
    return bucket_lexeme(bucket), step_lexeme(bucket, order_characters(gizmo_id)[0])


def bucket_lexeme(bucket: int) -> str:
    """What stands for all listings of a bucket."""
    return f"b{_BUCKETS - bucket:02}"


def step_lexeme(bucket: int, character: int) -> str:
    """What stands for the listings of a bucket whose ids begin with a character, as a number."""
    return f"o{_BUCKETS - bucket:02}{character:02}"


# Giving out numbers.


def first_slot(bucket: int, gizmo_id: str) -> int:
    """The first number that a listing may have; those of its stripe follow it."""
    return order_range(bucket, gizmo_id)[0] | lock_of(gizmo_id) << _SLOT_BITS


def is_at_home(doc_id: int, bucket: int, gizmo_id: str) -> bool:
    """Whether a listing's number is still one that it may keep."""
    if doc_id >= OVERFLOW:
        return False
    return doc_id >> _SLOT_BITS == first_slot(bucket, gizmo_id) >> _SLOT_BITS


def give_numbers(
    conn: Connection, wanted: Mapping[str, int], limits: Limits = LIMITS
) -> dict[str, int]:
    """Find free numbers; the caller holds the locks of these GPTs, or all of them.

    Args:
        conn: in a write transaction; the rows that give up their numbers are gone already.
        wanted: the bucket of each GPT.
        limits: what is indexed at most.

    Returns:
        The number of each GPT; from :data:`OVERFLOW` on where its group is full.
    """
    first = {gizmo_id: first_slot(bucket, gizmo_id) for gizmo_id, bucket in wanted.items()}
    # Each begins at a place of its own, so that nearly all find it free.
    liked = {gizmo_id: low | _hash(gizmo_id) % limits.slots for gizmo_id, low in first.items()}
    taken = _taken(conn, liked.values())
    numbers: dict[str, int] = {}
    late: list[str] = []
    for gizmo_id in sorted(wanted):
        if liked[gizmo_id] in taken:
            late.append(gizmo_id)
        else:
            numbers[gizmo_id] = liked[gizmo_id]
            taken.add(liked[gizmo_id])
    if late:
        rows = {first[gizmo_id] for gizmo_id in late}
        taken |= _taken(conn, [low + n for low in rows for n in range(limits.slots)])
    for gizmo_id in late:
        places = range(first[gizmo_id], first[gizmo_id] + limits.slots)
        number = next((place for place in places if place not in taken), None)
        if number is None:
            number = _overflow(conn, gizmo_id, taken)
        numbers[gizmo_id] = number
        taken.add(number)
    return numbers


def _hash(gizmo_id: str) -> int:
    return hashlib.sha256(gizmo_id.encode()).digest()[-1]


def _taken(conn: Connection, numbers: Iterable[int]) -> set[int]:
    """Those of some numbers that listings have."""
    c = t.listings.c
    found: set[int] = set()
    for part in chunks(sorted(numbers)):
        found.update(conn.execute(select(c.doc_id).where(c.doc_id.in_(part))).scalars())
    return found


def _overflow(conn: Connection, gizmo_id: str, taken: set[int]) -> int:
    """The next number behind all groups, of the id's stripe."""
    low = OVERFLOW | lock_of(gizmo_id) << _OVERFLOW_BITS
    high = low + (1 << _OVERFLOW_BITS) - 1
    c = t.listings.c
    last = conn.execute(
        select(c.doc_id).where(c.doc_id.between(low, high)).order_by(c.doc_id.desc()).limit(1)
    ).scalar()
    mine = [number for number in taken if low <= number <= high]
    return max([low - 1 if last is None else last, *mine]) + 1


# Writing.


class Entry(msgspec.Struct, frozen=True):
    """A listing in the index.

    Attributes:
        doc_id: its number.
        terms: its terms, joined by blanks; see :func:`joined`.
        order: what PostgreSQL's index holds beside them.
        gizmo_id: the GPT.
        facet_id: its set of facets.
        user_id: its author. Facets and author are terms as well: none changes without the others.
    """

    doc_id: int
    terms: str
    order: tuple[str, ...]
    gizmo_id: str
    facet_id: int
    user_id: str | None


def joined(terms: Collection[str], limits: Limits = LIMITS) -> str | None:
    """A listing's terms as an :class:`Entry` takes them; None where they are too many."""
    if len(terms) > limits.terms:
        return None
    text = " ".join(sorted(terms))
    return text if len(text.encode()) <= limits.size else None


def write_index(conn: Connection, gone: Iterable[int], entries: Sequence[Entry]) -> None:
    """Take listings out of the index, and put listings into it.

    Args:
        conn: in a write transaction.
        gone: numbers, in the index or not.
        entries: what is to stand there; what stands under their numbers is among ``gone``.
    """
    numbers = sorted(gone)
    if conn.dialect.name == "postgresql":
        _write_gin(conn, numbers, entries)
    else:
        _write_fts5(conn, numbers, entries)


def _write_gin(conn: Connection, gone: Sequence[int], entries: Sequence[Entry]) -> None:
    if gone:
        conn.execute(
            text("DELETE FROM search_index WHERE doc_id = ANY(CAST(:gone AS bigint[]))"),
            {"gone": list(gone)},
        )
    if entries:
        conn.execute(
            text(
                "INSERT INTO search_index (doc_id, gizmo_id, facet_id, user_id, lexemes)"
                " SELECT u.doc_id, u.gizmo_id, u.facet_id, u.user_id,"
                " array_to_tsvector(string_to_array(u.terms, ' '))"
                " FROM unnest(CAST(:numbers AS bigint[]), CAST(:ids AS text[]),"
                " CAST(:facets AS integer[]), CAST(:authors AS text[]), CAST(:terms AS text[]))"
                " AS u(doc_id, gizmo_id, facet_id, user_id, terms)"
            ),
            {
                "numbers": [entry.doc_id for entry in entries],
                "ids": [entry.gizmo_id for entry in entries],
                "facets": [entry.facet_id for entry in entries],
                "authors": [entry.user_id for entry in entries],
                "terms": [" ".join((entry.terms, *entry.order)) for entry in entries],
            },
        )


def _write_fts5(conn: Connection, gone: Sequence[int], entries: Sequence[Entry]) -> None:
    """A table without content has to be told what to take out: what was put in.

    All in the order of numbers: FTS5 begins a new segment where a number is smaller than the one
    before.
    """
    held = held_terms(conn, gone)
    rows: list[tuple[int, str | None, str]] = [
        (number, _DELETE, terms) for number, terms in held.items()
    ]
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    kept: list[tuple[int, bytes]] = []
    for entry in entries:
        rows.append((entry.doc_id, None, entry.terms))
        kept.append((entry.doc_id, compressor.compress(entry.terms.encode())))
    if held:
        numbers = [(number,) for number in held]
        conn.exec_driver_sql("DELETE FROM search_index_terms WHERE doc_id = ?", numbers)
        conn.exec_driver_sql("DELETE FROM search_index_hits WHERE doc_id = ?", numbers)
    if rows:
        rows.sort(key=lambda row: (row[0], row[1] is None))
        conn.exec_driver_sql(
            "INSERT INTO search_index (rowid, search_index, terms) VALUES (?, ?, ?)", rows
        )
    if kept:
        kept.sort()
        conn.exec_driver_sql("INSERT INTO search_index_terms (doc_id, terms) VALUES (?, ?)", kept)
        conn.exec_driver_sql(
            "INSERT INTO search_index_hits (doc_id, gizmo_id, facet_id, user_id)"
            " VALUES (?, ?, ?, ?)",
            sorted((each.doc_id, each.gizmo_id, each.facet_id, each.user_id) for each in entries),
        )


def held_terms(conn: Connection, numbers: Sequence[int]) -> dict[int, str]:
    """What the index holds of some listings, by number: their terms joined by blanks, sorted.

    Raises:
        CatalogCorrupt: what SQLite keeps of it cannot be read.
    """
    held: dict[int, str] = {}
    if conn.dialect.name == "postgresql":
        query = text(
            "SELECT doc_id, tsvector_to_array(lexemes)"
            " FROM search_index WHERE doc_id = ANY(CAST(:numbers AS bigint[]))"
        )
        for part in chunks(numbers):
            found = conn.execute(query, {"numbers": list(part)})
            held.update((number, " ".join(sorted(lexemes))) for number, lexemes in found)
        return held
    decompressor = zstandard.ZstdDecompressor()
    for part in chunks(numbers):
        for number, packed in _HELD.rows(conn, {"numbers": part}):
            try:
                held[number] = decompressor.decompress(packed).decode()
            except (zstandard.ZstdError, UnicodeDecodeError) as error:
                raise CatalogCorrupt(
                    f"the terms of listing {number} cannot be read ({error}):"
                    " run gpts-catalog rebuild"
                ) from None
    return held


def clear_index(conn: Connection) -> None:
    """Take everything out of the index, be it damaged or not."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("DELETE FROM search_index")
        return
    conn.exec_driver_sql("INSERT INTO search_index (search_index) VALUES ('delete-all')")
    conn.exec_driver_sql("DELETE FROM search_index_terms")
    conn.exec_driver_sql("DELETE FROM search_index_hits")


def tidy_index(conn: Connection) -> None:
    """Merge what PostgreSQL's index put aside to write it later: each search has to read that.

    Only the index's owner may; where another role writes, the server does it when it vacuums.
    """
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(
            "SELECT gin_clean_pending_list(oid) FROM pg_class"
            " WHERE oid = 'ix_search_index_lexemes'::regclass AND pg_has_role(relowner, 'USAGE')"
        )
