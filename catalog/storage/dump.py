"""The logical dump: what a catalog says, without how it holds it (design, section 4).

All kept and derived rows, by natural keys, sorted. Two catalogs that saw the same observations
have the same dump, whatever the engine, the order, the workers or the crashes; its digest names
that state. Numbers of rows, runs, times of recording, leases and encodings are not in it, each for
a reason that stands in :data:`LEFT_OUT` or :data:`LEFT_OUT_TABLES`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Select, Table, select

from catalog.storage import tables as t

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sqlalchemy import Connection

LEFT_OUT_TABLES: dict[str, str] = {
    "catalog_info": "about this file, not about GPTs",
    "runs": "how the observations came here: another machine has other runs",
    "outcomes": "how asking went, run by run",
    "fetch_failures": "failures are no facts (law 4): they depend on the run",
    "frontier": "what to ask next follows from when and how this catalog asked",
    "budgets": "what this catalog spent",
    "job_states": "what this catalog's scheduler remembers",
    "job_runs": "what this catalog's scheduler did",
    "alarms": "what was wrong here",
    "outcome_days": "how asking went, day by day",
    "prunings": "what was removed here",
    "plan_days": "how this catalog planned",
    "paces": "who asks which source just now",
    "write_locks": "what writers lock",
    "shapes": "numbers of sets of paths; drift is dumped",
    "fold_states": "an encoding of what the other tables say",
    "stage_queue": "work to do, empty when settled",
    "listings": "repeats what the other tables say, in the orders that people ask for",
    "category_ranks": "repeats what the other tables say",
    "facet_sets": "repeats what the other tables say",
    "bookmarks": "what somebody has looked at here",
    "judgements": "when verdicts were given here; observations say which",
}
LEFT_OUT: dict[str, str] = {
    "sources.source_id": "a number of this catalog",
    "sources.dialect": "how it is asked here",
    "sources.added_at": "when it was first used here",
    "payloads.payload_id": "a number of this catalog",
    "payloads.encoding": "physical",
    "payloads.base_id": "physical",
    "payloads.data": "physical: the digest names the bytes",
    "observations.observation_id": "a number of this catalog",
    "observations.recorded_at": "when it was written down here",
    "observations.run_id": "the run of this catalog that brought it",
    "observations.shape_id": "a number of this catalog",
    "probes.probe_id": "a number of this catalog",
    "probes.run_id": "the run of this catalog that asked",
    "probes.body": "physical: as packed here; the answer is in the other columns",
    "probes.cost": "what this catalog was set to pay",
    "probes.answer": "goes with age (rule 14), and takes no observation with it",
    "tombstones.at": "when this catalog was asked to forget",
}

KEPT = frozenset({"sources", "payloads", "observations", "discoveries", "probes", "tombstones"})
"""The dump's tables that are kept: by law 2 all others follow from them."""

COUNTS = frozenset({"gizmos.stale_copies", "mass_events.compared", "unmapped_fields.count"})
"""Columns that count observations: thinning moves them, and nothing else (rule 14)."""

TABLES: tuple[Table, ...] = tuple(
    table for table in t.metadata.sorted_tables if table.name not in LEFT_OUT_TABLES
)

_said = t.observations.alias("said")
_by = t.sources.alias("said_by")
_what = t.payloads.alias("said_what")
_source = t.sources.alias("its_source")
_payload = t.payloads.alias("its_payload")


def _query(table: Table, without: Collection[str] = ()) -> Select[Any]:
    """The dump's columns of a table, numbers of this catalog replaced by natural keys."""
    columns: list[ColumnElement[Any]] = []
    order: list[ColumnElement[Any]] = []
    source: Any = table
    for column in table.columns:
        natural: list[ColumnElement[Any]] = [column]
        if column.name == "source_id" and table is not t.sources:
            source = source.join(_source, _source.c.source_id == column)
            natural = [_source.c.name]
        elif column.name == "payload_id" and table is not t.payloads:
            source = source.join(_payload, _payload.c.payload_id == column)
            natural = [_payload.c.digest]
        elif column.name == "observation_id" and table is not t.observations:
            source = (
                source.join(_said, _said.c.observation_id == column)
                .join(_by, _by.c.source_id == _said.c.source_id)
                .join(_what, _what.c.payload_id == _said.c.payload_id)
            )
            natural = [_by.c.name, _said.c.observed_at, _what.c.digest]
        elif (place := f"{table.name}.{column.name}") in LEFT_OUT or place in without:
            continue
        columns.extend(natural)
        if column.primary_key or table in (t.observations, t.sources, t.payloads, t.probes):
            order.extend(natural)
    query = select(*columns).select_from(source).order_by(*order)
    if table is t.payloads:
        query = query.where(t.payloads.c.payload_id != t.NOT_FOUND_PAYLOAD)
    return query


_QUERIES = {str(table.name): _query(table) for table in TABLES}
_FACTS = {
    str(table.name): _query(table, COUNTS)
    for table in TABLES
    if table not in (t.observations, t.payloads)
}
"""What follows from observations, and how many there were nowhere."""
_KEPT = {name: query for name, query in _QUERIES.items() if name in KEPT}


def dump(conn: Connection) -> Iterator[bytes]:
    """The lines of the logical dump, each a JSON list: the table's name, then a row's values.

    Args:
        conn: in a transaction that sees one state, its stage 2 settled.
    """
    return _lines(conn, _QUERIES)


def digest(conn: Connection) -> str:
    """SHA-256 of the logical dump, in hex: the name of the catalog's state."""
    return _digest(dump(conn))


def kept_digest(conn: Connection) -> str:
    """SHA-256 of the kept tables' part of the dump, in hex: it takes a tenth of the time.

    It names a state as the whole one does: where it is equal, all that follows is (law 2), once it
    is settled, and derived by one version of the program.
    """
    return _digest(_lines(conn, _KEPT))


def facts_digest(conn: Connection) -> str:
    """SHA-256 of the dump without observations, payloads and how many there were of them."""
    return _digest(_lines(conn, _FACTS))


def _lines(conn: Connection, queries: Mapping[str, Select[Any]]) -> Iterator[bytes]:
    for name in sorted(queries):
        rows = conn.execute(queries[name].execution_options(yield_per=2000))
        for row in rows:
            values = [value.hex() if isinstance(value, bytes) else value for value in row]
            yield msgspec.json.encode([name, *values])


def _digest(lines: Iterator[bytes]) -> str:
    sha = hashlib.sha256()
    for line in lines:
        sha.update(line)
        sha.update(b"\n")
    return sha.hexdigest()
