"""What the API hands out for taking away: files and feeds."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from typing import TYPE_CHECKING

import httpx
import pyarrow.parquet as pq
import pytest

from catalog.times import HOUR
from catalog.web import api
from catalog.web.api.parameters import parameters
from tests.contract.serving_api import (
    OTHER,
    client,
    json_of,
    place,
    questions,
)
from tests.contract.telling import ID, changed, day, document, said, tell
from tests.serving import options, served

if TYPE_CHECKING:
    from sqlalchemy import Engine


__all__ = ["client", "place"]


# Files.


def test_a_file_in_every_form_holds_what_the_pages_do(client: httpx.Client) -> None:
    asked = questions()
    for each in api.OPERATIONS:
        if each.rows is None or "run_id" in each.path:
            continue
        path, _, query = asked[each.name].partition("?")
        names = {of.name for of in parameters(each.question, each.path)}
        paged = "after" in names
        kept = "&".join(
            part for part in query.split("&") if part and not (paged and "limit" in part)
        )
        whole = kept + ("&limit=1000" if paged else "")
        answer = json_of(client, f"{path}?{whole}")
        items = answer["items"] if isinstance(answer, dict) and "items" in answer else None
        if isinstance(answer, list):
            items = answer
        files = {form: client.get(f"{path}.{form}?{kept}") for form in ("csv", "ndjson", "parquet")}
        assert {found.status_code for found in files.values()} == {200}
        lines = [json.loads(line) for line in files["ndjson"].text.splitlines()]
        table = pq.read_table(io.BytesIO(files["parquet"].content))
        rows = list(csv.DictReader(io.StringIO(files["csv"].text, newline="")))
        assert table.num_rows == len(lines) == len(rows)
        if items is not None:
            assert lines == items
        for line in lines:
            assert table.column_names == list(line)
        assert "attachment" in files["csv"].headers["content-disposition"]


def test_moments_and_numbers_have_types_of_their_own_in_parquet(client: httpx.Client) -> None:
    table = pq.read_table(io.BytesIO(client.get("/api/gpts.parquet").content))
    assert str(table.schema.field("first_seen_at").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("conversations").type) == "int64"
    empty = pq.read_table(io.BytesIO(client.get("/api/gpts.parquet?category=none").content))
    assert empty.schema.types == table.schema.types
    assert empty.num_rows == 0


def test_sql_is_had_as_a_file_too(client: httpx.Client) -> None:
    ask = {"query": "SELECT gizmo_id, name FROM gizmos ORDER BY gizmo_id"}
    lines = client.get("/api/sql.ndjson", params=ask).text.splitlines()
    assert [json.loads(line)["gizmo_id"] for line in lines] == [ID, OTHER]
    wrong = client.get("/api/sql.csv", params={"query": "SELECT nothing"})
    assert (wrong.status_code, wrong.json()["type"][-11:]) == (422, "invalid-sql")
    assert client.get("/api/queries/tool-adoption.csv").text.count("\n") > 1


def test_a_file_that_cannot_be_finished_is_seen_to_be_cut(place: tuple[str, str]) -> None:
    with served(options(place[0], sql_url=place[1], sql_seconds=2.0)) as home:
        ask = {
            "query": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i>0)"
            " SELECT i FROM n"
        }
        with httpx.stream("GET", f"{home}/api/sql.csv", params=ask, timeout=60) as cut:
            assert cut.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                deque(cut.iter_bytes(), maxlen=0)


# Feeds.


def test_every_filter_of_changes_is_a_feed(client: httpx.Client) -> None:
    for query, expected in (
        ("", 6),
        ("?field=name", 1),
        ("?class=lifecycle&kind=changed", 2),
        (f"?gpt={OTHER}", 3),
        ("?since=2026-02-03&until=2026-02-03&author=An+Author", 1),
        ("?category=nothing", 0),
    ):
        feed = client.get(f"/feeds/changes.json{query}")
        assert len(feed.json()["items"]) == expected, query
        again = client.get(
            f"/feeds/changes.json{query}", headers={"If-None-Match": feed.headers["etag"]}
        )
        assert again.status_code == 304
        atom = client.get(f"/feeds/changes.atom{query}").text
        assert atom.count("<entry>") == expected
        assert feed.json()["feed_url"].endswith("/feeds/changes.json" + query)


def test_an_entry_keeps_its_id_while_more_is_known_of_its_day(
    client: httpx.Client, engine: Engine
) -> None:
    before = {each["id"] for each in client.get("/feeds/changes.json").json()["items"]}
    tell(engine, said(day(3) + HOUR, changed(document(), name="Later that day")))
    after = {each["id"] for each in client.get("/feeds/changes.json").json()["items"]}
    assert before <= after
