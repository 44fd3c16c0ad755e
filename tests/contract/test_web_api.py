"""The JSON API over HTTP: as described, the same as Python's, and nothing sent twice."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import random
import re
import socket
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import httpx
import jsonschema
import msgspec
import pyarrow.parquet as pq
import pytest

from catalog import Filter, Reader, Wanted
from catalog.query.changes import Change
from catalog.query.latest import latest_page
from catalog.query.marks import mark_small
from catalog.query.news import mark_now
from catalog.records import Alarm, Observation, Verdict
from catalog.storage import runs as run_store
from catalog.storage.alarms import update_alarms
from catalog.storage.engine import read, write
from catalog.storage.frontier import add_ids
from catalog.times import HOUR, Micros
from catalog.web import api
from catalog.web.api.parameters import parameters
from catalog.web.api.problems import KINDS
from catalog.web.api.serving import CONSOLES, download_path
from catalog.wording.changes import as_json_line
from catalog.wording.text import to_json
from catalog.wording.tojson import gizmo_json, history_json
from tests.contract.reading import reader_of
from tests.contract.telling import DERIVER, ID, NEVER, changed, day, document, said, tell
from tests.databases import NOW
from tests.serving import options, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

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


def _questions() -> dict[str, str]:
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


def _uttered(at: Micros, value: dict[str, Any]) -> Observation:
    """A document with texts that UTF-8 has no bytes for, as sources send them: escaped."""
    payload = json.dumps(value).encode()
    return msgspec.structs.replace(
        said(at, document(value["gizmo"]["id"])),
        digest=hashlib.sha256(payload).digest(),
        payload=payload,
        document=DERIVER.document(payload, "gizmo"),
    )


def _fill(engine: Engine) -> None:
    first = document()
    first["gizmo"]["display"]["prompt_starters"] = list(HOSTILE.values())
    tell(
        engine,
        _uttered(day(1), first),
        _uttered(day(2), changed(first, name="Another name")),
        _uttered(day(3), changed(first, name="Another name", description="Said anew")),
        said(day(1) + HOUR, document(OTHER, "Other")),
        said(day(4), None, gizmo_id=OTHER),
        said(day(5), None, gizmo_id=OTHER),
    )


@pytest.fixture
def place(engine: Engine, catalog_url: str) -> Iterator[tuple[str, str]]:
    """A catalog with some GPTs: its URL, and the one for SQL."""
    _fill(engine)
    with reader_of(catalog_url) as sql_url:
        yield catalog_url, sql_url


@pytest.fixture
def client(place: tuple[str, str]) -> Iterator[httpx.Client]:
    with (
        served(options(place[0], sql_url=place[1])) as home,
        httpx.Client(base_url=home, timeout=60) as found,
    ):
        yield found


@pytest.fixture
def reader(place: tuple[str, str]) -> Iterator[Reader]:
    with Reader.open(place[0]) as found:
        yield found


def _json(client: httpx.Client, address: str) -> Any:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


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
    questions = _questions()
    assert questions.keys() == every.keys()
    for name, address in questions.items():
        answer = _json(client, address.replace("RUN", run.run_id))
        msgspec.convert(answer, every[name].answer)
    assert _json(client, "/api/runs?source=one")["items"][0]["run_id"] == run.run_id
    assert [each["asked_id"] for each in _json(client, f"/api/runs/{run.run_id}/failed")] == [NEVER]


def test_answers_are_those_of_the_python_api(client: httpx.Client, reader: Reader) -> None:
    page = reader.search(Filter(categories=("other",)), sort="name")
    items = _json(client, "/api/gpts?category=other&sort=name")["items"]
    assert [each["gizmo_id"] for each in items] == [each.gizmo_id for each in page.items]
    assert _json(client, f"/api/gpts/{ID}") == _sent(gizmo_json(reader.get(ID)))
    assert _json(client, f"/api/gpts/{ID}?at=2026-02-01") == _sent(
        gizmo_json(reader.get(ID, at="2026-02-01"))
    )
    assert _json(client, f"/api/gpts/{ID}?known_at=2026-02-02")["known_at"] is not None
    assert _json(client, f"/api/gpts/{ID}/history") == _sent(history_json(reader.history(ID)))
    said_ = [_sent(as_json_line(each)) for each in reader.changes(ID, everything=True)]
    assert _json(client, f"/api/changes?gpt={ID}&all=1&order=oldest")["items"] == said_
    assert _json(client, f"/api/changes?gpt={ID}&all=1")["items"] == said_[::-1]
    assert _json(client, "/api/count")["number"] == reader.count().number
    gone = _json(client, "/api/departures")["items"]
    assert [each["gizmo_id"] for each in gone] == [OTHER]
    new = _json(client, "/api/arrivals")["items"]
    assert [each["gizmo_id"] for each in new] == [ID, OTHER]


def _sent(value: Any) -> Any:
    """What a reader of JSON gets of what ``--json`` prints; half characters are replaced."""
    text = json.loads(to_json(value))
    return json.loads(re.sub(r"\\ud800", r"\\ufffd", json.dumps(text)))


def test_pages_hold_every_row_once(client: httpx.Client) -> None:
    for path in ("/api/gpts?limit=1", "/api/changes?all=1&limit=2", "/api/authors?limit=1"):
        whole = _json(client, path.partition("limit")[0] + "limit=1000")["items"]
        seen: list[Any] = []
        after: str | None = None
        while True:
            page = _json(client, path + (f"&after={after}" if after else ""))
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
    mark = _json(client, "/api/news")["mark"]
    assert _json(client, f"/api/news?mark={mark}")["items"] == []
    tell(engine, said(day(6), changed(document(), name="A third name")))
    news = _json(client, f"/api/news?mark={mark}")
    names = [each["new"] for each in news["items"] if each["field"] == "gizmo.display.name"]
    assert names == ["A third name"]
    assert _json(client, f"/api/news?mark={news['mark']}")["items"] == []
    assert _json(client, f"/api/news?mark={mark}&limit=1")["more"] is (len(news["items"]) > 1)


def test_a_small_mark_is_that_of_a_bookmark(engine: Engine) -> None:
    _fill(engine)
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


# Files.


def test_a_file_in_every_form_holds_what_the_pages_do(client: httpx.Client) -> None:
    questions = _questions()
    for each in api.OPERATIONS:
        if each.rows is None or "run_id" in each.path:
            continue
        path, _, query = questions[each.name].partition("?")
        names = {of.name for of in parameters(each.question, each.path)}
        paged = "after" in names
        kept = "&".join(
            part for part in query.split("&") if part and not (paged and "limit" in part)
        )
        whole = kept + ("&limit=1000" if paged else "")
        answer = _json(client, f"{path}?{whole}")
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


# Strangers' texts.


@pytest.fixture
def hostile(engine: Engine, catalog_url: str) -> Iterator[httpx.Client]:
    for at, (place, text) in enumerate(enumerate(HOSTILE.values())):
        gizmo_id = f"g-Hostile{place:02d}"
        found = document(gizmo_id, text, tags=["public", text])
        found["gizmo"]["author"] = {
            "user_id": f"user-{place}",
            "display_name": text,
            "link_to": "javascript:alert(1)",
            "display_socials": [],
        }
        found["gizmo"]["display"] |= {
            "description": text,
            "categories": [text],
            "prompt_starters": [text],
        }
        found["tools"][0]["type"] = text
        again = changed(found, name=f"{text} again", description=f"{text} again")
        tell(engine, _uttered(day(1) + at, found), _uttered(day(2) + at, again))
    with (
        served(options(catalog_url)) as home,
        httpx.Client(base_url=home, timeout=60) as client,
    ):
        yield client


def _readable(text: str) -> str:
    """A text as tables hold it, after one unescape of HTML, and as JSON can say it."""
    return html.unescape(text.replace("\ud800", "\ufffd"))


STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def test_hostile_texts_are_whole_in_json_and_steer_nothing(hostile: httpx.Client) -> None:
    answer = hostile.get("/api/gpts?limit=100")
    assert not STEERS.search(answer.text)
    found = {each["gizmo_id"]: each for each in answer.json()["items"]}
    for place, text in enumerate(HOSTILE.values()):
        gpt = found[f"g-Hostile{place:02d}"]
        assert gpt["name"] == _readable(f"{text} again")
        assert gpt["author"] == _readable(text)
        assert gpt["description"] == _readable(f"{text} again")
        whole = hostile.get(f"/api/gpts/g-Hostile{place:02d}/history")
        assert not STEERS.search(whole.text)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_hostile_texts_in_files_are_texts(hostile: httpx.Client) -> None:
    for path in ("/api/gpts", "/api/changes", "/api/authors"):
        text = hostile.get(f"{path}.csv").text
        assert not STEERS.search(text.replace("\r\n", "\n"))
        for row in csv.reader(io.StringIO(text, newline="")):
            assert not [cell for cell in row if cell[:1] in {"=", "+", "@", "\t", "\r"}]
        assert not STEERS.search(hostile.get(f"{path}.ndjson").text)
    table = pq.read_table(io.BytesIO(hostile.get("/api/gpts.parquet").content))
    names = set(table.column("name").to_pylist())
    assert names == {_readable(f"{text} again") for text in HOSTILE.values()}


def test_hostile_texts_in_feeds_are_texts(hostile: httpx.Client) -> None:
    atom = hostile.get("/feeds/changes.atom")
    assert atom.headers["content-type"] == "application/atom+xml"
    assert not STEERS.search(atom.text)
    root = ET.fromstring(atom.text)  # noqa: S314  (our own)
    space = "{http://www.w3.org/2005/Atom}"
    entries = root.findall(f"{space}entry")
    assert len(entries) == 2 * len(HOSTILE)
    for entry in entries:
        content = entry.findtext(f"{space}content") or ""
        assert set(re.findall(r"<(/?[a-z]+)[ >]", content)) <= {
            *("p", "/p", "ul", "/ul", "li", "/li", "bdi", "/bdi", "strong", "/strong"),
            *("span", "/span", "code", "/code", "ins", "/ins", "del", "/del", "em", "/em"),
        }
        assert not re.search(r"<[^>]*(onerror|href|src)", content)
        for link in entry.findall(f"{space}link"):
            assert link.get("href", "").startswith("http://127.0.0.1:")
    feed = hostile.get("/feeds/changes.json")
    assert feed.headers["content-type"] == "application/feed+json"
    assert not STEERS.search(feed.text)
    assert len(feed.json()["items"]) == 2 * len(HOSTILE)


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


# The description.


def test_the_description_names_every_path_that_is_served(client: httpx.Client) -> None:
    told = _json(client, "/openapi.json")
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
            page = reader.ask(partial(latest_page, wanted=wanted, after=after, limit=2))
            found += page.items
            after = page.after
            if after is None:
                break
        assert tuple(found[::-1]) == oldest
        assert oldest
