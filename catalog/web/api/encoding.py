"""Answers as bytes of JSON: strangers' texts whole, and nothing in them that steers a reader."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from catalog.text import unescape_text
from catalog.wording.text import escape_json

TYPE = "application/json"


def encode(value: Any) -> bytes:
    """``value`` as JSON.

    Controls, marks of direction and what else steers a terminal are escaped: they mean the same.
    Half characters, which strict readers of JSON refuse, become U+FFFD. What is no number is null.

    Args:
        value: what JSON has.
    """
    return escape_json(msgspec.json.encode(clean(value)).decode()).encode()


def clean(value: Any) -> Any:
    """``value`` with texts as strangers wrote them, as far as UTF-8 can hold them."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(str(key)): clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def text(found: str) -> str:
    """A text as it was written, in place of the spelling of tables."""
    if found.isascii():
        return found
    return unescape_text(found).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
