"""Entries as feeds: Atom 1.0 (RFC 4287) and JSON Feed 1.1. Pure.

An entry is about a GPT on a UTC day, or about a day. Its id is made of that alone, so that it never
changes, whatever else comes to be known; ``updated`` says when the last of it was said.
"""

from __future__ import annotations

import json
import uuid
from urllib.parse import quote
from xml.etree import ElementTree as ET

import msgspec

from catalog.report.html import lines_html
from catalog.report.model import Entry
from catalog.report.page import NAME, NO_NAME, change_lines, gpt_line, line, plain_text
from catalog.times import Micros
from catalog.wording.changes import label
from catalog.wording.text import iso, moment, number, shorten, to_json

NAMESPACE = uuid.UUID("5b6cbf46-8f2e-5c0c-9d1f-1f2f0c5f4b57")
"""What ids are made in. Another one would make every entry of every feed new: it stays."""
ATOM = "http://www.w3.org/2005/Atom"
JSON_FEED = "https://jsonfeed.org/version/1.1"
SUMMARY = 200
"""Characters of a summary."""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed, before it is written in a form.

    Attributes:
        key: what it is about; its id is made of it.
        title: its title.
        until: when it was made: what ``updated`` says of a feed without entries.
        entries: the latest first.
        address: where it is served; empty: it is a file.
        home: where the pages are served that it is about, without a slash at the end.
    """

    key: tuple[str, ...]
    title: str
    until: Micros
    entries: tuple[Entry, ...]
    address: str = ""
    home: str = ""

    @property
    def updated_at(self) -> Micros:
        """When the latest of its entries was last said."""
        return max((each.updated_at for each in self.entries), default=self.until)


def entry_id(key: tuple[str, ...]) -> str:
    """The id of what is about ``key``: the same on every machine and in every catalog."""
    return uuid.uuid5(NAMESPACE, json.dumps(key)).urn


def to_atom(feed: Feed) -> str:
    """A feed as Atom."""
    root = ET.Element("feed", {"xmlns": ATOM})
    _text(root, "id", entry_id(feed.key))
    _text(root, "title", plain_text(line(feed.title)))
    _text(root, "updated", moment(feed.updated_at))
    if feed.address:
        ET.SubElement(root, "link", {"rel": "self", "href": feed.address})
    _text(ET.SubElement(root, "author"), "name", "GPTs catalog")
    _text(root, "generator", "gpts-catalog")
    for each in feed.entries:
        entry = ET.SubElement(root, "entry")
        _text(entry, "id", entry_id(each.key))
        _text(entry, "title", title(each))
        _text(entry, "updated", moment(each.updated_at))
        if page := page_of(feed, each):
            ET.SubElement(entry, "link", {"rel": "alternate", "href": page})
        _text(entry, "summary", summary(each))
        content = _text(entry, "content", content_html(each))
        content.set("type", "html")
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def to_json_feed(feed: Feed) -> str:
    """A feed as JSON Feed."""
    found = {
        "version": JSON_FEED,
        "title": plain_text(line(feed.title)),
        "authors": [{"name": "GPTs catalog"}],
        **({"feed_url": feed.address} if feed.address else {}),
        "items": [
            {
                "id": entry_id(each.key),
                "title": title(each),
                "summary": summary(each),
                "content_html": content_html(each),
                "date_modified": iso(each.updated_at),
                **({"url": page} if (page := page_of(feed, each)) else {}),
                **({"tags": [each.gpt.gizmo_id]} if each.gpt else {}),
            }
            for each in feed.entries
        ],
    }
    return to_json(found, lines=True) + "\n"


def page_of(feed: Feed, entry: Entry) -> str:
    """Where the page of an entry's GPT is served; empty where none is."""
    if not feed.home or entry.gpt is None:
        return ""
    return f"{feed.home}/gpts/{quote(entry.gpt.gizmo_id, safe='')}"


def title(entry: Entry) -> str:
    """An entry's title: who, and what of them."""
    if entry.gpt is None:
        counts = ", ".join(f"{number(value)} {word}" for word, value in entry.counts.items())
        return plain_text(line(f"{entry.day}: {counts}"))
    name = shorten((entry.gpt.name or "").strip() or NO_NAME, NAME)
    fields = dict.fromkeys(label(each.field) for each in entry.changes.items)
    what = "now matches" if entry.matches else f"{', '.join(fields)} changed"
    if any(_is_first(entry, place) for place in range(len(entry.changes.items))):
        what = "first seen"
    return plain_text(line(f"{name}: {what}", most=SUMMARY))


def summary(entry: Entry) -> str:
    """An entry in a line of plain text."""
    if entry.gpt is None:
        return title(entry)
    lines = (gpt_line(entry.gpt), *change_lines(entry.gpt.gizmo_id, entry.changes))
    return shorten("; ".join(map(plain_text, lines)), SUMMARY)


def content_html(entry: Entry) -> str:
    """An entry as HTML: every text of it escaped."""
    if entry.gpt is None:
        return lines_html(
            (), [line(f"{number(value)} {word}") for word, value in entry.counts.items()]
        )
    return lines_html(gpt_line(entry.gpt), change_lines(entry.gpt.gizmo_id, entry.changes))


def _is_first(entry: Entry, place: int) -> bool:
    change = entry.changes.items[place]
    return change.cls == "lifecycle" and change.kind == "added"


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    """A new element with a text, which holds no character that XML forbids: it is harmless."""
    found = ET.SubElement(parent, name)
    found.text = text
    return found
