"""Gathers feeds: what changed last, over all GPTs or those of a watch, up to a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.query import windows
from catalog.query.scopes import Scope
from catalog.query.windows import DayOfGpt
from catalog.report.feeds import Feed
from catalog.report.model import Entry
from catalog.report.watches import watch_days
from catalog.times import DAY, day_of

if TYPE_CHECKING:
    from catalog.report.watches import Watch
    from catalog.storage.engine import Connection
    from catalog.times import Micros

DAYS = 14
"""How far back a feed goes: who reads it less often finds the reports."""
ENTRIES = 100
"""Entries about GPTs, at most."""
CHANGES = 20
"""Changes of an entry that are told."""


def catalog_feed(conn: Connection, until: Micros) -> Feed:
    """What changed last in the whole catalog.

    New GPTs are counted by the day: there may be thousands.

    Args:
        conn: a reading transaction.
        until: until then.
    """
    since = _since(until)
    entries = [
        Entry(
            key=("day", day_of(each.day * DAY)),
            updated_at=each.last_at,
            day=day_of(each.day * DAY),
            counts={
                word: value
                for word, value in (
                    ("new", each.new),
                    ("changed", each.changed),
                    ("gone", each.gone),
                    ("back", each.back),
                    ("missing", each.missing),
                )
                if value
            },
        )
        for each in windows.days(conn, since, until)
    ]
    days = windows.newest(conn, since, until, ENTRIES)
    entries += [_entry(conn, ("gpt",), each, until) for each in days]
    return Feed(
        key=("feed", "changes"),
        title="GPTs catalog: changes",
        until=until,
        entries=_ordered(entries),
    )


def watch_feed(conn: Connection, watch: Watch, until: Micros) -> Feed:
    """What changed last of the GPTs that a watch means.

    Args:
        conn: a reading transaction.
        watch: the watch.
        until: until then.
    """
    days, crossed = watch_days(conn, watch, _since(until), until, ENTRIES)
    about = ("watch", watch.name)
    entries = [_entry(conn, about, each, until, watch=watch) for each in days]
    for gpt in windows.gpts(conn, list(crossed)):
        at = crossed[gpt.gizmo_id]
        entries.append(
            Entry(
                key=(*about, "matches", gpt.gizmo_id, day_of(at)),
                updated_at=at,
                day=day_of(at),
                gpt=gpt,
                matches=True,
            )
        )
    return Feed(
        key=("feed", *about),
        title=f"GPTs catalog: watch {watch.name}",
        until=until,
        entries=_ordered(entries)[:ENTRIES],
    )


def _since(until: Micros) -> Micros:
    """Whole days, so that an entry is there with all its changes or not at all."""
    return until // DAY * DAY - (DAYS - 1) * DAY


def _entry(
    conn: Connection,
    about: tuple[str, ...],
    each: DayOfGpt,
    until: Micros,
    *,
    watch: Watch | None = None,
) -> Entry:
    start = each.day * DAY
    (found,) = windows.changes_of(
        conn,
        Scope(since=start, until=min(start + DAY - 1, until)),
        [each.gizmo_id],
        CHANGES,
        field=None if watch is None else watch.field,
        lifecycle="known" if watch is None else "all",
    )
    return Entry(
        key=(*about, each.gizmo_id, day_of(start)),
        updated_at=each.last_at,
        day=day_of(start),
        gpt=found.gpt,
        changes=found.changes,
    )


def _ordered(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda each: (-each.updated_at, each.key)))
