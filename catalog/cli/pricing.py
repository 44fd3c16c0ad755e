"""What a harvest would cost, before anybody is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from catalog.cli.context import App
from catalog.cli.text import count, duration, money, number
from catalog.dialects import get_dialect
from catalog.errors import NotFound
from catalog.settings import SourceSettings
from catalog.storage.engine import read
from catalog.storage.runs import RunKey, known_ids, resumable_run
from catalog.storage.sources import BudgetKind, reserved, source_ids
from catalog.storage.tombstones import forgotten_among
from catalog.times import day_of

if TYPE_CHECKING:
    from catalog.storage.engine import Engine


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a harvest would cost, if every question is answered at once.

    Attributes:
        dry_run: always true: nobody was asked.
        source: who would be asked.
        requested: ids; of an unfinished equal run those that are left of it.
        resumed: ids that the run which would be resumed knows about already.
        requests: requests; repeats come on top, up to ``max_attempts`` for an id.
        seconds: at the source's rate.
        budget_left: requests left of the day's budget, if there is one.
        cost: requests times price, if there is one.
        left: ids that the day's budget does not reach.
    """

    dry_run: bool = True
    source: str
    requested: int
    resumed: int = 0
    requests: int
    seconds: float
    budget_left: int | None
    cost: float | None
    left: int


def price(
    app: App, engine: Engine, source: SourceSettings, ids: Sequence[str], resumed: int = 0
) -> Price:
    """What asking for ids would cost.

    Args:
        app: the command.
        engine: the catalog.
        source: who would be asked.
        ids: the ids.
        resumed: how many of them would not be asked for again.
    """
    size = max(1, get_dialect(source).batch_size)
    asked = len(ids) - resumed
    requests = math.ceil(asked / size)
    budget = budget_left(app, engine, source, source.requests_per_day)
    return Price(
        source=source.name,
        requested=asked,
        resumed=resumed,
        requests=requests,
        seconds=round(requests / source.requests_per_second, 1),
        budget_left=budget,
        cost=None
        if source.price_per_request is None
        else round(requests * source.price_per_request, 6),
        left=0 if budget is None else max(0, asked - budget * size),
    )


def print_price(
    app: App, engine: Engine, source: SourceSettings, ids: Sequence[str], *, due: bool
) -> None:
    """Say what a harvest would cost.

    Args:
        app: the command.
        engine: the catalog.
        source: who would be asked.
        ids: the ids.
        due: they are what is due: nothing of it is known to a run that would be resumed.
    """
    run, known = (None, 0) if due else _resumable(app, engine, source, ids)
    with read(engine) as conn:
        gone = forgotten_among(conn, ids)
    if gone:
        app.out.note(f"left out: {count(len(gone), 'GPT')} that this catalog was told to forget")
    found = price(app, engine, source, [each for each in ids if each not in gone], known)
    out = app.out
    if run is not None:
        out.line(f"would go on with run {run}, which knows about {count(known, 'id')} already")
    out.line(
        f"would ask {found.source} for {count(found.requested, 'GPT')}:"
        f" {count(found.requests, 'request')} and what has to be repeated,"
        f" {duration(found.seconds)} at {source.requests_per_second:g} a second"
    )
    if found.cost is not None:
        out.line(f"  cost: {money(found.cost)}, at {source.price_per_request:g} a request")
    if found.budget_left is not None:
        text = f"  budget: {count(found.budget_left, 'request')} left today"
        if found.left:
            text += f", so {number(found.left)} of the ids would be left for another day"
        out.line(text)
    out.line("nobody was asked")
    out.json(msgspec.to_builtins(found))


def _resumable(
    app: App, engine: Engine, source: SourceSettings, ids: Sequence[str]
) -> tuple[str | None, int]:
    """The run that would be resumed, if any, and about how many of the ids it knows."""
    # The harvest is slow to load.
    from catalog.harvest.store import digest_of

    key = RunKey(command="harvest", source=source.name, ids_digest=digest_of(ids))
    with read(engine) as conn:
        run = resumable_run(conn, key, app.clock.now())
        return (None, 0) if run is None else (run.run_id, len(known_ids(conn, run.run_id)))


def budget_left(
    app: App,
    engine: Engine,
    source: SourceSettings,
    per_day: int | None,
    kind: BudgetKind = "requests",
) -> int | None:
    """What is left of a source's day; None where it has no budget.

    Args:
        app: the command.
        engine: the catalog.
        source: the source.
        per_day: its budget of a day.
        kind: of what.
    """
    if per_day is None:
        return None
    with read(engine) as conn:
        try:
            number_of = source_ids(conn, [source.name])[source.name]
        except NotFound:
            return per_day
        taken = reserved(conn, number_of, day_of(app.clock.now()), kind)
    return max(0, per_day - taken)
