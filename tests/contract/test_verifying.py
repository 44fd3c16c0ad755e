"""The work of the job ``verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from catalog.care.verifying import work
from catalog.storage import tables as t
from catalog.storage.engine import write
from catalog.working import JobContext
from jobs.registry import JOBS
from tests.contract.handing import handed
from tests.contract.telling import day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine


def context(url: str, lines: list[str]) -> JobContext:
    return handed("verify", url, out=lines.append)


def test_a_whole_catalog_is_as_expected(engine: Engine, catalog_url: str) -> None:
    tell(engine, said(day(1), document("g-Whole0001")))
    result = work(context(catalog_url, []))
    assert (result.status, result.numbers["findings"]) == ("done", 0)
    assert [each.unmet(result) for each in JOBS["verify"].expects] == [None, None]


def test_what_is_not_as_it_must_be_is_told(engine: Engine, catalog_url: str) -> None:
    tell(engine, said(day(1), document("g-Whole0001")))
    with write(engine) as conn:
        conn.execute(delete(t.gizmos))
    lines: list[str] = []
    result = work(context(catalog_url, lines))
    assert result.status == "partly"
    assert result.numbers["findings"] == len(lines) > 0
    assert result.message
    assert JOBS["verify"].expects[0].unmet(result) is not None


def test_it_stops_between_two_checks_when_it_is_told_to(engine: Engine, catalog_url: str) -> None:
    tell(engine, said(day(1), document("g-Whole0001")))
    asked = context(catalog_url, [])
    asked.stopping.set()
    result = work(asked)
    assert result.status == "stopped"
    assert result.numbers["looked_at"] < work(context(catalog_url, [])).numbers["looked_at"]
