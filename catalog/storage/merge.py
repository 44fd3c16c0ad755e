"""Taking another catalog's kept tables into this one (rule 16).

Sources are equal by name and runs by their global ids; leases are dropped, an id is due at the
earlier of both times, and what was spent stays where it was spent. Derived rows are not copied:
they follow from the observations, by the one write path. Everything here may be repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Table, bindparam, func, select, update

from catalog.errors import UsageError
from catalog.storage import tables as t
from catalog.storage.archive import NewPayload, get_payloads, put_payloads
from catalog.storage.codec import decompress
from catalog.storage.dialects import insert_new
from catalog.storage.engine import ledger_of, read, write
from catalog.storage.erasing import Covered, erase, erase_covered, find_covered
from catalog.storage.mentioning import Needles, blank_row
from catalog.storage.observe import FORGOTTEN, observe
from catalog.storage.rebuild import PART, archived
from catalog.storage.scrubbing import scrub
from catalog.storage.sources import add_source, source_ids, source_names
from catalog.storage.stage2 import settle
from catalog.storage.tombstones import (
    Graves,
    graves_of,
    put_tombstones,
    share_keys,
    standing_tombstones,
)
from catalog.storage.urls import is_same_place

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from catalog.records import Deriver
    from catalog.times import Micros

_PRUNED = frozenset({"body", "answer"})
"""What prune empties of rows that stay (rule 14)."""


class _Here(msgspec.Struct, frozen=True):
    """What is here already, and who is not to be.

    Attributes:
        sources: the numbers here of sources there.
        known: the runs that are here.
        graves: the tombstones, if there are any.
        needles: what names those whom they cover.
    """

    sources: dict[int, int]
    known: set[str]
    graves: Graves | None
    needles: Needles


class Merged(msgspec.Struct):
    """What a merge brought.

    Attributes:
        observations: observations read from the other catalog.
        new: of those, new to this one.
        discoveries: new discoveries.
        runs: new runs.
        ids: new ids in the frontier.
        forgotten: observations that were not taken: tombstones of either catalog cover them.
        erased: GPTs of which something was erased here: the other was told to forget them.
    """

    observations: int = 0
    new: int = 0
    discoveries: int = 0
    runs: int = 0
    ids: int = 0
    forgotten: int = 0
    erased: int = 0


def merge(
    into: Engine,
    other: Engine,
    deriver: Deriver,
    *,
    report: Callable[[Merged], None] = lambda _: None,
    bury: bool = True,
) -> Merged:
    """Take what ``other`` keeps into ``into``.

    Args:
        into: the catalog that is written, a batch a transaction.
        other: the catalog that is read, in one state.
        deriver: the rules.
        report: called as it goes on.
        bury: whether who is to be forgotten there is to be forgotten here; not where the other is
            a stranger's, who could so erase what is kept here.

    Raises:
        UsageError: both are the same catalog.
        SettingsError: the key of a tombstone is missing.
    """
    # Not told by an identity of its own: a copy has the same, and may have seen other things since.
    if is_same_place(into.url, other.url):
        raise UsageError("a catalog cannot be merged into itself: name another one")
    blanked: dict[str, int] = {}
    with read(other) as theirs:
        done = _observe_all(into, theirs, deriver, report=report, bury=bury)
        with write(into) as mine:
            graves = graves_of(mine)
            # Hashes tell ids, and the other catalog what those go by in texts about others.
            needles = Needles() if graves is None else find_covered(theirs, deriver, graves).needles
            names = source_names(theirs)
            numbers = source_ids(mine, names.values())
            sources = {number: numbers[name] for number, name in names.items()}
            done.discoveries += _discoveries(mine, theirs, sources, graves)
            known = set(mine.execute(select(t.runs.c.run_id)).scalars())
            here = _Here(sources, known, graves, needles)
            done.runs += _runs(mine, theirs, known)
            _outcomes(mine, theirs, sources, graves)
            _unkeyed(mine, theirs, t.probes, here)
            _unkeyed(mine, theirs, t.fetch_failures, here)
            done.ids += _frontier(mine, theirs, graves)
            if graves is not None:
                blanked = erase(mine, deriver, Covered(needles=needles)).rows
    with write(into) as mine:
        settle(mine, deriver)
    if done.erased or blanked:
        scrub(into)
    return done


def copy_observations(
    into: Engine, other: Engine, deriver: Deriver, *, known_at: Micros | None = None
) -> Merged:
    """Take the observations alone that ``other`` had recorded by ``known_at`` (rule 12).

    Args:
        into: the catalog that is written.
        other: the catalog that is read, in one state.
        deriver: the rules.
        known_at: None for all of them.
    """
    with read(other) as theirs:
        done = _observe_all(into, theirs, deriver, known_at=known_at)
    with write(into) as mine:
        settle(mine, deriver)
    return done


def _observe_all(
    into: Engine,
    theirs: Connection,
    deriver: Deriver,
    *,
    known_at: Micros | None = None,
    report: Callable[[Merged], None] = lambda _: None,
    bury: bool = True,
) -> Merged:
    """Observe here what was observed there."""
    done = Merged()
    with write(into) as mine:
        if bury and _tombstones(mine, theirs):
            done.erased = erase_covered(mine, deriver).gpts
        for row in theirs.execute(select(t.sources)):
            add_source(mine, row.name, row.dialect, row.added_at)
    for batch in archived(theirs, deriver, known_at):
        with write(into) as mine:
            observed = observe(mine, deriver, batch)
        done.observations += len(batch)
        done.new += sum(observed.fresh)
        done.forgotten += observed.effects.count(FORGOTTEN)
        report(done)
    return done


def _parts(conn: Connection, table: Table) -> Iterator[Sequence[dict[str, Any]]]:
    """A table's rows, a part at a time, by column key; in one order, as all writers have it."""
    keys = table.columns.keys()
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=PART)
    for part in conn.execute(query).partitions():
        yield [dict(zip(keys, row, strict=True)) for row in part]


def _tombstones(mine: Connection, theirs: Connection) -> bool:
    """Union of tombstones first: who is to be forgotten here is not brought back.

    Returns:
        Whether any was new here.
    """
    share_keys(mine, theirs)
    new = put_tombstones(mine, standing_tombstones(theirs)) > 0
    if new:
        # A backup of before, put back later, is told by the ledger alone.
        ledger_of(mine.engine).add(standing_tombstones(mine))
    return new


def _new(conn: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert what is not there yet; how much that was."""
    key = next(iter(table.primary_key.columns))
    return len(conn.execute(insert_new(conn, table).returning(key), rows).all())


def _discoveries(
    mine: Connection, theirs: Connection, sources: dict[int, int], graves: Graves | None
) -> int:
    new = 0
    for whole in _parts(theirs, t.discoveries):
        payloads = get_payloads(theirs, {row["payload_id"] for row in whole})
        part = [
            row
            for row in whole
            if graves is None
            or not (
                graves.of("gpt", [row["gizmo_id"]]) or graves.named_in(payloads[row["payload_id"]])
            )
        ]
        if not part:
            continue
        p = t.payloads.c
        kept = {
            row.payload_id: row
            for row in theirs.execute(
                select(p.payload_id, p.digest, p.redacted).where(p.payload_id.in_(payloads))
            )
        }
        items = {
            row["payload_id"]: NewPayload(
                digest=bytes(kept[row["payload_id"]].digest),
                payload=payloads[row["payload_id"]],
                redacted=kept[row["payload_id"]].redacted,
                gizmo_id=row["gizmo_id"],
            )
            for row in part
        }
        numbers = put_payloads(mine, list(items.values()))
        rows = [
            row
            | {
                "source_id": sources[row["source_id"]],
                "payload_id": numbers[bytes(kept[row["payload_id"]].digest)],
            }
            for row in part
        ]
        new += _new(mine, t.discoveries, rows)
    return new


def _runs(mine: Connection, theirs: Connection, known: set[str]) -> int:
    """Runs that are not here, and how those ended that are unfinished here."""
    r = t.runs.c
    new = 0
    for part in _parts(theirs, t.runs):
        rows = [row for row in part if row["run_id"] not in known]
        if rows:
            new += _new(mine, t.runs, rows)
        for row in part:
            if row["run_id"] in known and row["finished_at"] is not None:
                mine.execute(
                    update(t.runs)
                    .where(r.run_id == row["run_id"], r.finished_at.is_(None))
                    .values(row)
                )
    return new


def _untold(
    graves: Graves | None, rows: Sequence[dict[str, Any]], *columns: str
) -> list[dict[str, Any]]:
    """Those of some rows that name nobody who is to be forgotten in some columns."""
    if graves is None:
        return list(rows)
    return [
        row
        for row in rows
        if not graves.named_in(" ".join(row[name] for name in columns).encode(errors="replace"))
    ]


def _outcomes(
    mine: Connection, theirs: Connection, sources: dict[int, int], graves: Graves | None
) -> None:
    """Outcomes that are not here, of whatever run: it may have been unfinished the last time."""
    for whole in _parts(theirs, t.outcomes):
        part = _untold(graves, whole, "asked_id", "detail")
        if not part:
            continue
        ids = _observations(mine, theirs, [row["observation_id"] for row in part], sources)
        for row in part:
            row["source_id"] = sources[row["source_id"]]
            row["observation_id"] = ids.get(row["observation_id"])
        mine.execute(insert_new(mine, t.outcomes), part)


def _unkeyed(
    mine: Connection,
    theirs: Connection,
    table: Table,
    place: _Here,
) -> None:
    """Rows that have no key but this catalog's own number.

    Of a run that is here already they are told apart by all that they say. What was pruned, on
    either side, says nothing: its row is here.
    """
    number = next(iter(table.primary_key.columns)).key
    pruned = [column.key for column in table.columns if column.key in _PRUNED]

    def split(row: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
        what = [row[name] for name in pruned]
        key = tuple(value for name, value in row.items() if name not in {number, *pruned})
        if all(each is None for each in what):
            return key, None
        return key, tuple(decompress(each) if isinstance(each, bytes) else each for each in what)

    graves, finds = place.graves, place.needles.finder()
    named_by = "gizmo_id" if "gizmo_id" in table.c else "asked_id"
    for whole in _parts(theirs, table):
        part = _untold(graves, whole, named_by)
        for row in part:
            row["source_id"] = place.sources[row["source_id"]]
            blank_row(row, finds, graves, pruned)
        again = {row["run_id"] for row in part} & place.known
        standing: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
        if again:
            query = select(table).where(
                table.c.run_id.in_(again), table.c.at.in_({row["at"] for row in part})
            )
            for found in mine.execute(query).mappings():
                key, what = split(dict(found))
                standing[key].add(what)
        rows = [
            {name: value for name, value in row.items() if name != number}
            for row in part
            for key, what in (split(row),)
            if not _stands(what, standing.get(key, set()))
        ]
        if rows:
            mine.execute(table.insert(), rows)


def _stands(what: Any, standing: set[Any]) -> bool:
    """Whether a row is here already: what was pruned, on either side, says nothing."""
    return bool(standing) and (what is None or what in standing or None in standing)


def _observations(
    mine: Connection,
    theirs: Connection,
    ids: Sequence[int | None],
    sources: dict[int, int],
) -> dict[int | None, int]:
    """The numbers here of observations there."""
    o, p = t.observations.c, t.payloads.c
    columns = (o.observation_id, o.gizmo_id, o.source_id, o.observed_at, p.digest)
    wanted = {
        (row.gizmo_id, sources[row.source_id], row.observed_at, bytes(row.digest)): (
            row.observation_id
        )
        for row in theirs.execute(
            select(*columns)
            .join(t.payloads, p.payload_id == o.payload_id)
            .where(o.observation_id.in_([number for number in ids if number is not None]))
        )
    }
    here = mine.execute(
        select(*columns)
        .join(t.payloads, p.payload_id == o.payload_id)
        .where(o.gizmo_id.in_({key[0] for key in wanted}))
    )
    found: dict[int | None, int] = {}
    for row in here:
        key = (row.gizmo_id, row.source_id, row.observed_at, bytes(row.digest))
        if key in wanted:
            found[wanted[key]] = row.observation_id
    return found


def _frontier(mine: Connection, theirs: Connection, graves: Graves | None) -> int:
    """Ids of both, each due at the earlier time, held by nobody of the other."""
    f = t.frontier.c
    new = 0
    for part in _parts(theirs, t.frontier):
        rows = [
            row | {"lease_owner": None, "lease_until": None}
            for row in _untold(graves, part, "gizmo_id")
        ]
        if not rows:
            continue
        before = int(mine.execute(select(func.count()).select_from(t.frontier)).scalar_one())
        mine.execute(insert_new(mine, t.frontier), rows)
        after = int(mine.execute(select(func.count()).select_from(t.frontier)).scalar_one())
        new += after - before
        mine.execute(
            update(t.frontier)
            .where(f.gizmo_id == bindparam("id"), f.due_at > bindparam("earlier"))
            .values(due_at=bindparam("earlier")),
            [{"id": row["gizmo_id"], "earlier": row["due_at"]} for row in rows],
        )
    return new
