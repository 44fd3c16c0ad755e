"""Changes in words: made to be read, in whatever form. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from catalog.fields import LISTS, STATUS
from catalog.query import changes as query
from catalog.times import DAY, day_of, to_iso
from catalog.wording.text import count, harmless, iso, moment, number, shorten, shown, word_diff

LONG = 60
"""Texts of so many characters are shown as word diffs; shorter ones as old → new."""
PART = 300
"""Characters of one part of a word diff."""
LINE = (
    "gizmo_id",
    "observed_at",
    "not_before",
    "class",
    "field",
    "kind",
    "old",
    "new",
    "source",
    "flap",
    "event",
)
"""The members of a change, with ``--json`` and ``--csv``."""
_BARE = frozenset({"type", "name", "display_name", "text", "category", "tag"})
"""Members of an element that speak for themselves."""

_WITH_NAMES = frozenset(each.path for each in LISTS if "name" in each.content)

Kind = Literal["plain", "strong", "code", "came", "went", "added", "removed", "remark"]
"""What a span is, which a form may show: ``came`` and ``went`` name what a line is about, ``added``
and ``removed`` are parts of a text that differ, ``code`` is to be typed or copied."""


class Span(msgspec.Struct, frozen=True):
    """A piece of a line, harmless already.

    Attributes:
        text: what it says.
        kind: what it is.
    """

    text: str
    kind: Kind = "plain"


def as_json_line(change: query.Change) -> dict[str, Any]:
    """A change as the contract has it; a disagreement of sources counts as a flap (rule 4)."""
    is_time = query.is_time(change.field)
    return {  # the members of LINE
        "gizmo_id": change.gizmo_id,
        "observed_at": iso(change.observed_at),
        "not_before": iso(change.not_before),
        "class": change.cls,
        "field": change.field,
        "kind": change.kind,
        "old": iso(change.old) if is_time else change.old,
        "new": iso(change.new) if is_time else change.new,
        "source": change.source,
        "flap": change.flap or change.disagreement,
        "event": change.event_id,
    }


def when(observed_at: int, not_before: int | None) -> str:
    """When a change was seen, and how long before it may have happened."""
    text = moment(observed_at)
    if not_before is None:
        return text
    if day_of(not_before) == day_of(observed_at):
        return f"{text} (after {moment(not_before)[11:]})"
    days = (observed_at - not_before) / DAY
    return f"{text} (after {moment(not_before)}, {number(round(days, 1))} d before)"


def label(path: str) -> str:
    """A field's path without what all paths begin with."""
    for prefix in ("gizmo.", "display.", "product_features."):
        path = path.removeprefix(prefix)
    return path


def element(values: dict[str, Any]) -> str:
    """An element of a list: a tool, a file, an account."""
    texts = []
    for name, value in values.items():
        if name == "json_schema" and isinstance(value, dict):
            texts.append(_schema(value))
        elif name == "verified_data" and isinstance(value, dict):
            texts += [shown(value[key]) for key in ("username", "link_to") if value.get(key)]
        elif name in _BARE:
            texts += [shown(value)] if value else []
        else:
            texts.append(f"{name} {shown(value)}")
    return ", ".join(texts)


def named(path: str, text: str, value: Any, key: str) -> str:
    """An element as text, with its key where it could not be told from others without.

    Args:
        path: the list.
        text: the element, as :func:`element` shows it.
        value: the element.
        key: its key.
    """
    if not text:
        return harmless(key)
    if path in _WITH_NAMES and isinstance(value, dict) and not value.get("name"):
        return f"{text}, {harmless(key)}"
    return text


def days(event: query.MassEvent) -> str:
    """When a mass event was seen."""
    if event.last_day == event.first_day:
        return event.first_day
    return f"{event.first_day} to {event.last_day}"


def sides(event: query.MassEvent) -> Iterator[tuple[str, str]]:
    """What went and what came in a mass event: a sign, and the words."""
    for sign, side in (("−", event.removed), ("+", event.added)):
        if side not in (None, [], ""):
            yield sign, f"{label(event.field)}: {value(event.field, side)}"


def spans(change: query.Change) -> list[Span]:
    """One change as a line."""
    sign = {"added": "+", "removed": "−", "changed": "~"}[change.kind]
    kinds: dict[str, Kind] = {"added": "came", "removed": "went", "changed": "plain"}
    line = [Span(f"{sign} {label(change.field)}: ", kinds[change.kind])]
    if change.kind == "changed":
        line += _changed(change.field, change.old, change.new)
    elif change.field == STATUS:
        said = "first seen, listed" if change.new == "listed" else str(change.new)
        line.append(Span(said))
    else:
        side = change.new if change.kind == "added" else change.old
        shown_as = value(change.field, side)
        line.append(Span(named(change.field, shown_as, side, change.element)))
    marks = [
        word
        for word, is_set in (
            ("flap", change.flap),
            ("sources disagree", change.disagreement),
            ("platform", change.cls == "platform"),
            ("mass event", change.event_id is not None),
        )
        if is_set
    ]
    if marks:
        line.append(Span(f"  [{', '.join(marks)}]", "remark"))
    return line


def value(path: str, side: Any) -> str:
    """A value of a field, in words."""
    if isinstance(side, dict):
        return element(side)
    if isinstance(side, str) and len(side) > LONG:
        return f"“{harmless(side)}”"
    return shown(side, time=query.is_time(path))


def _schema(schema: dict[str, Any]) -> str:
    paths = schema.get("paths")
    if not isinstance(paths, dict):
        return "a schema"
    return f"{count(len(paths), 'path')}: " + shorten(" ".join(map(harmless, paths)), PART)


def _changed(path: str, old: Any, new: Any) -> list[Span]:
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONG:
        return [
            Span(shorten(harmless(words), PART), "plain" if kind == "same" else kind)
            for kind, words in word_diff(old, new)
        ]
    if isinstance(old, dict) and isinstance(new, dict):
        members = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return [
            Span(
                ", ".join(f"{key} {shown(old.get(key))} → {shown(new.get(key))}" for key in members)
            )
        ]
    if _are_texts(old) and _are_texts(new):
        return [Span(_members(old, new))]
    before, after = value(path, old), value(path, new)
    if before == after and isinstance(old, int) and isinstance(new, int):
        # Two moments of one second.
        before, after = to_iso(old), to_iso(new)
    return [Span(f"{before} → {after}")]


def _are_texts(found: Any) -> bool:
    return isinstance(found, list | tuple) and all(isinstance(each, str) for each in found)


def _members(old: Iterable[str], new: Iterable[str]) -> str:
    before, after = set(old), set(new)
    came = [f"+{harmless(each)}" for each in sorted(after - before)]
    went = [f"−{harmless(each)}" for each in sorted(before - after)]
    return ", ".join(went + came) or "the same in another order"
