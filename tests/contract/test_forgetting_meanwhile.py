"""Forgetting whom somebody is at work on: nothing of them is written afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from catalog.care.forgetting import forget
from catalog.derive import Derivation
from catalog.records import Request
from catalog.storage import engine as engines
from catalog.storage import tables as t
from catalog.storage.engine import open_engine
from catalog.storage.probes import add_probe
from catalog.storage.sources import add_source
from catalog.times import FixedClock
from tests.contract.telling import probed_gpt
from tests.contract.test_harvest import Gateway, harvest, known, source_of, store_of
from tests.laws.worlds import START

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from catalog.storage.ledger import Kind

GONE, OTHER, THIRD = "g-Gone00001", "g-Other0001", "g-Third0001"
IDS = [GONE, OTHER, THIRD]
AUTHOR = "user-Gone"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _rows_with(engine: Engine, *words: str) -> list[tuple[str, Any]]:
    """Every row of every table that has one of some words."""
    with engines.read(engine) as conn:
        return [
            (table.name, row)
            for table in t.metadata.sorted_tables
            for row in conn.execute(select(table))
            if any(word in str(row) for word in words)
        ]


def _by_the_author(request: Request) -> tuple[bytes, int]:
    gizmo = {"id": request.asked[0], "author": {"user_id": AUTHOR}}
    return json.dumps({"gizmo": gizmo}).encode(), 200


def _another(_: Request) -> tuple[bytes, int]:
    return json.dumps({"gizmo": {"id": "g-Another01"}}).encode(), 200


ANSWERS: dict[str, Callable[[Request], tuple[bytes, int]]] = {
    "document": known,
    "not found": lambda _: (b'{"detail": "gizmo not found"}', 404),
    "no fact": lambda request: (f"<p>{request.asked[0]} is down</p>".encode(), 500),
    "another's": _another,
}


def _forgets(url: str, folder: Path, kind: Kind, name: str) -> None:
    other = open_engine(url, durable=True)
    forget(other, Derivation(), kind, name, folder, START)
    other.dispose()


@pytest.mark.parametrize("answer", ANSWERS)
def test_whatever_comes_for_whom_was_forgotten_meanwhile_leaves_no_row(
    engine: Engine, catalog_url: str, tmp_path: Path, answer: str
) -> None:
    """Law 8 has forgetting for its exception: no outcome, no next visit."""

    def reply(request: Request) -> tuple[bytes, int]:
        if request.asked[0] != GONE:
            return known(request)
        _forgets(catalog_url, tmp_path, "gpt", GONE)
        return ANSWERS[answer](request)

    source = source_of(max_concurrency=1)
    ended = harvest(store_of(engine, source, FixedClock(START), IDS), source, Gateway(reply), IDS)
    assert ended is not None
    totals = ended.totals
    assert (totals.requested, totals.documents, totals.left, totals.failed) == (2, 2, 0, 0)
    assert (ended.forgotten, ended.unfinished) == (1, False)
    assert _rows_with(engine, GONE) == []
    assert len(_rows_with(engine, OTHER)) > 2


def test_a_document_of_an_author_who_was_forgotten_leaves_no_row(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    """Nobody knew that it was theirs: a row of it would say so."""
    _forgets(catalog_url, tmp_path, "author", AUTHOR)

    def reply(request: Request) -> tuple[bytes, int]:
        return _by_the_author(request) if request.asked[0] == GONE else known(request)

    source = source_of()
    ended = harvest(store_of(engine, source, FixedClock(START), IDS), source, Gateway(reply), IDS)
    assert ended is not None
    assert (ended.totals.requested, ended.totals.left, ended.unfinished) == (2, 0, False)
    assert ended.forgotten == 1
    assert _rows_with(engine, GONE, AUTHOR) == []


def test_who_is_forgotten_before_they_are_asked_is_not_waited_for(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    def reply(request: Request) -> tuple[bytes, int]:
        if request.asked[0] == OTHER:
            _forgets(catalog_url, tmp_path, "gpt", GONE)
        return known(request)

    source, ids = (
        source_of(max_concurrency=1),
        [OTHER, *(f"g-Many{n:05d}" for n in range(60)), GONE],
    )
    gateway = Gateway(reply)
    ended = harvest(store_of(engine, source, FixedClock(START), ids), source, gateway, ids)
    assert ended is not None
    assert (ended.totals.requested, ended.totals.documents) == (61, 61)
    assert not ended.unfinished
    assert _rows_with(engine, GONE) == []


def test_a_run_that_had_asked_them_before_is_over_without_them(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    def reply(request: Request) -> tuple[bytes, int]:
        if request.asked[0] == THIRD:
            _forgets(catalog_url, tmp_path, "gpt", GONE)
        return known(request)

    source = source_of(max_concurrency=1)
    ended = harvest(store_of(engine, source, FixedClock(START), IDS), source, Gateway(reply), IDS)
    assert ended is not None
    assert (ended.totals.requested, ended.totals.documents, ended.unfinished) == (2, 2, False)
    assert _rows_with(engine, GONE) == []


def test_a_probe_that_ends_afterwards_leaves_no_row(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    _forgets(catalog_url, tmp_path, "gpt", GONE)
    with engines.write(engine) as conn:
        number = add_source(conn, "alpha", "recorded", START)
        for gizmo_id in (GONE, OTHER):
            said_of = {"model": f"gpt-4-gizmo-{gizmo_id}", "answer": f"I am {gizmo_id}"}
            add_probe(conn, probed_gpt(gizmo_id, number, START, **said_of))
    assert _rows_with(engine, GONE) == []
    assert [name for name, _ in _rows_with(engine, OTHER)] == ["probes"]
