"""Every page on both engines: it is there, and says what the catalog holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.serving_api import OTHER, answering, filled
from tests.contract.telling import ID, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from sqlalchemy import Engine

HEAVIEST = 100_000
"""Bytes of a page, pictures set aside."""
PAGES = {
    "/": "Another name",
    "/gpts": "Another name",
    "/gpts?q=another": "Another name",
    "/gpts?q=another&view=cards": "Another name",
    "/gpts?category=other&sort=name": "Another name",
    "/gpts?at=2026-02-01": "A name",
    "/gpts?q=nothinglikeit": "No GPT is like that",
    "/gpts?status=gone": "Other",
    f"/gpts/{ID}": "Said anew",
    f"/gpts/{ID}?at=2026-02-02": "Another name",
    f"/gpts/{ID}/compare?from=2026-02-01&to=2026-02-03": "Said anew",
    f"/gpts/{ID}/raw": "Made1UpId",
    f"/gpts/{OTHER}": "gone",
    "/authors": "An Author",
    "/authors?q=author&sort=conversations": "An Author",
    "/authors?sort=name": "An Author",
    "/authors?sort=first_seen": "An Author",
    "/authors/user-one": "An Author",
    "/changes": "Another name",
    "/changes?all=1&since=2026-02-01&until=2026-02-03": "Another name",
    "/changes?field=gizmo.display.description": "Said anew",
    "/changes?author=An+Author": "Another name",
    "/changes?category=other": "Another name",
    "/trends": "GPTs by the month they were made",
    "/trends?by=reviews&days=30": "by the month they were first seen",
    "/runs": "Last runs",
    "/sql": "What there is",
    "/sql?query=SELECT+name+FROM+gizmos": "Another name",
    "/sql?named=changed-fields": "gizmo.display.name",
}
PROBLEMS = {
    "/gpts?q=%22open": 400,
    "/gpts?after=xyz": 400,
    "/changes?since=tomorrow": 400,
    "/trends?by=size": 400,
    f"/gpts/{NEVER}": 404,
    "/authors/nobody": 404,
    "/authors/a%00b": 400,
    "/gpts?q=a%00b": 400,
    "/gpts?author=a%00b": 400,
    "/changes?author=a%00b": 400,
    "/sql?query=SELECT%00": 400,
    "/nowhere": 404,
}


@pytest.fixture
def client(engine: Engine, catalog_url: str) -> Iterator[httpx.Client]:
    with filled(engine, catalog_url) as place, answering(place) as found:
        yield found


def test_every_page_says_what_the_catalog_holds(client: httpx.Client) -> None:
    for path, words in PAGES.items():
        found = client.get(path)
        assert found.status_code == 200, (path, found.text[:600])
        assert found.headers["content-type"] == "text/html; charset=utf-8"
        assert found.text.count("<h1") == 1, path
        assert words in found.text, path
        assert len(found.content) < HEAVIEST


def test_a_page_says_what_is_wrong(client: httpx.Client) -> None:
    for path, status in PROBLEMS.items():
        found = client.get(path)
        assert found.status_code == status, path
        assert found.text.count("<h1") == 1


def test_pages_of_an_empty_catalog_are_there(engine: Engine, catalog_url: str) -> None:
    del engine
    with answering((catalog_url, catalog_url)) as client:
        for path in ("/", "/gpts", "/authors", "/changes", "/trends", "/runs", "/sql"):
            found = client.get(path)
            assert found.status_code == 200, path
            assert found.text.count("<h1") == 1
