"""Whole rows, as a fold writes them: no column is missing, and none is another's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from catalog.decide.step import document_of
from tests.unit.decide.saying import DAYS, GPT, START, deny, folded, say, table, tags

SAID = [
    say(name="a", description=None, lists={"tags": tags("x", "y"), "categories": None}, num_pins=3),
    say(START + DAYS, "beta", name="b", updated_at=START, stat={"stat_read": 1}),
    say(START + 2 * DAYS, name="old", updated_at=START - DAYS),
    say(START + 3 * DAYS, "beta", name="b", stat={"stat_read": 2}),
    deny(START + 4 * DAYS),
    deny(START + 5 * DAYS, "beta"),
]
FIRST, SECOND, STALE, SAME, ABSENT, GONE = SAID


@pytest.fixture
def result() -> Any:
    """Folded anew for each test: so a campaign of mutants sees that each one runs the fold."""
    return folded(*SAID)


def test_statuses_are_whole(result: Any) -> None:
    assert table(result, "statuses") == [
        {
            "gizmo_id": GPT,
            "valid_from": START + begins * DAYS,
            "valid_to": None if ends is None else START + ends * DAYS,
            "observation_id": statement.observation_id,
            "status": status,
        }
        for begins, ends, statement, status in (
            (0, 4, FIRST, "listed"),
            (4, 5, ABSENT, "missing"),
            (5, None, GONE, "gone"),
        )
    ]


def test_changes_are_whole(result: Any) -> None:
    lifecycle = {"field": "status", "cls": "lifecycle"}
    name = {"field": "gizmo.display.name", "cls": "content"}
    expected = [
        (FIRST, "added", None, '"listed"', None, lifecycle),
        (SECOND, "changed", '"a"', '"b"', FIRST.observed_at, name),
        (ABSENT, "changed", '"listed"', '"missing"', SAME.observed_at, lifecycle),
        (GONE, "changed", '"missing"', '"gone"', ABSENT.observed_at, lifecycle),
    ]
    assert table(result, "changes") == [
        {
            "gizmo_id": GPT,
            "observed_at": statement.observed_at,
            "element": "",
            "not_before": not_before,
            "kind": kind,
            "old": old,
            "new": new,
            "source": statement.source,
            "observation_id": statement.observation_id,
            "flap": False,
            "disagreement": False,
            **of_field,
        }
        for statement, kind, old, new, not_before, of_field in expected
    ]


def test_revision_says_what_was_null_what_was_not_stated_and_how_many(result: Any) -> None:
    first, second = table(result, "gizmo_revisions")
    assert (first["valid_from"], first["valid_to"]) == (START, START + DAYS)
    assert (second["valid_from"], second["valid_to"]) == (START + DAYS, None)
    assert first["gizmo_id"] == second["gizmo_id"] == GPT
    assert [row["observation_id"] for row in (first, second)] == [
        FIRST.observation_id,
        SECOND.observation_id,
    ]
    for row, name in ((first, "a"), (second, "b")):
        assert (row["name"], row["description"]) == (name, None)
        assert msgspec.json.decode(row["null_fields"]) == ["description"]
        unstated = msgspec.json.decode(row["unstated_fields"])
        assert "welcome_message" in unstated
        assert not {"name", "description"} & set(unstated)
        assert (row["tags_count"], row["categories_count"], row["tools_count"]) == (2, -1, None)


def test_counters_of_a_gateway_are_whole_points(result: Any) -> None:
    assert table(result, "source_stats") == [
        {
            "gizmo_id": GPT,
            "source": "beta",
            "observed_at": statement.observed_at,
            "observation_id": statement.observation_id,
            "stat_read": read,
            "stat_favorite": None,
            "stat_use": None,
        }
        for statement, read in ((SECOND, 1), (SAME, 2))
    ]


def test_current_row_is_that_of_the_latest(result: Any) -> None:
    (row,) = table(result, "gizmos")
    assert (row["gizmo_id"], row["status"], row["stale_copies"]) == (GPT, "gone", 1)
    assert row["observation_id"] == SAME.observation_id
    assert (row["name"], row["updated_at"]) == ("b", None)


def test_every_document_has_an_effect(result: Any) -> None:
    assert result.effects == {
        FIRST.observation_id: "new",
        SECOND.observation_id: "changed",
        STALE.observation_id: "unchanged",
        SAME.observation_id: "unchanged",
    }


def test_counters_that_did_not_move_are_no_point() -> None:
    result = folded(say(stat={"stat_read": 1}), say(START + DAYS, stat={"stat_read": 1}))
    assert [row["observed_at"] for row in table(result, "source_stats")] == [START]


def test_volatile_columns_are_the_latest_in_the_current_row_alone() -> None:
    result = folded(
        say(name="a", created_ago_str="now"), say(START + DAYS, created_ago_str="1 day ago")
    )
    (row,) = table(result, "gizmos")
    assert (row["created_ago_str"], row["last_changed_at"]) == (
        "1 day ago",
        table(folded(say()), "gizmos")[0]["last_changed_at"],
    )
    assert len(table(result, "gizmo_revisions")) == 1


def test_set_that_stands_is_written_once() -> None:
    said = [say(START + day * DAYS, accepted_mime_types="set") for day in range(2)]
    for statement in said:
        assert statement.document is not None
        statement.document.mime_sets["set"] = ("a/b", "c/d")
    result = folded(*said)
    assert list(result.rows["mime_sets"]) == [("set", "a/b"), ("set", "c/d")]
    assert len(table(result, "attachments")) == 1


def test_not_found_states_no_field() -> None:
    with pytest.raises(TypeError, match=r"^a not-found states no field$"):
        document_of(deny(START))


def test_authors_are_those_before_and_those_now() -> None:
    result = folded(say(user_id="user-a"), say(START + DAYS, user_id="user-b"))
    assert result.authors == {"user-a", "user-b"}
