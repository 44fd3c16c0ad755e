"""The rules: facts, a moment and the limits in, alarms out. Pure.

Each rule says what is the case now, and knows nothing of what was raised before: a standing alarm
is one that is found again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from catalog.alarms import kinds as k
from catalog.alarms.likeness import frozen_since
from catalog.records import Alarm
from catalog.times import DAY, HOUR, MINUTE, Micros, to_iso

if TYPE_CHECKING:
    from catalog.alarms.facts import Facts, JobFacts, RunFacts, SourceFacts, Spent

ALL_OF_LEAST = 3
"""Fewer documents than these say nothing of a source even if all of them are poorer."""
_BAD_ENDS = frozenset({"failed", "lost"})
_SAID = {
    "appeared": "the first document that has it is of",
    "vanished": "the last document that had it is of",
    "type": "the first document with this type is of",
}
"""What the time of a drift is, by its kind."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What of the settings the rules go by.

    Attributes:
        ceiling: no listed GPT is to be unconfirmed for longer.
        asks: whether there is a source that can be asked.
    """

    ceiling: Micros = 30 * DAY
    asks: bool = True


def evaluate(facts: Facts, now: Micros, limits: Limits) -> list[Alarm]:
    """What somebody should look at: alarms first, then warnings, each in the order of the kinds.

    Args:
        facts: what is the case.
        now: the present moment.
        limits: what of the settings the rules go by.
    """
    found = [
        *_sources(facts.sources),
        *_gpts(facts, now, limits),
        *(alarm for job in facts.jobs for alarm in _job(job, now)),
        *_scheduler(facts, now),
        *_budgets(facts, limits),
        *_places(facts),
        *_unfinished(facts, now),
        *_paths(facts, now),
    ]
    order = {name: place for place, name in enumerate(k.KINDS)}
    return sorted(
        found, key=lambda each: (each.severity != "alarm", order[each.kind], each.subject)
    )


def make_alarm(kind: str, subject: str, message: str) -> Alarm:
    """An alarm of a kind, as severe as its kind is."""
    return Alarm(kind=kind, subject=subject, severity=k.KINDS[kind].severity, message=message)


def span(length: Micros) -> str:
    """A time span in one unit, rounded down: ``3 d``, ``7 h``, ``5 min``."""
    for unit, word in ((DAY, "d"), (HOUR, "h")):
        if length >= 2 * unit:
            return f"{length // unit:,} {word}"
    return f"{max(0, length) // MINUTE} min"


def _moment(at: Micros) -> str:
    return to_iso(at // MINUTE * MINUTE)


def _sources(sources: Iterable[SourceFacts]) -> Iterator[Alarm]:
    for source in sources:
        if source.run is not None:
            yield from _answers(source.name, source.run)
        yield from _same(source)
        yield from _poorer(source)


def _answers(name: str, run: RunFacts) -> Iterator[Alarm]:
    """What a run tells of whether its source answers at all."""
    check = f"run gpts-catalog sources check {name}"
    if run.status == "failed":
        why = run.reason or "it ended the run"
        # What stopped the run may have said already what to do.
        todo = "" if f"sources check {name}" in why else f"; {check}"
        yield make_alarm("source_dead", name, f"its last run stopped: {why}{todo}")
    elif run.failed and run.failed == run.asked:
        yield make_alarm(
            "source_dead",
            name,
            f"{run.failed:,} of {run.asked:,} ids asked last ended in no fact: {check}",
        )
    elif run.failed >= max(k.DEAD_LEAST, k.FAILING_SHARE * run.asked):
        yield make_alarm(
            "source_failing",
            name,
            f"{run.failed:,} of {run.asked:,} ids asked last ended in no fact: {check}",
        )
    if run.mismatched >= max(k.DEAD_LEAST, k.FAILING_SHARE * run.asked):
        yield make_alarm(
            "source_mismatched",
            name,
            f"{run.mismatched:,} of {run.asked:,} ids asked last were answered with another"
            " GPT's document; they are filed under the ids they carry",
        )
    answers = run.documents + run.not_found
    # Ids that never were GPTs could not be marked; and a run that is not over marks none.
    if run.held and run.not_found > max(k.MISSING_LEAST, k.MISSING_SHARE * answers):
        yield make_alarm(
            "mass_missing",
            name,
            f"run {run.run_id} was told of {run.not_found:,} of {answers:,} ids that they are not"
            f" there, {run.held:,} of them GPTs with a document: so many at once are held back, and"
            " no GPT is marked as missing by them",
        )


def _same(source: SourceFacts) -> Iterator[Alarm]:
    since = frozen_since(source.likeness.pairs)
    if since is not None:
        pairs = [pair for pair in source.likeness.pairs if pair.before_at >= since]
        yield make_alarm(
            "source_frozen",
            source.name,
            f"it answers the same since {_moment(since)}: of {len(pairs):,} documents asked for"
            " again not one differs in any byte, counters included",
        )


def _poorer(source: SourceFacts) -> Iterator[Alarm]:
    like = source.likeness
    whole = like.compared == like.poorer >= ALL_OF_LEAST
    if whole or like.poorer >= max(k.POORER_LEAST, k.POORER_SHARE * like.compared):
        yield make_alarm(
            "source_halved",
            source.name,
            f"{like.poorer:,} of {like.compared:,} documents of its last run lack much of what"
            f" they held before; for example gpts-catalog show {like.example} --raw",
        )


def _gpts(facts: Facts, now: Micros, limits: Limits) -> Iterator[Alarm]:
    gpts = facts.gpts
    periods = [job.period for job in facts.jobs if job.asks and job.period is not None]
    quiet = int(k.QUIET_PERIODS * max(periods)) if periods else k.QUIET
    last = gpts.last_asked_at
    if limits.asks and gpts.due.number and last is not None and now - last > quiet:
        yield make_alarm(
            "quiet",
            "",
            f"{gpts.due} ids are due and nothing was harvested since {_moment(last)}:"
            " run gpts-catalog harvest --due",
        )
    listed = gpts.by_status.get("listed", 0)
    if limits.asks and gpts.stale.number >= max(1, k.STALE_SHARE * listed):
        oldest = gpts.oldest_confirmed_at
        worst = "" if oldest is None else f", the worst since {_moment(oldest)}"
        share = min(1.0, gpts.stale.number / listed) if listed else 1.0
        yield make_alarm(
            "stale",
            "",
            f"{gpts.stale} of {listed:,} listed GPTs ({share:.0%}) were not confirmed for longer"
            f" than {span(limits.ceiling)}{worst}: gpts-catalog plan says what the budget buys",
        )


def _job(job: JobFacts, now: Micros) -> Iterator[Alarm]:
    if job.period is not None and job.owed_since is not None:
        late = now - job.owed_since
        most = max(k.LATE_LEAST, k.LATE_PERIODS * job.period)
        if job.running:
            todo = (
                "its last run is still under way: see what holds it, and end its process if need be"
            )
        elif job.waits:
            todo = f"it waits for {', '.join(job.waits)}, still under way: see what holds that"
        else:
            todo = f"start gpts-catalog schedule, or run gpts-catalog jobs run {job.name} --if-owed"
        # One that runs may need its time, and so may what it comes after; but not for ever.
        if late > most * (k.HANGING if job.running or job.waits else 1):
            yield make_alarm(
                "job_late",
                job.name,
                f"it should have run at {_moment(job.owed_since)} and did not: {todo}",
            )
    if job.missed and job.missed_from is not None and job.missed_until is not None:
        length = job.missed_until - job.missed_from
        if length > k.LATE_LEAST:
            slots = "1 slot" if job.missed == 1 else f"{job.missed:,} slots"
            yield make_alarm(
                "job_gap",
                job.name,
                f"it left out {slots} between {_moment(job.missed_from)} and"
                f" {_moment(job.missed_until)}, and has caught up",
            )
    latest = job.runs[: k.FAILED_RUNS]
    if len(latest) == k.FAILED_RUNS and all(run.status in _BAD_ENDS for run in latest):
        said = f": {latest[0].message}" if latest[0].message else ""
        yield make_alarm("job_failing", job.name, f"its last {len(latest)} runs failed{said}")
    if job.runs and job.runs[0].unmet:
        yield make_alarm("job_unmet", job.name, "; ".join(job.runs[0].unmet))


def _scheduler(facts: Facts, now: Micros) -> Iterator[Alarm]:
    last = facts.scheduler
    if last is None or last.until <= last.looked_at or not any(job.period for job in facts.jobs):
        return
    if now - last.until > k.DEAD_SCHEDULER:
        yield make_alarm(
            "scheduler",
            "",
            f"{last.owner} looked last at {_moment(last.looked_at)}, and did not say that it ends:"
            " start gpts-catalog schedule again",
        )


def _budgets(facts: Facts, limits: Limits) -> Iterator[Alarm]:
    """Only if no source has anything left: where one has, it is asked in place of the other."""
    due = facts.gpts.due
    taken: list[tuple[str, Spent]] = [
        (source.name, spent)
        for source in facts.sources
        for spent in source.spent
        if spent.kind == "requests"
    ]
    if not limits.asks or not taken or any(spent.left != 0 for _, spent in taken):
        return
    whole = sum(spent.limit or 0 for _, spent in taken)
    if due.number > k.BUDGET_DAYS * whole:
        names = ", ".join(name for name, _ in taken)
        yield make_alarm(
            "budget",
            names,
            f"today's {whole:,} requests are used up and {due} ids are due:"
            " gpts-catalog plan says what more would buy",
        )


def _places(facts: Facts) -> Iterator[Alarm]:
    for place in facts.places:
        if not place.writable:
            yield make_alarm("folder", place.what, "it cannot be written")
        if place.free < min(k.DISK_BYTES, k.DISK_SHARE * place.total):
            yield make_alarm(
                "disk",
                place.what,
                f"{place.free / k.GIB:.2f} GiB of {place.total / k.GIB:.0f} GiB are free",
            )


def _unfinished(facts: Facts, now: Micros) -> Iterator[Alarm]:
    for run in facts.open_runs:
        yield make_alarm(
            "run_open",
            run.run_id,
            f"{run.command} began at {_moment(run.started_at)} and never ended: the next harvest"
            " closes it",
        )
    if facts.unsettled.number and facts.written_at is not None:
        waiting = now - facts.written_at
        if waiting > k.UNSETTLED:
            yield make_alarm(
                "unsettled",
                "",
                f"{facts.unsettled} entries wait to be aggregated for {span(waiting)}:"
                " the next harvest does it",
            )
    since = facts.expired_since
    if facts.expired and since is not None and now - since > k.EXPIRED:
        yield make_alarm(
            "leases",
            "",
            f"{facts.expired:,} ids are held by workers that are gone since {_moment(since)}:"
            " the next harvest frees them",
        )
    for job in facts.jobs:
        if job.lease_until is not None and now - job.lease_until > k.EXPIRED:
            yield make_alarm(
                "leases",
                job.name,
                f"the job {job.name} is held since {_moment(job.lease_until)} by a process that is"
                " gone: the next look of the scheduler frees it",
            )


def _paths(facts: Facts, now: Micros) -> Iterator[Alarm]:
    for each in facts.drift:
        if now - each.at <= k.DRIFT_STANDS:
            yield make_alarm(
                "drift",
                f"{each.source} {each.path} {each.kind}",
                f"{_SAID[each.kind]} {_moment(each.at)}; the archive keeps every document",
            )
    for each in facts.unmapped:
        if now - each.at <= k.UNMAPPED_STANDS:
            yield make_alarm(
                "unmapped",
                each.path,
                f"said since {_moment(each.at)}, and without a place in the tables; the archive"
                " keeps it",
            )
