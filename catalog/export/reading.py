"""A table of the catalog as a profile tells it, batch by batch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.export.ordering import in_told_order, listed
from catalog.export.profiles import Profile
from catalog.export.release import Column, Table
from catalog.query.exported import TABLES
from catalog.query.exporting import (
    BUT,
    IDS,
    PART,
    Narrowed,
    batches,
    count_query,
    late_ids,
    rows_of,
    statement,
    user_ids,
    wanted_ids,
)
from catalog.search.filters import Filter
from catalog.times import Micros

if TYPE_CHECKING:
    from catalog.storage.columnar import ColumnReader
    from catalog.storage.engine import Connection

REPLACED = Table(
    name="replaced_gpts",
    description="GPTs of which older things were told since: their rows of before go, all of them.",
    columns=(Column(name="gizmo_id", type="string", description="the GPT"),),
    key=("gizmo_id",),
)
"""The table that a delta has beside the others."""
_BY_FIELD = {"changes": ("old", "new"), "mass_events": ("added", "removed")}
"""Columns whose values are those of a field that the row names."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What of the catalog an export is of.

    Attributes:
        at: as of then.
        since: what is new since then alone.
        ids: the GPTs, sorted; None: all.
        late: the GPTs of which older things were told since, sorted.
        fields: changes of these alone; None: of all.
    """

    at: Micros | None = None
    since: Micros | None = None
    ids: Sequence[str] | None = None
    late: Sequence[str] = ()
    fields: tuple[str, ...] | None = None


def scope_of(
    conn: Connection,
    wanted: Filter,
    *,
    at: Micros | None,
    since: Micros | None,
    fields: tuple[str, ...] | None,
) -> Scope:
    """What of the catalog an export is of.

    Args:
        conn: the reading transaction of the export.
        wanted: which GPTs.
        at: as of when.
        since: since when.
        fields: changes of these alone; None: of all.
    """
    ids = None if wanted == Filter() else wanted_ids(conn, wanted, at)
    late: Sequence[str] = () if since is None else late_ids(conn, since, at)
    if ids is not None:
        held = set(ids)
        late = [each for each in late if each in held]
    return Scope(at=at, since=since, ids=ids, late=late, fields=fields)


class ReadTable:
    """A table to be read.

    Args:
        conn: the reading transaction of the export.
        reader: reads columns of the same moment; None: rows are read.
        profile: what of it is told.
        table: the table, as the profile has it.
        scope: what of the catalog.

    Attributes:
        table: the table.
        moment: the column that its rows are parted by; None: they never are.
    """

    def __init__(
        self,
        conn: Connection,
        reader: ColumnReader | None,
        profile: Profile,
        table: Table,
        scope: Scope,
    ) -> None:
        self.table = table
        self._conn = conn
        self._profile = profile
        self._scope = scope
        self._postgres = conn.dialect.name == "postgresql"
        self._names = [column.name for column in table.columns]
        self._exported = TABLES.get(table.name)
        self._reader = None if "payload" in self._names else reader
        self._transforms = [
            None if self._exported is None else profile.transform(table.name, name)
            for name in self._names
        ]
        hidden = any(profile.hides(table.name, each) for each in table.key)
        # The GPT that an author's row is of is the row's own, too.
        self._order = ("gizmo_id",) if hidden and table.name == "authors" else ()
        self._is_sorted_again = hidden and not self._order
        named = None if self._exported is None else self._exported.moment
        self.moment = named if named in self._names else None

    def rows(self) -> int:
        """How many rows it has, at least where it is narrowed: a guess for a display."""
        return (
            len(self._scope.late)
            if self._exported is None
            else rows_of(self._conn, self.table.name)
        )

    def is_longer(self, limit: int) -> bool:
        """Whether it has more rows than ``limit``."""
        if self._exported is None or self.rows() <= limit:
            return False
        scope = self._scope
        if scope.ids is None and scope.at is None and scope.since is None:
            return True
        count = 0
        for narrowed, given in self._parts():
            query = count_query(self.table.name, narrowed, postgres=self._postgres)
            count += int(self._conn.execute(query, given).scalar_one())
            if count > limit:
                return True
        return False

    def batches(self) -> Generator[tuple[float, list[Any]]]:
        """The rows by columns, each batch with the share of the table that was read before it."""
        if self._exported is None:
            yield 0.0, [list(self._scope.late)]
            return
        parts = list(self._parts())
        total = max(self.rows(), 1)
        read = 0
        for place, (narrowed, given) in enumerate(parts):
            query = statement(
                self.table.name,
                self._names,
                narrowed,
                postgres=self._postgres,
                order=self._order,
            )
            if self._reader is not None and not given:
                kinds = [column.type for column in self.table.columns]
                found: Iterator[list[Any]] = (
                    list(batch.columns) for batch in self._reader.batches(query, kinds)
                )
            else:
                found = batches(self._conn, query, given)
            told: Iterator[list[Any]] = (self._told(columns) for columns in found)
            for columns in self._sorted_again(told) if self._is_sorted_again else told:
                share = place / len(parts) if len(parts) > 1 else min(read / total, 1.0)
                read += len(columns[0])
                yield share, columns

    def _sorted_again(self, told: Iterator[list[Any]]) -> Iterator[list[Any]]:
        key = [self._names.index(each) for each in self.table.key]
        is_per_gpt = self._exported is not None and self._exported.per_gpt
        return in_told_order(told, self._names.index("gizmo_id") if is_per_gpt else None, key)

    def _parts(self) -> Iterator[tuple[Narrowed, Mapping[str, Any]]]:
        """The statements that give its rows, one after the other, with their parameters."""
        scope = self._scope
        base = Narrowed(at=scope.at, since=scope.since, fields=scope.fields)
        ids: Sequence[str] | None = scope.ids
        per_gpt = self._exported is not None and self._exported.per_gpt
        if self.table.name == "authors" and ids is not None:
            ids = self._profile.order(user_ids(self._conn, ids, scope.at))
        elif not per_gpt:
            ids = None
        if ids is not None:
            by_ids = msgspec.structs.replace(base, by_ids=True)
            for start in range(0, len(ids), PART):
                part = {IDS: ids[start : start + PART]}
                yield self._without_late(by_ids, part)
        else:
            yield self._without_late(base, {})
        if per_gpt:
            whole = msgspec.structs.replace(base, by_ids=True, whole=True)
            for start in range(0, len(scope.late), PART):
                yield whole, {IDS: scope.late[start : start + PART]}

    def _without_late(
        self, narrowed: Narrowed, given: Mapping[str, Any]
    ) -> tuple[Narrowed, Mapping[str, Any]]:
        if not self._scope.late or self._exported is None or not self._exported.per_gpt:
            return narrowed, given
        return (
            msgspec.structs.replace(narrowed, but_ids=True),
            {**given, BUT: list(self._scope.late)},
        )

    def _told(self, columns: list[Any]) -> list[Any]:
        """What the profile makes of the values."""
        if not columns or not len(columns[0]):
            return columns
        told = [
            values if transform is None else [transform(each) for each in listed(values)]
            for values, transform in zip(columns, self._transforms, strict=True)
        ]
        by_field = _BY_FIELD.get(self.table.name, ())
        if by_field and self._profile.name != "full":
            paths = listed(told[self._names.index("field")])
            for name in by_field:
                place = self._names.index(name)
                told[place] = self._profile.values(paths, listed(told[place]))
            if "element" in self._names:
                place = self._names.index("element")
                told[place] = self._profile.elements(paths, listed(told[place]))
        return told
