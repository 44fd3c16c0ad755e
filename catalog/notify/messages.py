"""What people are told, as plain text that steers nothing. Pure."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.settings.work import NewsName
from catalog.times import Micros, to_iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.storage.alarms import Standing

LONGEST = 4000
"""Characters of a text: chat services cut, or refuse, what is longer than about that."""
LINES = 50
"""Items of a message that are written out."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what steers, hides or turns the direction of text."""
_JOINERS = frozenset({"\u200c", "\u200d"})
"""Scripts and emoji need them, and they steer nothing."""
_MARKUP = str.maketrans({"<": "\u2039", ">": "\u203a", "@": "\uff20", "`": "'"})
"""Signs by which chat services call people, or read links and code: written as their likes."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message to people.

    Attributes:
        kind: what it is about, as ``[notify] on`` names it.
        title: a line.
        text: the rest.
        at: when it was written.
        items: the same for programs: the webhook sends them beside the text.
    """

    kind: NewsName
    title: str
    text: str
    at: Micros
    items: tuple[dict[str, Any], ...] = ()


def plain(text: str, *, lines: bool = False) -> str:
    """``text`` with everything that steers, hides, calls people or is markup written harmlessly.

    Args:
        text: perhaps a stranger's.
        lines: keep its line breaks.
    """

    def shown(character: str) -> str:
        if character in _JOINERS or (lines and character == "\n"):
            return character
        if unicodedata.category(character) in _HIDDEN:
            return f"\\u{ord(character):04x}"
        return character

    return "".join(map(shown, text)).translate(_MARKUP)


def alarm_message(
    raised: Sequence[Standing], cleared: Sequence[Standing], now: Micros, where: str
) -> Message:
    """One message about all that was raised and all that is over.

    Args:
        raised: what stands and was not told yet.
        cleared: what is over and was told.
        now: the present moment.
        where: which catalog, without a password.
    """
    parts = []
    for word, some in (
        ("alarm", [each for each in raised if each.severity == "alarm"]),
        ("warning", [each for each in raised if each.severity != "alarm"]),
    ):
        if some:
            parts.append(f"{len(some):,} {word}{'' if len(some) == 1 else 's'}")
    if cleared:
        parts.append(f"{len(cleared):,} over")
    lines = [
        f"{'ALARM' if each.severity == 'alarm' else 'warning'} {_named(each)}: {each.message}"
        for each in sorted(raised, key=lambda each: each.severity != "alarm")
    ]
    lines += [
        f"over: {_named(each)}, raised {to_iso(each.raised_at)}, over {_end(each)}"
        for each in cleared
    ]
    if len(lines) > LINES:
        lines = [*lines[:LINES], f"and {len(lines) - LINES:,} more: gpts-catalog status"]
    return Message(
        kind="alarm",
        title=plain(f"GPTs catalog {where}: {', '.join(parts)}"),
        text=cut("\n".join(plain(line) for line in lines)),
        at=now,
        items=tuple(_item(each) for each in (*raised, *cleared)),
    )


def cut(text: str) -> str:
    """``text``, cut where a chat service would."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _named(each: Standing) -> str:
    return f"{each.kind} {each.subject}".strip()


def _end(each: Standing) -> str:
    return "–" if each.cleared_at is None else to_iso(each.cleared_at)


def _item(each: Standing) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "subject": plain(each.subject),
        "severity": each.severity,
        "message": plain(each.message),
        "raised_at": to_iso(each.raised_at),
        "cleared_at": None if each.cleared_at is None else to_iso(each.cleared_at),
    }
