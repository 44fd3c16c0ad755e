"""Records as the objects that ``--json`` prints: times as ISO 8601, fields by their paths."""

from __future__ import annotations

from typing import Any

from catalog.query.gizmos import Fact, Gizmo, Item, Listed, Numbers
from catalog.query.history import History, Stretch
from catalog.wording.changes import as_json_line
from catalog.wording.text import iso


def gizmo_json(gizmo: Gizmo) -> dict[str, Any]:
    """One GPT."""
    return {
        "gizmo_id": gizmo.gizmo_id,
        "name": gizmo.name,
        "author": gizmo.author,
        "at": iso(gizmo.at),
        "known_at": iso(gizmo.known_at),
        "status": gizmo.status,
        "status_since": iso(gizmo.status_since),
        "first_seen_at": iso(gizmo.first_seen_at),
        "last_seen_at": iso(gizmo.last_seen_at),
        "last_asked_at": iso(gizmo.last_asked_at),
        "confirmed_at": iso(gizmo.confirmed_at),
        "last_changed_at": iso(gizmo.last_changed_at),
        "stale_copies": gizmo.stale_copies,
        "fields": {fact.field.path: _fact(fact) for fact in gizmo.facts},
        "lists": {listed.field.path: _list(listed) for listed in gizmo.lists},
        "metrics": None if gizmo.metrics is None else _numbers(gizmo.metrics),
        "stats": [_numbers(point) for point in gizmo.stats],
    }


def history_json(past: History) -> dict[str, Any]:
    """How one GPT came to be what it is."""
    return {
        "gizmo_id": past.gizmo_id,
        "name": past.name,
        "statuses": [{"status": each.status, **_stretch(each)} for each in past.statuses],
        "revisions": [_stretch(each) for each in past.revisions],
        "changes": [as_json_line(change) for change in past.changes],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "value": iso(fact.value) if fact.field.type == "time" else fact.value,
        "since": iso(fact.since),
        "source": fact.said.source,
        "said_at": iso(fact.said.at),
        "unsent_since": iso(fact.unsent_since),
    }


def _list(listed: Listed) -> dict[str, Any]:
    return {
        "items": None if listed.items is None else [_item(item) for item in listed.items],
        "unsent_since": iso(listed.unsent_since),
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "key": item.key,
        **item.values,
        "since": iso(item.since),
        "source": item.said.source,
        "said_at": iso(item.said.at),
    }


def _numbers(numbers: Numbers) -> dict[str, Any]:
    return {"said_at": iso(numbers.at), "source": numbers.source, **numbers.values}


def _stretch(each: Stretch) -> dict[str, Any]:
    return {
        "valid_from": iso(each.valid_from),
        "valid_to": iso(each.valid_to),
        "source": each.said.source,
        "said_at": iso(each.said.at),
    }
