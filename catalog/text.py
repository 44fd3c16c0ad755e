"""Text as names are sorted by."""

from __future__ import annotations

import unicodedata


def sort_key(text: str) -> str:
    """``text`` as names are sorted and compared: NFKC, casefolded."""
    return unicodedata.normalize("NFKC", text).casefold()
