"""Columns are read at the moment at which rows are, or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Select, column, select, table

from catalog.errors import CatalogBusy, CatalogCorrupt
from catalog.storage import columnar
from catalog.storage import tables as t
from catalog.storage.engine import write
from catalog.storage.sources import add_source
from tests.contract.telling import ID, day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

QUERY = select(t.gizmos.c.gizmo_id)
BEGUN = columnar._begun  # noqa: SLF001  (what a test stands before)


def ids(engine: Engine) -> list[str] | None:
    """The ids by columns; None where there is no reader of columns."""
    with columnar.read_columns(engine) as (_, reader):
        if reader is None:
            return None
        return [
            each for batch in reader.batches(QUERY, ["string"]) for each in batch[0].to_pylist()
        ]


@pytest.fixture
def told(engine: Engine) -> Engine:
    tell(engine, said(day(1), document()))
    return engine


def writing(engine: Engine, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Have somebody commit between the beginnings of the two transactions, so many times."""
    left = iter(range(times))

    @contextmanager
    def begun(*given: Any) -> Iterator[Any]:
        number = next(left, None)
        if number is not None:
            with write(engine) as conn:
                add_source(conn, f"another-{number}", "recorded", day(2))
        with BEGUN(*given) as connection:
            yield connection

    monkeypatch.setattr(columnar, "_begun", begun)


def test_columns_are_those_of_the_rows(told: Engine) -> None:
    assert ids(told) == [ID]


def test_what_is_committed_between_two_beginnings_has_both_begin_again(
    told: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing(told, monkeypatch, 3)
    assert ids(told) == [ID]


def test_where_writers_never_pause_nothing_is_read(
    told: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "TRIES", 2)
    writing(told, monkeypatch, 2)
    with pytest.raises(CatalogBusy, match="without a pause"):
        ids(told)


def test_without_the_driver_rows_are_read(told: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(columnar, "import_module", missing)
    assert ids(told) is None


def test_where_the_driver_cannot_open_the_file_rows_are_read(
    told: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "quote", lambda _: "/no/such/folder/catalog.db")
    assert ids(told) is None


def test_what_cannot_be_read_by_columns_is_damage(told: Engine) -> None:
    query: Select[str] = select(column("gizmo_id")).select_from(table("no_such_table"))
    with columnar.read_columns(told) as (_, reader):
        assert reader is not None
        with pytest.raises(CatalogCorrupt, match=r"(?s)read by columns .* gpts-catalog verify"):
            list(reader.batches(query, ["string"]))
