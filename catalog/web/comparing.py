"""Two moments of one GPT side by side: each field, and what differs of it, word by word. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from catalog.fields import FIELDS, LISTS
from catalog.query.told import MIME_PATHS
from catalog.web.portrait import value_of, words_of
from catalog.wording.changes import Span, label
from catalog.wording.text import count, harmless, number, word_diff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.query.gizmos import Fact, Gizmo, Listed

MOST_TYPES = 60
"""Types that are named of a set: nobody reads more, and documents have up to thousands."""
_NEVER = (Span("not stated", "remark"),)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One field at two moments.

    Attributes:
        label: the field.
        left: as it was first, in words, harmless already.
        right: as it was then.
        differs: whether the two differ.
    """

    label: str
    left: tuple[Span, ...]
    right: tuple[Span, ...]
    differs: bool


def compare(left: Gizmo, right: Gizmo) -> tuple[Pair, ...]:
    """Every field that either states, in the order of the documents; the different ones first."""
    pairs = [_pair("status", (Span(left.status),), (Span(right.status),))]
    before = {fact.field.path: fact for fact in left.facts}
    after = {fact.field.path: fact for fact in right.facts}
    pairs += [
        _of_field(field.path, before.get(field.path), after.get(field.path))
        for field in FIELDS
        if field.path in before or field.path in after
    ]
    then = {listed.field.path: listed for listed in left.lists}
    now = {listed.field.path: listed for listed in right.lists}
    pairs += [
        _of_list(listed.path, then.get(listed.path), now.get(listed.path))
        for listed in LISTS
        if listed.path in then or listed.path in now
    ]
    return tuple(sorted(pairs, key=lambda pair: not pair.differs))


def _pair(name: str, left: tuple[Span, ...], right: tuple[Span, ...]) -> Pair:
    return Pair(label=name, left=left, right=right, differs=left != right)


def _of_field(path: str, before: Fact | None, after: Fact | None) -> Pair:
    if before is None or after is None:
        return _pair(
            label(path),
            _NEVER if before is None else (Span(value_of(before)),),
            _NEVER if after is None else (Span(value_of(after)),),
        )
    old, new = before.value, after.value
    if isinstance(old, str) and isinstance(new, str) and old != new:
        parts = [(kind, harmless(words, lines=True)) for kind, words in word_diff(old, new)]
        return Pair(
            label=label(path),
            left=tuple(_span(kind, words) for kind, words in parts if kind != "added"),
            right=tuple(_span(kind, words) for kind, words in parts if kind != "removed"),
            differs=True,
        )
    if path in MIME_PATHS and isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return Pair(
            label=label(path),
            left=of_set(old, new, "removed"),
            right=of_set(new, old, "added"),
            differs=set(old) != set(new),
        )
    return _pair(label(path), (Span(value_of(before)),), (Span(value_of(after)),))


def of_set(mine: Sequence[str], other: Sequence[str], kind: str) -> tuple[Span, ...]:
    """A set of types: how many, and those alone that the other side has not.

    Args:
        mine: the set.
        other: that of the other side.
        kind: what these are: ``added`` or ``removed``.
    """
    theirs = frozenset(other)
    alone = [each for each in mine if each not in theirs]
    spans = [Span(f"{count(len(mine), 'type')}, {number(len(mine) - len(alone))} on both sides")]
    for place, each in enumerate(alone[:MOST_TYPES]):
        spans += [Span(", " if place else "; here alone: "), _span(kind, harmless(each))]
    if len(alone) > MOST_TYPES:
        spans.append(Span(f" and {number(len(alone) - MOST_TYPES)} more", "remark"))
    return tuple(spans)


def _span(kind: str, words: str) -> Span:
    if kind == "added":
        return Span(words, "added")
    return Span(words, "removed") if kind == "removed" else Span(words)


def _of_list(path: str, before: Listed | None, after: Listed | None) -> Pair:
    then, now = _elements(before), _elements(after)
    return Pair(
        label=label(path),
        left=_NEVER if then is None else _column(then, now or {}, "removed"),
        right=_NEVER if now is None else _column(now, then or {}, "added"),
        differs=then != now,
    )


def _elements(listed: Listed | None) -> dict[str, str] | None:
    """The elements in words, by key; None where the list is not stated."""
    if listed is None:
        return None
    return {item.key: words_of(listed, item.values, item.key) for item in listed.items or ()}


def _column(mine: dict[str, str], other: dict[str, str], kind: str) -> tuple[Span, ...]:
    if not mine:
        return (Span("none", "remark"),)
    return tuple(
        Span(f"{words}\n") if other.get(key) == words else _span(kind, f"{words}\n")
        for key, words in mine.items()
    )
