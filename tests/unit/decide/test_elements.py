"""Elements of lists: when each began, and what of it is kept without being a change."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

from tests.unit.decide.saying import DAYS, GPT, START, changes, folded, say, table

LATER = START + DAYS


def starters(*texts: str) -> dict[str, Any]:
    """Prompt starters in their order."""
    rows = [
        {"text": text, "position": position, "element_count": 1}
        for position, text in enumerate(texts)
    ]
    return {"prompt_starters": {row["text"]: row for row in rows}}


def standing(result: Any) -> list[tuple[str, int, int, int | None]]:
    """Text, place, and days from when to when."""
    return [
        (
            row["text"],
            row["position"],
            (row["valid_from"] - START) // DAYS,
            None if row["valid_to"] is None else (row["valid_to"] - START) // DAYS,
        )
        for row in sorted(table(result, "prompt_starters"), key=lambda row: str(row["text"]))
    ]


def test_places_of_those_that_stay_are_the_latest_where_another_came() -> None:
    result = folded(say(lists=starters("a", "b")), say(LATER, lists=starters("c", "a", "b")))

    assert standing(result) == [("a", 1, 0, None), ("b", 2, 0, None), ("c", 0, 1, None)]
    assert [(row["kind"], row["old"], row["new"]) for row in changes(result)] == [
        ("added", None, '"c"')
    ]


def test_places_alone_are_the_latest_and_no_change() -> None:
    result = folded(say(lists=starters("a", "b")), say(LATER, lists=starters("b", "a")))

    assert standing(result) == [("a", 1, 0, None), ("b", 0, 0, None)]
    assert changes(result) == []


def test_one_that_went_and_came_again_stands_twice() -> None:
    result = folded(
        say(lists=starters("a", "b")),
        say(LATER, lists=starters("b")),
        say(LATER + DAYS, lists=starters("b", "a")),
    )

    assert standing(result) == [("a", 0, 0, 1), ("a", 1, 2, None), ("b", 0, 0, None)]
    assert [(row["kind"], row["element"]) for row in changes(result)] == [
        ("removed", "a"),
        ("added", "a"),
    ]


def test_elements_come_after_a_null_and_go_for_one() -> None:
    null: dict[str, Any] = {"prompt_starters": None}
    result = folded(say(lists=null), say(LATER, lists=starters("a")), say(LATER + DAYS, lists=null))

    assert standing(result) == [("a", 0, 1, 2)]
    assert [(row["kind"], row["element"], row["old"], row["new"]) for row in changes(result)] == [
        ("added", "a", None, '"a"'),
        ("removed", "a", '"a"', None),
    ]


def action(**columns: Any) -> dict[str, Any]:
    """One tool, with what is given and nothing else."""
    content = dict.fromkeys(("type", "domain", "auth", "json_schema", "privacy_policy_url"))
    volatile = {"tool_id": "gzm", "action_id": None, "element_count": 1}
    return {"tools": {"act": {**content, "type": "act", **volatile, **columns}}}


def test_element_of_many_columns_is_shown_as_an_object_of_what_is_not_null() -> None:
    result = folded(
        say(lists=action(auth='{"type":"none"}')),
        say(LATER, lists=action(domain="a.example", json_schema="{}")),
        say(LATER + DAYS, lists={"tools": {}}),
    )

    schema = "sha256:" + hashlib.sha256(b"{}").hexdigest()[:16]
    assert {row["element"] for row in changes(result, "tools")} == {"act"}
    shown = [
        (row["kind"], *(json.loads(row[side] or "null") for side in ("old", "new")))
        for row in changes(result, "tools")
    ]
    assert shown == [
        (
            "changed",
            {"auth": {"type": "none"}, "domain": None, "json_schema": None},
            {"auth": None, "domain": "a.example", "json_schema": schema},
        ),
        ("removed", {"type": "act", "domain": "a.example", "json_schema": schema}, None),
    ]


def test_columns_that_an_element_does_not_state_keep_their_last_value() -> None:
    first = say(lists=action(domain="a.example"))
    silent = say(LATER, lists={"tools": {"act": {"type": "act"}}})
    result = folded(first, silent)

    assert table(result, "tools") == [
        {
            "gizmo_id": GPT,
            "element": "act",
            "valid_from": START,
            "valid_to": None,
            "observation_id": first.observation_id,
            **action(domain="a.example")["tools"]["act"],
        }
    ]
    assert changes(result, "tools") == []
    # Those of the element that moves stay beside what moved.
    moved = folded(first, say(LATER, lists={"tools": {"act": {"auth": "{}", "tool_id": "new"}}}))
    _, row = table(moved, "tools")
    assert (row["type"], row["domain"], row["auth"]) == ("act", "a.example", "{}")
    assert (row["tool_id"], row["action_id"], row["element_count"]) == ("new", None, 1)


def test_a_list_said_again_is_no_change() -> None:
    again = say(LATER, lists=starters("a", "b"))
    result = folded(say(lists=starters("a", "b")), again)

    assert result.effects[again.observation_id] == "unchanged"
    assert table(result, "gizmos")[0]["last_changed_at"] is None
    assert len(table(result, "gizmo_revisions")) == 1


def test_of_several_documents_of_a_moment_the_first_speaks_for_its_source() -> None:
    before = say(name="a", lists=starters("a"))
    many = say(LATER, name="b", leaves=9, lists=starters("b"))
    few = say(LATER, name="c", leaves=1, lists=starters("c"))
    other = say(LATER, "beta", name="d", leaves=3, lists=starters("d"))

    for order in itertools.permutations([before, many, few, other]):
        result = folded(*order)
        assert standing(result) == [("a", 0, 0, 1), ("b", 0, 1, None)]
        assert [(row["field"], row["source"]) for row in changes(result)] == [
            ("gizmo.display.name", "alpha"),
            ("gizmo.display.prompt_starters", "alpha"),
            ("gizmo.display.prompt_starters", "alpha"),
        ]
