"""One GPT of all columns, as two sources say it: what whole rows are compared with."""

from __future__ import annotations

from catalog.records import Row, Statement
from tests.unit.decide.saying import DAYS, GPT, START, say

MIDDLE, LAST = START + DAYS, START + 2 * DAYS

# All that a first document can state, by the table that keeps it.
CONTENT: Row = {
    "short_url": f"{GPT}-tides",
    "organization_id": "org-1",
    "workspace_id": None,
    "voice": "ember",
    "model": "gpt-4o",
    "default_model": "gpt-4",
    "instructions": "Be brief.",
    "name": "Tides",
    "description": "High and low.",
    "welcome_message": None,
    "picture": "file-1",
    "emoji": "~",
    "theme": "#00f",
    "share_recipient": "marketplace",
    "created_at": 11,
    "gizmo_type": "gpt",
    "gizmo_snorlax_type": "none",
    "memory_enabled": False,
    "memory_scope": "unset",
    "is_archived": False,
    "archived_at": None,
    "training_disabled": True,
    "workspace_approved": True,
    "workspace_approval_date": 12,
}
AUTHOR: Row = {
    "user_id": "user-1",
    "display_name": "Ada",
    "link_to": "https://ada.test",
    "selected_display": "name",
    "is_verified": True,
    "will_receive_support_emails": None,
}
ATTACHMENTS: Row = {
    "type": "retrieval",
    "can_accept_all_mime_types": False,
    "accepted_mime_types": "set-1",
    "image_mime_types": "set-2",
}
VOLATILE: Row = {
    "updated_at": START - DAYS,
    "last_interacted_at": 21,
    "version": 22,
    "live_version": 23,
    "version_created_at": 24,
    "version_updated_at": 25,
    "version_author": '{"id":1}',
    "is_unassigned": False,
    "context_stuffing_budget": 26,
    "conversation_copy_in_progress": False,
    "profile_pic_id": "file-1",
    "profile_picture_url": "https://files.test/file-1",
    "created_ago_str": "now",
    "current_user_permission": '{"can_read":true}',
    "sharing": None,
    "sharing_targets": "[]",
    "allowed_sharing_recipients": "[1]",
}
METRICS: Row = {
    "num_interactions": 31,
    "num_conversations": 32,
    "num_conversations_str": "25K+",
    "num_pins": 33,
    "num_users_interacted_with": 34,
    "review_total": 35,
    "review_count": 36,
    "rating_1": 1.0,
    "rating_2": 2.0,
    "rating_3": 3.0,
    "rating_4": 4.0,
    "rating_5": 5.0,
    "conversations_at_least": 25_000,
    "conversations_exact": False,
}
ACTION: Row = {
    "type": "plugins_prototype",
    "domain": "tides.test",
    "auth": '{"type":"none"}',
    "json_schema": '{"openapi":"3.1.0"}',
    "privacy_policy_url": "https://tides.test/privacy",
    "tool_id": "gzm_tool_1",
    "action_id": "g-1",
    "element_count": 1,
}
FILE: Row = {
    "type": "text/plain",
    "name": "tides.txt",
    "size": 41,
    "file_ref": "gzm_file_1",
    "file_id": "file-2",
    "location": "fs",
    "file_size_tokens": 42,
    "file_response_type": "text",
}
STARTER: Row = {"text": "When is high tide?", "position": 0, "element_count": 1}
SOCIAL: Row = {
    "type": "github",
    "display_name": "ada",
    "verified": True,
    "verified_data": '{"id":7}',
    "social_id": "githubverify-1",
}


def first_said() -> Statement:
    """A document of all fields but a goal and the author's mail."""
    said = say(
        updated_at=START - DAYS,
        stat={"stat_read": 51, "stat_use": 52},
        lists={
            "tools": {"act": ACTION},
            "files": {"gzm_file_1": FILE},
            "prompt_starters": {"sha": STARTER},
            "categories": None,
            "tags": {"public": {"tag": "public"}},
            "author_socials": {"github 7": SOCIAL},
        },
        **CONTENT,
        **AUTHOR,
        **ATTACHMENTS,
        **METRICS,
    )
    assert said.document is not None
    said.document.scalars.update(VOLATILE)
    said.document.mime_sets.update({"set-1": ("a/b", "c/d"), "set-2": ("e/f",)})
    return said


def second_said() -> Statement:
    """Another source, which moves something in every table, and repeats a set."""
    said = say(
        MIDDLE,
        "beta",
        updated_at=START,
        stat={"stat_favorite": 53},
        lists={
            "tools": {"act": ACTION | {"domain": "ebb.test", "tool_id": "gzm_tool_2"}},
            "prompt_starters": {"sha": STARTER | {"position": 1}},
            "tags": {"reportable": {"tag": "reportable"}},
        },
        name="Ebb",
        goal="to tell",
        user_id="user-2",
        accepted_mime_types="set-1",
        image_mime_types="set-3",
        num_pins=43,
        rating_1=None,
        num_conversations_str="",
    )
    assert said.document is not None
    said.document.scalars["updated_at"] = START
    said.document.mime_sets.update({"set-1": ("a/b", "c/d"), "set-3": ("g/h",)})
    return said


def third_said() -> Statement:
    """The first source again: with the name and the tag that it had said, and nothing else."""
    return say(LAST, name="Tides", lists={"tags": {"public": {"tag": "public"}}})
