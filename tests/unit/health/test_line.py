from __future__ import annotations

from typing import Any

import msgspec

from catalog.alarms import (
    Capped,
    Facts,
    GptFacts,
    JobFacts,
    RunFacts,
    SchedulerFacts,
    SourceFacts,
    make_alarm,
)
from catalog.health import Health, headline
from catalog.health.metrics import METRICS, PREFIX, exposition, samples
from catalog.health.page import monitoring_page
from catalog.times import DAY, HOUR, from_iso

NOW = from_iso("2026-06-10T09:00:00Z")
RUN = RunFacts(run_id="r", command="harvest", source="one", started_at=NOW, status="finished")
FACTS = Facts(
    gpts=GptFacts(
        by_status={"gone": 4, "listed": 1230},
        oldest_confirmed_at=NOW - 2 * DAY - HOUR,
        last_asked_at=NOW - 2 * HOUR,
    ),
    sources=(SourceFacts(name="one", last_document_at=NOW, run=RUN),),
    jobs=(
        JobFacts(name="verify", next_at=NOW + 4 * DAY),
        JobFacts(name="refresh", next_at=NOW + 18 * HOUR),
    ),
)


def health(*kinds: str, facts: Facts = FACTS) -> Health:
    alarms = tuple(make_alarm(kind, "one", "why") for kind in kinds)
    return Health(at=NOW, facts=facts, alarms=alarms)


def test_line_of_a_well_catalog_says_how_it_is() -> None:
    assert headline(health()) == (
        "well: 1,230 listed GPTs, all confirmed within 3 d, 4 missing or gone, last asked 2 h ago,"
        " next refresh 03:00 UTC"
    )
    all_listed = FACTS.gpts.by_status | {"gone": 0}
    gpts = msgspec.structs.replace(FACTS.gpts, by_status=all_listed)
    assert headline(health(facts=msgspec.structs.replace(FACTS, gpts=gpts))).startswith(
        "well: 1,230 GPTs, all confirmed within 3 d, last asked"
    )


def test_line_says_what_is_at_work_and_what_was_cut_off() -> None:
    def line(**more: Any) -> str:
        return headline(health(facts=msgspec.structs.replace(FACTS, **more)))

    waiting = Capped(5)
    assert ", harvest is at work, next" in line(at_work=(RUN,), unsettled=waiting)
    assert ", harvest was cut off: give the same command again, next" in line(
        cut_off=(RUN,), unsettled=waiting
    )
    assert (
        ", what came last is not all counted yet: what brings it does it as it ends, next"
        in line(unsettled=waiting)
    )
    assert "cut off" not in line(cut_off=(RUN,))
    ill = health("quiet")
    cut = msgspec.structs.replace(ill.facts, cut_off=(RUN,), unsettled=waiting)
    assert headline(msgspec.structs.replace(ill, facts=cut)) == (
        "1 ALARM: quiet one; harvest was cut off: give the same command again"
    )


def test_line_promises_no_job_where_the_scheduler_is_gone() -> None:
    def line(until: int) -> str:
        last = SchedulerFacts(owner="host:1:2.0", looked_at=NOW - HOUR, until=until)
        return headline(health(facts=msgspec.structs.replace(FACTS, scheduler=last)))

    assert line(NOW + 1).endswith(", last asked 2 h ago, next refresh 03:00 UTC")
    for gone in (NOW - HOUR, NOW):
        assert line(gone).endswith(", last asked 2 h ago, no scheduler is there any more")


def test_line_of_an_empty_catalog_is_short() -> None:
    assert headline(health(facts=Facts())) == "well: 0 GPTs"


def test_line_names_alarms_and_counts_the_rest() -> None:
    assert headline(health("source_dead")) == "1 ALARM: source_dead one"
    many = health("source_dead", "quiet", "stale", "job_late", "drift", "drift")
    assert headline(many) == (
        "4 ALARMS: source_dead one, quiet one, stale one, 1 more (2 warnings)"
    )


def test_warnings_alone_are_well() -> None:
    assert health("drift").is_well
    assert headline(health("drift")).endswith("(1 warning)")
    assert not health("drift", "quiet").is_well


def test_metrics_have_only_declared_names_and_labels() -> None:
    found = list(samples(health("quiet", "drift")))
    assert {name for name, _, _ in found} <= set(METRICS)
    assert all(len(labels) == len(METRICS[name].labels) for name, labels, _ in found)
    assert len({(name, labels) for name, labels, _ in found}) == len(found)


def test_exposition_is_what_prometheus_reads() -> None:
    lines = exposition(health("quiet")).decode().splitlines()
    assert "# TYPE gpts_catalog_well gauge" in lines
    assert "gpts_catalog_well 0.0" in lines
    assert 'gpts_catalog_gpts{status="listed"} 1230.0' in lines
    assert 'gpts_catalog_alarms{kind="quiet",severity="alarm"} 1.0' in lines
    assert 'gpts_catalog_alarms{kind="stale",severity="alarm"} 0.0' in lines
    assert 'gpts_catalog_source_run_ids{ended="failed",source="one"} 0.0' in lines
    (looked,) = [each for each in lines if each.startswith("gpts_catalog_looked_timestamp")]
    assert float(looked.split()[1]) == NOW / 1e6


def test_page_has_every_metric() -> None:
    assert [name for name in METRICS if f"`{PREFIX}{name}`" not in monitoring_page()] == []
