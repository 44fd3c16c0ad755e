"""Merging catalogs: the result is the one that had seen everything (law 2, rule 16)."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import msgspec
import pytest

from catalog.derive import Derivation
from catalog.errors import UsageError
from catalog.intake import take
from catalog.records import Observation, Reading, Verdict
from catalog.secrets import Redactor
from catalog.simulator import Population, observations
from catalog.storage.dump import digest
from catalog.storage.engine import open_engine, read, write
from catalog.storage.merge import merge
from catalog.storage.migrate import init
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.sources import add_source
from catalog.storage.stage2 import settle
from catalog.times import DAY, from_iso
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Engine

DERIVATION = Derivation()


def _observations(count: int, days: int) -> list[Observation]:
    """Observations of a small population over some days, by two sources in turn, with a not-found."""
    found = []
    sources = cycle(("one", "two"))
    for line in observations(Population(3, count, pace=20.0), days):
        taken = take(
            Reading(
                verdict=Verdict.DOCUMENT,
                payload=msgspec.json.encode(line["gpt"]),
                wrapping="gizmo",
                said_at=from_iso(line["observed_at"]),
            ),
            source=next(sources),
            run_id="",
            received_at=NOW,
            said_at=(),
            redactor=Redactor([]),
            normalize=DERIVATION.document,
        )
        assert taken.observation is not None
        found.append(taken.observation)
    last = found[-1]
    found.append(
        Observation(
            gizmo_id=last.gizmo_id,
            source=last.source,
            observed_at=last.observed_at + DAY,
            recorded_at=NOW,
            verdict="counted",
        )
    )
    return found


def _fill(engine: Engine, said: Sequence[Observation]) -> str:
    """Observe ``said``; the digest of what follows."""
    with write(engine) as conn:
        for name in ("one", "two"):
            add_source(conn, name, "recorded", NOW)
        observe(conn, DERIVATION, said)
        settle(conn, DERIVATION)
        return digest(conn)


def _other(folder: Path, number: int) -> Engine:
    url = f"sqlite:///{folder}/other-{number}.db"
    init(url, NOW)
    return open_engine(url)


def test_a_catalog_split_in_three_and_merged_equals_the_whole(
    engine: Engine, tmp_path: Path
) -> None:
    """The parts meet in any order, and merging them twice changes nothing."""
    said = _observations(12, 6)
    whole = _fill(_other(tmp_path, 0), said)
    parts = [_other(tmp_path, number) for number in (1, 2, 3)]
    for number, part in enumerate(parts):
        # The halves overlap: what two catalogs saw is one observation.
        _fill(part, [o for i, o in enumerate(said) if i % 3 in (number, (number + 1) % 3)])
    for part in (*reversed(parts), parts[0]):
        merged = merge(engine, part, DERIVATION)
    assert merged.new == 0
    with read(engine) as conn:
        assert digest(conn) == whole


def test_a_rebuild_ends_where_observing_did(engine: Engine) -> None:
    """Derived again from the archive, every row is the same."""
    said = _observations(12, 6)
    before = _fill(engine, said)
    with write(engine) as conn:
        rebuilt = rebuild(conn, DERIVATION)
    assert rebuilt.observations == len(said)
    with read(engine) as conn:
        assert digest(conn) == before


def test_the_stronger_verdict_of_a_not_found_stands_after_a_merge(
    engine: Engine, tmp_path: Path
) -> None:
    """One catalog held it and another counted it: it counts, whichever was merged into which."""
    said = _observations(2, 2)
    held = [*said[:-1], msgspec.structs.replace(said[-1], verdict="held")]
    counted = _other(tmp_path, 1)
    whole = _fill(counted, said)
    _fill(engine, held)
    merge(engine, counted, DERIVATION)
    with read(engine) as conn:
        assert digest(conn) == whole


def test_a_catalog_is_not_merged_into_itself(engine: Engine) -> None:
    """That would read and write one file at once, and do nothing."""
    with pytest.raises(UsageError, match="itself"):
        merge(engine, engine, DERIVATION)
