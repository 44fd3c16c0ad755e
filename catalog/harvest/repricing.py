"""Prices GPTs again after the settings they are planned by were changed.

A visit prices its own GPT, so that a price which moves a little each day needs nothing else. Where
the budget, the objective, the ceiling or the weights are others than the day before, visits that
were planned by the old ones lie weeks ahead: all are priced again, once, in batches.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from catalog.query.outlook import requests_of_day
from catalog.storage.engine import read, write
from catalog.storage.repricing import (
    Repricing,
    asked_after,
    move_due,
    note_repricing,
    repricing,
)

if TYPE_CHECKING:
    import threading

    from catalog.harvest.planning import Planner
    from catalog.settings import Settings
    from catalog.storage.engine import Connection, Engine

BATCH = 1000
"""Ids a transaction: nobody else waits for it for long."""


def planned_by(settings: Settings) -> str:
    """A name for all that GPTs are planned by, as far as people set it."""
    weighed = {name: settings.watch[name] for name in settings.plan.weights}
    said = (settings.plan, requests_of_day(settings), weighed)
    text = msgspec.json.encode(msgspec.to_builtins(said), order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


def note_terms(conn: Connection, settings: Settings) -> None:
    """Note by what the day is planned; if it is another than before, GPTs are to be priced again.

    Args:
        conn: the writing transaction that settles the day.
        settings: by which.
    """
    by, before = planned_by(settings), repricing(conn)
    if before is None or before.by != by:
        note_repricing(conn, Repricing(by, None if before is None else ""))


def reprice(engine: Engine, planner: Planner, stopping: threading.Event) -> int:
    """Go on with pricing GPTs again, to the end or until told to stop.

    Args:
        engine: the catalog, opened for writing.
        planner: by the terms of the day.
        stopping: ends it after the batch at hand.

    Returns:
        How many visits were moved.
    """
    moved = 0
    with read(engine) as conn:
        done = repricing(conn)
    while done is not None and done.after is not None and not stopping.is_set():
        with write(engine) as conn:
            # Another process may have gone on with it, or the day be settled anew.
            done = repricing(conn)
            if done is None or done.after is None:
                break
            waiting, last = asked_after(conn, done.after, BATCH)
            moved += move_due(conn, planner.again(conn, waiting))
            done = Repricing(done.by, last)
            note_repricing(conn, done)
    return moved
