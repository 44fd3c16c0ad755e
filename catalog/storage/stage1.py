"""Stage 1: each GPT's observations folded into its rows (design, section 4).

An observation newer than all others of its GPT takes one step of the fold; any earlier one replays
that GPT whole and writes the difference of rows. A test holds both paths equal.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from catalog.records import Deriver, Folded, Observation, Row, Rows, Statement
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.codec import decompress, states_compressor
from catalog.storage.engine import lock_keys
from catalog.storage.locks import share_derivation
from catalog.storage.rows import chunks, insert_rows, replace_rows, write_rows, write_updates
from catalog.storage.shared import Shared
from catalog.times import Micros, day_of

REPLAY = 5000
"""Observations replayed at a time: bounds memory, for a GPT may have years of documents, and each
of them is 10 to 20 KB while it is folded. A GPT that has more is replayed alone."""

_LISTED = ("gizmos", "gizmo_revisions", "gizmo_authors", "statuses", "vanity_metrics")
"""The tables in which a new row moves a listing."""

Statements = dict[str, list[Statement]]
"""All that was said, by GPT."""


def derive(
    conn: Connection,
    deriver: Deriver,
    new: dict[int, Observation],
    sources: dict[str, int],
    shared: Shared,
) -> dict[int, str]:
    """Take the fold's next step for each GPT, or replay it. Returns the documents' effects."""
    statements: dict[str, list[Statement]] = defaultdict(list)
    for observation_id, o in new.items():
        statements[o.gizmo_id].append(
            Statement(
                observation_id=observation_id,
                source=o.source,
                observed_at=o.observed_at,
                digest=o.digest,
                document=o.document,
                counted=o.verdict == "counted",
            )
        )
    effects: dict[int, str] = {}
    stale: list[str] = []
    folded: dict[str, Folded] = {}
    states = _states(conn, list(statements))
    for gizmo_id, said in statements.items():
        last_at, state = states.get(gizmo_id, (None, None))
        if last_at is not None and min(s.observed_at for s in said) <= last_at:
            stale.append(gizmo_id)
        else:
            folded[gizmo_id] = deriver.fold(gizmo_id, state, said)
    rows, updates = _joined(folded.values())
    shared.add_mime_sets(rows.pop("mime_sets", {}))
    write_rows(conn, rows, sources)
    write_updates(conn, updates)
    _keep_states(conn, folded, set(states))
    _queue_authors(shared, folded.values())
    _note_listings(shared, folded)
    for result in folded.values():
        effects.update(result.effects)
    # A GPT that had a document is not new, wherever its first document now lies.
    stood = _with_rows(conn, stale)
    for observation_id, effect in replay(conn, deriver, stale, shared).items():
        if observation_id in new:
            was_there = new[observation_id].gizmo_id in stood
            effects[observation_id] = "unchanged" if effect == "new" and was_there else effect
    return effects


def _joined(results: Iterable[Folded]) -> tuple[Rows, Rows]:
    """The rows and updates of several GPTs together, to be written in few statements."""
    rows: Rows = defaultdict(dict)
    updates: Rows = defaultdict(dict)
    for result in results:
        for table, by_key in result.rows.items():
            rows[table].update(by_key)
        for table, by_key in result.updates.items():
            updates[table].update(by_key)
    return rows, updates


def _states(conn: Connection, gizmo_ids: Sequence[str]) -> dict[str, tuple[Micros, bytes]]:
    states: dict[str, tuple[Micros, bytes]] = {}
    for part in chunks(gizmo_ids):
        for gizmo_id, last_at, state in conn.execute(
            select(t.fold_states).where(t.fold_states.c.gizmo_id.in_(part))
        ):
            states[gizmo_id] = (last_at, decompress(state))
    return states


def _keep_states(conn: Connection, folded: dict[str, Folded], known: set[str]) -> None:
    fresh: list[Row] = []
    moved: list[Row] = []
    compress = states_compressor()
    for gizmo_id, result in folded.items():
        state = compress(result.state)
        if gizmo_id in known:
            moved.append({"id": gizmo_id, "at": result.last_at, "new": state})
        else:
            fresh.append({"gizmo_id": gizmo_id, "last_at": result.last_at, "state": state})
    insert_rows(conn, t.fold_states, fresh)
    if moved:
        conn.execute(
            update(t.fold_states)
            .where(t.fold_states.c.gizmo_id == bindparam("id"))
            .values(last_at=bindparam("at"), state=bindparam("new")),
            moved,
        )


def _with_rows(conn: Connection, gizmo_ids: Sequence[str]) -> set[str]:
    """Those of some GPTs that ever had a document."""
    known = t.gizmos.c.gizmo_id
    found: set[str] = set()
    for part in chunks(gizmo_ids):
        found.update(conn.execute(select(known).where(known.in_(part))).scalars())
    return found


def replay(
    conn: Connection,
    deriver: Deriver,
    gizmo_ids: Sequence[str],
    shared: Shared,
    also: Callable[[Statements], None] = lambda _: None,
) -> dict[int, str]:
    """Derive some GPTs again from all their observations, and write the difference of rows.

    Args:
        conn: in a write transaction.
        deriver: the rules.
        gizmo_ids: the GPTs.
        shared: takes what is to be written once, after all of them.
        also: given the decoded statements, part by part.

    Returns:
        The effects of their documents, by observation.
    """
    effects: dict[int, str] = {}
    for part in replay_parts(conn, gizmo_ids):
        statements, sources = load_statements(conn, deriver, part)
        also(statements)
        folded = {
            gizmo_id: deriver.fold(gizmo_id, None, said) for gizmo_id, said in statements.items()
        }
        rows, _ = _joined(folded.values())
        authors = t.gizmo_authors.c
        before = conn.execute(
            select(authors.user_id).where(authors.gizmo_id.in_(part)).distinct()
        ).scalars()
        shared.enqueue("author", (user for user in before if user))
        shared.add_mime_sets(rows.pop("mime_sets", {}))
        replace_rows(conn, part, rows, sources)
        conn.execute(delete(t.fold_states).where(t.fold_states.c.gizmo_id.in_(part)))
        _keep_states(conn, folded, set())
        _queue_authors(shared, folded.values())
        shared.relist(part)
        for result in folded.values():
            effects.update(result.effects)
        shared.enqueue("day", (day_of(s.observed_at) for said in statements.values() for s in said))
    return effects


def replay_parts(conn: Connection, gizmo_ids: Sequence[str]) -> Iterator[list[str]]:
    """GPTs to be replayed together: as many as have :data:`REPLAY` observations, at least one."""
    c = t.observations.c
    for some in chunks(gizmo_ids):
        query = select(c.gizmo_id, func.count()).where(c.gizmo_id.in_(some)).group_by(c.gizmo_id)
        counts = {row[0]: row[1] for row in conn.execute(query)}
        part: list[str] = []
        size = 0
        for gizmo_id in some:
            count = counts.get(gizmo_id, 0)
            if part and size + count > REPLAY:
                yield part
                part, size = [], 0
            part.append(gizmo_id)
            size += count
        yield part


def load_statements(
    conn: Connection, deriver: Deriver, gizmo_ids: Sequence[str], known_at: Micros | None = None
) -> tuple[dict[str, list[Statement]], dict[str, int]]:
    """All that was ever said of some GPTs, decoded from the archive.

    Args:
        conn: the catalog.
        deriver: the rules.
        gizmo_ids: the GPTs.
        known_at: only what was recorded by then (rule 12).

    Returns:
        The statements by GPT, and the numbers of their sources by name.
    """
    o, s = t.observations.c, t.sources.c
    query = (
        select(
            o.observation_id,
            o.gizmo_id,
            o.observed_at,
            o.payload_id,
            o.wrapping,
            o.verdict,
            s.name,
            s.source_id,
        )
        .join(t.sources, s.source_id == o.source_id)
        .where(o.gizmo_id.in_(gizmo_ids))
    )
    if known_at is not None:
        query = query.where(o.recorded_at <= known_at)
    found = list(conn.execute(query))
    payloads = get_payloads(conn, {row.payload_id for row in found} - {t.NOT_FOUND_PAYLOAD})
    statements: dict[str, list[Statement]] = defaultdict(list)
    for row in found:
        payload = payloads.get(row.payload_id)
        statements[row.gizmo_id].append(
            Statement(
                observation_id=row.observation_id,
                source=row.name,
                observed_at=row.observed_at,
                digest=b"" if payload is None else hashlib.sha256(payload).digest(),
                document=None if payload is None else deriver.document(payload, row.wrapping),
                counted=row.verdict == "counted",
            )
        )
    return statements, {row.name: row.source_id for row in found}


def _queue_authors(shared: Shared, results: Iterable[Folded]) -> None:
    shared.enqueue("author", (author for result in results for author in result.authors))


def _note_listings(shared: Shared, folded: Mapping[str, Folded]) -> None:
    """Note what moved of what listings say; the lists of a GPT move with its revision."""
    for gizmo_id, result in folded.items():
        if any(result.rows.get(table) for table in _LISTED):
            shared.relist([gizmo_id])
            continue
        moved = result.updates.get("gizmos", {}).get((gizmo_id,), {})
        if "updated_at" in moved:
            shared.redate(gizmo_id, moved["updated_at"])


def set_verdicts(conn: Connection, deriver: Deriver, verdicts: Mapping[int, str]) -> None:
    """Write the verdicts of not-founds when their run closes, and derive their GPTs again.

    Args:
        conn: in a write transaction.
        deriver: the rules.
        verdicts: ``counted`` or ``held`` by observation.
    """
    shared = Shared()
    judge(conn, deriver, verdicts, shared)
    shared.write(conn)


def judge(conn: Connection, deriver: Deriver, verdicts: Mapping[int, str], shared: Shared) -> None:
    """As :func:`set_verdicts`, as part of a batch that writes ``shared`` at its end."""
    if not verdicts:
        return
    share_derivation(conn)
    c = t.observations.c
    owners: dict[int, str] = {}
    for part in chunks(list(verdicts)):
        query = select(c.observation_id, c.gizmo_id).where(c.observation_id.in_(part))
        owners.update((number, gizmo_id) for number, gizmo_id in conn.execute(query))
    # The rows belong to the GPTs: whoever writes them holds these first.
    lock_keys(conn, set(owners.values()))
    conn.execute(
        update(t.observations)
        .where(c.observation_id == bindparam("id"))
        .values(verdict=bindparam("judged")),
        [{"id": key, "judged": verdicts[key]} for key in sorted(verdicts)],
    )
    counted = sorted(key for key, verdict in verdicts.items() if verdict == "counted")
    if counted:
        # Bookmarks see by these that an old not-found says something new.
        conn.execute(insert(t.judgements), [{"observation_id": key} for key in counted])
    gizmo_ids = sorted({owners[key] for key in counted})
    replay(conn, deriver, sorted(_with_rows(conn, gizmo_ids)), shared)
