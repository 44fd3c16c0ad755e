"""Text as names are sorted by, and text that no database takes, written reversibly.

PostgreSQL refuses U+0000, UTF-8 has no lone surrogates. Both are written as U+FDD0, a
noncharacter that no text is meant to hold, and the four hexadecimal digits of the code point; so
is U+FDD0 itself, which makes the way back unambiguous (design, section 5).
"""

from __future__ import annotations

import re
import unicodedata

ESCAPE = "\ufdd0"
"""What begins an escaped character."""

_ESCAPED = re.compile("[\x00\ud800-\udfff\ufdd0]")
_UNESCAPED = re.compile(f"{ESCAPE}([0-9a-f]{{4}})")


def escape_text(text: str) -> str:
    """``text`` with every character that a database refuses written as U+FDD0 and four digits."""
    if text.isascii() and "\x00" not in text:
        return text
    return _ESCAPED.sub(lambda match: f"{ESCAPE}{ord(match[0]):04x}", text)


def unescape_text(text: str) -> str:
    """The text that :func:`escape_text` was given."""
    if ESCAPE not in text:
        return text
    return _UNESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def sort_key(text: str) -> str:
    """``text`` as names are sorted and compared: NFKC, casefolded."""
    return unicodedata.normalize("NFKC", text).casefold()
