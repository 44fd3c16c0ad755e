"""What stage 2 sees in four months of real documents."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from catalog.derive import Derivation
from catalog.records import Observation
from catalog.storage import tables as t
from catalog.storage.engine import read, write
from catalog.storage.observe import observe
from catalog.storage.sources import add_source
from catalog.storage.stage2 import settle
from catalog.times import day_of, from_iso

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

DERIVATION = Derivation()
SOURCE = "history"
BATCH = 500

DRIFT = [
    ("2024-02-06", "appeared", "gizmo.author.socials", "2024-02-12"),
    ("2024-02-12", "vanished", "gizmo.author.socials", "2024-02-12"),
    ("2024-02-13", "appeared", "gizmo.author.display_socials", "2024-05-08"),
    ("2024-02-21", "appeared", "gizmo.author.display_socials[]", "2024-05-08"),
    (
        "2024-02-23",
        "appeared",
        "gizmo.author.display_socials[].verified_data.display_name",
        "2024-05-08",
    ),
    ("2024-02-27", "vanished", "gizmo.display.welcome_message", "2024-02-27"),
    ("2024-02-29", "appeared", "gizmo.sharing", "2024-05-08"),
    ("2024-03-05", "appeared", "gizmo.current_user_permission", "2024-05-08"),
    ("2024-04-01", "vanished", "gizmo.vanity_metrics.num_pins", "2024-04-01"),
]
"""Day, kind, path, and the day of the last document with it.

A path is dated by the last document that had it when it vanished: ``socials`` was last there on
the 12th, and not on the 13th.
"""

EVENTS = [
    ("2024-02-24", "gizmo.author.selected_display", '"name"', '"website"', 30, 65),
    ("2024-04-23", "gizmo.tags", '["interactions_disabled"]', "[]", 142, 142),
    ("2024-04-30", "gizmo.tags", '["unreviewable"]', "[]", 140, 140),
]
"""Both relabellings of tags, and one day on which 30 authors at once were shown by their names."""


def documents(shared: Path) -> Iterator[Observation]:
    for file in sorted((shared / "history").glob("*.jsonl.gz")):
        with gzip.open(file) as lines:
            for line in lines:
                said = json.loads(line)
                payload = json.dumps(said["gpt"], ensure_ascii=False).encode()
                document = DERIVATION.document(payload, "gizmo")
                at = from_iso(said["observed_at"])
                yield Observation(
                    gizmo_id=document.gizmo_id,
                    source=SOURCE,
                    observed_at=at,
                    recorded_at=at,
                    digest=hashlib.sha256(payload).digest(),
                    payload=payload,
                    wrapping="gizmo",
                    document=document,
                )


def test_the_history_has_its_drift_and_its_mass_events(engine: Engine, shared: Path) -> None:
    said = list(documents(shared))
    with write(engine) as conn:
        add_source(conn, SOURCE, "recorded", said[0].recorded_at)
        for start in range(0, len(said), BATCH):
            observe(conn, DERIVATION, said[start : start + BATCH])
        settle(conn, DERIVATION)
    d, e, c = t.drift.c, t.mass_events.c, t.changes.c
    with read(engine) as conn:
        drift = conn.execute(select(d.at, d.kind, d.path, d.last_seen_at).order_by(d.at)).all()
        events = conn.execute(
            select(e.first_day, e.field, e.added, e.removed, e.gpts, e.compared).order_by(
                e.first_day
            )
        ).all()
        linked = conn.execute(
            select(func.count())
            .select_from(t.changes)
            .join(t.mass_events, e.event_id == c.event_id)
            .group_by(e.first_day)
            .order_by(e.first_day)
        ).scalars()
        assert list(linked) == [30, 142, 140]
    assert [(day_of(at), kind, path, day_of(last)) for at, kind, path, last in drift] == DRIFT
    assert [tuple(row) for row in events] == EVENTS
