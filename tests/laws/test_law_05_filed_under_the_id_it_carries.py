from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from sqlalchemy import select

from catalog.derive import Derivation
from catalog.importing.importer import Importer
from catalog.secrets import Redactor
from catalog.storage import engine as engines
from catalog.storage import tables as t
from catalog.times import FixedClock
from tests.databases import NOW
from tests.laws.asking import Asking, given
from tests.laws.worlds import GPTS, document

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

ASKED, CARRIED, _ = GPTS


def test_a_document_is_filed_under_its_own_id(engine: Engine) -> None:
    Asking(engine).run(given(ASKED, document(CARRIED, name="Tide")))
    with engines.read(engine) as conn:
        for table in (t.observations, t.gizmos, t.gizmo_revisions, t.changes):
            assert set(conn.execute(select(table.c.gizmo_id)).scalars()) == {CARRIED}, table.name


def test_the_mismatch_is_recorded_and_reported(engine: Engine) -> None:
    totals = Asking(engine).run(given(ASKED, document(CARRIED)))
    assert (totals.mismatched, totals.documents, totals.new, totals.failed) == (1, 0, 0, 0)
    with engines.read(engine) as conn:
        (outcome,) = conn.execute(select(t.outcomes))
        (observation,) = conn.execute(select(t.observations))
        assert (outcome.asked_id, outcome.verdict, outcome.effect) == (ASKED, "mismatched", "")
        assert outcome.observation_id == observation.observation_id
        assert CARRIED in outcome.detail


def test_each_of_two_exchanged_answers_is_filed_under_its_own_id(engine: Engine) -> None:
    Asking(engine).run(
        given(ASKED, document(CARRIED, name="carried")),
        given(CARRIED, document(ASKED, name="asked")),
    )
    with engines.read(engine) as conn:
        names = {row.gizmo_id: row.name for row in conn.execute(select(t.gizmos))}
    assert names == {ASKED: "asked", CARRIED: "carried"}


def test_the_documents_id_counts_and_not_that_of_the_row_around_it(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / f"{ASKED}.json"
    row = {"uuid": ASKED, "name": "x", "detail": {"data": document(CARRIED, name="Tide")}}
    path.write_text(json.dumps({"code": 0, "data": {"rows": [row], "count": 1}}))
    imported = Importer(
        engine,
        "alpha",
        "recorded",
        deriver=Derivation(),
        redactor=Redactor(()),
        clock=FixedClock(NOW),
        rng=random.Random(1),
    ).run([path])
    assert imported.documents == 1
    with engines.read(engine) as conn:
        assert list(conn.execute(select(t.gizmos.c.gizmo_id)).scalars()) == [CARRIED]
