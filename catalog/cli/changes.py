"""``changes``: what changed, made to be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.text import Text

from catalog.cli.context import start
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    JsonOption,
    SinceOption,
    UntilOption,
    read_moment,
)
from catalog.cli.output import Output, diff_text
from catalog.cli.text import count, harmless, iso, moment, number, shorten, shown, word_diff
from catalog.errors import UsageError
from catalog.fields import LISTS
from catalog.query import changes as query
from catalog.references import parse_reference
from catalog.storage.engine import read
from catalog.times import DAY, day_of, to_iso

LONG = 60
"""Texts of so many characters are shown as word diffs; shorter ones as old → new."""
PART = 300
"""Characters of one part of a word diff."""
_BARE = frozenset({"type", "name", "display_name", "text", "category", "tag"})
"""Members of an element that speak for themselves."""

_WITH_NAMES = frozenset(each.path for each in LISTS if "name" in each.content)


def changes(
    ctx: typer.Context,
    ref: Annotated[str | None, typer.Argument(metavar="[REF]", help="Of this GPT alone.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    field: Annotated[
        str | None,
        typer.Option(
            metavar="F", help="Of this field alone: its path, or its last part: name, tools."
        ),
    ] = None,
    cls: Annotated[
        query.ChangeClass | None,
        typer.Option("--class", help="Of this class alone."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also what is hidden otherwise: what the platform changed for all, what comes and"
            " goes in author fields, and each single change of a mass event.",
        ),
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed: what, from, to, when, and in whose words; oldest first.

    A change lies between the last time the old value was said and the first time the new one was.
    With --json every change is a line of its own, those of mass events too.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    first, last = read_moment(since, "--since"), read_moment(until, "--until", end_of_day=True)
    if first is not None and last is not None and first > last:
        raise UsageError(f"--since {since} is later than --until {until}: nothing lies between")
    wanted = query.Wanted(
        gizmo_id=None if ref is None else parse_reference(ref),
        since=first,
        until=last,
        field=None if field is None else query.field_named(field),
        cls=cls,
        everything=everything,
    )
    with app.catalog() as engine, read(engine) as conn:
        found = query.iterate(conn, wanted)
        if app.out.as_json:
            for change in found:
                app.out.json(as_json_line(change))
            return
        printer = Printer(app.out, fold=not everything and ref is None)
        for change in found:
            if change.event_id and change.event_id not in printer.events:
                printer.events.update(query.events(conn, [change.event_id]))
            printer.print(change)
        printer.finish()


def as_json_line(change: query.Change) -> dict[str, Any]:
    """A change as the contract has it; a disagreement of sources counts as a flap (rule 4)."""
    is_time = query.is_time(change.field)
    return {
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


class Printer:
    """Prints changes for people: a heading a GPT and moment, a line a change.

    Args:
        out: where.
        fold: print a mass event once, and the GPTs that a day brought on one line.
        named: whether a heading names the GPT.
    """

    def __init__(self, out: Output, *, fold: bool, named: bool = True) -> None:
        self.events: dict[str, query.MassEvent] = {}
        self._out = out
        self._fold = fold
        self._named = named
        self._heading: tuple[str, int] | None = None
        self._said: set[str] = set()
        self._arrived: list[query.Change] = []
        self._shown = 0
        self._folded = 0
        self._first = 0

    def print(self, change: query.Change) -> None:
        """Print one change, or what it is a part of."""
        if self._arrived and day_of(self._arrived[0].observed_at) != day_of(change.observed_at):
            self._arrivals()
        if self._fold and change.field == query.STATUS and change.kind == "added":
            self._arrived.append(change)
            return
        event = self.events.get(change.event_id or "")
        if event is not None and self._fold:
            self._folded += 1
            if event.event_id not in self._said:
                self._said.add(event.event_id)
                self._event(event)
            return
        self._shown += 1
        if self._heading != (change.gizmo_id, change.observed_at):
            self._heading = (change.gizmo_id, change.observed_at)
            self._out.line(self._head(change))
        self._out.line(body(change))

    def finish(self) -> None:
        """Say how much there was."""
        self._arrivals()
        if not self._shown and not self._folded and not self._first:
            self._out.line("no changes")
            return
        parts = [count(self._shown, "change")]
        if self._first:
            parts.append(f"{count(self._first, 'GPT')} first seen")
        if self._folded:
            events = count(len(self._said), "mass event")
            parts.append(f"{events} in place of {count(self._folded, 'single change')}")
        self._out.note(", ".join(parts))

    def _arrivals(self) -> None:
        """One line for the GPTs that a day brought."""
        if not self._arrived:
            return
        self._heading = None
        arrived, self._arrived = self._arrived, []
        self._first += len(arrived)
        named = [f"{each.gizmo_id} {harmless(each.name or '')}".rstrip() for each in arrived[:3]]
        if len(arrived) > len(named):
            named.append(f"and {number(len(arrived) - len(named))} more")
        line = Text(f"{day_of(arrived[0].observed_at)}  first seen", "bold")
        self._out.line(line.append(f"  {count(len(arrived), 'GPT')}: {', '.join(named)}", "none"))

    def _head(self, change: query.Change) -> Text:
        head = Text(when(change.observed_at, change.not_before), "bold")
        if self._named:
            head.append(f"  {change.gizmo_id}", "bold")
            head.append(f"  {harmless(change.name or '')}")
        return head.append(f"  (says {harmless(change.source)})", "dim")

    def _event(self, event: query.MassEvent) -> None:
        self._heading = None
        days = event.first_day
        if event.last_day != event.first_day:
            days += f" to {event.last_day}"
        head = Text(f"{days}  mass event", "bold")
        head.append(f"  {event.gpts:,} of {event.compared:,} GPTs at once")
        self._out.line(head)
        for word, value in (("−", event.removed), ("+", event.added)):
            if value not in (None, [], ""):
                self._out.line(f"  {word} {label(event.field)}: {_value(event.field, value)}")


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


def _schema(schema: dict[str, Any]) -> str:
    paths = schema.get("paths")
    if not isinstance(paths, dict):
        return "a schema"
    return f"{count(len(paths), 'path')}: " + shorten(" ".join(map(harmless, paths)), PART)


def body(change: query.Change) -> Text:
    """One change as a line."""
    sign = {"added": "+", "removed": "−", "changed": "~"}[change.kind]
    style = {"added": "green", "removed": "red", "changed": ""}[change.kind]
    text = Text("  ")
    text.append(f"{sign} {label(change.field)}: ", style)
    old, new = change.old, change.new
    if change.kind == "changed":
        text.append_text(_changed(change.field, old, new))
    elif change.field == query.STATUS:
        text.append("first seen, listed" if change.new == "listed" else str(change.new))
    else:
        value = new if change.kind == "added" else old
        text.append(named(change.field, _value(change.field, value), value, change.element))
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
        text.append(f"  [{', '.join(marks)}]", "dim")
    return text


def _changed(path: str, old: Any, new: Any) -> Text:
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONG:
        return diff_text(word_diff(old, new), PART)
    if isinstance(old, dict) and isinstance(new, dict):
        members = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return Text(
            ", ".join(f"{key} {shown(old.get(key))} → {shown(new.get(key))}" for key in members)
        )
    if _are_texts(old) and _are_texts(new):
        return Text(_members(old, new))
    before, after = _value(path, old), _value(path, new)
    if before == after and isinstance(old, int) and isinstance(new, int):
        # Two moments of one second.
        before, after = to_iso(old), to_iso(new)
    return Text(f"{before} → {after}")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def _members(old: Iterable[str], new: Iterable[str]) -> str:
    before, after = set(old), set(new)
    came = [f"+{harmless(each)}" for each in sorted(after - before)]
    went = [f"−{harmless(each)}" for each in sorted(before - after)]
    return ", ".join(went + came) or "the same in another order"


def _value(path: str, value: Any) -> str:
    if isinstance(value, dict):
        return element(value)
    if isinstance(value, str) and len(value) > LONG:
        return f"“{harmless(value)}”"
    return shown(value, time=query.is_time(path))
