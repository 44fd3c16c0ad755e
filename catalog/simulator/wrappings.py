"""The bodies that gateways send: each dialect in each wrapping that was seen. Pure.

A mount is a base path of the simulated gateway, so that each wrapping has its own ``base_url``:

=============== ================ ================================================================
mount           dialect          a document is wrapped as
=============== ================ ================================================================
``plain``       gpts-v1, gpts-v2 ``data.gizmo`` of an envelope
``info``        gpts-v1, gpts-v2 ``data.info.gizmo``, with ``data.stat`` and ``data.@timestamp``
``bare``        gpts-v1, gpts-v2 ``gizmo``, no envelope
``mj``          mj-flat          flat: ``id``, ``name``, ``description`` …
``chat``        chat-query       a Markdown fence in a chat answer; a batch as an array
``chat-object`` chat-query       the same; a batch as an object by id
=============== ================ ================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from catalog.simulator.draw import hexadecimal, number, token
from catalog.times import DAY, HOUR, SECOND, Micros, from_iso, to_iso

_FAVICON = "https://chat.openai.com/favicon.ico"
_CACHED_FOR: Micros = 6 * HOUR
_EPOCH_DAY = from_iso("2023-11-09T00:00:00Z") // DAY


class Mount(StrEnum):
    """A base path with its wrapping."""

    PLAIN = "plain"
    INFO = "info"
    BARE = "bare"
    MJ = "mj"
    CHAT = "chat"
    CHAT_OBJECT = "chat-object"

    @property
    def has_envelope(self) -> bool:
        """Whether answers come as ``{code, msg, sn, data}``."""
        return self in {Mount.PLAIN, Mount.INFO}

    @property
    def is_chat(self) -> bool:
        """Whether it is asked over chat completions."""
        return self in {Mount.CHAT, Mount.CHAT_OBJECT}


def moment(mount: Mount, gizmo_id: str, now: Micros) -> Micros:
    """The moment whose document ``mount`` sends at ``now``.

    The ``info`` gateway is a cache that looks again every six hours; the others answer afresh, at
    most one new answer a second, so that a running clock does not defeat our own cache.
    """
    if mount is not Mount.INFO:
        return now // SECOND * SECOND
    offset = number(gizmo_id, "cached") % _CACHED_FOR
    return (now - offset) // _CACHED_FOR * _CACHED_FOR + offset


def encode(value: object) -> bytes:
    """JSON as gateways write it: compact, not escaped."""
    return msgspec.json.encode(value)


def detail(mount: Mount, document: dict[str, Any], at: Micros) -> bytes:
    """The answer that holds ``document``, said at ``at``."""
    gizmo_id = document["gizmo"]["id"]
    match mount:
        case Mount.PLAIN:
            return encode(_envelope(document, gizmo_id, at))
        case Mount.INFO:
            days = at // DAY - _EPOCH_DAY
            reads = number(gizmo_id, "stat") % 20 * days
            stat = {"read": reads, "favorite": reads // 40, "use": reads // 7}
            data = {"stat": stat, "info": document, "@timestamp": to_iso(at)}
            return encode(_envelope(data, gizmo_id, at))
        case Mount.BARE:
            return encode(document)
        case Mount.MJ:
            return encode(_flat(document))
        case Mount.CHAT | Mount.CHAT_OBJECT:
            return completion("get-gpts", fence(document), at)


def batch(mount: Mount, documents: Sequence[dict[str, Any]], at: Micros) -> bytes:
    """The chat answer that holds several documents."""
    value: object = list(documents)
    if mount is Mount.CHAT_OBJECT:
        value = {document["gizmo"]["id"]: document for document in documents}
    return completion("batch-get-gpts", fence(value), at)


def nothing(mount: Mount, gizmo_id: str, at: Micros) -> bytes:
    """An answer whose document is null, as a gateway sends whose own source failed it."""
    match mount:
        case Mount.PLAIN | Mount.INFO:
            return encode(_envelope(None, gizmo_id, at))
        case Mount.BARE:
            return encode({"gizmo": None, "tools": None, "files": None, "product_features": None})
        case Mount.MJ:
            return encode(None)
        case Mount.CHAT | Mount.CHAT_OBJECT:
            return completion("get-gpts", None, at)


def not_found(mount: Mount, gizmo_id: str) -> tuple[int, bytes]:
    """Status and body that say there is no such GPT."""
    if mount.has_envelope:
        sn = hexadecimal(32, gizmo_id, "none")
        return 200, encode({"code": 404, "msg": "gpts not found", "sn": sn, "data": None})
    return 404, encode({"detail": f"gizmo {gizmo_id} not found"})


def search(documents: Sequence[dict[str, Any]], query: str, at: Micros) -> bytes:
    """The answer to a keyword search."""
    items = [
        {
            "id": document["gizmo"]["id"],
            "title": document["gizmo"]["display"]["name"],
            "link": _link(document),
            "description": document["gizmo"]["display"]["description"],
            "favicon": _FAVICON,
        }
        for document in documents
    ]
    return encode(_envelope(items, query, at))


def chat_search(documents: Sequence[dict[str, Any]], at: Micros) -> bytes:
    """The same over chat: prose that holds links."""
    lines = [
        f"{rank}. [{document['gizmo']['display']['name']}]({_link(document)})"
        for rank, document in enumerate(documents, 1)
    ]
    text = "\n".join(["I found these GPTs:", "", *lines]) if lines else "I found no such GPTs."
    return completion("search-gpts", text, at)


def completion(model: str, content: str | None, at: Micros) -> bytes:
    """A chat completion."""
    return encode(
        {
            "id": "chatcmpl-" + token(model, content, at),
            "object": "chat.completion",
            "created": at // SECOND,
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46},
        }
    )


def stream(model: str, content: str, at: Micros) -> bytes:
    """The same as server-sent events, a word an event."""
    head = {
        "id": "chatcmpl-" + token(model, content, at),
        "object": "chat.completion.chunk",
        "created": at // SECOND,
        "model": model,
    }
    deltas: list[tuple[Mapping[str, str], str | None]] = [({"role": "assistant"}, None)]
    deltas += [({"content": word + " "}, None) for word in content.split()]
    deltas.append(({}, "stop"))
    events = [
        encode({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
        for delta, reason in deltas
    ]
    return b"".join(b"data: " + event + b"\n\n" for event in [*events, b"[DONE]"])


def fence(value: object) -> str:
    """``value`` as JSON in a Markdown fence."""
    return f"```json\n{msgspec.json.format(encode(value), indent=1).decode()}\n```"


def error(message: str, kind: str = "one_api_error", **more: object) -> bytes:
    """An error of the one-api family."""
    return encode({"error": {"message": message, "type": kind, **more}})


def _envelope(data: object, *key: object) -> dict[str, Any]:
    return {"code": 0, "msg": "ok", "sn": hexadecimal(32, *key), "data": data}


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    gizmo = document["gizmo"]
    name = gizmo["display"]["name"]
    return {
        "id": gizmo["id"],
        "name": name,
        "description": gizmo["display"]["description"],
        "welcome_message": f"Hello! I'm {name}.",
        "model": f"gpt-4-gizmo-{gizmo['id']}",
        "tools": [tool["type"] for tool in document["tools"]],
        "created_at": to_iso(from_iso(gizmo["created_at"]) // SECOND * SECOND),
    }


def _link(document: dict[str, Any]) -> str:
    return f"https://chat.openai.com/g/{document['gizmo']['short_url']}"
