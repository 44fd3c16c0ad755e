from __future__ import annotations

import itertools

import pytest

from catalog.decide import fold
from catalog.text import sort_key
from catalog.times import HOUR
from tests.unit.decide.saying import (
    DAYS,
    GPT,
    START,
    changes,
    deny,
    folded,
    say,
    table,
    tags,
)

NAME = "gizmo.display.name"


def names(result: object) -> list[tuple[int, str | None]]:
    """When which name began."""
    return [
        ((row["valid_from"] - START) // DAYS, row["name"])
        for row in table(result, "gizmo_revisions")  # type: ignore[arg-type]
    ]


# Rule 3: one step.


def test_the_later_update_decides_a_moment() -> None:
    said = [
        say(name="new", updated_at=START, leaves=1),
        say(name="old", updated_at=START - DAYS, leaves=9, description="kept"),
    ]
    for order in itertools.permutations(said):
        (row,) = table(folded(*order), "gizmo_revisions")
        assert (row["name"], row["description"]) == ("new", "kept")
        assert row["observation_id"] == said[0].observation_id


def test_a_document_without_update_decides_last() -> None:
    result = folded(say(name="dated", updated_at=START - 900 * DAYS), say(name="undated", leaves=9))
    assert names(result) == [(0, "dated")]


def test_an_update_of_exactly_a_day_ahead_decides() -> None:
    ahead = say(name="ahead", updated_at=START + DAYS, leaves=1)
    assert names(folded(ahead, say(name="sober", updated_at=START, leaves=9))) == [(0, "ahead")]


def test_of_a_sources_counters_of_a_moment_those_of_its_first_document_are_taken() -> None:
    first, second = say(stat={"stat_read": 1}, leaves=9), say(stat={"stat_read": 2}, leaves=1)
    (row,) = table(folded(second, first), "source_stats")
    assert (row["stat_read"], row["observation_id"]) == (1, first.observation_id)


def test_counters_of_one_source_that_stand_do_not_hide_those_of_another() -> None:
    said = [say(source=source, stat={"stat_read": 1}) for source in ("alpha", "beta")]
    said += [
        say(START + DAYS, source, leaves=leaves, stat={"stat_read": read})
        for source, leaves, read in (("alpha", 9, 1), ("beta", 1, 2))
    ]
    points = [(row["source"], row["stat_read"]) for row in table(folded(*said), "source_stats")]
    assert sorted(points) == [("alpha", 1), ("beta", 1), ("beta", 2)]


def test_of_equal_updates_more_leaves_decide() -> None:
    assert names(folded(say(name="few", leaves=3), say(name="many", leaves=4))) == [(0, "many")]


def test_of_equal_leaves_the_smaller_digest_decides() -> None:
    said = [say(name=name) for name in ("a", "b", "c", "d")]
    smallest = min(said, key=lambda statement: statement.digest)
    assert smallest.document is not None
    for order in itertools.permutations(said):
        assert names(folded(*order)) == [(0, smallest.document.scalars["name"])]


def test_the_same_payload_from_two_sources_is_of_the_smaller_name() -> None:
    said = [say(source="beta", name="x"), say(source="alpha", name="x")]
    for order in itertools.permutations(said):
        (row,) = table(folded(*order), "gizmo_revisions")
        assert row["observation_id"] == said[1].observation_id


def test_a_row_names_who_moved_it_and_not_who_decided_something_else() -> None:
    first = say(name="same", description="old")
    decides = say(START + DAYS, name="same", leaves=9, lists={"tags": tags("a")})
    moves = say(START + DAYS, "beta", description="new", user_id="user-b", leaves=1)
    also = say(START + DAYS, "gamma", description="other", instructions="x", leaves=0)
    for order in itertools.permutations([first, decides, moves, also]):
        result = folded(*order)
        assert table(result, "gizmo_authors")[0]["observation_id"] == moves.observation_id
    # What decides repeats what is known: only the other moves anything.
    known = say(name="same", description="old", lists={"tags": tags("a")})
    for order in itertools.permutations([known, decides, also]):
        revision = table(folded(*order), "gizmo_revisions")[-1]
        assert revision["observation_id"] == also.observation_id


def test_a_list_that_moves_a_row_names_it() -> None:
    said = [
        say(name="same", lists={"tags": tags("a")}),
        say(START + DAYS, name="same", leaves=9),
        say(START + DAYS, "beta", lists={"tags": tags("b")}),
    ]
    for order in itertools.permutations(said):
        revision = table(folded(*order), "gizmo_revisions")[-1]
        assert revision["observation_id"] == said[2].observation_id


def test_a_stated_null_decides_over_a_later_value_of_the_same_moment() -> None:
    result = folded(say(name=None, updated_at=START), say(name="x", updated_at=START - 1))
    assert names(result) == [(0, None)]


def test_a_document_beats_a_not_found_of_its_moment() -> None:
    result = folded(say(name="x"), say(START + HOUR, name="x"), deny(START + HOUR, "beta"))
    assert [row["status"] for row in table(result, "statuses")] == ["listed"]


# Rule 4: stale copies.


def test_a_stale_copy_changes_and_confirms_nothing() -> None:
    result = folded(
        say(START, name="new", updated_at=START),
        say(START + DAYS, "beta", name="old", updated_at=START - 1),
        say(START + 2 * DAYS, name="newer", updated_at=START),
    )
    assert names(result) == [(0, "new"), (2, "newer")]
    (change,) = changes(result, NAME)
    assert change["not_before"] == START
    (gpt,) = table(result, "gizmos")
    assert (gpt["stale_copies"], gpt["last_seen_at"]) == (1, START + 2 * DAYS)


def test_an_equal_update_is_no_stale_copy() -> None:
    result = folded(
        say(START, name="a", updated_at=START), say(START + DAYS, name="b", updated_at=START)
    )
    assert names(result) == [(0, "a"), (1, "b")]


def test_a_document_without_update_is_no_stale_copy() -> None:
    result = folded(say(START, name="a", updated_at=START), say(START + DAYS, name="b"))
    assert names(result) == [(0, "a"), (1, "b")]


@pytest.mark.parametrize(("ahead", "believed"), [(DAYS, True), (DAYS + 1, False)])
def test_an_update_more_than_a_day_after_it_was_said_is_ignored(ahead: int, believed: bool) -> None:  # noqa: FBT001
    result = folded(
        say(START, name="a", updated_at=START + ahead),
        say(START + DAYS, name="b", updated_at=START + HOUR),
    )
    (gpt,) = table(result, "gizmos")
    assert gpt["stale_copies"] == (1 if believed else 0)
    assert names(result) == ([(0, "a")] if believed else [(0, "a"), (1, "b")])


def test_an_update_that_is_not_believed_decides_no_moment() -> None:
    result = folded(
        say(name="wild", updated_at=START + 2 * DAYS), say(name="sober", updated_at=START)
    )
    assert names(result) == [(0, "sober")]


def test_documents_of_one_moment_are_no_stale_copies_of_each_other() -> None:
    result = folded(say(name="a", updated_at=START), say(description="x", updated_at=START - DAYS))
    (gpt,) = table(result, "gizmos")
    assert (gpt["stale_copies"], gpt["description"]) == (0, "x")


def test_a_stale_copy_counts_as_having_asked() -> None:
    result = folded(say(START, updated_at=START), say(START + DAYS, updated_at=START - 1))
    (gpt,) = table(result, "gizmos")
    assert (gpt["last_seen_at"], gpt["last_asked_at"]) == (START, START + DAYS)


def test_a_stale_copy_does_not_bring_a_gpt_back() -> None:
    result = folded(
        say(START, updated_at=START),
        deny(START + HOUR),
        say(START + DAYS, updated_at=START - 1),
    )
    assert [row["status"] for row in table(result, "statuses")] == ["listed", "missing"]


# Rule 5: first statements.


def test_the_first_document_makes_exactly_one_change() -> None:
    result = folded(say(name="a", description=None, lists={"tags": tags("x")}))
    (row,) = result.rows["changes"].values()
    assert (row["field"], row["kind"], row["cls"]) == ("status", "added", "lifecycle")
    assert (row["old"], row["new"], row["not_before"]) == (None, '"listed"', None)


def test_the_first_statement_of_a_field_opens_a_revision_and_is_no_change() -> None:
    result = folded(say(START, name="a"), say(START + DAYS, description="b"))
    assert changes(result) == []
    first, second = table(result, "gizmo_revisions")
    assert (first["valid_to"], second["valid_to"]) == (START + DAYS, None)
    assert (second["name"], second["description"]) == ("a", "b")


def test_the_first_statement_of_a_list_is_no_change() -> None:
    result = folded(say(START), say(START + DAYS, lists={"tags": tags("x")}))
    assert changes(result) == []
    (row,) = table(result, "tags")
    assert row["valid_from"] == START + DAYS
    # Its owner's row says how many there are from then on.
    counts = [(row["valid_from"], row["tags_count"]) for row in table(result, "gizmo_revisions")]
    assert counts == [(START, None), (START + DAYS, 1)]


def test_a_document_that_states_nothing_but_its_id_begins_a_revision() -> None:
    said = say()
    (row,) = table(folded(said), "gizmo_revisions")
    assert (row["valid_from"], row["valid_to"], row["name"]) == (START, None, None)
    assert row["observation_id"] == said.observation_id


# The current row.


def test_the_current_row_says_when_and_what() -> None:
    first, last = say(name="Ébène"), say(START + 2 * DAYS, name="Zoé")
    result = folded(first, say(START + DAYS, name="Ébène"), last, deny(START + 3 * DAYS))
    (row,) = table(result, "gizmos")
    assert (row["name"], row["name_key"]) == ("Zoé", sort_key("Zoé"))
    assert (row["first_seen_at"], row["last_seen_at"]) == (START, START + 2 * DAYS)
    assert (row["last_changed_at"], row["last_asked_at"]) == (START + 2 * DAYS, START + 3 * DAYS)
    assert row["observation_id"] == last.observation_id
    (alone,) = table(folded(first), "gizmos")
    assert (alone["last_seen_at"], alone["last_asked_at"]) == (START, START)
    assert alone["name_key"] == sort_key("Ébène")


def test_what_flaps_or_is_the_platforms_does_not_count_as_the_last_change() -> None:
    def socials(name: str) -> dict[str, dict[str, dict[str, str]]]:
        return {"author_socials": {"x": {"social_id": "x", "display_name": name}}}

    result = folded(say(name="a", lists=socials("Ann")), say(START + DAYS, lists=socials("Anna")))
    assert [row["kind"] for row in changes(result)] == ["changed"]
    assert (
        table(result, "gizmos")[0]["last_changed_at"]
        == table(folded(say()), "gizmos")[0]["last_changed_at"]
    )
    for before, moved in (
        (say(display_name="a"), say(START + DAYS, display_name="b")),
        (say(accepted_mime_types="a"), say(START + DAYS, accepted_mime_types="b")),
    ):
        result = folded(before, moved)
        assert [row["kind"] for row in changes(result)] == ["changed"]
        assert table(result, "gizmos")[0]["last_changed_at"] is None
        assert result.effects[moved.observation_id] == "unchanged"
    tagged = folded(say(lists={"tags": tags("x")}), say(START + DAYS, lists={"tags": tags("y")}))
    assert table(tagged, "gizmos")[0]["last_changed_at"] == START + DAYS


# Steps.


def test_one_step_at_a_time_ends_where_all_at_once_does() -> None:
    said = [
        say(START, name="a", lists={"tags": tags("x")}),
        say(START + DAYS, "beta", name="b", lists={"tags": None}),
        deny(START + 2 * DAYS),
        say(START + 3 * DAYS, name="a", lists={"tags": tags("x", "y")}, updated_at=START),
        say(START + 4 * DAYS, "beta", name="b", updated_at=START - 1),
    ]
    whole = folded(*said)
    state = None
    rows: dict[str, dict[tuple[object, ...], dict[str, object]]] = {}
    for statement in said:
        step = fold(GPT, state, [statement])
        for name, by_key in step.rows.items():
            rows.setdefault(name, {}).update(by_key)
        for name, updates in step.updates.items():
            for key, columns in updates.items():
                for known, row in rows[name].items():
                    if known[: len(key)] == key:
                        row.update(columns)
        state = step.state
    assert state == whole.state
    assert rows == {name: by_key for name, by_key in whole.rows.items() if by_key}


def test_a_statement_of_the_past_is_refused() -> None:
    state = folded(say(START)).state
    for at in (START, START - 1):
        with pytest.raises(ValueError, match=f"^{GPT}: a statement of the past needs a replay$"):
            fold(GPT, state, [say(at)])


def test_an_element_keeps_its_beginning_while_others_come_and_go() -> None:
    result = folded(
        say(START, lists={"tags": tags("x")}),
        say(START + DAYS, lists={"tags": tags("x", "y")}),
        say(START + 2 * DAYS, lists={"tags": tags("x")}),
    )
    assert [
        (row["element"], row["valid_from"], row["valid_to"]) for row in table(result, "tags")
    ] == [
        ("x", START, None),
        ("y", START + DAYS, START + 2 * DAYS),
    ]
    assert [row["kind"] for row in changes(result)] == ["added", "removed"]


def test_a_metric_makes_a_point_only_when_it_moved() -> None:
    result = folded(
        say(START, num_pins=3),
        say(START + DAYS, num_pins=3),
        say(START + 2 * DAYS, num_pins=None),
        say(START + 3 * DAYS, num_pins=4),
    )
    assert [row["num_pins"] for row in table(result, "vanity_metrics")] == [3, 4]
    assert changes(result) == []


def test_the_sets_of_a_stale_copy_are_written_too() -> None:
    copy = say(START + DAYS, accepted_mime_types="set", updated_at=START - 1)
    assert copy.document is not None
    copy.document.mime_sets["set"] = ("a/b",)
    result = folded(say(START, updated_at=START), copy)
    assert list(result.rows["mime_sets"]) == [("set", "a/b")]
    assert "attachments" not in result.rows
