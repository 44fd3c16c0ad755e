"""Texts of strangers in every field of a document: shown as text in every page, file and feed."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest

from catalog import Reader
from catalog.fields import FIELDS
from catalog.query.told import MIME_PATHS
from catalog.simulator import Population
from catalog.times import DAY
from tests.contract.reading import reader_of
from tests.contract.serving_api import HOSTILE, answering, uttered
from tests.contract.telling import changed, day, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from sqlalchemy import Engine

IDS = {f"g-Hostile{place:02d}": text for place, text in enumerate(HOSTILE.values())}
STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
NAMES = "SELECT gizmo_id, name, description FROM gizmos"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d")


def _joined(one: Any, other: Any) -> Any:
    """Two documents as one that has every field of either."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            key: _joined(one.get(key), other.get(key))
            for key in dict.fromkeys((*one, *other))
        }  # fmt: skip
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *other][:6]
    return one if one is not None else other


def _everywhere(value: Any, text: str, name: str = "") -> Any:
    """A document with a text in place of every text that is no id of its own and no moment."""
    if isinstance(value, dict):
        return {key: _everywhere(each, text, f"{name}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [_everywhere(each, text, name) for each in value]
    if not isinstance(value, str) or MOMENT.match(value) or name == ".gizmo.id":
        return value
    # What tells a tool's or a file's kind is kept once in two, so that all columns are filled.
    return value if name.endswith("tools.type") and value == "plugins_prototype" else text


def _put(found: Any, path: list[str], text: str) -> None:
    """Also what no source sends, or as null alone."""
    for name in path[:-1]:
        found = found.setdefault(name, {})
    found[path[-1]] = text


def _documents() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Of each text: the GPT, its document, and what is said of it later."""
    population = Population(7, 60, pace=20.0)
    whole: Any = {}
    for gizmo_id in population.ids():
        whole = _joined(whole, population.document(gizmo_id, population.start + 30 * DAY))
    for place, (gizmo_id, text) in enumerate(IDS.items()):
        found = _everywhere(whole, text)
        for field in FIELDS:
            if field.type == "text" and field.path not in MIME_PATHS:
                _put(found, field.path.split("."), text)
        found["gizmo"]["id"] = gizmo_id
        found["gizmo"]["author"]["user_id"] = f"user-{place} {text}"
        found["gizmo"][f"unknown {text}"] = {text: text}
        found[text] = text
        yield gizmo_id, found, changed(found, name=f"{text} again", description=f"{text} again")


@pytest.fixture
def hostile(engine: Engine, catalog_url: str) -> Iterator[httpx.Client]:
    for place, (_, found, later) in enumerate(_documents()):
        tell(engine, uttered(day(1) + place, found), uttered(day(2) + place, later))
    with reader_of(catalog_url) as sql_url, answering((catalog_url, sql_url)) as client:
        yield client


class _Seen(HTMLParser):
    """What a page shows, and makes a browser do.

    Attributes:
        wrong: markup that no page of ours has.
        shown: its texts. What a form sends back is none: it has to be as it came.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.shown: list[str] = []
        self._in_form_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_form_text = tag == "textarea"
        given = dict(attrs)
        if tag in {"iframe", "object", "embed", "base", "style", "img"} or (
            tag == "script" and not (given.get("src") or "").startswith("/static/")
        ):
            self.wrong.append(f"{tag} {given}")
        for name, value in attrs:
            target = (value or "").strip().casefold()
            if name.startswith("on") or name == "style":
                self.wrong.append(f"{tag} {name}")
            elif name in {"href", "src", "action", "formaction"} and not target.startswith(
                ("/", "?", "#", "http://", "https://")
            ):
                self.wrong.append(f"{tag} {name}={value}")
            elif (tag, name) != ("input", "value"):
                self.shown.append(value or "")

    def handle_data(self, data: str) -> None:
        if not self._in_form_text:
            self.shown.append(data)


def _readable(text: str) -> str:
    """A text as tables hold it, after one unescape of HTML, and as JSON can say it."""
    return html.unescape(text.replace("\ud800", "\ufffd"))


def _pages(client: httpx.Client) -> Iterator[str]:
    """Every page that shows something of these GPTs."""
    authors = client.get("/api/authors?limit=100").json()["items"]
    yield from ("/", "/gpts", "/gpts?view=cards", "/gpts?at=2026-02-01", "/authors", "/changes")
    yield from ("/changes?all=1", "/trends", "/runs", "/sql", "/sql?named=changed-fields")
    for each in authors:
        yield f"/authors/{quote(each['user_id'], safe='')}"
    for gizmo_id in IDS:
        yield from (f"/gpts/{gizmo_id}", f"/gpts/{gizmo_id}/raw")
        yield f"/gpts/{gizmo_id}/compare?from=2026-02-01&to=2026-02-02"
    for text in HOSTILE.values():
        # What a person types comes back, too.
        asked = quote(_readable(text))
        yield from (f"/gpts?q={asked}", f"/gpts?category={asked}", f"/authors?q={asked}")
        yield from (f"/changes?author={asked}", f"/sql?query={asked}", f"/nowhere/{asked}")
    yield f"/sql?query={quote(NAMES)}"


def test_hostile_texts_in_every_field_are_text_on_every_page(hostile: httpx.Client) -> None:
    shown = 0
    for path in _pages(hostile):
        found = hostile.get(path, follow_redirects=True)
        assert found.status_code in {200, 400, 404, 422}, (path, found.text[:300])
        seen = _Seen()
        seen.feed(found.text)
        assert seen.wrong == [], path
        steering = [each for each in seen.shown if STEERS.search(each)]
        assert steering == [], path
        shown += "&lt;script&gt;alert(1)&lt;/script&gt;" in found.text
    assert shown > len(IDS)


def test_hostile_texts_are_whole_in_json_and_steer_nothing(hostile: httpx.Client) -> None:
    answer = hostile.get("/api/gpts?limit=100")
    found = {each["gizmo_id"]: each for each in answer.json()["items"]}
    for gizmo_id, text in IDS.items():
        gpt = found[gizmo_id]
        assert gpt["name"] == _readable(f"{text} again")
        assert gpt["author"] == _readable(text)
        assert gpt["description"] == _readable(f"{text} again")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for path in (
        "/api/gpts?limit=100",
        "/api/changes?all=1&limit=1000",
        "/api/authors?limit=100",
        "/api/facets",
        "/api/unmapped?limit=1000",
        "/api/drift",
        "/api/overview",
        f"/api/sql?query={quote(NAMES)}",
        *(
            f"/api/gpts/{gizmo_id}{more}"
            for gizmo_id in IDS
            for more in ("", "/history", "/metrics")
        ),
    ):
        said = hostile.get(path)
        assert said.status_code == 200, path
        json.loads(said.text)
        assert not STEERS.search(said.text), path


def test_hostile_texts_in_files_are_texts(hostile: httpx.Client) -> None:
    for path in ("/api/gpts", "/api/changes", "/api/authors", "/api/unmapped"):
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


def test_every_field_has_the_hostile_text(engine: Engine, catalog_url: str) -> None:
    """That the documents of these tests leave no column of text without one."""
    (gizmo_id, found, later) = next(_documents())
    tell(engine, uttered(day(1), found), uttered(day(2), later))
    with Reader.open(catalog_url) as reader:
        gpt = reader.get(gizmo_id)
    facts = {fact.field.path: fact.value for fact in gpt.facts if fact.field.type == "text"}
    others = {path for path, value in facts.items() if IDS[gizmo_id] not in str(value)}
    assert others <= MIME_PATHS
    apart = {"attachments", "vanity_metrics"}
    assert facts.keys() >= {
        field.path for field in FIELDS if field.type == "text" and field.table not in apart
    }
    for listed in gpt.lists:
        assert listed.items, listed.field.path
