"""One made-up document, read whole: each column, element, path and count, as one value."""

from __future__ import annotations

import hashlib

from catalog.records import Document
from tests.unit.normalize.documents import GIZMO_ID, HOST, UPLOAD, leaves, read, whole

UNDER: dict[str, tuple[str, ...]] = {
    "files[]": ("file_id", "id", "location", "type"),
    "gizmo": (
        *("author", "created_at", "current_user_permission", "display", "id", "organization_id"),
        *("settings", "short_url", "tags", "updated_at", "vanity_metrics", "version", "voice"),
        "workspace_id",
    ),
    "gizmo.author": (
        *("display_name", "display_socials", "is_verified", "link_to", "selected_display"),
        *("user_id", "will_receive_support_emails"),
    ),
    "gizmo.author.display_socials[]": ("display_name", "id", "type", "verified", "verified_data"),
    "gizmo.author.display_socials[].verified_data": ("id", "link_to", "username"),
    "gizmo.display": (
        *("categories", "description", "name", "profile_pic_id", "profile_picture_url"),
        "prompt_starters",
    ),
    "gizmo.vanity_metrics": ("num_conversations_str", "review_stats"),
    "gizmo.vanity_metrics.review_stats": ("by_rating", "count", "total"),
    "gizmo.voice": ("id",),
    "product_features": ("attachments",),
    "product_features.attachments": (
        *("accepted_mime_types", "can_accept_all_mime_types", "image_mime_types", "type"),
    ),
    "stat": ("favorite", "read"),
    "tools[]": ("id", "metadata", "settings", "type"),
    "tools[].metadata": ("domain", "json_schema"),
}
"""The members of each object; those of the permission and the schema are kept whole."""
TOP = ("files", "files[]", "gizmo", "product_features", "stat", "tools", "tools[]")
SOCIALS = "gizmo.author.display_socials[]"


def named(text: str) -> str:
    """The name of a set by its JSON."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def starter(text: str) -> str:
    """The key of a prompt starter."""
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_whole_document_is_read_to_its_last_value() -> None:
    sent = whole() | {"stat": {"read": 3, "favorite": None}}
    accepted, images = named('["application/pdf","text/plain"]'), named('["image/png"]')

    assert read(sent) == Document(
        gizmo_id=GIZMO_ID,
        updated_at=1_712_907_277_000_000,
        leaves=leaves(sent),
        scalars={
            "organization_id": "org-invented",
            "short_url": f"{GIZMO_ID}-tide-tables",
            "user_id": "user-invented",
            "display_name": "Ada Example",
            "link_to": None,
            "is_verified": True,
            "selected_display": "name",
            "will_receive_support_emails": None,
            "voice": "ember",
            "workspace_id": None,
            "name": "Tide tables",
            "description": "",
            "profile_pic_id": UPLOAD,
            "profile_picture_url": f"{HOST}/{UPLOAD}?se=1",
            "picture": UPLOAD,
            "created_at": 1_704_803_550_370_385,
            "updated_at": 1_712_907_277_000_000,
            "version": None,
            "num_conversations_str": "25K+",
            "conversations_at_least": 25_000,
            "conversations_exact": False,
            "review_total": 940,
            "review_count": 220,
            "current_user_permission": '{"can_read":true,"can_write":false}',
            "type": "retrieval",
            "accepted_mime_types": accepted,
            "image_mime_types": images,
            "can_accept_all_mime_types": True,
        },
        lists={
            "author_socials": {
                "github 7": {
                    "social_id": "githubverify-1",
                    "type": "github",
                    "display_name": "GitHub",
                    "verified": True,
                    "verified_data": '{"id":7,"link_to":"https://x.test","username":"ada"}',
                },
                "twitter twitterverify-1": {
                    "social_id": "twitterverify-1",
                    "type": "twitter",
                    "verified_data": None,
                },
            },
            "prompt_starters": {
                starter(text): {"text": text, "position": place, "element_count": 1}
                for place, text in enumerate(("When is high tide?", "And low?"))
            },
            "categories": {"research": {"category": "research"}, "other": {"category": "other"}},
            "tags": {"public": {"tag": "public"}, "reportable": {"tag": "reportable"}},
            "tools": {
                "dalle": {"tool_id": "gzm_cnf_a~gzm_tool_1", "type": "dalle", "element_count": 1},
                "plugins_prototype tides.example": {
                    "tool_id": "gzm_tool_9",
                    "type": "plugins_prototype",
                    "domain": "tides.example",
                    "json_schema": '{"openapi":"3.1.0"}',
                    "element_count": 1,
                },
            },
            "files": {
                f"gzm_file_{number}": {
                    "file_ref": f"gzm_cnf_b~gzm_file_{number}",
                    "type": type_,
                    "file_id": "",
                    "location": "",
                }
                for number, type_ in ((1, "text/plain"), (2, ""))
            },
        },
        mime_sets={accepted: ("application/pdf", "text/plain"), images: ("image/png",)},
        stat={"stat_read": 3},
        unmapped=(),
        paths=tuple(
            sorted({*TOP, SOCIALS, *(f"{on}.{name}" for on in UNDER for name in UNDER[on])})
        ),
    )
