"""Strangers' text made harmless, and values made readable. Pure.

Names and descriptions come from strangers (law 11): a terminal obeys what it is sent, so nothing
that steers one is ever sent, and nothing that turns the direction of writing or hides text.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

from catalog.text import unescape_text
from catalog.times import SECOND, Micros, to_iso

# Controls of both blocks, marks and overrides of direction, separators that break lines,
# surrogates, interlinear annotation, tags, noncharacters. The two joiners stay: scripts and emoji
# need them, and they steer nothing.
_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_CONTROLS = 0x20
_PICTURES = 0x2400
_BMP = 0xFFFF

Part = tuple[Literal["same", "removed", "added"], str]
_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
MOST_WORDS = 4000
"""Longer texts are not compared word by word: that takes time by the square."""
CONTEXT = 6
"""Words kept on each side of a difference."""
_TURNING = frozenset({"R", "AL", "AN"})
"""Bidirectional classes of Unicode: Hebrew, Arabic and their like, Arabic digits."""
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_KILO = 1024
_THOUSAND = 1000


def harmless(text: str, *, lines: bool = False) -> str:
    """``text`` with everything that steers a terminal written out visibly.

    Args:
        text: as tables hold it.
        lines: keep its line breaks and tabs.
    """

    def shown(found: re.Match[str]) -> str:
        character = found[0]
        if lines and character in "\n\t":
            return character
        code = ord(character)
        if code < _CONTROLS:
            return chr(_PICTURES + code)
        return f"\\u{code:04x}" if code <= _BMP else f"\\U{code:08x}"

    return _DANGEROUS.sub(shown, unescape_text(text))


def to_json(value: Any, *, lines: bool = False) -> str:
    """``value`` as JSON; what steers a terminal is escaped, and means the same.

    Args:
        value: decoded.
        lines: on many lines, to be looked at; else on one.
    """
    return escape_json(
        json.dumps(_original(value), ensure_ascii=False, indent=1 if lines else None)
    )


def escape_json(text: str) -> str:
    """A text of JSON with what steers a terminal escaped; it means the same.

    Args:
        text: the JSON. A line break in it is one between members: those of its texts are escaped.
    """
    return _DANGEROUS.sub(lambda found: "\n" if found[0] == "\n" else _escaped(found), text)


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _original(value: Any) -> Any:
    """``value`` with the texts that strangers wrote, in place of the spelling of tables."""
    if isinstance(value, str):
        return unescape_text(value)
    if isinstance(value, dict):
        return {unescape_text(str(key)): _original(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_original(each) for each in value]
    return value


def moment(at: Micros | None) -> str:
    """A moment to the second, for people; a dash for none."""
    return "–" if at is None else to_iso(at // SECOND * SECOND)


def iso(at: Micros | None) -> str | None:
    """A moment whole, for programs."""
    return None if at is None else to_iso(at)


def number(value: float) -> str:
    """A number with its thousands apart; four digits of a broken one, or all before its point."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:,.4g}"


def difference(value: float) -> str:
    """A number with its sign."""
    return f"+{number(value)}" if value > 0 else f"−{number(-value)}"


def count(value: int, one: str, many: str | None = None) -> str:
    """``1 document``, ``3 documents``."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def money(amount: float) -> str:
    """An amount, in the currency of the prices that are set; a small one is not rounded away."""
    places = 2 if amount >= 1 or not amount else max(2, 1 - math.floor(math.log10(amount)))
    return f"{amount:,.{places}f}"


def size(value: int) -> str:
    """Bytes, for people."""
    amount, units = float(value), ["bytes", "KiB", "MiB", "GiB"]
    while amount >= _KILO and len(units) > 1:
        amount /= _KILO
        units.pop(0)
    return f"{amount:,.0f} {units[0]}" if units[0] == "bytes" else f"{amount:,.1f} {units[0]}"


def duration(seconds: float) -> str:
    """A time span by its two largest units."""
    if 0 < seconds < 1:
        return "under 1 s"
    left, parts = round(seconds), []
    for length, unit in _UNITS:
        if left >= length:
            parts.append(f"{left // length} {unit}")
            left %= length
    return " ".join(parts[:2]) or "0 s"


def shown(value: Any, *, time: bool = False) -> str:
    """A value of a field on one line, harmless.

    Args:
        value: decoded.
        time: whether a number is a moment.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return moment(value) if time and isinstance(value, int) else number(value)
    if isinstance(value, str):
        return harmless(value) if value.strip() else f'"{harmless(value)}"'
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return ", ".join(harmless(each) for each in value) or "[]"
    return to_json(value)


def shorten(text: str, width: int) -> str:
    """``text`` cut to ``width`` characters."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def turns(text: str) -> bool:
    """Whether ``text`` has letters that are written from right to left."""
    return any(unicodedata.bidirectional(character) in _TURNING for character in text)


def word_diff(old: str, new: str) -> list[Part]:
    """What of ``old`` went and what of ``new`` came, word by word; long equal parts are cut."""
    if old == new:
        return [("same", old)] if old else []
    before, after = _words(old), _words(new)
    if len(before) + len(after) > MOST_WORDS:
        return [("removed", old), ("added", new)]
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    blocks = _joined(matcher.get_opcodes(), before)
    parts: list[Part] = []
    for place, (is_same, start, end, low, high) in enumerate(blocks):
        if is_same:
            same = before[start:end]
            parts.append(("same", _cut(same, place > 0, place + 1 < len(blocks))))
            continue
        if end > start:
            parts.append(("removed", "".join(before[start:end])))
        if high > low:
            parts.append(("added", "".join(after[low:high])))
    return parts


_Block = tuple[bool, int, int, int, int]


def _joined(opcodes: Iterable[tuple[str, int, int, int, int]], before: list[str]) -> list[_Block]:
    """The blocks of a comparison; differences with a mere blank between them are one."""
    blocks: list[_Block] = []
    for tag, start, end, low, high in opcodes:
        is_same = tag == "equal" and not (blocks and "".join(before[start:end]).isspace())
        if blocks and not is_same and not blocks[-1][0]:
            _, first, _, lowest, _ = blocks[-1]
            blocks[-1] = (False, first, end, lowest, high)
        else:
            blocks.append((is_same, start, end, low, high))
    return blocks


def _words(text: str) -> list[str]:
    """Words, blanks and signs; scripts without blanks between words by the character."""
    return [
        piece
        for found in _WORD.findall(text)
        for piece in (found if _WIDE.search(found) else (found,))
    ]


def _cut(words: list[str], has_before: bool, has_after: bool) -> str:  # noqa: FBT001  (a pair)
    """Equal words between differences, the middle left out where it is long."""
    keep = 2 * CONTEXT
    head = words[:keep] if has_before else []
    tail = words[-keep:] if has_after else []
    if len(words) <= len(head) + len(tail) + 2:
        return "".join(words)
    return "".join(head) + " … " + "".join(tail)
