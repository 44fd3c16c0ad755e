"""A few observations of made-up GPTs, for tests of what can be asked of a catalog."""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.derive import Derivation
from catalog.records import Observation
from catalog.storage.engine import write
from catalog.storage.observe import observe
from catalog.storage.probes import Probe
from catalog.storage.sources import add_source
from catalog.storage.stage2 import settle
from catalog.times import Micros, from_iso

if TYPE_CHECKING:
    from sqlalchemy import Engine

ID = "g-Made1UpId"
NEVER = "g-NotThere0"
DERIVER = Derivation()


def day(number: int) -> Micros:
    """Nine o'clock of a day of February 2026."""
    return from_iso(f"2026-02-{number:02d}T09:00:00Z")


def document(gizmo_id: str = ID, name: str = "A name", **members: Any) -> dict[str, Any]:
    """A document with something in every table.

    Args:
        gizmo_id: the id.
        name: the name.
        members: replaced members of the gizmo.
    """
    gizmo = {
        "id": gizmo_id,
        "short_url": f"{gizmo_id}-slug",
        "author": {"user_id": "user-one", "display_name": "An Author", "display_socials": []},
        "display": {
            "name": name,
            "description": "What it says of itself",
            "welcome_message": None,
            "prompt_starters": ["Second things", "First things"],
            "categories": ["other"],
        },
        "tags": ["public"],
        "updated_at": "2026-01-31T00:00:00+00:00",
        "vanity_metrics": {"num_conversations_str": "90", "num_pins": 2},
    }
    return {
        "gizmo": gizmo | members,
        "tools": [{"id": "gzm_tool_1", "type": "browser", "settings": None, "metadata": None}],
        "files": [],
        "product_features": {
            "attachments": {"type": "retrieval", "accepted_mime_types": ["text/plain", "a/b"]}
        },
    }


def changed(found: dict[str, Any], **display: Any) -> dict[str, Any]:
    """A copy with other members of ``display``."""
    found = copy.deepcopy(found)
    found["gizmo"]["display"].update(display)
    return found


def said(
    at: Micros,
    value: dict[str, Any] | None,
    *,
    source: str = "one",
    gizmo_id: str = ID,
    recorded_at: Micros | None = None,
) -> Observation:
    """An observation; without a document a "no such GPT" that counts."""
    absence = Observation(
        gizmo_id=gizmo_id,
        source=source,
        observed_at=at,
        recorded_at=recorded_at or at,
        verdict="counted",
    )
    if value is None:
        return absence
    payload = msgspec.json.encode(value)
    return msgspec.structs.replace(
        absence,
        gizmo_id=value["gizmo"]["id"],
        verdict="",
        digest=hashlib.sha256(payload).digest(),
        payload=payload,
        wrapping="gizmo",
        document=DERIVER.document(payload, "gizmo"),
    )


def said_with_stat(
    at: Micros, value: dict[str, Any], stat: dict[str, int], *, source: str = "one"
) -> Observation:
    """An observation in the wrapping that brings the source's own counters."""
    payload = msgspec.json.encode({"info": value, "stat": stat})
    return msgspec.structs.replace(
        said(at, value, source=source),
        digest=hashlib.sha256(payload).digest(),
        payload=payload,
        wrapping="info.gizmo",
        document=DERIVER.document(payload, "info.gizmo"),
    )


def tell(engine: Engine, *observations: Observation) -> None:
    """Put observations into a catalog, and settle what follows from them."""
    with write(engine) as conn:
        for name in sorted({each.source for each in observations}):
            add_source(conn, name, "recorded", observations[0].recorded_at)
        observe(conn, DERIVER, observations)
        settle(conn, DERIVER)


def probed_gpt(gizmo_id: str, source_id: int, at: Micros, **more: Any) -> Probe:
    """A probe that was answered, with nothing in it but what is given."""
    usual: dict[str, Any] = {
        "run_id": "r",
        "model": "m",
        "question": "Who?",
        "verdict": "answered",
        "status": 200,
        "answer": None,
        "body": None,
        "redacted": False,
        "seconds": 0.0,
        "streamed": False,
        "first_seconds": None,
        "prompt_tokens": None,
        "completion_tokens": None,
        "finish_reason": None,
        "parameters": "{}",
        "cost": None,
    }
    return Probe(gizmo_id=gizmo_id, source_id=source_id, at=at, **usual | more)
