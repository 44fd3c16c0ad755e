"""Invented documents to normalise, and how tests say what they expect of them."""

from __future__ import annotations

import json
from typing import Any

from catalog.normalize import normalize
from catalog.records import Document

GIZMO_ID = "g-Made0Up01"
UPLOAD = "file-AbCdEfGhIjKlMnOpQrStUvWx"
HOST = "https://files.oaiusercontent.com"


def gizmo(**members: Any) -> dict[str, Any]:
    """A gizmo object of nothing but its id and ``members``."""
    return {"id": GIZMO_ID, **members}


def whole() -> dict[str, Any]:
    """A document with most of what real ones have."""
    return {
        "gizmo": gizmo(
            organization_id="org-invented",
            short_url=f"{GIZMO_ID}-tide-tables",
            author={
                "user_id": "user-invented",
                "display_name": "Ada Example",
                "link_to": None,
                "is_verified": True,
                "selected_display": "name",
                "will_receive_support_emails": None,
                "display_socials": [
                    {
                        "id": "githubverify-1",
                        "type": "github",
                        "display_name": "GitHub",
                        "verified": True,
                        "verified_data": {"id": 7, "username": "ada", "link_to": "https://x.test"},
                    },
                    {"id": "twitterverify-1", "type": "twitter", "verified_data": None},
                ],
            },
            voice={"id": "ember"},
            workspace_id=None,
            settings=None,
            display={
                "name": "Tide tables",
                "description": "",
                "prompt_starters": ["When is high tide?", "And low?"],
                "profile_pic_id": UPLOAD,
                "profile_picture_url": f"{HOST}/{UPLOAD}?se=1",
                "categories": ["research", "Other"],
            },
            created_at="2024-01-09T12:32:30.370385+00:00",
            updated_at="2024-04-12T07:34:37+00:00",
            tags=["public", "reportable"],
            version=None,
            vanity_metrics={
                "num_conversations_str": "25K+",
                "review_stats": {"total": 940, "count": 220, "by_rating": {}},
            },
            current_user_permission={"can_write": False, "can_read": True},
        ),
        "tools": [
            {"id": "gzm_cnf_a~gzm_tool_1", "type": "dalle", "settings": None, "metadata": None},
            action(domain="tides.example", json_schema={"openapi": "3.1.0"}),
        ],
        "files": [
            {"id": "gzm_cnf_b~gzm_file_1", "type": "text/plain", "file_id": "", "location": ""},
            {"id": "gzm_cnf_b~gzm_file_2", "type": "", "file_id": "", "location": ""},
        ],
        "product_features": {
            "attachments": {
                "type": "retrieval",
                "accepted_mime_types": ["text/plain", "application/pdf"],
                "image_mime_types": ["image/png"],
                "can_accept_all_mime_types": True,
            }
        },
    }


def action(**metadata: Any) -> dict[str, Any]:
    """An action whose metadata are the given ones."""
    return {"id": "gzm_tool_9", "type": "plugins_prototype", "metadata": metadata}


def read(document: Any, wrapping: str = "gizmo") -> Document:
    """``document``, encoded and normalised."""
    return normalize(json.dumps(document).encode(), wrapping)


def read_gizmo(**members: Any) -> Document:
    """A document of nothing but a gizmo object with its id and ``members``."""
    return read({"gizmo": gizmo(**members)})


def unmapped(document: Document) -> dict[str, str]:
    """Examples by unmapped path."""
    return {entry.path: entry.example for entry in document.unmapped}


def leaves(value: Any) -> int:
    """How many values in ``value`` are neither null nor hold others."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    if isinstance(value, list):
        return sum(map(leaves, value))
    return value is not None
