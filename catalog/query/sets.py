"""Sets of facets, counted: thousands of them stand for the facets of a million GPTs.

A set never changes, and its digest names it in every catalog. So what one holds is read once a
process, and kept as numbers of its values, which take a fraction of the room and of the time.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import func, select

from catalog.search.terms import facet_key
from catalog.storage import tables as t
from catalog.storage.dialects import one_of
from catalog.storage.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from catalog.query.selecting import Selection

HELD = 200_000
"""Sets that are held at most, in about 60 MB: a million GPTs have some ten thousand."""

Numbers = tuple[int, ...]
"""The numbers of a set's values."""
Counted = tuple[Numbers, int]
"""The numbers of a set's values, and how many GPTs it stands for."""

_c = t.facet_sets.c
_ALL = Prepared(select(_c.facet_id, _c.digest, _c.gpts))
_SOME = Prepared(select(_c.facet_id, _c.digest).where(one_of(_c.facet_id, "ids")))
_FACETS = Prepared(select(_c.digest, _c.facets).where(one_of(_c.facet_id, "ids")))
_QUEUED = Prepared(select(t.stage_queue.c.key).where(t.stage_queue.c.kind == "facets"))
_COUNTED = Prepared(
    select(t.listings.c.facet_id, func.count())
    .where(one_of(t.listings.c.facet_id, "ids"))
    .group_by(t.listings.c.facet_id)
)
_DECODER = msgspec.json.Decoder(dict[str, tuple[str, ...]])


class _Held:
    """The sets that were read.

    Attributes:
        values: each value with its facet, by its number.
        alike: the numbers of a facet's values that a filter takes for one, by facet and key.
        sets: the numbers of each set's values, by its digest.
    """

    def __init__(self) -> None:
        self.values: list[tuple[str, str]] = []
        self.alike: dict[tuple[str, str], frozenset[int]] = {}
        self.sets: dict[bytes, Numbers] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def numbers(self, facets: str) -> Numbers:
        """Read a set as ``facet_sets`` has it."""
        values = [(name, one) for name, each in _DECODER.decode(facets).items() for one in each]
        with self._lock:
            for value in values:
                if value not in self._numbers:
                    self._numbers[value] = number = len(self.values)
                    self.values.append(value)
                    key = (value[0], facet_key(value[1]))
                    self.alike[key] = self.alike.get(key, frozenset()) | {number}
        return tuple([self._numbers[value] for value in values])


_held = _Held()


class _All(NamedTuple):
    """All sets of a catalog in one state: in no order, and each by its number in the catalog."""

    state: str
    counted: list[Counted]
    by_number: dict[int, Numbers]


class Sets:
    """Remembers the sets of one catalog as long as it stays as it was; for many threads."""

    def __init__(self) -> None:
        self._all: _All | None = None

    def within(self, state: str | None) -> SetsWithin:
        """The same for one transaction.

        Args:
            state: the name of what it sees, as :meth:`catalog.query.state.State.reading` gives it.
        """
        return SetsWithin(self, state)

    def known(self, state: str | None) -> _All | None:
        """What is remembered of a state."""
        found = self._all
        return found if found is not None and found.state == state else None

    def keep(self, found: _All) -> None:
        """Remember this, and nothing else."""
        self._all = found


class SetsWithin:
    """The sets that a transaction sees.

    Args:
        sets: what remembers them.
        state: the name of what the transaction sees; None: it has none, and nothing is remembered.
    """

    def __init__(self, sets: Sets, state: str | None) -> None:
        self._sets = sets
        self._state = state

    def all(self, conn: Connection) -> list[Counted]:
        """All sets."""
        known = self._sets.known(self._state)
        if known is not None:
            return known.counted
        rows = _ALL.rows(conn, {})
        if moved := moved_sets(conn):
            rows = [(number, digest, moved.get(number, gpts)) for number, digest, gpts in rows]
        counted = _read(conn, rows)
        if self._state is not None:
            numbered = zip(rows, counted, strict=True)
            by_number = {row[0]: numbers for row, (numbers, _) in numbered}
            self._sets.keep(_All(self._state, counted, by_number))
        return counted

    def some(self, conn: Connection, gpts: Mapping[int, int]) -> list[Counted]:
        """Some sets; see :func:`sets_of`."""
        known = self._sets.known(self._state)
        if known is not None:
            return [(known.by_number[number], count) for number, count in gpts.items()]
        rows = _SOME.rows(conn, {"ids": list(gpts)})
        return _read(conn, [(number, digest, gpts[number]) for number, digest in rows])


def wanted_sets(
    conn: Connection, selection: Selection, sets: SetsWithin | None = None
) -> list[Counted]:
    """The sets that are wanted, where facets but the author alone are asked.

    Args:
        conn: a reading transaction.
        selection: what is asked.
        sets: remembers them.
    """
    found = (sets or Sets().within(None)).all(conn)
    nothing: frozenset[int] = frozenset()
    for facet, asked in selection.facet_groups:
        group = nothing.union(*(_held.alike.get((facet, key), nothing) for key in asked))
        # Written out: tens of thousands of sets are asked while somebody waits.
        if len(group) == 1:
            (one,) = group
            found = [each for each in found if one in each[0]]
        else:
            found = [each for each in found if not group.isdisjoint(each[0])]
    return found


def sets_of(
    conn: Connection, gpts: Mapping[int, int], sets: SetsWithin | None = None
) -> list[Counted]:
    """Some sets.

    Args:
        conn: a reading transaction.
        gpts: how many GPTs each stands for, by its number in the catalog.
        sets: remembers all of them, maybe.
    """
    return (sets or Sets().within(None)).some(conn, gpts)


def tally(sets: Iterable[Counted]) -> dict[str, dict[str, int]]:
    """The GPTs by facet and value."""
    totals = [0] * len(_held.values)
    for numbers, gpts in sets:
        for number in numbers:
            totals[number] += gpts
    counts: dict[str, dict[str, int]] = {}
    for number, total in enumerate(totals):
        # A set that no listing has any more stands until stage 2 has looked.
        if total:
            name, value = _held.values[number]
            counts.setdefault(name, {})[value] = total
    return counts


def _read(conn: Connection, rows: Sequence[tuple[Any, ...]]) -> list[Counted]:
    """The values of sets.

    Args:
        conn: a reading transaction.
        rows: their numbers in the catalog, their digests, and how many GPTs each stands for.
    """
    if len(_held.sets) > HELD:
        # Another thread may be reading the old ones.
        _held.sets = {}
    known = _held.sets
    try:
        return [(known[digest], gpts) for _, digest, gpts in rows]
    except KeyError:
        missing = [number for number, digest, _ in rows if digest not in known]
    for digest, facets in _FACETS.rows(conn, {"ids": missing}):
        known[digest] = _held.numbers(facets)
    return [(known[digest], gpts) for _, digest, gpts in rows]


def moved_sets(conn: Connection) -> dict[int, int]:
    """The listings of those sets that stage 2 has still to count, counted now."""
    moved = {int(key): 0 for (key,) in _QUEUED.rows(conn, {})}
    if moved:
        moved.update(dict(_COUNTED.rows(conn, {"ids": list(moved)})))
    return moved
