"""Changes as a page tells them: by day, each GPT once, mass events and arrivals folded. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from catalog.fields import STATUS
from catalog.query.changes import Change, MassEvent
from catalog.times import Micros, day_of
from catalog.wording.changes import Span, days, sides, spans, when

NAMED = 6
"""GPTs that a fold names; the others are counted."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One change.

    Attributes:
        field: its field's path.
        spans: it in words, harmless already.
        source: who said it.
    """

    field: str
    spans: tuple[Span, ...]
    source: str


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs together.

    Attributes:
        kind: ``gpt``, ``arrived`` or ``event``.
        at: when the latest of it was said.
        when: the same in words, and since when it may have happened.
        span: how long before it may have happened; None: not known, or on the same day.
        gizmo_id: of one GPT: which.
        name: its name now.
        source: who said it; empty where several did.
        lines: its changes.
        gpts: of a fold: the GPTs it names, id and name.
        count: of a fold: how many changes it stands for.
        event: the mass event.
        sides: what went and came in it: a sign, and the words.
        days: when it was seen.
    """

    kind: str
    at: Micros
    when: str
    span: Micros | None = None
    gizmo_id: str = ""
    name: str | None = None
    source: str = ""
    lines: tuple[Line, ...] = ()
    gpts: tuple[tuple[str, str | None], ...] = ()
    count: int = 0
    event: MassEvent | None = None
    sides: tuple[tuple[str, str], ...] = ()
    days: str = ""

    @property
    def more(self) -> int:
        """GPTs that it does not name."""
        return self.count - len(self.gpts)


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A UTC day.

    Attributes:
        day: ``2024-02-13``.
        at: a moment of it.
        blocks: what it brought.
    """

    day: str
    at: Micros
    blocks: tuple[Block, ...]


def fold(
    changes: Sequence[Change], events: Mapping[str, MassEvent], *, all_single: bool = False
) -> tuple[Day, ...]:
    """Changes by day, in the order they come in.

    Args:
        changes: the changes; those of one day stand together.
        events: the mass events that they name.
        all_single: fold nothing.
    """
    return tuple(
        Day(
            day=day,
            at=of_day[0].observed_at,
            blocks=tuple(_blocks(of_day, {} if all_single else events, fold_new=not all_single)),
        )
        for day, found in groupby(changes, key=lambda each: day_of(each.observed_at))
        for of_day in (list(found),)
    )


def line(change: Change) -> Line:
    """One change in words."""
    return Line(field=change.field, spans=tuple(spans(change)), source=change.source)


def _blocks(
    changes: Sequence[Change], events: Mapping[str, MassEvent], *, fold_new: bool
) -> list[Block]:
    arrived = [each for each in changes if fold_new and _is_arrival(each)]
    folded: dict[str, list[Change]] = {}
    single: dict[tuple[str, Micros], list[Change]] = {}
    for change in changes:
        if fold_new and _is_arrival(change):
            continue
        if change.event_id in events:
            folded.setdefault(change.event_id or "", []).append(change)
        else:
            single.setdefault((change.gizmo_id, change.observed_at), []).append(change)
    blocks = [_event(events[key], of_event) for key, of_event in folded.items()]
    if arrived:
        blocks.append(_fold("arrived", arrived))
    blocks += [_gpt(of_gpt) for of_gpt in single.values()]
    return blocks


def _is_arrival(change: Change) -> bool:
    return change.field == STATUS and change.kind == "added"


def _gpt(changes: Sequence[Change]) -> Block:
    first = changes[0]
    sources = {each.source for each in changes}
    return Block(
        kind="gpt",
        at=first.observed_at,
        when=when(first.observed_at, first.not_before),
        span=None if first.not_before is None else first.observed_at - first.not_before,
        gizmo_id=first.gizmo_id,
        name=first.name,
        source=first.source if len(sources) == 1 else "",
        lines=tuple(line(each) for each in changes),
        count=len(changes),
    )


def _event(event: MassEvent, changes: Sequence[Change]) -> Block:
    found = _fold("event", changes)
    return msgspec.structs.replace(found, event=event, sides=tuple(sides(event)), days=days(event))


def _fold(kind: str, changes: Sequence[Change]) -> Block:
    gpts = {each.gizmo_id: each.name for each in changes}
    latest = max(each.observed_at for each in changes)
    return Block(
        kind=kind,
        at=latest,
        when=when(latest, None),
        gpts=tuple(list(gpts.items())[:NAMED]),
        count=len(gpts),
    )
