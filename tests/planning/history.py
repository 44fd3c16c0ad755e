"""Change rates measured from real documents over time, through the project's own import.

The lines are read into a catalog of their own, and a change is what its tables say: content or
lifecycle, unmarked. Nothing of the documents leaves it but numbers.
"""

from __future__ import annotations

import gzip
import random
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from catalog.derive import Derivation
from catalog.importing import Importer
from catalog.plan.rates import (
    STORE,
    Evidence,
    Prior,
    Priors,
    Sums,
    believed,
    learn,
    learn_priors,
)
from catalog.secrets import Redactor
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read
from catalog.storage.migrate import init
from catalog.times import DAY, Micros, SystemClock

HISTORY = Path(__file__).resolve().parents[3] / "shared" / "history"
"""Beside the checkout, on machines that have it."""

Visits = list[tuple[float, bool]]
"""Of one GPT: days since the document before, and whether the content changed."""

_ROUNDS = 200
"""Steps of EM: far beyond what two digits need."""


def files() -> list[Path]:
    """The histories that are there; empty where none is."""
    return sorted(HISTORY.glob("*.jsonl*")) if HISTORY.is_dir() else []


def lines() -> list[bytes]:
    """Their lines; empty where none is."""
    said: list[bytes] = []
    for path in files():
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            said += file.read().splitlines()
    return said


def visits_of(paths: Sequence[Path]) -> dict[str, Visits]:
    """What each GPT's neighbouring documents said."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'history.db'}"
        init(url, SystemClock().now())
        engine = open_engine(url)
        try:
            Importer(
                engine,
                "history",
                "recorded",
                deriver=Derivation(),
                redactor=Redactor(()),
                clock=SystemClock(),
                rng=random.Random(1),
            ).run(paths)
            with read(engine) as conn:
                said: dict[str, list[Micros]] = {}
                o = t.observations.c
                for gizmo_id, at in conn.execute(
                    select(o.gizmo_id, o.observed_at).distinct().order_by(o.observed_at)
                ):
                    said.setdefault(gizmo_id, []).append(at)
                c = t.changes.c
                unmarked = conn.execute(
                    select(c.gizmo_id, c.observed_at).where(
                        c.cls.in_(("content", "lifecycle")),
                        ~c.flap,
                        ~c.disagreement,
                        c.event_id.is_(None),
                    )
                )
                changed = {(row.gizmo_id, row.observed_at) for row in unmarked}
        finally:
            engine.dispose()
    return {
        gizmo_id: [((b - a) / DAY, (gizmo_id, b) in changed) for a, b in pairwise(times)]
        for gizmo_id, times in said.items()
    }


def prior_of(visits: Mapping[str, Visits]) -> tuple[Prior, dict[str, Evidence]]:
    """The prior under which the visits were likeliest, and each GPT's evidence under it."""
    priors = Priors(STORE)
    evidence: dict[str, Evidence] = {}
    for _ in range(_ROUNDS):
        sums = Sums()
        for gizmo_id, seen in visits.items():
            own = Evidence()
            for days, changed in seen:
                own = learn(priors.overall, own, days, changed=changed)
            evidence[gizmo_id] = own
            if own:
                belief = believed(priors.overall, own)
                sums += Sums(1.0, belief.rate, belief.log_rate)
        priors = learn_priors({"": sums}, priors)
    return priors.overall, evidence


def rates_of(paths: Sequence[Path], *, least_days: float = 20.0) -> list[float]:
    """The believed rate of each GPT that was watched for ``least_days`` or more, rising."""
    visits = visits_of(paths)
    long = {
        each: seen for each, seen in visits.items() if sum(days for days, _ in seen) >= least_days
    }
    prior, evidence = prior_of(long)
    return sorted(believed(prior, own).rate for own in evidence.values())
