"""A look as Prometheus reads it. Every metric is declared here; the page is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.alarms import KINDS
from catalog.times import SECOND

if TYPE_CHECKING:
    from catalog.alarms import Facts, JobFacts, SourceFacts
    from catalog.health.looking import Health
    from catalog.times import Micros

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "gpts_catalog_"
_FINE = frozenset({"done", "partly"})


class Metric(msgspec.Struct, frozen=True):
    """A gauge.

    Attributes:
        name: without :data:`PREFIX`; the unit stands at its end.
        help: what it says.
        labels: what tells its samples apart.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()


_ALL = (
    Metric("well", "1 if no alarm stands, else 0"),
    Metric("looked_timestamp_seconds", "when all of this was looked at"),
    Metric(
        "alarms", "alarms and warnings that stand, 0 for each kind without", ("kind", "severity")
    ),
    Metric("gpts", "GPTs that ever had a document", ("status",)),
    Metric(
        "oldest_confirmed_timestamp_seconds",
        "when the listed GPT that was confirmed longest ago was",
    ),
    Metric("stale_gpts", "listed GPTs not confirmed within the ceiling; counted up to 100,000"),
    Metric("due_ids", "ids due now; counted up to 100,000"),
    Metric("last_asked_timestamp_seconds", "when a source was last asked for a GPT"),
    Metric("expired_leases", "ids whose worker did not give them back in time"),
    Metric("unsettled", "entries that wait to be aggregated; counted up to 100,000"),
    Metric(
        "source_last_document_timestamp_seconds", "when a source last gave a document", ("source",)
    ),
    Metric(
        "source_run_ids",
        "ids of a source's last telling run, by how they ended: document, not_found, mismatched,"
        " failed, left",
        ("source", "ended"),
    ),
    Metric(
        "source_run_held",
        "not-founds of that run about known GPTs that are held back (rule 6)",
        ("source",),
    ),
    Metric(
        "budget_taken",
        "what was taken of a source's UTC day: requests, probes, tokens",
        ("source", "kind"),
    ),
    Metric("budget_limit", "what the day may take; missing: without limit", ("source", "kind")),
    Metric("budget_cost", "its cost by the prices that are set", ("source", "kind")),
    Metric(
        "job_last_started_timestamp_seconds", "when a job's last run that ended began", ("job",)
    ),
    Metric("job_last_ok", "1 if that run ended done or partly, and as expected", ("job",)),
    Metric("job_running", "1 while a job runs", ("job",)),
    Metric("job_next_timestamp_seconds", "a job's next slot", ("job",)),
    Metric("scheduler_looked_timestamp_seconds", "when a scheduler last said that it is there"),
    Metric("disk_free_bytes", "free bytes under a folder that is written", ("folder",)),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""Every metric, by its name without the prefix."""

Sample = tuple[str, tuple[str, ...], float]
"""A metric's name, the values of its labels, and its own."""


def samples(health: Health) -> Iterator[Sample]:
    """All that a look says, in numbers."""
    facts = health.facts
    yield "well", (), float(health.is_well)
    yield "looked_timestamp_seconds", (), _seconds(health.at)
    standing = Counter(alarm.kind for alarm in health.alarms)
    for kind in KINDS.values():
        yield "alarms", (kind.name, kind.severity), standing[kind.name]
    yield from _gpts(facts)
    for source in facts.sources:
        yield from _source(source)
    for job in facts.jobs:
        yield from _job(job)
    if facts.scheduler is not None:
        yield "scheduler_looked_timestamp_seconds", (), _seconds(facts.scheduler.looked_at)
    for place in facts.places:
        yield "disk_free_bytes", (place.what,), place.free


def exposition(health: Health) -> bytes:
    """A look in Prometheus' text format."""
    from prometheus_client import (  # noqa: PLC0415  (slow to load, and needed by few commands)
        CollectorRegistry,
        generate_latest,
    )

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(health))
    return generate_latest(registry)


class _Collector:
    """What prometheus_client asks for the metrics.

    Args:
        health: the look.
    """

    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Any]:
        """The metrics that have samples."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415  (loaded already)

        families = {
            metric.name: GaugeMetricFamily(
                PREFIX + metric.name, metric.help, labels=list(metric.labels)
            )
            for metric in METRICS.values()
        }
        for name, labels, value in samples(self._health):
            families[name].add_metric(list(labels), value)
        return (family for family in families.values() if family.samples)


def _gpts(facts: Facts) -> Iterator[Sample]:
    gpts = facts.gpts
    for status, number in gpts.by_status.items():
        yield "gpts", (status,), number
    if gpts.oldest_confirmed_at is not None:
        yield "oldest_confirmed_timestamp_seconds", (), _seconds(gpts.oldest_confirmed_at)
    yield "stale_gpts", (), gpts.stale.number
    yield "due_ids", (), gpts.due.number
    if gpts.last_asked_at is not None:
        yield "last_asked_timestamp_seconds", (), _seconds(gpts.last_asked_at)
    yield "expired_leases", (), facts.expired
    yield "unsettled", (), facts.unsettled.number


def _source(source: SourceFacts) -> Iterator[Sample]:
    name, run = source.name, source.run
    if source.last_document_at is not None:
        at = _seconds(source.last_document_at)
        yield "source_last_document_timestamp_seconds", (name,), at
    if run is not None:
        for ended, number in (
            ("document", run.documents),
            ("not_found", run.not_found),
            ("mismatched", run.mismatched),
            ("failed", run.failed),
            ("left", run.left),
        ):
            yield "source_run_ids", (name, ended), number
        yield "source_run_held", (name,), run.held
    for spent in source.spent:
        yield "budget_taken", (name, spent.kind), spent.taken
        if spent.limit is not None:
            yield "budget_limit", (name, spent.kind), spent.limit
        if spent.cost is not None:
            yield "budget_cost", (name, spent.kind), spent.cost


def _job(job: JobFacts) -> Iterator[Sample]:
    if job.runs:
        last = job.runs[0]
        yield "job_last_started_timestamp_seconds", (job.name,), _seconds(last.started_at)
        yield "job_last_ok", (job.name,), float(last.status in _FINE and not last.unmet)
    yield "job_running", (job.name,), float(job.running)
    if job.next_at is not None:
        yield "job_next_timestamp_seconds", (job.name,), _seconds(job.next_at)


def _seconds(at: Micros) -> float:
    return at / SECOND
