from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from catalog.errors import CatalogBusy, NotFound
from catalog.storage.engine import open_engine, read, write
from catalog.storage.sources import (
    add_source,
    give_back,
    reserve,
    reserved,
    source_ids,
    source_names,
)
from catalog.storage.tables import sources
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY = "2026-02-03"


@pytest.fixture
def source_id(engine: Engine) -> int:
    with write(engine) as conn:
        return add_source(conn, "example", "gpts-v2", NOW)


def test_source_is_equal_by_name(engine: Engine) -> None:
    with write(engine) as conn:
        first = add_source(conn, "example", "gpts-v1", NOW)
        other = add_source(conn, "archive", "recorded", NOW)
        again = add_source(conn, "example", "gpts-v2", NOW + 1)
        row = conn.execute(select(sources).where(sources.c.source_id == first)).one()

        assert again == first != other
        assert (row.dialect, row.added_at) == ("gpts-v2", NOW)
        assert source_names(conn) == {first: "example", other: "archive"}
        assert source_ids(conn, ["archive"]) == {"archive": other}


def test_unknown_source_is_not_found(engine: Engine) -> None:
    with read(engine) as conn, pytest.raises(NotFound, match="nobody"):
        source_ids(conn, ["nobody"])


def test_budget_grants_no_more_than_the_day_has(engine: Engine, source_id: int) -> None:
    with write(engine) as conn:
        granted = [reserve(conn, source_id, DAY, 4, 10) for _ in range(4)]

        assert granted == [4, 4, 2, 0]
        assert reserved(conn, source_id, DAY) == 10
        assert reserve(conn, source_id, "2026-02-04", 4, 10) == 4


def test_budget_takes_back_what_was_not_sent(engine: Engine, source_id: int) -> None:
    with write(engine) as conn:
        reserve(conn, source_id, DAY, 10, 10)
        give_back(conn, source_id, DAY, 3)

        assert reserve(conn, source_id, DAY, 10, 10) == 3


def test_budget_never_falls_below_nothing(engine: Engine, source_id: int) -> None:
    with write(engine) as conn:
        reserve(conn, source_id, DAY, 2, 10)
        give_back(conn, source_id, DAY, 3)

        assert reserved(conn, source_id, DAY) == 2


def test_budget_that_was_lowered_grants_nothing(engine: Engine, source_id: int) -> None:
    with write(engine) as conn:
        reserve(conn, source_id, DAY, 10, 10)

        assert reserve(conn, source_id, DAY, 1, 5) == 0


def test_source_without_a_budget_is_counted_all_the_same(engine: Engine, source_id: int) -> None:
    with write(engine) as conn:
        assert reserve(conn, source_id, DAY, 1_000, None) == 1_000
        assert reserved(conn, source_id, DAY) == 1_000


def test_budget_is_never_overspent_by_two_workers(catalog_url: str, source_id: int) -> None:
    granted: list[int] = []
    start = threading.Barrier(2)

    def work() -> None:
        engine = open_engine(catalog_url)
        start.wait()
        for _ in range(20):
            with write(engine) as conn:
                granted.append(reserve(conn, source_id, DAY, 7, 100))
        engine.dispose()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(granted) == 40
    assert sum(granted) == 100


def test_budget_is_busy_while_another_takes_from_it(
    catalog_url: str, engine: Engine, source_id: int
) -> None:
    other = open_engine(catalog_url)

    def attempt() -> int:
        with write(engine) as conn:
            return reserve(conn, source_id, DAY, 1, 10)

    with write(other) as holding:
        reserve(holding, source_id, DAY, 10, 10)
        with pytest.raises(CatalogBusy):
            attempt()
    other.dispose()

    assert attempt() == 0
