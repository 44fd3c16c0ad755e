"""One GPT said whole, then twice more by two sources: all rows and updates, to the last column.

What a fold yields is compared as one value, so a column that is missing, misnamed or another's is
seen, and so is a row that nobody asked for.
"""

from __future__ import annotations

import json
import operator
from typing import Any

from catalog.decide import fold
from catalog.records import Row, Statement
from catalog.text import sort_key
from tests.unit.decide.saying import GPT, START
from tests.unit.decide.whole import (
    ACTION,
    ATTACHMENTS,
    AUTHOR,
    CONTENT,
    FILE,
    LAST,
    METRICS,
    MIDDLE,
    SOCIAL,
    STARTER,
    VOLATILE,
    first_said,
    second_said,
    third_said,
)


def interval(begins: int, statement: Statement, columns: Row) -> Row:
    """A row that begins and has not ended."""
    return {
        "gizmo_id": GPT,
        "valid_from": begins,
        "valid_to": None,
        "observation_id": statement.observation_id,
        **columns,
    }


def element(key: str, begins: int, statement: Statement, columns: Row) -> Row:
    """An element's row that begins and has not ended."""
    return interval(begins, statement, columns) | {"element": key}


def change(statement: Statement, field: str, kind: str, **columns: Any) -> Row:
    """A change row of content, without marks, unless ``columns`` say otherwise."""
    return {
        "gizmo_id": GPT,
        "observed_at": statement.observed_at,
        "field": field,
        "element": "",
        "not_before": START,
        "cls": "content",
        "kind": kind,
        "old": None,
        "new": None,
        "source": statement.source,
        "observation_id": statement.observation_id,
        "flap": False,
        "disagreement": False,
        **columns,
    }


def keyed(*rows: Row) -> dict[tuple[Any, ...], Row]:
    """Change rows by their key."""
    key = operator.itemgetter("gizmo_id", "observed_at", "field", "element")
    return {key(row): row for row in rows}


FIRST, SECOND, THIRD = first_said(), second_said(), third_said()
COUNTS: Row = {
    "tools_count": 1,
    "files_count": 1,
    "prompt_starters_count": 1,
    "categories_count": -1,
    "tags_count": 1,
}


def test_first_document_is_written_whole() -> None:
    result = fold(GPT, None, [FIRST])

    assert result.rows == {
        "statuses": {(GPT, START): interval(START, FIRST, {"status": "listed"})},
        "changes": keyed(
            change(FIRST, "status", "added", cls="lifecycle", new='"listed"', not_before=None)
        ),
        "gizmo_revisions": {
            (GPT, START): interval(
                START,
                FIRST,
                CONTENT
                | COUNTS
                | {
                    "goal": None,
                    "null_fields": '["workspace_id","welcome_message","archived_at"]',
                    "unstated_fields": '["goal"]',
                },
            )
        },
        "gizmo_authors": {
            (GPT, START): interval(
                START,
                FIRST,
                AUTHOR
                | {
                    "user_email": None,
                    "author_socials_count": 1,
                    "null_fields": '["will_receive_support_emails"]',
                    "unstated_fields": '["user_email"]',
                },
            )
        },
        "attachments": {
            (GPT, START): interval(
                START, FIRST, ATTACHMENTS | {"null_fields": "[]", "unstated_fields": "[]"}
            )
        },
        "tools": {(GPT, "act", START): element("act", START, FIRST, ACTION)},
        "files": {(GPT, "gzm_file_1", START): element("gzm_file_1", START, FIRST, FILE)},
        "prompt_starters": {(GPT, "sha", START): element("sha", START, FIRST, STARTER)},
        "tags": {(GPT, "public", START): element("public", START, FIRST, {"tag": "public"})},
        "author_socials": {(GPT, "github 7", START): element("github 7", START, FIRST, SOCIAL)},
        "mime_sets": {
            (set_, member): {"set_digest": set_, "mime_type": member}
            for set_, member in (("set-1", "a/b"), ("set-1", "c/d"), ("set-2", "e/f"))
        },
        "vanity_metrics": {
            (GPT, START): {
                "gizmo_id": GPT,
                "observed_at": START,
                "observation_id": FIRST.observation_id,
                **METRICS,
            }
        },
        "source_stats": {
            (GPT, "alpha", START): {
                "gizmo_id": GPT,
                "source": "alpha",
                "observed_at": START,
                "observation_id": FIRST.observation_id,
                "stat_read": 51,
                "stat_favorite": None,
                "stat_use": 52,
            }
        },
        "gizmos": {
            (GPT,): {
                "gizmo_id": GPT,
                "status": "listed",
                "first_seen_at": START,
                "last_seen_at": START,
                "last_asked_at": START,
                "last_changed_at": None,
                "stale_copies": 0,
                "observation_id": FIRST.observation_id,
                "user_id": "user-1",
                "name_key": sort_key("Tides"),
                "goal": None,
                **CONTENT,
                **VOLATILE,
            }
        },
    }
    assert result.updates == {}
    assert (result.last_at, sorted(result.authors)) == (START, ["user-1"])
    assert result.effects == {FIRST.observation_id: "new"}


def test_second_document_writes_what_moved_and_ends_what_it_moved() -> None:
    result = fold(GPT, fold(GPT, None, [FIRST]).state, [SECOND])

    renamed = CONTENT | {"name": "Ebb", "goal": "to tell"}
    moved = {"domain": "ebb.test", "tool_id": "gzm_tool_2"}
    assert result.rows == {
        "changes": keyed(
            change(SECOND, "gizmo.display.name", "changed", old='"Tides"', new='"Ebb"'),
            change(SECOND, "gizmo.author.user_id", "changed", old='"user-1"', new='"user-2"'),
            change(
                SECOND,
                "product_features.attachments.image_mime_types",
                "changed",
                cls="platform",
                old='"set-2"',
                new='"set-3"',
            ),
            change(
                SECOND,
                "tools",
                "changed",
                element="act",
                old='{"domain":"tides.test"}',
                new='{"domain":"ebb.test"}',
            ),
            change(SECOND, "gizmo.tags", "removed", element="public", old='"public"'),
            change(SECOND, "gizmo.tags", "added", element="reportable", new='"reportable"'),
        ),
        "gizmo_revisions": {
            (GPT, MIDDLE): interval(
                MIDDLE,
                SECOND,
                renamed
                | COUNTS
                | {
                    "null_fields": '["workspace_id","welcome_message","archived_at"]',
                    "unstated_fields": "[]",
                },
            )
        },
        "gizmo_authors": {
            (GPT, MIDDLE): interval(
                MIDDLE,
                SECOND,
                AUTHOR
                | {
                    "user_id": "user-2",
                    "user_email": None,
                    "author_socials_count": 1,
                    "null_fields": '["will_receive_support_emails"]',
                    "unstated_fields": '["user_email"]',
                },
            )
        },
        "attachments": {
            (GPT, MIDDLE): interval(
                MIDDLE,
                SECOND,
                ATTACHMENTS
                | {"image_mime_types": "set-3", "null_fields": "[]", "unstated_fields": "[]"},
            )
        },
        "tools": {(GPT, "act", MIDDLE): element("act", MIDDLE, SECOND, ACTION | moved)},
        "tags": {
            (GPT, "reportable", MIDDLE): element(
                "reportable", MIDDLE, SECOND, {"tag": "reportable"}
            )
        },
        # The set that was known stands before it, and hides it not.
        "mime_sets": {("set-3", "g/h"): {"set_digest": "set-3", "mime_type": "g/h"}},
        "vanity_metrics": {
            (GPT, MIDDLE): {
                "gizmo_id": GPT,
                "observed_at": MIDDLE,
                "observation_id": SECOND.observation_id,
                **METRICS,
                "num_pins": 43,
            }
        },
        "source_stats": {
            (GPT, "beta", MIDDLE): {
                "gizmo_id": GPT,
                "source": "beta",
                "observed_at": MIDDLE,
                "observation_id": SECOND.observation_id,
                "stat_read": None,
                "stat_favorite": 53,
                "stat_use": None,
            }
        },
    }
    assert result.updates == {
        "gizmo_revisions": {(GPT, START): {"valid_to": MIDDLE}},
        "gizmo_authors": {(GPT, START): {"valid_to": MIDDLE}},
        "attachments": {(GPT, START): {"valid_to": MIDDLE}},
        "tools": {(GPT, "act", START): {"valid_to": MIDDLE}},
        "tags": {(GPT, "public", START): {"valid_to": MIDDLE}},
        # Its place is no content: the row that stands is told.
        "prompt_starters": {(GPT, "sha", START): {"position": 1, "element_count": 1}},
        "gizmos": {
            (GPT,): {
                **renamed,
                "name_key": sort_key("Ebb"),
                "user_id": "user-2",
                "updated_at": START,
                "last_seen_at": MIDDLE,
                "last_asked_at": MIDDLE,
                "last_changed_at": MIDDLE,
                "stale_copies": 0,
                "observation_id": SECOND.observation_id,
            }
        },
    }
    assert (result.last_at, sorted(result.authors)) == (MIDDLE, ["user-1", "user-2"])
    assert result.effects == {SECOND.observation_id: "changed"}


def test_third_document_takes_back_and_marks_both_sides() -> None:
    before = fold(GPT, None, [FIRST, SECOND])
    result = fold(GPT, before.state, [THIRD])

    current = before.rows["gizmo_revisions"][GPT, MIDDLE]
    back = {"not_before": MIDDLE, "flap": True, "disagreement": True}
    assert result.rows == {
        "changes": keyed(
            change(THIRD, "gizmo.display.name", "changed", old='"Ebb"', new='"Tides"', **back),
            change(THIRD, "gizmo.tags", "added", element="public", new='"public"', **back),
            change(
                THIRD, "gizmo.tags", "removed", element="reportable", old='"reportable"', **back
            ),
        ),
        "gizmo_revisions": {
            (GPT, LAST): current
            | {
                "valid_from": LAST,
                "observation_id": THIRD.observation_id,
                "name": "Tides",
            }
        },
        "tags": {(GPT, "public", LAST): element("public", LAST, THIRD, {"tag": "public"})},
    }
    assert result.updates == {
        "changes": {
            (GPT, MIDDLE, "gizmo.display.name"): {"flap": True, "disagreement": True},
            (GPT, MIDDLE, "gizmo.tags"): {"flap": True, "disagreement": True},
        },
        "gizmo_revisions": {(GPT, MIDDLE): {"valid_to": LAST}},
        "tags": {(GPT, "reportable", MIDDLE): {"valid_to": LAST}},
        "gizmos": {
            (GPT,): {
                **CONTENT,
                "goal": "to tell",
                "name_key": sort_key("Tides"),
                "last_seen_at": LAST,
                "last_asked_at": LAST,
                "last_changed_at": LAST,
                "stale_copies": 0,
                "observation_id": THIRD.observation_id,
            }
        },
    }
    assert (result.last_at, sorted(result.authors)) == (LAST, [])
    assert result.effects == {THIRD.observation_id: "changed"}


def test_all_at_once_writes_the_rows_that_one_after_the_other_do() -> None:
    result = fold(GPT, None, [THIRD, FIRST, SECOND])

    assert result.updates == {}
    assert {name: len(rows) for name, rows in result.rows.items()} == {
        "statuses": 1,
        "changes": 10,
        "gizmo_revisions": 3,
        "gizmo_authors": 2,
        "attachments": 2,
        "tools": 2,
        "files": 1,
        "prompt_starters": 1,
        "tags": 3,
        "author_socials": 1,
        "mime_sets": 4,
        "vanity_metrics": 2,
        "source_stats": 2,
        "gizmos": 1,
    }
    assert [
        (row["field"], row["element"], row["kind"], json.loads(row["new"] or "null"))
        for row in result.rows["changes"].values()
        if row["flap"] and row["disagreement"]
    ] == [
        ("gizmo.display.name", "", "changed", "Ebb"),
        ("gizmo.tags", "public", "removed", None),
        ("gizmo.tags", "reportable", "added", "reportable"),
        ("gizmo.display.name", "", "changed", "Tides"),
        ("gizmo.tags", "reportable", "removed", None),
        ("gizmo.tags", "public", "added", "public"),
    ]
