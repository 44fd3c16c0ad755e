"""Changes as text on a terminal."""

from __future__ import annotations

from rich.text import Text

from catalog.cli.output import Output, diff_text
from catalog.cli.text import count, harmless, number
from catalog.fields import STATUS
from catalog.query import changes as query
from catalog.times import day_of
from catalog.wording.changes import Kind, days, sides, spans, when

_STYLES: dict[Kind, str] = {"came": "green", "went": "red", "remark": "dim"}


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
        if self._fold and change.field == STATUS and change.kind == "added":
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
            self._out.hanging("", self._head(change), cells=4)
        self._out.hanging("", body(change), cells=4)

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
        line.append(f"  {count(len(arrived), 'GPT')}: {', '.join(named)}", "none")
        self._out.hanging("", line, cells=4)

    def _head(self, change: query.Change) -> Text:
        head = Text(when(change.observed_at, change.not_before), "bold")
        if self._named:
            head.append(f"  {change.gizmo_id}", "bold")
            head.append(f"  {harmless(change.name or '')}")
        return head.append(f"  (says {harmless(change.source)})", "dim")

    def _event(self, event: query.MassEvent) -> None:
        self._heading = None
        head = Text(f"{days(event)}  mass event", "bold")
        head.append(f"  {event.gpts:,} of {event.compared:,} GPTs at once")
        self._out.hanging("", head, cells=4)
        for sign, said in sides(event):
            self._out.hanging("", Text(f"  {sign} {said}"), cells=4)


def body(change: query.Change) -> Text:
    """One change as a line."""
    line = Text("  ")
    for span in spans(change):
        if span.kind in {"added", "removed"}:
            line.append_text(diff_text([(span.kind, span.text)]))
        else:
            line.append(span.text, _STYLES.get(span.kind, ""))
    return line
