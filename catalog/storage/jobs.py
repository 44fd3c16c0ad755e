"""What the scheduler remembers: which slots were taken, who runs a job now, and how runs ended.

Plain rows. A job has one lock, over processes and machines, with an owner and an expiry; a slot is
taken once for ever. Which slots there are is for :mod:`catalog.scheduling` to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, exists, func, insert, or_, select, update

from catalog.storage.dialects import insert_or
from catalog.storage.work_tables import job_runs, job_states
from catalog.times import HOUR, to_datetime

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import ColumnElement, Connection

    from catalog.times import Micros

SCHEDULER = "(schedule)"
"""The row in which a scheduler says that it is there; no job can have this name."""

AHEAD: Micros = HOUR
"""By so much clocks of machines that share a catalog may differ."""

_s, _r = job_states.c, job_runs.c


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a job.

    Attributes:
        job: the job.
        slot_at: the slot that was taken last; None: none yet.
        owner: the process that runs it now; None: nobody does.
        lease_until: when that claim ends.
        since: when it was first scheduled here: no earlier slot is owed.
    """

    job: str
    slot_at: Micros | None
    owner: str | None
    lease_until: Micros | None
    since: Micros


class JobRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a job.

    Attributes:
        job_run_id: a global id, sortable by time.
        job: the job.
        slot_at: the slot; None: by hand.
        started_at: when it began.
        finished_at: when it ended; None: it has not.
        status: ``open``, ``done``, ``partly``, ``failed``, ``stopped``, or ``lost`` where its
            process ended without a word.
        owner: the process that ran it.
        numbers: counts by name.
        message: how it went, for people.
    """

    job_run_id: str
    job: str
    slot_at: Micros | None
    started_at: Micros
    finished_at: Micros | None = None
    status: str = "open"
    owner: str
    numbers: dict[str, float] = {}
    message: str = ""


def register(conn: Connection, jobs: Iterable[str], since: Micros) -> None:
    """Make jobs known.

    Args:
        conn: a writing transaction.
        jobs: their names.
        since: no earlier slot of the new ones is owed. Those that are known keep their own, unless
            it is later: then the clock was ahead.
    """
    statement = insert_or(conn, job_states)
    statement = statement.on_conflict_do_update(
        index_elements=["job"],
        set_={"since": statement.excluded.since},
        where=_s.since > statement.excluded.since,
    )
    rows = [{"job": job, "since": since} for job in sorted(set(jobs))]
    if rows:
        conn.execute(statement, rows)


def states(conn: Connection) -> dict[str, JobState]:
    """What is remembered of each job, by name."""
    found = conn.execute(select(job_states).where(_s.job != SCHEDULER).order_by(_s.job))
    return {row["job"]: JobState(**row) for row in found.mappings()}


def last_taken(conn: Connection, state: JobState, now: Micros) -> Micros:
    """The last slot up to ``now`` that was taken of a job, or since when it is known.

    Slots beyond ``now`` were taken by a clock that was ahead: they stay taken, and say nothing
    about those before them.
    """
    if state.slot_at is None:
        return state.since
    if state.slot_at <= now:
        return state.slot_at
    found = conn.execute(
        select(func.max(_r.slot_at)).where(_r.job == state.job, _r.slot_at <= now)
    ).scalar()
    return state.since if found is None else int(found)


def was_ahead(conn: Connection, now: Micros) -> bool:
    """Whether a run began at a time that is still to come, for a slot that is: by an index."""
    return bool(conn.execute(select(exists().where(*_ahead(now)))).scalar())


def give_back_ahead(conn: Connection, now: Micros) -> None:
    """Give back the slots that a clock took which was ahead, and has been set back since.

    Their time is still to come, and they are run then: a clock that was days ahead for days would
    else leave as many days without a run, and nothing would be owed in them.

    Args:
        conn: a writing transaction.
        now: the present moment.
    """
    conn.execute(update(job_runs).where(*_ahead(now)).values(slot_at=None))
    last_one = select(func.max(_r.slot_at)).where(_r.job == _s.job).scalar_subquery()
    has_run = exists().where(_r.job == _s.job, _r.slot_at == _s.slot_at)
    conn.execute(
        update(job_states)
        .where(_s.job != SCHEDULER, _s.owner.is_(None), _s.slot_at > now, ~has_run)
        .values(slot_at=last_one)
    )


def _ahead(now: Micros) -> tuple[ColumnElement[bool], ...]:
    """The runs that are over, but began at a time that is still to come, as their slots are."""
    return (_r.started_at > now + AHEAD, _r.slot_at > now, _r.finished_at.is_not(None))


def take(
    conn: Connection,
    job: str,
    slot: Micros | None,
    owner: str,
    now: Micros,
    lease: Micros,
    *,
    seen: Micros | None = None,
) -> bool:
    """Take a slot and the job's lock, in one statement: of all who try, one succeeds.

    A lock is free once its lease has ended. It also is where its lease ends later than any made now
    could: it was made by a clock that was ahead.

    Args:
        conn: a writing transaction.
        job: the job.
        slot: the slot, which is never taken again; None takes the lock alone.
        owner: who takes it.
        now: the present moment.
        lease: for how long.
        seen: when the lease ended at an earlier look. An ended lease is then taken over only if it
            was not renewed since: clocks of machines differ and are set, and what is renewed lives.

    Returns:
        Whether it was taken.
    """
    ended = or_(_s.lease_until <= now, _s.lease_until > now + 2 * lease)
    if seen is not None:
        ended &= _s.lease_until == seen
    conditions: list[ColumnElement[bool]] = [or_(_s.owner.is_(None), ended)]
    values: dict[str, Any] = {"owner": owner, "lease_until": now + lease}
    if slot is not None:
        values["slot_at"] = slot
        conditions += [
            # Both: on PostgreSQL a statement that waited for the row sees it as it is now, and
            # the other table as it was before.
            _s.slot_at.is_distinct_from(slot),
            ~exists().where(_r.job == job, _r.slot_at == slot),
        ]
    statement = insert_or(conn, job_states).values(job=job, since=now, **values)
    statement = statement.on_conflict_do_update(
        index_elements=["job"], set_=values, where=and_(*conditions)
    )
    return conn.execute(statement.returning(_s.job)).first() is not None


def renew(conn: Connection, job: str, owner: str, until: Micros) -> bool:
    """Hold on to a job's lock; whether it still is its owner's."""
    held = update(job_states).where(_s.job == job, _s.owner == owner)
    return conn.execute(held.values(lease_until=until)).rowcount == 1


def reap(conn: Connection, is_alive: Callable[[str], bool], now: Micros) -> list[str]:
    """Free the locks of processes that are gone, and record what they ran as lost.

    Args:
        conn: a writing transaction.
        is_alive: whether the process of that name may still be at work.
        now: the present moment.

    Returns:
        The jobs that were freed.
    """
    held = conn.execute(
        select(_s.job, _s.owner).where(_s.owner.is_not(None), _s.job != SCHEDULER).order_by(_s.job)
    ).all()
    return [job for job, owner in held if not is_alive(owner) and free(conn, job, owner, now)]


def free(conn: Connection, job: str, owner: str, now: Micros) -> bool:
    """Free a job's lock, and record what its owner ran as lost; whether it was the owner's."""
    freed = _release(conn, job, owner)
    if freed:
        _lose(conn, job, now)
    return freed


def begin(
    conn: Connection,
    job: str,
    slot: Micros | None,
    owner: str,
    *,
    now: Micros,
    rng: random.Random,
) -> JobRun:
    """Record that a run began, in the transaction that took its lock.

    What is still open of this job had its lock taken over: it is recorded as lost.

    Args:
        conn: a writing transaction.
        job: the job.
        slot: the slot; None: by hand.
        owner: who runs it.
        now: the present moment.
        rng: for the random part of its id.
    """
    _lose(conn, job, now)
    run = JobRun(
        job_run_id=_new_id(conn, job, now, rng),
        job=job,
        slot_at=slot,
        started_at=now,
        owner=owner,
    )
    conn.execute(insert(job_runs), {**msgspec.structs.asdict(run), "numbers": "{}"})
    return run


def finish(
    conn: Connection,
    run: JobRun,
    *,
    now: Micros,
    status: str,
    numbers: Mapping[str, float],
    message: str,
) -> bool:
    """Record how a run ended, and give its lock back.

    Args:
        conn: a writing transaction.
        run: the run.
        now: the present moment.
        status: as in :class:`JobRun`.
        numbers: counts by name.
        message: how it went, for people; without secrets.

    Returns:
        Whether it was still open; a run that was recorded as lost stays so.
    """
    ended = conn.execute(
        update(job_runs)
        .where(_r.job_run_id == run.job_run_id, _r.finished_at.is_(None))
        .values(
            finished_at=now,
            status=status,
            numbers=msgspec.json.encode(numbers, order="deterministic").decode(),
            message=message,
        )
    )
    _release(conn, run.job, run.owner)
    return ended.rowcount == 1


def runs(
    conn: Connection, job: str | None = None, *, limit: int, until: Micros | None = None
) -> list[JobRun]:
    """The runs that began last, latest first.

    Args:
        conn: any transaction.
        job: of this job alone.
        limit: at most so many.
        until: those that began later are left out: a clock was ahead.
    """
    query = select(job_runs)
    if job is not None:
        query = query.where(_r.job == job)
    if until is not None:
        query = query.where(_r.started_at <= until)
    query = query.order_by(_r.started_at.desc(), _r.job_run_id.desc()).limit(limit)
    return [_run(row) for row in conn.execute(query).mappings()]


def last(conn: Connection) -> dict[str, JobRun]:
    """The latest run of each job that ever ran, by name."""
    latest = select(func.max(_r.job_run_id)).group_by(_r.job)
    found = conn.execute(select(job_runs).where(_r.job_run_id.in_(latest)))
    return {row["job"]: _run(row) for row in found.mappings()}


def beat(conn: Connection, owner: str, now: Micros, until: Micros) -> None:
    """Say that a scheduler is there.

    Args:
        conn: a writing transaction.
        owner: which.
        now: the present moment.
        until: when nobody needs to believe it any more.
    """
    values = {"owner": owner, "slot_at": now, "lease_until": until}
    statement = insert_or(conn, job_states).values(job=SCHEDULER, since=now, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["job"], set_=values))


def scheduler(conn: Connection) -> JobState | None:
    """The scheduler that said last that it is there, with ``slot_at`` as the time; None: none."""
    row = conn.execute(select(job_states).where(_s.job == SCHEDULER)).mappings().first()
    return None if row is None else JobState(**row)


def attempts(conn: Connection, job: str, slot: Micros) -> int:
    """How often a slot's run was begun: more than once where one was cut off and taken up again."""
    query = select(func.count()).where(_r.job == job, _r.slot_at == slot)
    return int(conn.execute(query).scalar_one())


def ended_since(conn: Connection, job: str, since: Micros) -> bool:
    """Whether a run of a job that began at ``since`` or later came to its end.

    Well or not, if it was that of a slot; by hand, well.
    """
    ended = ("done", "partly")
    query = select(_r.job_run_id).where(
        _r.job == job,
        _r.started_at >= since,
        or_(_r.status.in_(ended), and_(_r.status == "failed", _r.slot_at.is_not(None))),
    )
    return conn.execute(query.limit(1)).first() is not None


def _new_id(conn: Connection, job: str, now: Micros, rng: random.Random) -> str:
    """An id that sorts behind those of the job's runs of the same second: a clock may stand."""
    second = f"{to_datetime(now):%Y%m%dT%H%M%S}-"
    before = conn.execute(
        select(func.max(_r.job_run_id)).where(_r.job == job, _r.job_run_id.startswith(second))
    ).scalar()
    mine = rng.getrandbits(40)
    if before is not None:
        mine = max(mine, int(before.removeprefix(second), 16) + 1)
    return f"{second}{mine:010x}"


def _lose(conn: Connection, job: str, now: Micros) -> None:
    """What is still open of a job, and has its lock no more, is recorded as lost."""
    conn.execute(
        update(job_runs)
        .where(_r.job == job, _r.finished_at.is_(None))
        .values(
            finished_at=now,
            status="lost",
            message="its process ended without a word, or was cut off from the catalog",
        )
    )


def _release(conn: Connection, job: str, owner: str) -> bool:
    held = update(job_states).where(_s.job == job, _s.owner == owner)
    return conn.execute(held.values(owner=None, lease_until=None)).rowcount == 1


def _run(row: Mapping[Any, Any]) -> JobRun:
    return JobRun(**{**row, "numbers": msgspec.json.decode(row["numbers"])})
