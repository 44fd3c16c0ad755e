"""What a report is in words: sections of lines, which each form then writes as it does. Pure.

All that strangers wrote passes :func:`line`, so that nothing a form is given steers anything.
"""

from __future__ import annotations

import re

import msgspec

from catalog.query.changes import Change
from catalog.query.windows import Gpt, Some
from catalog.report.model import Window
from catalog.times import MINUTE, Micros
from catalog.wording.changes import Kind, Span, spans
from catalog.wording.text import harmless, moment, number, shorten

NO_NAME = "(no name)"
NAME = 80
"""Characters of a name."""
LINE = 400
"""Characters of a line."""

Line = tuple[Span, ...]
_SIGNS: dict[Kind, tuple[str, str]] = {"added": ("{+", "+}"), "removed": ("[-", "-]")}

# Marks that stand above and below any letter: more than a few of them are drawn over other lines.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_TOWER = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]+")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a list.

    Attributes:
        line: what it says.
        below: what is said of it.
    """

    line: Line
    below: tuple[Line, ...] = ()


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a page.

    Attributes:
        key: its name in addresses.
        title: its heading.
        level: of the heading: 2 or 3.
        items: its list.
        rest: what is said below the list: how many more there are, and how to see them.
    """

    key: str
    title: Line
    level: int = 2
    items: tuple[Item, ...] = ()
    rest: Line = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A report in words.

    Attributes:
        title: its heading.
        lead: the paragraph that is read first.
        sections: the rest.
    """

    title: str
    lead: Line
    sections: tuple[Section, ...]


def line(*parts: str | Span, most: int = LINE) -> Line:
    """A line of parts; bare texts are plain. What is too long is cut, and ends with a sign."""
    found: list[Span] = []
    left = most
    for part in parts:
        span = Span(part) if isinstance(part, str) else part
        text = _TOWER.sub(r"\1", harmless(span.text))
        if not text:
            continue
        if left <= 0:
            break
        found.append(Span(shorten(text, left), span.kind))
        left -= len(text)
    return tuple(found)


def title_of(window: Window) -> str:
    """A window in words."""
    if window.run_id is not None:
        return f"run {window.run_id}"
    if window.day is not None:
        return window.day if window.is_over else f"{window.day} until {moment(window.until)[11:]}"
    return f"{minute(window.since)} to {minute(window.until)}"


def plain_text(each: Line) -> str:
    """A line as plain text; what differs has the signs that it has on a terminal."""
    return "".join(
        span.text.join(_SIGNS[span.kind]) if span.kind in _SIGNS else span.text for span in each
    )


def gpt_line(gpt: Gpt) -> Line:
    """A GPT in a list."""
    parts: list[str | Span] = [name_span(gpt.name)]
    if gpt.author:
        parts.append(f" by {shorten(harmless(gpt.author), NAME)}")
    if gpt.conversations is not None:
        more = "" if gpt.exact else "+"
        parts.append(f", {number(gpt.conversations)}{more} conversations")
    return line(*parts, " ", Span(gpt.gizmo_id, "code"))


def change_lines(gizmo_id: str, changes: Some[Change]) -> tuple[Line, ...]:
    """What changed of a GPT, a line a change, and how much more did."""
    found = [line(*spans(change)) for change in changes.items]
    if changes.more:
        found.append(more_line(changes.more, command("changes", gizmo_id)))
    return tuple(found)


def more_line(more: int, typed: Span | None) -> Line:
    """What stands below a list that was cut; nothing where it is whole.

    Args:
        more: how many were left out.
        typed: a command that shows them.
    """
    if more <= 0:
        return ()
    text = f"and {number(more)} more"
    return line(text) if typed is None else line(f"{text}: ", typed)


def command(name: str, words: str = "") -> Span:
    """A command of this program, to be typed."""
    return Span(f"gpts-catalog {name} {words}".rstrip(), "code")


def name_span(name: str | None) -> Span:
    """A GPT's name."""
    return Span(shorten(harmless(name or "").strip(), NAME) or NO_NAME, "strong")


def minute(at: Micros) -> str:
    """A moment to the minute."""
    text = moment(at // MINUTE * MINUTE)
    return f"{text[:10]} {text[11:16]}"
