"""Runs, how each asked id ended in them, and the answers that were no facts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import case, delete, exists, func, insert, or_, select, update

from catalog.errors import NotFound
from catalog.records import Verdict
from catalog.storage.dialects import insert_or
from catalog.storage.engine import lock_keys
from catalog.storage.rows import chunks
from catalog.storage.tables import outcomes, runs
from catalog.times import HOUR, to_datetime

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Container, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection

    from catalog.times import Micros

RESUMED_WITHIN = 24 * HOUR
"""How old an unfinished run may be to be resumed (rule 13)."""

_TOTALS = {
    Verdict.DOCUMENT: "documents",
    Verdict.NOT_FOUND: "not_found",
    Verdict.MISMATCHED: "mismatched",
}
"""The totals of outcomes that are facts."""

FACTS = frozenset(verdict for verdict in Verdict if verdict.is_fact)
"""The outcomes that say something about a GPT (law 4)."""


class RunKey(msgspec.Struct, frozen=True, kw_only=True):
    """What makes two runs equal (rule 13).

    Attributes:
        command: what is run.
        source: its source's name, empty for none or several.
        ids_digest: SHA-256 of the sorted ids, in hex.
    """

    command: str
    source: str
    ids_digest: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run and its totals, which are those of all its processes.

    Attributes:
        run_id: a global id, sortable by time.
        command: what was run.
        source: its source's name, empty for none or several.
        started_at: when it began.
        finished_at: when it ended; None: unfinished.
        status: ``open``, ``finished``, ``stopped`` or ``failed``.
        reason: why it stopped, for people.
        owner: the process that took it up last.
        cost: requests times price, where a price is set.

    The other attributes are the columns of ``runs``, and obey: documents = new + changed +
    unchanged; requested = documents + not_found + mismatched + failed + left.
    """

    run_id: str
    command: str
    source: str
    started_at: Micros
    finished_at: Micros | None = None
    status: str = "open"
    reason: str | None = None
    owner: str | None = None
    requested: int = 0
    documents: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    not_found: int = 0
    mismatched: int = 0
    failed: int = 0
    left: int = 0
    requests: int = 0
    cost: float | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one asked id ended in one run (law 8).

    Attributes:
        run_id: the run.
        asked_id: the id that was asked for.
        source_id: the source.
        verdict: a :class:`~catalog.records.Verdict`.
        effect: of a document: ``new``, ``changed`` or ``unchanged``; else empty.
        attempts: times it was asked.
        requests: HTTP requests spent on it.
        status: last HTTP status, 0 for none.
        detail: what the source said, for people.
        at: when it ended.
        observation_id: the observation it brought, if any.
    """

    run_id: str
    asked_id: str
    source_id: int
    verdict: str
    effect: str = ""
    attempts: int
    requests: int
    status: int
    detail: str = ""
    at: Micros
    observation_id: int | None = None


def unfinished_run(conn: Connection, key: RunKey, now: Micros) -> Run | None:
    """The unfinished equal run younger than a day, if there is one (rule 13).

    Until the transaction ends no other process gets an answer for an equal run: two that start at
    once are to join one, not to open two.

    Args:
        conn: a writing transaction.
        key: what is run.
        now: the present moment.
    """
    lock_keys(conn, [f"run {key.command} {key.source} {key.ids_digest}"])
    return resumable_run(conn, key, now)


def open_run(conn: Connection, key: RunKey, *, now: Micros, rng: random.Random) -> Run:
    """A new run.

    Args:
        conn: a writing transaction.
        key: what is run.
        now: the present moment.
        rng: for the random part of its id.
    """
    run_id = f"{to_datetime(now):%Y%m%dT%H%M%S}-{rng.getrandbits(40):010x}"
    conn.execute(
        insert(runs),
        {
            "run_id": run_id,
            "command": key.command,
            "source": key.source,
            "ids_digest": key.ids_digest,
            "started_at": now,
            "status": "open",
        },
    )
    return get_run(conn, run_id)


def open_or_resume(
    conn: Connection, key: RunKey, *, now: Micros, rng: random.Random
) -> tuple[Run, bool]:
    """The unfinished equal run younger than a day, else a new one.

    Args:
        conn: a writing transaction.
        key: what is run.
        now: the present moment.
        rng: for the random part of a new id.

    Returns:
        The run, and whether it was there already.
    """
    known = unfinished_run(conn, key, now)
    if known is not None:
        return known, True
    return open_run(conn, key, now=now, rng=rng), False


def take_up(conn: Connection, run_id: str, owner: str) -> Run:
    """Note which process works on a run now, be it new or one that had stopped."""
    conn.execute(
        update(runs).where(runs.c.run_id == run_id).values(status="open", reason=None, owner=owner)
    )
    return get_run(conn, run_id)


def get_run(conn: Connection, run_id: str) -> Run:
    """The run ``run_id``.

    Raises:
        NotFound: there is none.
    """
    found = list(_select_runs(conn, run_id=run_id))
    if not found:
        raise NotFound(
            f"the catalog knows no run {run_id!r}: gpts-catalog status --json names the last ones"
        )
    return found[0]


def open_runs(conn: Connection) -> list[Run]:
    """The runs that did not say that they ended or stopped, the first begun first."""
    r = runs.c
    ids = conn.execute(
        select(r.run_id)
        .where(r.finished_at.is_(None), r.status == "open")
        .order_by(r.started_at, r.run_id)
    ).scalars()
    return [get_run(conn, run_id) for run_id in list(ids)]


def stale_runs(conn: Connection, now: Micros) -> list[Run]:
    """The unfinished runs that nobody works on any more, too old to be resumed."""
    r, o, since = runs.c, outcomes.c, now - RESUMED_WITHIN
    at_work = exists().where(o.run_id == r.run_id, o.at > since)
    ids = conn.execute(
        select(r.run_id).where(r.finished_at.is_(None), r.started_at <= since, ~at_work)
    ).scalars()
    return [get_run(conn, run_id) for run_id in list(ids)]


def latest_runs(conn: Connection, limit: int) -> list[Run]:
    """The runs that began last, latest first."""
    return _select_runs(conn, limit=limit)


def update_totals(
    conn: Connection, run_id: str, *, requested: int, price: float | None = None
) -> Run:
    """Count a run's outcomes into its totals.

    Args:
        conn: a writing transaction.
        run_id: the run.
        requested: how many ids it has; those without an outcome are ``left``.
        price: what a request costs, if known.
    """
    # Locked before it is counted: who counts at the same time would write what was so before. Rows
    # that name the run do not wait for it.
    conn.execute(
        select(runs.c.run_id).where(runs.c.run_id == run_id).with_for_update(key_share=True)
    ).all()
    o = outcomes.c

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    is_document = o.verdict == Verdict.DOCUMENT
    totals = (
        conn.execute(
            select(
                func.count().label("done"),
                count(is_document).label("documents"),
                *(
                    count(is_document & (o.effect == effect)).label(effect)
                    for effect in ("new", "changed", "unchanged")
                ),
                count(o.verdict == Verdict.NOT_FOUND).label("not_found"),
                count(o.verdict == Verdict.MISMATCHED).label("mismatched"),
                count(o.verdict.not_in(FACTS)).label("failed"),
                func.coalesce(func.sum(o.requests), 0).label("requests"),
            ).where(o.run_id == run_id)
        )
        .mappings()
        .one()
    )
    counted = {name: int(number) for name, number in totals.items()}
    done = counted.pop("done")
    counted["requested"] = max(requested, done)
    counted["left"] = counted["requested"] - done
    cost = {} if price is None else {"cost": counted["requests"] * price}
    conn.execute(update(runs).where(runs.c.run_id == run_id).values(**counted, **cost))
    return get_run(conn, run_id)


def pause_run(conn: Connection, run_id: str, *, status: str, reason: str) -> None:
    """Note why an unfinished run stopped: it can be resumed (rule 13).

    Args:
        conn: a writing transaction.
        run_id: the run.
        status: ``stopped``, or ``failed`` where its source ended it.
        reason: for people.
    """
    conn.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.finished_at.is_(None))
        .values(status=status, reason=reason)
    )


def close_run(
    conn: Connection, run_id: str, *, now: Micros, status: str, reason: str | None = None
) -> None:
    """End a run: it will not be resumed. The first process to close it says how it ended.

    Args:
        conn: a writing transaction.
        run_id: the run.
        now: the present moment.
        status: ``finished``, ``stopped`` or ``failed``.
        reason: why it stopped, for people.
    """
    conn.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.finished_at.is_(None))
        .values(finished_at=now, status=status, reason=reason)
    )


def add_outcomes(conn: Connection, items: Sequence[Outcome]) -> None:
    """Record how ids ended. Exactly one outcome an id and run: the first that is a fact stands.

    An id is met twice where a worker outlived its lease, and where a resumed run asks again about
    what failed; what the second visit cost is added.

    Args:
        conn: a writing transaction.
        items: of a run, each id once.
    """
    if not items:
        return
    statement = insert_or(conn, outcomes)
    new = statement.excluded
    # Not IN: its list would be written out anew for each of many rows.
    told = or_(*(outcomes.c.verdict == fact for fact in sorted(FACTS)))
    statement = statement.on_conflict_do_update(
        index_elements=["run_id", "asked_id"],
        set_={
            "attempts": outcomes.c.attempts + new.attempts,
            "requests": outcomes.c.requests + new.requests,
            **{
                name: case((told, outcomes.c[name]), else_=new[name])
                for name in ("verdict", "effect", "status", "detail", "at", "observation_id")
            },
        },
    )
    ordered = sorted(items, key=lambda item: (item.run_id, item.asked_id))
    conn.execute(statement, [msgspec.structs.asdict(item) for item in ordered])


def remove_outcomes(conn: Connection, run_id: str, ids: Collection[str]) -> None:
    """Take ids out of a run: the catalog was told to forget them.

    Args:
        conn: a writing transaction.
        run_id: the run.
        ids: what was asked for.
    """
    o = outcomes.c
    for part in chunks(sorted(ids)):
        conn.execute(delete(outcomes).where(o.run_id == run_id, o.asked_id.in_(part)))


def known_ids(conn: Connection, run_id: str, verdicts: Collection[Verdict] = FACTS) -> set[str]:
    """The ids about which a run learned something: their outcome is no failure.

    Args:
        conn: any transaction.
        run_id: the run.
        verdicts: the outcomes that count.
    """
    o = outcomes.c
    return set(
        conn.execute(
            select(o.asked_id).where(o.run_id == run_id, o.verdict.in_(verdicts))
        ).scalars()
    )


def has_outcomes(conn: Connection, run_id: str) -> bool:
    """Whether any id ended in a run: searches, probes and imports have totals alone."""
    found = conn.execute(select(outcomes.c.run_id).where(outcomes.c.run_id == run_id).limit(1))
    return found.first() is not None


def done_ids(conn: Connection, run_id: str, among: Sequence[str] | None = None) -> set[str]:
    """The ids that have an outcome in a run.

    Args:
        conn: any transaction.
        run_id: the run.
        among: look at these alone, at most a few thousand.
    """
    o = outcomes.c
    query = select(o.asked_id).where(o.run_id == run_id)
    if among is not None:
        query = query.where(o.asked_id.in_(among))
    return set(conn.execute(query).scalars())


def _select_runs(
    conn: Connection, *, run_id: str | None = None, limit: int | None = None
) -> list[Run]:
    r = runs.c
    query = select(*(r[name] for name in Run.__struct_fields__))
    if run_id is not None:
        query = query.where(r.run_id == run_id)
    query = query.order_by(r.started_at.desc(), r.run_id.desc()).limit(limit)
    return [Run(**row) for row in conn.execute(query).mappings()]


def added(items: Iterable[Outcome], again: Container[str]) -> dict[str, int]:
    """What outcomes add to a run's totals, by column, until :func:`update_totals` counts them all.

    Args:
        items: the outcomes.
        again: the ids among them that had failed in the run before.
    """
    more: Counter[str] = Counter()
    for each in items:
        more["failed" if each.asked_id in again else "left"] -= 1
        more[_TOTALS.get(Verdict(each.verdict), "failed")] += 1
        if each.effect:
            more[each.effect] += 1
        more["requests"] += each.requests
    return dict(more)


def add_totals(conn: Connection, run_id: str, **more: int) -> None:
    """Add to totals of a run: as it goes on, and where it has no outcomes that could be counted.

    Args:
        conn: the transaction that writes what is counted, so that a run that was cut off and
            resumed, or has several processes, counts all of it.
        run_id: the run.
        more: by column.
    """
    r = runs.c
    changed = {r[name]: r[name] + count for name, count in more.items() if count}
    if changed:
        conn.execute(update(runs).where(r.run_id == run_id).values(changed))


def price_run(conn: Connection, run_id: str, price: float | None) -> None:
    """Note what the requests of a run cost, where a price is set."""
    if price is not None:
        r = runs.c
        conn.execute(update(runs).where(r.run_id == run_id).values(cost=r.requests * price))


def resumable_run(conn: Connection, key: RunKey, now: Micros) -> Run | None:
    """As :func:`unfinished_run`, for those who only look.

    Args:
        conn: any transaction.
        key: what is run.
        now: the present moment.
    """
    r = runs.c
    found = conn.execute(
        select(r.run_id)
        .where(
            r.command == key.command,
            r.source == key.source,
            r.ids_digest == key.ids_digest,
            r.finished_at.is_(None),
            r.started_at > now - RESUMED_WITHIN,
        )
        .order_by(r.started_at.desc())
        .limit(1)
    ).scalar()
    return None if found is None else get_run(conn, found)
