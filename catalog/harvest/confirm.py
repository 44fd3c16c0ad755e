"""The work of the job ``confirm``: ask again for GPTs that were reported missing.

It takes two not-founds that count, on two UTC days, to call a GPT gone (rule 6). This job asks on
the later day, first the source that said so, then the others: a source that still knows the GPT
ends the matter. After that the planner's own pauses grow: what is gone is asked ever more rarely.

A run in which more than a fifth of the answers are not-founds counts none of them, for a source
that lost its data looks like that. So GPTs that are known to be there are asked beside.
"""

from __future__ import annotations

import msgspec

from catalog.harvest.asking import askable, opened
from catalog.harvest.planning import floor_of, terms_of_day, visits_left
from catalog.harvest.refresh import EVERYTHING, refresh, result_of
from catalog.records import Verdict
from catalog.storage.absent import companions, to_confirm
from catalog.storage.engine import read
from catalog.working import JobContext, JobResult

COMMAND = "confirm"
ALONE = 5
"""So many not-founds count whatever their share (rule 6)."""
COMPANIONS = 5
"""GPTs asked beside for each that is to be confirmed: a few of them may be gone themselves."""


def work(context: JobContext) -> JobResult:
    """Ask for what was reported missing on an earlier day, as far as the day's requests go."""
    limit = int(context.options.get("limit") or EVERYTHING)
    now = context.clock.now()
    sources = askable(context.settings, context.sources)
    with opened(context) as engine:
        floor = floor_of(terms_of_day(engine, context.settings, now))
        with read(engine) as conn:
            left = visits_left(conn, context.settings, now)
            if left is not None:
                limit = min(limit, max(min(left, ALONE), left // (1 + COMPANIONS)))
            ids = to_confirm(conn, now, limit)
            beside = (
                companions(conn, set(ids), COMPANIONS * len(ids), asked_by=now - floor)
                if len(ids) > ALONE
                else []
            )
        done = refresh(
            context,
            engine,
            sources,
            [*ids, *beside],
            command=COMMAND,
            settled_by=(Verdict.DOCUMENT,),
        )
    # "No such GPT", said once more by all sources, is what was asked for: no failure.
    absent = sum(each.harvested.totals.not_found for each in done.rounds)
    told = msgspec.structs.replace(done, failed=max(0, done.failed - absent))
    return result_of(told, stopped=context.stopping.is_set())
