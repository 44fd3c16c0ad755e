"""The work of the job ``confirm``: ask again for GPTs that were reported missing.

It takes two not-founds that count, on two UTC days, to call a GPT gone (rule 6). This job asks on
the later day, first the other sources, then the one that said so: a source that still knows the GPT
ends the matter, before it is called gone for a moment. After that the planner's own pauses grow:
what is gone is asked ever more rarely.

A run in which more than a fifth of the answers are not-founds counts none of them, for a source
that lost its data looks like that. So GPTs that are known to be there are asked beside, at the
source whose word is to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from catalog.harvest.asking import askable
from catalog.harvest.planning import floor_of, terms_of_day, visits_left
from catalog.harvest.refresh import (
    EVERYTHING,
    SETTLED_BY,
    SPENT,
    Refreshed,
    refresh,
    result_of,
)
from catalog.records import Verdict
from catalog.storage import runs
from catalog.storage.absent import Denied, companions, shown_since, to_confirm, who_denied
from catalog.storage.engine import read
from catalog.working import JobContext, JobResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.settings import SourceSettings
    from catalog.storage.engine import Engine
    from catalog.times import Micros

COMMAND = "confirm"
NOTHING_MISSING = "no GPT is missing that is to be asked for again by now"
"""Why nobody was asked."""
ALONE = 5
"""So many not-founds count whatever their share (rule 6)."""
COMPANIONS = 5
"""GPTs asked beside for each that is to be confirmed: a few of them may be gone themselves."""


def work(context: JobContext) -> JobResult:
    """Ask for what was reported missing on an earlier day, as far as the day's requests go."""
    limit = int(context.options.get("limit") or EVERYTHING)
    now = context.clock.now()
    sources = askable(context.settings, context.sources)
    with context.catalog(read_only=False) as engine:
        floor = floor_of(terms_of_day(engine, context.settings, now))
        with read(engine) as conn:
            left = visits_left(conn, context.settings, now)
            if left is not None:
                limit = min(limit, max(min(left, ALONE), left // (1 + COMPANIONS)))
            ids = to_confirm(conn, now, limit)
            denied = who_denied(conn, ids)
        done = Refreshed()
        for last in sources:
            # Where it is not known, or not asked any more, it was the preferred one.
            mine = {
                each: denied[each].at if each in denied else now
                for each in ids
                if _denier(denied.get(each), sources) is last
            }
            if mine and not context.stopping.is_set():
                done += _confirmed(context, engine, sources, last, mine, asked_by=now - floor)
    why_none = NOTHING_MISSING if limit > 0 else SPENT
    return result_of(done, why_none, stopped=context.stopping.is_set())


def _denier(denied: Denied | None, sources: Sequence[SourceSettings]) -> SourceSettings:
    named = (each for each in sources if denied is not None and each.name == denied.source)
    return next(named, sources[0])


def _confirmed(
    context: JobContext,
    engine: Engine,
    sources: Sequence[SourceSettings],
    last: SourceSettings,
    ids: Mapping[str, Micros],
    *,
    asked_by: Micros,
) -> Refreshed:
    """Ask about GPTs that one source denies: the others, then that one.

    Args:
        context: clock, secrets, and whether to stop.
        engine: the catalog.
        sources: all that can be asked.
        last: the one that denies them.
        ids: the GPTs, with the moments at which it did.
        asked_by: not those beside that were asked later.
    """
    others = [each for each in sources if each is not last]

    def ask(whom: Sequence[SourceSettings], what: Sequence[str]) -> Refreshed:
        return refresh(context, engine, whom, what, command=COMMAND, settled_by=(Verdict.DOCUMENT,))

    first = ask(others, list(ids)) if others else Refreshed()
    with read(engine) as conn:
        shown = shown_since(conn, ids)
        left = [each for each in ids if each not in shown]
        count = COMPANIONS * len(left) if len(left) > ALONE else 0
        beside = companions(conn, ids.keys(), count, source=last.name, asked_by=asked_by)
    second = ask([last], [*left, *beside]) if left else Refreshed()
    both = first + second
    wanted = {*ids, *beside}
    with read(engine) as conn:
        ran = [each.harvested.totals.run for each in both.rounds]
        asked = wanted & set().union(*(runs.done_ids(conn, run) for run in ran))
        # "No such GPT", said once more, is what was asked for: no failure.
        settled = wanted & set().union(*(runs.known_ids(conn, run, SETTLED_BY) for run in ran))
    return msgspec.structs.replace(
        both,
        requested=len(wanted),
        failed=len(asked - settled),
        left=len(wanted - asked),
    )
