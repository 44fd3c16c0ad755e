"""The JSON inside a chat answer: in Markdown fences, or plain.

Gateways answer ``get-gpts`` and ``batch-get-gpts`` with a chat completion whose content is a
Markdown fence (``sources.md`` G7, G8), which ``max_tokens`` may cut. The whole form of a batch
answer is not known: an array, an object, several values and several fences are all taken.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from catalog.dialects.slices import value_end

QUERY_MODELS = frozenset(
    {
        "get-gpts",
        "batch-get-gpts",
        "search-gpts",
        "search-gpts-chat",
        "get-gizmo-info",
        "gpts-search",
        "gpts-get",
    },
)
"""The models whose content is metadata. Any other content is a GPT's own words, never looked into.

From the model lists in ``sources.md``, G9.
"""

_OPENING = re.compile(rb"^[ \t]*```[ \t]*\w*\s*", re.MULTILINE)
_BETWEEN = re.compile(rb"[\s,]*")
_FENCE = b"```"


class Piece(NamedTuple):
    """A JSON object or array in a chat answer.

    Attributes:
        raw: its bytes.
        whole: whether its end is there.
    """

    raw: bytes
    whole: bool


def is_completion(value: Any) -> bool:
    """Whether a JSON value is a chat completion."""
    return isinstance(value, dict) and isinstance(value.get("choices"), list)


def is_metadata(value: dict[str, Any]) -> bool:
    """Whether a chat completion comes from a model that answers with metadata."""
    model = value.get("model")
    return isinstance(model, str) and model in QUERY_MODELS


def content_of(value: dict[str, Any]) -> str:
    """The text of a chat completion's first choice, or an empty one."""
    choice = value["choices"][0] if value["choices"] else None
    message = choice.get("message") if isinstance(choice, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


def pieces(content: str) -> list[Piece]:
    """The JSON values in ``content``, in order; at most the last of them is not whole.

    Behind a value that is not whole nothing is looked at: what stands there may be a GPT's own
    text, and a fence inside it is no answer.
    """
    # A lone surrogate comes out as \\udXXX, which JSON reads as that surrogate again.
    raw = content.encode("utf-8", "backslashreplace")
    found: list[Piece] = []
    if raw.lstrip()[:1] in {b"{", b"["}:
        _take(raw, 0, found)
        return found
    position = 0
    while opening := _OPENING.search(raw, position):
        end = _take(raw, opening.end(), found)
        closing = raw.find(_FENCE, end)
        if closing < 0:
            break
        position = closing + len(_FENCE)
    return found


def _take(raw: bytes, position: int, found: list[Piece]) -> int:
    """Add the values that follow each other from ``position``; where they end."""
    while True:
        between = _BETWEEN.match(raw, position)
        position = between.end() if between else position
        if raw[position : position + 1] not in {b"{", b"["}:
            return position
        end = value_end(raw, position)
        if end is None:
            found.append(Piece(raw[position:], whole=False))
            return len(raw)
        found.append(Piece(raw[position:end], whole=True))
        position = end
