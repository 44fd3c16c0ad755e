"""Made-up documents and answers, and sources to ask."""

from __future__ import annotations

import json
from typing import Any

from catalog.dialects import DIALECTS
from catalog.records import Answer
from catalog.settings import SourceSettings
from catalog.times import from_iso

RECEIVED = from_iso("2024-03-01T12:00:00Z")
ONE, TWO, THREE = "g-AAAAAAAA1", "g-BBBBBBBB2", "g-CCCCCCCC3"
PROJECT = "g-p-690dd49d59a881919a2b3c4d5e6f7081"
ASKED = [name for name in DIALECTS if name != "recorded"]
"""The dialects in which somebody is asked."""


def gizmo(gizmo_id: str = ONE, **members: Any) -> dict[str, Any]:
    """A gizmo object."""
    return {
        "id": gizmo_id,
        "short_url": f"{gizmo_id}-made-up",
        "author": {"user_id": "user-made-up", "display_name": "Né \u540d"},
        "display": {"name": "Made up", "description": "x", "prompt_starters": None},
        **members,
    }


def document(gizmo_id: str = ONE, **members: Any) -> dict[str, Any]:
    """A document as the backend gives it."""
    return {"gizmo": gizmo(gizmo_id, **members), "tools": [], "files": [], "product_features": {}}


def flat(gizmo_id: str = ONE) -> dict[str, Any]:
    """A document as mj-flat gives it."""
    return {
        "id": gizmo_id,
        "name": "Made up",
        "description": "x",
        "welcome_message": "Hi",
        "model": f"gpt-4-gizmo-{gizmo_id}",
        "tools": ["dalle"],
        "created_at": "2023-11-06T12:00:00Z",
    }


def spaced(value: Any) -> bytes:
    """JSON written as nobody would write it anew: its bytes are recognisable."""
    return json.dumps(value, ensure_ascii=False, indent=3, separators=(" ,", " :  ")).encode()


def envelope(data: Any, **members: Any) -> dict[str, Any]:
    """The gateways' envelope."""
    return {"code": 0, "msg": "ok", "sn": "0f", "data": data, **members}


def completion(content: Any, model: str = "get-gpts") -> dict[str, Any]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "x"}
        ],
    }


def fence(value: Any) -> str:
    """A Markdown fence that holds ``value``."""
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=1)}\n```"


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """An answer; a body that is no bytes is written as JSON."""
    raw = body if isinstance(body, bytes) else spaced(body)
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status=status, headers=named, body=raw, received_at=RECEIVED)


def source(dialect: str = "gpts-v2", **members: Any) -> SourceSettings:
    """A source that speaks ``dialect``."""
    settings: dict[str, Any] = {"base_url": "https://gateway.example", **members}
    return SourceSettings(name="example", dialect=dialect, **settings)  # type: ignore[arg-type]


def cut_out(whole: Any, part: Any) -> bytes:
    """The bytes of ``part`` as they stand in :func:`spaced` ``whole``, found by its first use."""
    marked = json.loads(json.dumps(whole))
    text = spaced(marked).decode()
    decoder = json.JSONDecoder()
    for start, character in enumerate(text):
        if character in "{[":
            value, end = decoder.raw_decode(text, start)
            if value == part:
                return text[start:end].encode()
    raise AssertionError("the part is not in the whole")


def item(gizmo_id: str, **members: Any) -> dict[str, Any]:
    """A search item as G4 gives it."""
    return {
        "id": gizmo_id,
        "title": "Made up - x",
        "link": f"https://chat.openai.com/g/{gizmo_id}-my-g-assistant",
        "description": "gizmo not found",
        "favicon": "https://icons.example/x.ico",
        **members,
    }
