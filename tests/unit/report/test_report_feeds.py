"""Feeds against what their formats demand, and against what strangers write."""

from __future__ import annotations

import json
import re
import uuid
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from catalog.report.feeds import ATOM, JSON_FEED, Feed, entry_id, to_atom, to_json_feed
from catalog.times import HOUR
from tests.unit.report.samples import AT, NASTY, entries

RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})")
TAGS = {"p", "ul", "li", "bdi", "strong", "code", "ins", "del", "span"}


def feed(text: str) -> Feed:
    return Feed(key=("feed", "changes"), title=text, until=AT + HOUR, entries=entries(text))


class _Html(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = [("class", "came")], [("class", "went")], [("class", "remark")]
        assert not attrs or (tag == "span" and attrs in allowed)
        self.found.add(tag)


def _one(parent: ET.Element, name: str) -> ET.Element:
    (found,) = parent.findall(f"{{{ATOM}}}{name}")
    return found


def _said(parent: ET.Element, name: str) -> str:
    return _one(parent, name).text or ""


def check_atom(text: str) -> ET.Element:
    """What RFC 4287, sections 4.1.1 and 4.1.2, demands of what is used here."""
    root = ET.fromstring(text)  # noqa: S314  (our own text)
    assert root.tag == f"{{{ATOM}}}feed"
    assert {each.tag.partition("}")[0] for each in root.iter()} == {f"{{{ATOM}"}
    assert _said(_one(root, "author"), "name")
    for each in (root, *root.findall(f"{{{ATOM}}}entry")):
        assert uuid.UUID(_said(each, "id")).urn == _said(each, "id")
        assert _said(each, "title").strip()
        assert RFC3339.fullmatch(_said(each, "updated"))
        assert each.find(f"{{{ATOM}}}title").get("type", "text") == "text"  # type: ignore[union-attr]
    ids = [_said(each, "id") for each in root.findall(f"{{{ATOM}}}entry")]
    assert len(set(ids)) == len(ids)
    return root


class _Author(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    content_html: str
    title: str
    summary: str
    date_modified: str
    tags: list[str] = []


class _JsonFeed(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Feed 1.1, as far as it is used here: other members would be an error."""

    version: str
    title: str
    authors: list[_Author]
    items: list[_Item]


def check_json_feed(text: str) -> _JsonFeed:
    found = msgspec.json.decode(text, type=_JsonFeed)
    assert found.version == JSON_FEED
    assert len({item.id for item in found.items}) == len(found.items)
    assert all(RFC3339.fullmatch(item.date_modified) for item in found.items)
    return found


@pytest.mark.parametrize("text", NASTY)
def test_feeds_are_valid_whatever_strangers_write(text: str) -> None:
    root = check_atom(to_atom(feed(text or "x")))
    found = check_json_feed(to_json_feed(feed(text or "x")))
    contents = [_said(each, "content") for each in root.findall(f"{{{ATOM}}}entry")]
    assert contents == [item.content_html for item in found.items]
    for content in contents:
        assert _Html(content).found <= TAGS


def test_atom_and_json_say_the_same() -> None:
    root = check_atom(to_atom(feed("A name")))
    found = check_json_feed(to_json_feed(feed("A name")))
    told = [
        tuple(_said(each, name) for name in ("id", "title", "summary", "updated"))
        for each in root.findall(f"{{{ATOM}}}entry")
    ]
    assert told == [(each.id, each.title, each.summary, each.date_modified) for each in found.items]
    assert [title for _, title, _, _ in told] == [
        "A name: name, prompt_starters changed",
        "A name: now matches",
        "2026-02-02: 1,200 new, 1 gone",
    ]


def test_feed_is_as_new_as_its_latest_entry() -> None:
    assert _said(check_atom(to_atom(feed("x"))), "updated") == "2026-02-03T09:00:00Z"
    empty = Feed(key=("feed",), title="x", until=AT, entries=())
    assert _said(check_atom(to_atom(empty)), "updated") == "2026-02-03T09:00:00Z"
    assert check_json_feed(to_json_feed(empty)).items == []


def test_ids_never_change() -> None:
    """They are in the readers of people: another one shows everything as new."""
    assert entry_id(("gpt", "g-Made1UpId", "2026-02-03")) == (
        "urn:uuid:e224b4af-1c03-5dfd-a949-09b3064b7ce9"
    )
    before = [item["id"] for item in _items("A name")]
    assert [item["id"] for item in _items("Another name")] == before


def _items(text: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(to_json_feed(feed(text)))["items"]
    return items
