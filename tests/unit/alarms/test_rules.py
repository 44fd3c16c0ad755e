"""Every kind: it is raised, it stands while it is found, it is over, and it spares what is well."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.alarms import (
    FOUND,
    KINDS,
    NOTIFICATION,
    Capped,
    Facts,
    GptFacts,
    JobFacts,
    JobRunFacts,
    Likeness,
    Limits,
    Pair,
    PathFacts,
    PlaceFacts,
    RunFacts,
    SchedulerFacts,
    SourceFacts,
    Spent,
    evaluate,
)
from catalog.alarms.page import alarms_page
from catalog.times import DAY, HOUR, MINUTE, from_iso

NOW = from_iso("2026-06-10T09:00:00Z")
GIB = 2**30


def run(**counts: Any) -> RunFacts:
    given: dict[str, Any] = {"status": "finished", "requested": 100, "documents": 100}
    return RunFacts(
        run_id="r1",
        command="harvest --due",
        source="one",
        started_at=NOW - 6 * HOUR,
        **(given | counts),
    )


def source(**more: Any) -> Facts:
    return Facts(sources=(SourceFacts(name="one", **({"run": run()} | more)),))


def gpts(**more: Any) -> Facts:
    return Facts(gpts=GptFacts(**({"by_status": {"listed": 1000}} | more)))


def job(**more: Any) -> Facts:
    given: dict[str, Any] = {"period": DAY, "next_at": NOW + 18 * HOUR}
    return Facts(jobs=(JobFacts(name="refresh", asks=True, **(given | more)),))


def ended(status: str, *unmet: str) -> JobRunFacts:
    return JobRunFacts(started_at=NOW - 6 * HOUR, status=status, message="why", unmet=unmet)


def visits(count: int, days: int, *, moved: bool, first: int = 0, kept: bool = False) -> Any:
    """``count`` GPTs visited daily for some days."""
    start = NOW - 8 * DAY + first * DAY
    return tuple(
        Pair(start + day * DAY, start + (day + 1) * DAY, moved, kept)
        for day in range(days)
        for _ in range(count)
    )


def spent(taken: int, due: int, limit: int | None = 1000) -> Facts:
    return Facts(
        gpts=GptFacts(due=Capped(due)),
        sources=(
            SourceFacts(name="one", spent=(Spent(kind="requests", taken=taken, limit=limit),)),
        ),
    )


def place(free: int, *, writable: bool = True, total: int = 100 * GIB) -> Facts:
    return Facts(
        places=(PlaceFacts(what="folder", free=free, total=total, writable=writable),),
    )


def likeness(compared: int, poorer: int) -> Facts:
    return source(likeness=Likeness(compared=compared, poorer=poorer, example="g-Example00"))


def scheduler(until: int, looked: int) -> Facts:
    facts = SchedulerFacts(owner="host:1:2.0", looked_at=NOW - looked, until=NOW - until)
    return Facts(scheduler=facts, jobs=(JobFacts(name="refresh", period=DAY),))


RAISED: list[tuple[str, Facts]] = [
    ("source_dead", source(run=run(status="failed", reason="the key is refused"))),
    ("source_dead", source(run=run(documents=0, failed=100))),
    ("source_dead", source(run=run(requested=1, documents=0, failed=1))),
    ("source_failing", source(run=run(documents=50, failed=50))),
    ("source_failing", source(run=run(requested=9, documents=4, failed=5))),
    ("source_mismatched", source(run=run(documents=20, mismatched=80))),
    ("source_halved", likeness(40, 8)),
    ("source_halved", likeness(3, 3)),
    ("source_frozen", source(likeness=Likeness(pairs=visits(30, 1, moved=False)))),
    (
        "source_frozen",
        source(
            likeness=Likeness(pairs=visits(30, 5, moved=True) + visits(30, 1, moved=False, first=5))
        ),
    ),
    (
        "source_frozen",
        source(
            likeness=Likeness(
                pairs=visits(30, 5, moved=True) + visits(30, 2, moved=False, first=5, kept=True)
            )
        ),
    ),
    ("mass_missing", source(run=run(documents=70, not_found=30, held=30))),
    ("mass_missing", source(run=run(documents=70, not_found=30, held=1))),
    ("quiet", gpts(due=Capped(1), last_asked_at=NOW - 48 * HOUR - 1)),
    ("stale", gpts(stale=Capped(10), oldest_confirmed_at=NOW - 40 * DAY)),
    ("stale", gpts(by_status={"listed": 3}, stale=Capped(1))),
    ("job_late", job(owed_since=NOW - DAY - 1)),
    ("job_late", job(period=5 * MINUTE, owed_since=NOW - HOUR - 1)),
    ("job_late", job(owed_since=NOW - 2 * DAY - 1, running=True)),
    ("job_late", job(owed_since=NOW - 2 * DAY - 1, waits=("refresh",))),
    ("job_gap", job(missed=2, missed_from=NOW - 3 * DAY, missed_until=NOW)),
    ("job_failing", job(runs=(ended("failed"), ended("lost"), ended("done")))),
    ("job_unmet", job(runs=(ended("done", "documents: 0, where 1 are expected at least"),))),
    ("scheduler", scheduler(until=HOUR + 1, looked=HOUR + 5 * MINUTE)),
    ("budget", spent(taken=1000, due=2001)),
    ("disk", place(free=GIB - 1)),
    ("folder", place(free=50 * GIB, writable=False)),
    ("unsettled", Facts(unsettled=Capped(5), written_at=NOW - 6 * HOUR - 1)),
    ("leases", Facts(expired=3, expired_since=NOW - HOUR - 1)),
    ("leases", job(lease_until=NOW - HOUR - 1)),
    ("run_open", Facts(open_runs=(run(status="open"),))),
    ("drift", Facts(drift=(PathFacts(path="gizmo.new", source="one", kind="appeared", at=NOW),))),
    ("unmapped", Facts(unmapped=(PathFacts(path="gizmo.new", at=NOW - 7 * DAY),))),
]

CALM: list[tuple[str, Facts]] = [
    ("an empty catalog", Facts()),
    ("a source that was never asked", source(run=None)),
    ("a source that answers all", source()),
    ("a few of many failed", source(run=run(documents=60, failed=40))),
    ("few failed of few", source(run=run(requested=3, documents=1, failed=2))),
    ("all are not found, but few", source(run=run(requested=5, documents=0, not_found=5))),
    ("many are not found, and none was ever known", source(run=run(documents=70, not_found=30))),
    ("a fifth is not found", source(run=run(documents=80, not_found=20))),
    ("nothing was asked of a run", source(run=run(documents=0, left=100, status="stopped"))),
    ("a few poorer documents", likeness(40, 7)),
    ("few poorer documents, and all", likeness(2, 2)),
    ("documents move", source(likeness=Likeness(pairs=visits(30, 7, moved=True)))),
    ("a quiet day", source(likeness=Likeness(pairs=visits(5, 1, moved=False)))),
    (
        "documents that rarely move, and none does for two days",
        source(
            likeness=Likeness(
                pairs=visits(1, 5, moved=True)
                + visits(20, 5, moved=False)
                + visits(21, 2, moved=False, first=5)
            )
        ),
    ),
    (
        "a cache that was filled a day ago",
        source(
            likeness=Likeness(
                pairs=visits(30, 6, moved=True) + visits(30, 1, moved=False, first=6, kept=True)
            )
        ),
    ),
    ("due, and asked a while ago", gpts(due=Capped(1), last_asked_at=NOW - 48 * HOUR)),
    ("nothing is due", gpts(last_asked_at=NOW - 90 * DAY)),
    ("due, and never anybody to ask", gpts(due=Capped(9))),
    ("one stale of many", gpts(stale=Capped(9))),
    ("a job that is owed for a period", job(owed_since=NOW - DAY)),
    ("a job that is owed and runs", job(owed_since=NOW - 2 * DAY, running=True)),
    ("a job that is owed and comes next", job(owed_since=NOW - 2 * DAY, waits=("refresh",))),
    ("a job that runs by hand", job(period=None, owed_since=None)),
    ("a frequent job that waits", job(period=5 * MINUTE, owed_since=NOW - HOUR)),
    ("a frequent job that left out some", job(missed=1, missed_from=NOW - 600, missed_until=NOW)),
    ("a job that failed once", job(runs=(ended("failed"), ended("done")))),
    ("a job that was stopped twice", job(runs=(ended("stopped"), ended("stopped")))),
    ("a job that brought less before", job(runs=(ended("done"), ended("done", "too few")))),
    ("a scheduler that is there", scheduler(until=-5 * MINUTE, looked=0)),
    ("a scheduler that restarts", scheduler(until=HOUR, looked=HOUR + 5 * MINUTE)),
    ("a scheduler that was told to stop", scheduler(until=9 * DAY, looked=9 * DAY)),
    ("a budget that is used up as planned", spent(taken=1000, due=2000)),
    ("a budget with something left", spent(taken=999, due=100_000)),
    ("a budget without limit", spent(taken=10**6, due=100_000, limit=None)),
    ("a large disk with little in percent", place(free=GIB, total=1000 * GIB)),
    ("a small disk with much in percent", place(free=GIB // 2, total=GIB)),
    ("unsettled while somebody writes", Facts(unsettled=Capped(5), written_at=NOW - 6 * HOUR)),
    ("leases that just ended", Facts(expired=3, expired_since=NOW - HOUR)),
    (
        "drift of long ago",
        Facts(
            drift=(PathFacts(path="a", source="one", kind="vanished", at=NOW - 14 * DAY - 1),),
            unmapped=(PathFacts(path="a", at=NOW - 7 * DAY - 1),),
        ),
    ),
]


@pytest.mark.parametrize(("kind", "facts"), RAISED, ids=lambda each: getattr(each, "name", each))
def test_an_alarm_is_raised_and_found_again_as_long_as_it_is_the_case(
    kind: str, facts: Facts
) -> None:
    (alarm,) = evaluate(facts, NOW, Limits())
    assert (alarm.kind, alarm.severity) == (kind, KINDS[kind].severity)
    assert alarm.message
    assert evaluate(facts, NOW, Limits()) == [alarm]


@pytest.mark.parametrize(("what", "facts"), CALM, ids=[what for what, _ in CALM])
def test_no_alarm_where_there_is(what: str, facts: Facts) -> None:
    assert evaluate(facts, NOW, Limits()) == [], what


def test_every_kind_is_raised_by_one_of_these_tests() -> None:
    assert {kind for kind, _ in RAISED} == set(KINDS) - {NOTIFICATION} == set(FOUND)


def test_quiet_goes_by_the_schedule_where_there_is_one() -> None:
    weekly = job(period=7 * DAY, next_at=NOW + DAY).jobs
    due: dict[str, Any] = {"due": Capped(1), "by_status": {"listed": 5}}
    for days, kinds in ((10, []), (11, ["quiet"])):
        facts = Facts(gpts=GptFacts(**due, last_asked_at=NOW - days * DAY), jobs=weekly)
        assert [each.kind for each in evaluate(facts, NOW, Limits())] == kinds


def test_nobody_is_quiet_or_stale_where_nobody_can_be_asked() -> None:
    facts = gpts(due=Capped(9), stale=Capped(900), last_asked_at=NOW - 90 * DAY)
    assert evaluate(facts, NOW, Limits(asks=False)) == []


def test_a_budget_that_another_source_can_help_out_is_none_to_tell() -> None:
    used = spent(taken=1000, due=10_000).sources
    other = SourceFacts(name="two", spent=(Spent(kind="requests", taken=3, limit=None),))
    facts = Facts(gpts=GptFacts(due=Capped(10_000)), sources=(*used, other))
    assert evaluate(facts, NOW, Limits()) == []


def test_a_freeze_is_seen_among_gpts_that_are_visited_seldom() -> None:
    """What was last visited before the freeze differs from then; what is visited daily does not."""
    start = NOW - 8 * DAY
    seldom = tuple(Pair(start, NOW - day * DAY, moved=True) for day in range(3) for _ in range(50))
    daily = visits(15, 5, moved=True) + visits(15, 2, moved=False, first=6)
    facts = source(likeness=Likeness(pairs=seldom + daily))
    (alarm,) = evaluate(facts, NOW, Limits())
    assert alarm.kind == "source_frozen"
    assert "2026-06-08T09:00:00Z" in alarm.message


def test_alarms_come_before_warnings() -> None:
    facts = Facts(
        expired=1,
        expired_since=NOW - DAY,
        sources=(SourceFacts(name="one", run=run(status="failed")),),
    )
    assert [each.severity for each in evaluate(facts, NOW, Limits())] == ["alarm", "warning"]


def test_the_page_has_every_kind() -> None:
    page = alarms_page()
    for kind in KINDS.values():
        assert f"### `{kind.name}`" in page
        assert kind.todo in page
