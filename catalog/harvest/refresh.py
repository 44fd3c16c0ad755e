"""The work of the job ``refresh``: ask for what is due, at one source after the other.

The preferred source is asked first. What it could not answer, or was not asked for as its budget or
its key gave out, goes to the next. A share of what it did answer is asked at another source too, so
that it is seen whether they agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from catalog.harvest.asking import askable, harvest
from catalog.harvest.planning import Planner, floor_of, terms_of_day, visits_left
from catalog.harvest.repricing import reprice
from catalog.query.failures import Reason, reasons
from catalog.query.outlook import HELD_BACK
from catalog.records import Verdict
from catalog.storage import frontier, runs
from catalog.storage.engine import read, write
from catalog.storage.owners import is_alive
from catalog.times import day_of
from catalog.working import JobContext, JobResult

if TYPE_CHECKING:
    from catalog.harvest.totals import Harvested
    from catalog.settings import SourceSettings
    from catalog.storage.engine import Engine
    from catalog.times import Micros

COMMAND = "harvest --due"
SECOND = "second opinion"
"""The command of runs that ask another source for what is known."""
EVERYTHING = 2**31 - 1
"""A limit that is none."""
MOST = 20_000
"""GPTs of one run: what is begun is listed in one transaction, which others wait for."""
SETTLED_BY = frozenset({Verdict.DOCUMENT, Verdict.NOT_FOUND})
"""After these no other source is asked. One that answers with another GPT's document said nothing
of the one that was asked for."""
NOTHING_DUE = "nothing was due"
NOTHING_KNOWN = (
    "no id is known yet: gpts-catalog harvest --refs FILE asks for some, gpts-catalog discover"
    " searches for them"
)
SPENT = "the day's requests are spent"
"""Why nobody was asked."""
_COUNTS = ("documents", "new", "changed", "not_found", "mismatched", "requests")


class Round(msgspec.Struct, frozen=True):
    """What one source was asked, and how that ended.

    Attributes:
        source: who was asked.
        harvested: what it brought.
        reason: the most frequent one for which ids failed, and how many; None: none failed.
    """

    source: str
    harvested: Harvested
    reason: Reason | None = None


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """How a refresh ended.

    Attributes:
        requested: GPTs that were to be asked for.
        failed: of them, those about which no source that was asked said anything.
        left: of them, those that no source was asked for.
        rounds: the sources that were asked, in order.
        opinions: second opinions, likewise.
        refused: whether a source refused, or is down.
    """

    requested: int = 0
    failed: int = 0
    left: int = 0
    rounds: tuple[Round, ...] = ()
    opinions: tuple[Round, ...] = ()
    refused: bool = False

    def __add__(self, other: Refreshed) -> Refreshed:
        return Refreshed(
            requested=self.requested + other.requested,
            failed=self.failed + other.failed,
            left=self.left + other.left,
            rounds=self.rounds + other.rounds,
            opinions=self.opinions + other.opinions,
            refused=self.refused or other.refused,
        )


def refresh(
    context: JobContext,
    engine: Engine,
    sources: Sequence[SourceSettings],
    ids: Sequence[str],
    *,
    command: str = COMMAND,
    settled_by: Collection[Verdict] = SETTLED_BY,
    second_opinion: float = 0.0,
    listed_at: Micros | None = None,
) -> Refreshed:
    """Ask about some GPTs, each at the first of several sources that says something of it.

    Args:
        context: clock, secrets, and whether to stop.
        engine: the catalog, opened for durable writing.
        sources: whom to ask, the preferred first.
        ids: the GPTs.
        command: what is run, as runs are compared by (rule 13).
        settled_by: the verdicts after which no other source is asked.
        second_opinion: the share of the answered GPTs that another source is asked about too.
        listed_at: when they were found to be due.
    """
    rounds: list[Round] = []
    opinions: list[Round] = []
    left, asked = list(ids), set[str]()
    answered_by: dict[str, list[str]] = {}
    for source in sources:
        if not left or context.stopping.is_set():
            break
        ended = harvest(
            context,
            engine,
            source,
            left,
            command,
            whatever_is_due=command == COMMAND,
            # The sources after the first are asked for what was asked since.
            listed_at=None if rounds else listed_at,
        )
        with read(engine) as conn:
            worst = reasons(conn, ended.totals.run, 1) if ended.totals.failed else ()
            settled = runs.known_ids(conn, ended.totals.run, settled_by)
            asked |= runs.done_ids(conn, ended.totals.run)
            # Who was to be forgotten meanwhile is nobody's to be asked for any more.
            known = frontier.asked_before(conn, left)
        rounds.append(Round(source.name, ended, next(iter(worst), None)))
        answered_by[source.name] = [each for each in left if each in settled]
        left = [each for each in left if each in known and each not in settled]
        if left and not context.stopping.is_set() and source is not sources[-1]:
            why = f": {ended.stop.words}" if ended.stop else ""
            context.out(f"{source.name} leaves {len(left):,} GPTs unanswered{why}")
    day = day_of(context.clock.now())
    for first, second in pairwise(sources):
        chosen = chosen_share(answered_by.get(first.name, ()), second_opinion, day)
        if chosen and not context.stopping.is_set():
            opinions.append(Round(second.name, harvest(context, engine, second, chosen, SECOND)))
    failed = sum(each in asked for each in left)
    stops = [each.harvested.stop for each in rounds]
    return Refreshed(
        requested=len(ids),
        failed=failed,
        left=len(left) - failed,
        rounds=tuple(rounds),
        opinions=tuple(opinions),
        refused=any(stop is not None and stop.kind == "refused" for stop in stops),
    )


def chosen_share(ids: Sequence[str], share: float, day: str) -> list[str]:
    """A share of ``ids``: others every day, and the same ones for whoever asks.

    Args:
        ids: to choose from.
        share: 0 to 1.
        day: the UTC day.
    """
    limit = round(share * 2**64)
    return [
        each
        for each in ids
        if int.from_bytes(hashlib.sha256(f"{day} {each}".encode()).digest()[:8], "big") < limit
    ]


def work(context: JobContext) -> JobResult:
    """Ask for what is due, as far as the day's requests go."""
    limit = int(context.options.get("limit") or EVERYTHING)
    share = float(context.options.get("second_opinion") or 0.0)
    sources = askable(context.settings, context.sources)
    done = Refreshed()
    why_none = NOTHING_DUE
    with context.catalog(read_only=False) as engine:
        now = context.clock.now()
        terms = terms_of_day(engine, context.settings, now)
        with read(engine) as conn:
            was_ahead = frontier.was_ahead(conn, now)
            left = visits_left(conn, context.settings, now, held_back=HELD_BACK)
            if frontier.is_empty(conn):
                why_none = NOTHING_KNOWN
        moved = reprice(engine, Planner(terms, context.rng), context.stopping)
        if moved:
            context.out(f"{moved:,} GPTs are planned anew: the settings for it were changed")
        with write(engine) as conn:
            # What a process holds that is gone is due as well.
            frontier.reap(conn, is_alive)
            if was_ahead:
                frontier.recall(conn, now)
        if left is not None:
            limit = min(limit, left)
            if limit <= 0:
                why_none = SPENT
        while limit > done.requested and not context.stopping.is_set():
            part = min(MOST, limit - done.requested)
            listed_at = context.clock.now()
            with read(engine) as conn:
                ids = frontier.due(conn, now, part)
                if left is not None and len(ids) < part:
                    # What is not spent today is lost: the soonest due are asked early.
                    room = part - len(ids)
                    ids += frontier.soonest(conn, now, floor_of(terms), room)
            if not ids:
                break
            some = refresh(context, engine, sources, ids, second_opinion=share, listed_at=listed_at)
            done += some
            if some.left:
                break
    return result_of(done, why_none, stopped=context.stopping.is_set())


def troubles(rounds: Sequence[Round]) -> Iterator[str]:
    """Why sources did not answer all that they were asked for: a text each that did not.

    Args:
        rounds: who was asked, and how that ended.
    """
    for source in dict.fromkeys(each.source for each in rounds):
        mine = [each for each in rounds if each.source == source]
        stops = dict.fromkeys(stop for each in mine if (stop := each.harvested.stop))
        told = [stop.words for stop in stops]
        failed = [each.reason for each in mine if each.reason]
        # Who refused has said why already.
        if failed and not any(stop.kind == "refused" for stop in stops):
            worst = max(failed, key=lambda each: each.count)
            alike = (worst.verdict, worst.status)
            count = sum(each.count for each in failed if (each.verdict, each.status) == alike)
            told.insert(0, f"{count:,} times {worst.words}")
        mismatched = sum(each.harvested.brought["mismatched"] for each in mine)
        if mismatched:
            told.append(f"{mismatched:,} times with the document of another GPT")
        if told:
            yield f"{source}: {', '.join(told)}"


def result_of(done: Refreshed, why_none: str, *, stopped: bool) -> JobResult:
    """What the scheduler is told of a refresh.

    What the budget left undone is no failure of the job: the alarm ``budget`` tells of it.

    Args:
        done: how it ended.
        why_none: why nobody was asked, where that is so.
        stopped: whether it was told to stop.
    """
    # Of a run that was resumed the totals are those of others too.
    numbers: dict[str, int | float] = {
        name: sum(each.harvested.brought[name] for each in done.rounds) for name in _COUNTS
    }
    numbers |= {
        "requested": done.requested,
        "asked": done.requested - done.left,
        "answered": done.requested - done.left - done.failed,
        "failed": done.failed,
        "left": done.left,
        "second_opinions": sum(each.harvested.brought["documents"] for each in done.opinions),
    }
    numbers["requests"] += sum(each.harvested.brought["requests"] for each in done.opinions)
    asked = done.requested - done.left
    told = f"{asked:,} asked, {numbers['changed']:,} changed, {numbers['new']:,} new"
    if done.failed:
        told += f", {done.failed:,} without an answer"
    if done.left:
        told += f", {done.left:,} not asked"
    if stopped:
        return JobResult(numbers=numbers, status="stopped", message=told)
    nothing = done.requested and done.failed == asked and (asked or done.refused)
    return JobResult(
        numbers=numbers,
        status="failed"
        if nothing
        else "partly"
        if done.failed or (done.refused and done.left)
        else "done",
        message="; ".join([told, *troubles(done.rounds)]) if done.requested else why_none,
        # Where another source answered in its place, nobody has to do anything now.
        refused=done.refused and bool(done.failed or done.left),
    )
