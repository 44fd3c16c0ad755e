from __future__ import annotations

import pytest

from catalog.times import HOUR, MINUTE, Micros
from tests.unit.decide.saying import DAYS, START, changes, folded, say, tags

NAME = "gizmo.display.name"
TAGS = "gizmo.tags"


def flaps(*names: str | None, every: Micros = HOUR) -> list[bool]:
    """The flap marks of a name that was this and then that."""
    said = [say(START + place * every, name=name) for place, name in enumerate(names)]
    return [row["flap"] for row in changes(folded(*said), NAME)]


def test_both_sides_of_a_flap_are_marked() -> None:
    assert flaps("a", "b", "a") == [True, True]


def test_a_change_to_something_new_is_no_flap() -> None:
    assert flaps("a", "b", "c") == [False, False]


def test_a_null_flaps_as_any_value_does() -> None:
    assert flaps("a", None, "a") == [True, True]


def test_a_flap_back_and_forth_is_marked_throughout() -> None:
    assert flaps("a", "b", "a", "b") == [True, True, True]


def test_a_flap_over_a_third_value_marks_where_the_old_one_was_left() -> None:
    assert flaps("a", "b", "c", "a") == [True, False, True]


@pytest.mark.parametrize(("stated", "is_flap"), [(8, True), (9, False)])
def test_the_old_value_returns_within_eight_later_statements(stated: int, is_flap: bool) -> None:  # noqa: FBT001
    # The change itself states the field, and is where counting begins.
    assert flaps("a", *["b"] * stated, "a") == [is_flap, is_flap]


def test_documents_that_do_not_state_the_field_do_not_count() -> None:
    said = [say(START, name="a"), say(START + HOUR, name="b")]
    said += [say(START + HOUR + place * MINUTE) for place in range(1, 20)]
    said.append(say(START + 2 * HOUR, name="a"))
    assert [row["flap"] for row in changes(folded(*said), NAME)] == [True, True]


@pytest.mark.parametrize(("late", "is_flap"), [(0, True), (1, False)])
def test_the_old_value_returns_within_thirty_days(late: int, is_flap: bool) -> None:  # noqa: FBT001
    said = [
        say(START, name="a"),
        say(START + DAYS, name="b"),
        say(START + 31 * DAYS + late, name="a"),
    ]
    assert [row["flap"] for row in changes(folded(*said), NAME)] == [is_flap, is_flap]


def test_a_list_flaps_as_a_whole() -> None:
    said = [
        say(START, lists={"tags": tags("x")}),
        say(START + HOUR, lists={"tags": tags("y")}),
        say(START + 2 * HOUR, lists={"tags": tags("x")}),
    ]
    assert [row["flap"] for row in changes(folded(*said), TAGS)] == [True] * 4


def test_a_flap_of_one_field_marks_no_other() -> None:
    said = [
        say(START, name="a", description="a"),
        say(START + HOUR, name="b", description="b"),
        say(START + 2 * HOUR, name="a"),
    ]
    result = folded(*said)
    assert [row["flap"] for row in changes(result, "gizmo.display.description")] == [False]


def disagreements(*said: tuple[str, str]) -> list[bool]:
    """The disagreement marks of what sources said in turn."""
    statements = [
        say(START + place * 40 * DAYS, source, name=name)
        for place, (source, name) in enumerate(said)
    ]
    return [row["disagreement"] for row in changes(folded(*statements), NAME)]


def test_sources_that_contradict_each_other_in_turn_disagree() -> None:
    marks = disagreements(("alpha", "a"), ("beta", "b"), ("alpha", "a"), ("beta", "b"))
    assert marks == [True, True, True]


def test_a_source_that_contradicts_itself_does_not_disagree() -> None:
    assert disagreements(("alpha", "a"), ("alpha", "b"), ("alpha", "a")) == [False, False]


def test_another_source_with_news_does_not_disagree() -> None:
    assert disagreements(("alpha", "a"), ("beta", "b"), ("alpha", "b")) == [False]


def test_a_source_that_moved_on_meanwhile_does_not_disagree() -> None:
    assert disagreements(("alpha", "a"), ("beta", "b"), ("alpha", "c")) == [False, False]
