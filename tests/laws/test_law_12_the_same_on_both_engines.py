from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.storage.dump import digest
from catalog.storage.engine import open_engine
from tests.laws.worlds import ABSENT, GPTS, document, dumped, keep, scratch, state_document, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from catalog.records import Observation
    from tests.databases import Postgres


@pytest.fixture
def both(sqlite_template: Path, postgres: Postgres, tmp_path: Path) -> Iterator[tuple[Engine, ...]]:
    """An empty catalog on each engine."""
    path = tmp_path / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    name = postgres.lend()
    engines = (open_engine(f"sqlite:///{path}"), open_engine(postgres.url(name)))
    yield engines
    for engine in engines:
        engine.dispose()
    postgres.take_back(name)


def _equal(both: tuple[Engine, ...], world: list[Observation]) -> None:
    dumps, digests = [], set()
    for engine in both:
        with scratch(engine) as conn:
            keep(conn, world)
            dumps.append(dumped(conn))
            digests.add(digest(conn))
    assert dumps[0] == dumps[1]
    assert len(digests) == 1


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
def test_the_same_observations_give_one_digest(
    both: tuple[Engine, ...], world: list[Observation]
) -> None:
    _equal(both, world)


TEXTS = st.text(max_size=4) | st.sampled_from(
    (
        "\x00",
        "a\x00b",
        "\ud800",
        "\ufdd0",
        "\U0001f9ed",
        "İ",
        "ß",
        "e\u0301",
        "\u00e9",
        "Z",
        "a",
        "_",
    )
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    (0, -0.0, 1e-320, 1e308, 0.1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63)
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_odd_texts_and_numbers_give_one_digest(
    both: tuple[Engine, ...], data: st.DataObject
) -> None:
    said = st.fixed_dictionaries(
        {
            "name": TEXTS,
            "user_id": TEXTS,
            "tags": st.lists(TEXTS, max_size=3),
            "starters": st.lists(TEXTS, max_size=3),
            "version": NUMBERS,
            "interactions": NUMBERS,
            "ratings": st.dictionaries(st.sampled_from("12345"), NUMBERS, max_size=3),
            "novelty": st.one_of(st.just(ABSENT), TEXTS, NUMBERS),
        }
    )
    _equal(
        both,
        [state_document(document(gizmo_id, **data.draw(said))) for gizmo_id in GPTS],
    )
