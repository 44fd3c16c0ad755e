"""What was found wrong, since when, until when, and whether people were told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import and_, insert, or_, select, update

from catalog.storage.engine import lock_keys
from catalog.storage.work_tables import alarms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from catalog.records import Alarm
    from catalog.times import Micros

_a = alarms.c


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm that stands, or stood.

    Attributes:
        kind: what is wrong.
        subject: with what; empty for the catalog.
        severity: ``warning`` or ``alarm``.
        message: for people, as it was found last.
        raised_at: since when.
        seen_at: when it was found last.
        cleared_at: when it was over; None: it stands.
        notified_at: when people were told; None: not yet.
    """

    kind: str
    subject: str
    severity: str
    message: str
    raised_at: Micros
    seen_at: Micros
    cleared_at: Micros | None = None
    notified_at: Micros | None = None


def update_alarms(
    conn: Connection, found: Iterable[Alarm], now: Micros, kinds: Mapping[str, Micros]
) -> tuple[list[Standing], list[Standing]]:
    """Write down what is found, and what is over.

    One that stands and is found again is not raised again: its message and ``seen_at`` follow.

    Args:
        conn: a writing transaction.
        found: what is the case now, of those kinds.
        now: the present moment.
        kinds: the kinds that were looked for, each with how long it must not have been found to be
            over; alarms of others are left as they are.

    Returns:
        What was raised now, and what was over now.
    """
    # One look at a time: two that find the same would both raise it.
    lock_keys(conn, ["alarms"])
    known = {(each.kind, each.subject): each for each in standing(conn)}
    raised: list[Standing] = []
    seen: set[tuple[str, str]] = set()
    for alarm in found:
        key = (alarm.kind, alarm.subject)
        if key in seen:
            continue
        seen.add(key)
        if key in known:
            _renew(conn, known[key], alarm, now)
        else:
            raised.append(_raise(conn, alarm, now))
    cleared: list[Standing] = []
    for key, each in known.items():
        if key in seen or each.kind not in kinds:
            continue
        if now - min(now, each.seen_at) >= kinds[each.kind]:
            cleared.append(_clear(conn, each, now))
        elif each.seen_at > now:
            # By a clock that was ahead: it would stand until that time comes.
            conn.execute(update(alarms).where(_is(each)).values(seen_at=now))
    return raised, cleared


def standing(conn: Connection) -> list[Standing]:
    """What stands now, alarms first, then by kind and subject."""
    query = select(alarms).where(_a.cleared_at.is_(None))
    found = [Standing(**row) for row in conn.execute(query).mappings()]
    return sorted(found, key=lambda each: (each.severity != "alarm", each.kind, each.subject))


def between(conn: Connection, since: Micros, until: Micros) -> list[Standing]:
    """What was raised or over in a window, in the order of time."""
    query = select(alarms).where(
        or_(_a.raised_at.between(since, until), _a.cleared_at.between(since, until))
    )
    query = query.order_by(_a.raised_at, _a.kind, _a.subject)
    return [Standing(**row) for row in conn.execute(query).mappings()]


def untold(conn: Connection) -> tuple[list[Standing], list[Standing]]:
    """What people are still to be told: raised and standing, and over since they were told."""
    query = select(alarms).where(
        or_(
            and_(_a.cleared_at.is_(None), _a.notified_at.is_(None)),
            # Nobody is told that something is over of which nobody was told.
            and_(_a.cleared_at.is_not(None), _a.notified_at < _a.cleared_at),
        )
    )
    rows = [
        Standing(**row)
        for row in conn.execute(query.order_by(_a.raised_at, _a.kind, _a.subject)).mappings()
    ]
    return (
        [each for each in rows if each.cleared_at is None],
        [each for each in rows if each.cleared_at is not None],
    )


def mark_told(conn: Connection, told: Sequence[Standing], now: Micros) -> None:
    """Note that people were told of some, as they were read.

    Args:
        conn: a writing transaction.
        told: which.
        now: the present moment.
    """
    for each in told:
        # No earlier than the end of which they were told: clocks of machines differ.
        at = now if each.cleared_at is None else max(now, each.cleared_at)
        conn.execute(update(alarms).where(_is(each)).values(notified_at=at))


def _raise(conn: Connection, alarm: Alarm, now: Micros) -> Standing:
    """A new row; after one of this very moment that is over, a microsecond later."""
    last = conn.execute(
        select(_a.raised_at)
        .where(_a.kind == alarm.kind, _a.subject == alarm.subject, _a.raised_at >= now)
        .order_by(_a.raised_at.desc())
        .limit(1)
    ).scalar()
    new = Standing(
        kind=alarm.kind,
        subject=alarm.subject,
        severity=alarm.severity,
        message=alarm.message,
        raised_at=now if last is None else last + 1,
        seen_at=now,
    )
    conn.execute(insert(alarms), msgspec.structs.asdict(new))
    return new


def _renew(conn: Connection, known: Standing, alarm: Alarm, now: Micros) -> None:
    conn.execute(
        update(alarms)
        .where(_is(known))
        .values(seen_at=now, message=alarm.message, severity=alarm.severity)
    )


def _clear(conn: Connection, known: Standing, now: Micros) -> Standing:
    # A clock that was ahead may have told people of it, who are told of its end all the same.
    told = known.notified_at or 0
    at = max(now, known.raised_at, told + 1 if told > now else 0)
    conn.execute(update(alarms).where(_is(known)).values(cleared_at=at))
    return msgspec.structs.replace(known, cleared_at=at)


def _is(each: Standing) -> ColumnElement[bool]:
    return and_(_a.kind == each.kind, _a.subject == each.subject, _a.raised_at == each.raised_at)
