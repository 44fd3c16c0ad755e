"""A catalog that is served with texts of strangers in it, and what its API is asked."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from catalog.times import HOUR
from tests.contract.reading import reader_of
from tests.contract.telling import DERIVER, ID, changed, day, document, said, tell
from tests.serving import options, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from catalog.records import Observation
    from catalog.times import Micros

OTHER = "g-Other0000"
HOSTILE = {
    "HTML": "<script>alert(1)</script>",
    "an attribute": '"><img src=x onerror=alert(1)>',
    "a link": "javascript:alert(1)",
    "a colour": "\x1b[31mred\x1b[0m\x1b]0;owned\x07",
    "a direction": "abc\u202edef\u2066x\u2069",
    "zalgo": "Z\u0334\u0310\u0321a\u0337\u0300\u0301\u0302\u0303l\u0334g\u0337o",
    "a formula": '=HYPERLINK("http://x.test","x")',
    "a zero": "a\x00b",
    "a line's end": "a\r\nb\nc",
    "XML": "]]>&lt;!-- &amp; <![CDATA[x]]>",
    "a half character": "a\ud800b",
}


def questions() -> dict[str, str]:
    """An address for every operation, with parameters where it has some."""
    return {
        "about": "/api",
        "searchGpts": "/api/gpts?q=name&category=other&min_conversations=1&sort=name&limit=2",
        "countGpts": "/api/count?tool=browser",
        "countFacets": "/api/facets?facet=category&facet=author",
        "resolveReference": f"/api/resolve?ref=https://chatgpt.com/g/{ID}-slug",
        "getGpt": f"/api/gpts/{ID}?at=2026-02-02",
        "getHistory": f"/api/gpts/{ID}/history",
        "getMetrics": f"/api/gpts/{ID}/metrics",
        "listChanges": "/api/changes?all=1&limit=3",
        "listNews": "/api/news",
        "getMassEvents": "/api/mass-events?id=x",
        "listMovers": "/api/movers?since=2026-02-01&until=2026-02-09",
        "listArrivals": "/api/arrivals?since=2026-02-01",
        "listDepartures": "/api/departures",
        "searchAuthors": "/api/authors?q=author&sort=name",
        "getAuthor": "/api/authors/user-one",
        "getStats": "/api/stats",
        "getOverview": "/api/overview",
        "getStatus": "/api/status",
        "getPlan": "/api/plan",
        "listDrift": "/api/drift?limit=5",
        "listUnmapped": "/api/unmapped",
        "getHealth": "/api/health",
        "listAlarms": "/api/alarms?standing=1",
        "listRuns": "/api/runs?source=one",
        "getRun": "/api/runs/RUN",
        "listFailed": "/api/runs/RUN/failed",
        "listJobs": "/api/jobs",
        "listJobRuns": "/api/job-runs?job=refresh",
        "listQueries": "/api/queries",
        "runSql": "/api/sql?query=SELECT+1+AS+x",
        "runQuery": "/api/queries/tool-adoption?rows=3",
    }


def uttered(at: Micros, value: dict[str, Any]) -> Observation:
    """A document with texts that UTF-8 has no bytes for, as sources send them: escaped."""
    payload = json.dumps(value).encode()
    return msgspec.structs.replace(
        said(at, document(value["gizmo"]["id"])),
        digest=hashlib.sha256(payload).digest(),
        payload=payload,
        document=DERIVER.document(payload, "gizmo"),
    )


def fill(engine: Engine) -> None:
    """Tell a catalog of two GPTs, one of them with everything that strangers write."""
    first = document()
    first["gizmo"]["display"]["prompt_starters"] = list(HOSTILE.values())
    tell(
        engine,
        uttered(day(1), first),
        uttered(day(2), changed(first, name="Another name")),
        uttered(day(3), changed(first, name="Another name", description="Said anew")),
        said(day(1) + HOUR, document(OTHER, "Other")),
        said(day(4), None, gizmo_id=OTHER),
        said(day(5), None, gizmo_id=OTHER),
    )


def json_of(client: httpx.Client, address: str) -> Any:
    """What an address answers in JSON."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@contextmanager
def filled(engine: Engine, url: str) -> Iterator[tuple[str, str]]:
    """A catalog with some GPTs: its URL, and the one for SQL.

    Args:
        engine: the catalog, empty.
        url: the same.
    """
    fill(engine)
    with reader_of(url) as sql_url:
        yield url, sql_url


@contextmanager
def answering(place: tuple[str, str]) -> Iterator[httpx.Client]:
    """Asks a server of a catalog.

    Args:
        place: its URL, and the one for SQL.
    """
    with (
        served(options(place[0], sql_url=place[1])) as home,
        httpx.Client(base_url=home, timeout=60) as found,
    ):
        yield found


@pytest.fixture
def place(engine: Engine, catalog_url: str) -> Iterator[tuple[str, str]]:
    """What :func:`filled` gives."""
    with filled(engine, catalog_url) as found:
        yield found


@pytest.fixture
def client(place: tuple[str, str]) -> Iterator[httpx.Client]:
    """Asks a server of it."""
    with answering(place) as found:
        yield found
