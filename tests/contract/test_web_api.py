"""The JSON API over HTTP: as described, the same as Python's, and nothing sent twice."""

from __future__ import annotations

import json
import random
import re
import socket
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import msgspec
import pytest

from catalog import Filter, Reader, Wanted
from catalog.query.changes import Change
from catalog.query.marks import mark_small
from catalog.query.news import mark_now
from catalog.records import Alarm, Verdict
from catalog.storage import runs as run_store
from catalog.storage.alarms import update_alarms
from catalog.storage.engine import read, write
from catalog.storage.frontier import add_ids
from catalog.web import api
from catalog.web.api.problems import KINDS
from catalog.web.api.serving import CONSOLES, download_path
from catalog.wording.changes import as_json_line
from catalog.wording.text import to_json
from catalog.wording.tojson import gizmo_json, history_json
from tests.contract.serving_api import (
    OTHER,
    client,
    fill,
    json_of,
    place,
    questions,
)
from tests.contract.telling import ID, NEVER, changed, day, document, said, tell
from tests.databases import NOW
from tests.serving import options, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


__all__ = ["client", "place"]


@pytest.fixture
def reader(place: tuple[str, str]) -> Iterator[Reader]:
    with Reader.open(place[0]) as found:
        yield found


def test_every_operation_answers_as_it_is_described(client: httpx.Client, engine: Engine) -> None:
    with write(engine) as conn:
        add_ids(conn, [ID, NEVER], NOW)
        found = [Alarm(kind="drift", subject="x", severity="warning", message="odd")]
        update_alarms(conn, found, NOW, {"drift": 0})
        key = run_store.RunKey(command="harvest", source="one", ids_digest="0" * 64)
        run = run_store.open_run(conn, key, now=NOW, rng=random.Random(1))
        failed = run_store.Outcome(
            run_id=run.run_id,
            asked_id=NEVER,
            source_id=1,
            verdict=Verdict.UNAVAILABLE,
            attempts=1,
            requests=1,
            status=503,
            at=NOW,
            detail="no",
        )
        run_store.add_outcomes(conn, [failed])
    every = {each.name: each for each in (*api.OPERATIONS, *api.CONSOLE)}
    asked = questions()
    assert asked.keys() == every.keys()
    for name, address in asked.items():
        answer = json_of(client, address.replace("RUN", run.run_id))
        msgspec.convert(answer, every[name].answer)
    assert json_of(client, "/api/runs?source=one")["items"][0]["run_id"] == run.run_id
    assert [each["asked_id"] for each in json_of(client, f"/api/runs/{run.run_id}/failed")] == [
        NEVER
    ]


def test_answers_are_those_of_the_python_api(client: httpx.Client, reader: Reader) -> None:
    page = reader.search(Filter(categories=("other",)), sort="name")
    items = json_of(client, "/api/gpts?category=other&sort=name")["items"]
    assert [each["gizmo_id"] for each in items] == [each.gizmo_id for each in page.items]
    assert json_of(client, f"/api/gpts/{ID}") == _sent(gizmo_json(reader.get(ID)))
    assert json_of(client, f"/api/gpts/{ID}?at=2026-02-01") == _sent(
        gizmo_json(reader.get(ID, at="2026-02-01"))
    )
    assert json_of(client, f"/api/gpts/{ID}?known_at=2026-02-02")["known_at"] is not None
    assert json_of(client, f"/api/gpts/{ID}/history") == _sent(history_json(reader.history(ID)))
    said_ = [_sent(as_json_line(each)) for each in reader.changes(ID, everything=True)]
    assert json_of(client, f"/api/changes?gpt={ID}&all=1&order=oldest")["items"] == said_
    assert json_of(client, f"/api/changes?gpt={ID}&all=1")["items"] == said_[::-1]
    assert json_of(client, "/api/count")["number"] == reader.count().number
    gone = json_of(client, "/api/departures")["items"]
    assert [each["gizmo_id"] for each in gone] == [OTHER]
    new = json_of(client, "/api/arrivals")["items"]
    assert [each["gizmo_id"] for each in new] == [ID, OTHER]


def _sent(value: Any) -> Any:
    """What a reader of JSON gets of what ``--json`` prints; half characters are replaced."""
    text = json.loads(to_json(value))
    return json.loads(re.sub(r"\\ud800", r"\\ufffd", json.dumps(text)))


def test_pages_hold_every_row_once(client: httpx.Client) -> None:
    for path in ("/api/gpts?limit=1", "/api/changes?all=1&limit=2", "/api/authors?limit=1"):
        whole = json_of(client, path.partition("limit")[0] + "limit=1000")["items"]
        seen: list[Any] = []
        after: str | None = None
        while True:
            page = json_of(client, path + (f"&after={after}" if after else ""))
            seen += page["items"]
            after = page["after"]
            if after is None:
                break
        assert seen == whole
        assert len(whole) > 0


def test_an_answer_is_sent_again_only_after_something_was_written(
    client: httpx.Client, engine: Engine
) -> None:
    first = client.get("/api/gpts")
    tag = first.headers["etag"]
    assert client.get("/api/gpts", headers={"If-None-Match": f'"x", {tag}'}).status_code == 304
    assert client.get("/api/gpts?limit=1", headers={"If-None-Match": tag}).status_code == 200
    tell(engine, said(day(6), changed(document(), name="A third name")))
    anew = client.get("/api/gpts", headers={"If-None-Match": tag})
    assert anew.status_code == 200
    assert anew.headers["etag"] != tag
    assert "A third name" in anew.text


def test_the_original_comes_byte_for_byte_as_a_file(client: httpx.Client) -> None:
    found = client.get(f"/api/gpts/{ID}/original")
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"].startswith("attachment")
    assert json.loads(found.content)["gizmo"]["id"] == ID
    again = client.get(f"/api/gpts/{ID}/original", headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304


PROBLEMS = (
    ("/api/gpts?min_ratting=4", 400, "unknown-parameter"),
    ("/api/gpts?limit=0", 400, "invalid-parameter"),
    ("/api/gpts?limit=ten", 400, "invalid-parameter"),
    ("/api/gpts?limit=1&limit=2", 400, "invalid-parameter"),
    ("/api/gpts?sort=size", 400, "invalid-parameter"),
    ("/api/gpts?at=tomorrow", 400, "invalid-parameter"),
    ("/api/gpts?q=%00", 400, "invalid-parameter"),
    ("/api/gpts?status=lost", 400, "invalid-parameter"),
    ("/api/movers?since=2026-01-01", 400, "missing-parameter"),
    ("/api/gpts?q=%22%22", 422, "invalid-query"),
    ("/api/gpts?created_since=2026-02-02&created_until=2026-02-01", 422, "invalid-filter"),
    ("/api/gpts?after=xyz", 422, "invalid-cursor"),
    ("/api/gpts?at=2026-02-31", 422, "invalid-request"),
    ("/api/resolve?ref=nothing", 422, "invalid-reference"),
    ("/api/changes?field=nothing_like_it", 422, "invalid-request"),
    ("/api/changes?since=2026-02-02&until=2026-02-01", 422, "invalid-request"),
    ("/api/news?mark=xyz", 422, "invalid-cursor"),
    ("/api/sql?query=DELETE+FROM+gizmos", 422, "invalid-sql"),
    ("/api/sql?query=SELECT+1;SELECT+2", 422, "invalid-sql"),
    ("/api/queries/nothing", 422, "invalid-request"),
    (f"/api/gpts/{NEVER}", 404, "not-found"),
    ("/api/gpts/nothing", 404, "invalid-reference"),
    ("/api/runs/nothing", 404, "not-found"),
    ("/api/nothing", 404, "not-found"),
    ("/feeds/nothing", 404, "not-found"),
    ("/api/gpts.xlsx", 404, "invalid-parameter"),
    ("/api/gpts.csv?limit=1", 400, "unknown-parameter"),
    ("/feeds/changes.atom?q=x", 400, "unknown-parameter"),
    ("/api/gpts?q=" + "a" * 61_000, 414, "too-long"),
)


def test_a_problem_says_what_is_wrong_and_which_kind_it_is(client: httpx.Client) -> None:
    for address, status, kind in PROBLEMS:
        found = client.get(address)
        assert found.status_code == status, address
        assert found.headers["content-type"] == "application/problem+json"
        told = found.json()
        assert told["type"] == f"urn:gpts-catalog:problem:{kind}", address
        assert told["status"] == status
        assert told["title"] == KINDS[kind].title
        assert told["detail"]


def test_a_misspelt_parameter_is_told_the_nearest(client: httpx.Client) -> None:
    told = client.get("/api/gpts?min_ratting=4").json()
    assert "did you mean 'min_rating'?" in told["detail"]
    assert told["parameter"] == "min_ratting"


@pytest.mark.parametrize("path", ["/api/gpts", "/openapi.json", "/feeds/changes.atom", "/api/x"])
def test_only_what_reads_is_answered(client: httpx.Client, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        refused = client.request(method, path)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
        assert refused.json()["type"].endswith("not-allowed")
    told = client.options(path)
    assert (told.status_code, told.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


def test_head_has_the_headers_of_get_and_no_body(client: httpx.Client) -> None:
    for path in ("/api/gpts", "/openapi.json", f"/api/gpts/{ID}/original", "/feeds/changes.json"):
        whole, head = client.get(path), client.head(path)
        assert head.content == b""
        for name in ("etag", "content-length", "content-type"):
            assert head.headers[name] == whole.headers[name]
    assert client.head("/api/gpts.parquet").headers["content-type"].endswith("parquet")


def test_a_token_is_asked_for_in_the_form_of_the_api(place: tuple[str, str]) -> None:
    with served(options(place[0], token="a-token-of-this-test")) as home:
        refused = httpx.get(f"{home}/api/gpts")
        assert refused.status_code == 401
        assert refused.json()["type"].endswith("token-needed")
        assert refused.headers["www-authenticate"] == "Bearer"
        shown = {"Authorization": "Bearer a-token-of-this-test"}
        assert httpx.get(f"{home}/api/gpts", headers=shown).status_code == 200


def test_another_name_is_refused_in_the_form_of_the_api(client: httpx.Client) -> None:
    refused = client.get("/api/gpts", headers={"Host": "evil.test"})
    assert refused.status_code == 421
    assert refused.json()["type"].endswith("wrong-host")


# Since the last visit.


def test_news_since_a_mark_are_told_once(client: httpx.Client, engine: Engine) -> None:
    mark = json_of(client, "/api/news")["mark"]
    assert json_of(client, f"/api/news?mark={mark}")["items"] == []
    tell(engine, said(day(6), changed(document(), name="A third name")))
    news = json_of(client, f"/api/news?mark={mark}")
    names = [each["new"] for each in news["items"] if each["field"] == "gizmo.display.name"]
    assert names == ["A third name"]
    assert json_of(client, f"/api/news?mark={news['mark']}")["items"] == []
    assert json_of(client, f"/api/news?mark={mark}&limit=1")["more"] is (len(news["items"]) > 1)


def test_a_small_mark_is_that_of_a_bookmark(engine: Engine) -> None:
    fill(engine)
    with read(engine) as conn:
        whole, small = mark_now(conn), mark_small(conn)
    assert small == msgspec.structs.replace(whole, digests=frozenset())


# The state.


def test_the_state_has_another_name_after_each_commit(engine: Engine, catalog_url: str) -> None:
    with Reader.open(catalog_url) as reader:
        first = reader.state()
        assert reader.state() == first
        with read(engine) as conn:
            mark_small(conn)
        assert reader.state() == first
        with write(engine) as conn:
            add_ids(conn, [ID], NOW)
        second = reader.state()
        assert second != first
        assert reader.state() == second


# SQL.


def test_sql_gives_rows_values_and_what_was_cut(client: httpx.Client) -> None:
    ask = "/api/sql"
    found = client.get(
        ask, params={"query": "SELECT :a AS a, :b AS a, NULL AS n", "param": ["a=1", "b:=2.5"]}
    ).json()
    assert found["columns"] == ["a", "a", "n"]
    assert [str(each) for each in found["rows"][0]] == ["1", "2.5", "None"]
    many = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<50) SELECT i FROM n"
    )
    cut = client.get(ask, params={"query": many, "rows": "7"}).json()
    assert [len(cut["rows"]), cut["truncated"]] == [7, True]


def test_sql_that_takes_too_long_is_ended(place: tuple[str, str]) -> None:
    given = options(place[0], sql_url=place[1], sql_seconds=1.0)
    with served(given) as home:
        late = httpx.get(f"{home}/api/sql", params={"query": ENDLESS}, timeout=60)
    assert late.status_code == 422
    assert late.json()["type"].endswith("time-up")


ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i>0)"
    " SELECT count(*) FROM n WHERE i < 0"
)


def test_a_query_is_stopped_when_whoever_asked_goes(place: tuple[str, str]) -> None:
    """All places for queries are taken by such; were they not ended, none would be free."""
    given = options(place[0], sql_url=place[1], sql_seconds=600.0)
    with served(given) as home:
        where = httpx.URL(home)
        query = httpx.QueryParams({"query": ENDLESS})
        for _ in range(CONSOLES + 1):
            with socket.create_connection((where.host, where.port or 80)) as gone:
                said_ = f"GET /api/sql?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"
                gone.sendall(said_.encode())
        _until_free(home)


def _until_free(home: str) -> None:
    """Ask until a query is answered; the server has a while to see that somebody has gone."""
    for _ in range(600):
        found = httpx.get(f"{home}/api/sql", params={"query": "SELECT 1"}, timeout=60)
        if found.status_code == 200:
            return
        assert found.status_code == 503
        assert found.headers["retry-after"]
    raise AssertionError("queries go on that nobody waits for")


# The description.


def test_the_description_names_every_path_that_is_served(client: httpx.Client) -> None:
    told = json_of(client, "/openapi.json")
    assert told["openapi"] == "3.1.0"
    every = {each.path for each in (*api.OPERATIONS, *api.CONSOLE)}
    files = {download_path(each) for each in (*api.OPERATIONS, *api.CONSOLE) if each.rows}
    assert every | files <= told["paths"].keys()
    assert all(path.keys() == {"get"} for path in told["paths"].values())
    names = [path["get"]["operationId"] for path in told["paths"].values()]
    assert len(names) == len(set(names))


def test_the_description_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema({"$defs": api.describe()["components"]["schemas"]})
    for path in api.describe()["paths"].values():
        for parameter in path["get"]["parameters"]:
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])


def test_latest_changes_are_those_of_the_past_turned_round(reader: Reader) -> None:
    for wanted in (Wanted(everything=True), Wanted(gizmo_id=ID), Wanted(author="An Author")):
        oldest = reader.changes_page(wanted, limit=100).items
        found: list[Change] = []
        after: str | None = None
        while True:
            page = reader.changes_page(wanted, latest=True, after=after, limit=2)
            found += page.items
            after = page.after
            if after is None:
                break
        assert tuple(found[::-1]) == oldest
        assert oldest
