from __future__ import annotations

import pytest

from catalog.decide.state import decode_state, key_of
from catalog.records import Statement
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


@pytest.mark.parametrize(("stated", "is_flap"), [(8, True), (9, False)])
def test_a_list_returns_within_eight_later_statements_too(stated: int, is_flap: bool) -> None:  # noqa: FBT001
    said = (("alpha", name) for name in ("a", *["b"] * stated, "a"))
    assert listed(*said, every=HOUR) == [(is_flap, False)] * 2


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


def test_a_list_that_returns_in_another_order_flaps() -> None:
    said = [
        say(START, lists={"tags": tags("x", "y")}),
        say(START + HOUR, lists={"tags": tags("z")}),
        say(START + 2 * HOUR, lists={"tags": tags("y", "x")}),
    ]
    assert [row["flap"] for row in changes(folded(*said), TAGS)] == [True] * 6


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


def listed(*said: tuple[str, str], every: Micros = 40 * DAYS) -> list[tuple[bool, bool]]:
    """The flap and disagreement marks of the one tag that sources said in turn."""
    statements = [
        say(START + place * every, source, lists={"tags": tags(name)})
        for place, (source, name) in enumerate(said)
    ]
    # A change of the one tag is two rows, which are marked alike.
    rows = changes(folded(*statements), TAGS)
    marks = [(row["flap"], row["disagreement"]) for row in rows]
    assert marks[::2] == marks[1::2]
    return marks[::2]


def test_lists_of_sources_that_contradict_each_other_in_turn_disagree() -> None:
    marks = listed(("alpha", "a"), ("beta", "b"), ("alpha", "a"), ("beta", "b"))
    assert marks == [(False, True)] * 3


def test_a_return_by_one_source_is_a_flap_and_by_another_that_never_left_a_disagreement() -> None:
    assert listed(("alpha", "a"), ("alpha", "b"), ("alpha", "a"), every=HOUR) == [(True, False)] * 2
    assert listed(("alpha", "a"), ("beta", "b"), ("alpha", "a"), every=HOUR) == [(True, True)] * 2
    # The other had followed, so it comes back to what it left itself.
    followed = [("alpha", "a"), ("beta", "b"), ("alpha", "b"), ("alpha", "a")]
    assert listed(*followed, every=HOUR) == [(True, False)] * 2


def test_what_a_lone_source_repeated_is_its_word_against_the_second_source() -> None:
    said = (("alpha", "a"), ("alpha", "a"), ("beta", "b"), ("alpha", "a"))
    assert disagreements(*said) == [True, True]
    assert listed(*said) == [(False, True), (False, True)]


def test_a_value_that_a_source_still_says_is_remembered_over_others_for_any_time() -> None:
    said = (("alpha", "a"), ("beta", "b"), ("beta", "c"), ("beta", "d"), ("alpha", "a"))
    assert disagreements(*said) == [True, False, False, True]
    assert listed(*said) == [(False, True), (False, False), (False, False), (False, True)]


def test_what_a_source_says_beside_the_one_that_decides_is_its_word_too() -> None:
    statements = [
        say(START, name="a", lists={"tags": tags("a")}),
        # The source with more leaves decides the moment; the other is heard all the same.
        say(START + DAYS, name="a", lists={"tags": tags("a")}, leaves=9),
        say(START + DAYS, "beta", name="b", lists={"tags": tags("b")}, leaves=1),
        say(START + 2 * DAYS, "beta", name="b", lists={"tags": tags("b")}),
    ]
    rows = changes(folded(*statements))
    assert [(row["field"], row["flap"], row["disagreement"]) for row in rows] == [
        (NAME, False, True),
        (TAGS, False, True),
        (TAGS, False, True),
    ]


@pytest.mark.parametrize(("word", "disagrees"), [("b", True), ("c", False)])
def test_the_first_document_of_a_moment_is_its_sources_word(word: str, disagrees: bool) -> None:  # noqa: FBT001
    def of(at: Micros, source: str, name: str, leaves: int = 1) -> Statement:
        lists = {"tags": tags(name), "categories": {name: {"category": name}}}
        return say(at, source, name=name, lists=lists, leaves=leaves)

    statements = [
        of(START, "alpha", "a"),
        of(START, "beta", "a"),
        # What has fewer leaves repeats what its source had said before it, in other words.
        of(START + DAYS, "alpha", "b", leaves=9),
        of(START + DAYS, "alpha", "c"),
        of(START + 2 * DAYS, "beta", "d"),
        of(START + 50 * DAYS, "alpha", word),
    ]
    rows = [row for row in changes(folded(*statements)) if row["observed_at"] > START + 2 * DAYS]
    assert {row["field"]: row["disagreement"] for row in rows} == dict.fromkeys(
        (NAME, TAGS, "gizmo.display.categories"), disagrees
    )


def test_a_document_speaks_for_its_source_where_the_first_is_silent() -> None:
    def categories(name: str) -> dict[str, dict[str, str]]:
        return {name: {"category": name}}

    statements = [
        say(START, "beta", lists={"tags": tags("a"), "categories": categories("a")}),
        say(START + DAYS, "alpha", leaves=9, lists={"tags": tags("a")}),
        say(START + DAYS, "alpha", lists={"tags": tags("x"), "categories": categories("x")}),
        say(START + 50 * DAYS, "beta", lists={"categories": categories("a")}),
        say(START + 100 * DAYS, "alpha", lists={"categories": categories("x")}),
    ]
    rows = changes(folded(*statements))
    assert {row["field"] for row in rows} == {"gizmo.display.categories"}
    assert [row["disagreement"] for row in rows] == [True] * 6


def test_a_list_is_a_word_against_the_null_that_decides_beside_it() -> None:
    statements = [
        say(START, lists={"tags": tags("a")}),
        say(START + DAYS, leaves=9, lists={"tags": None}),
        say(START + DAYS, "beta", lists={"tags": tags("b")}),
        say(START + 2 * DAYS, "beta", lists={"tags": tags("b")}),
    ]
    rows = changes(folded(*statements))
    assert [(row["kind"], row["disagreement"]) for row in rows] == [
        ("removed", False),
        ("added", True),
    ]


def test_what_the_other_does_not_state_of_an_element_is_as_it_is_known() -> None:
    def tool(**columns: str) -> dict[str, dict[str, dict[str, str]]]:
        return {"tools": {"act": {"type": "act", **columns}}}

    statements = [
        say(START, lists=tool(domain="a.test", auth="{}")),
        say(START + DAYS, leaves=9, lists=tool(domain="a.test", auth="{}")),
        # Its word: another domain, with the keys that are known.
        say(START + DAYS, "beta", lists=tool(domain="b.test")),
        say(START + 2 * DAYS, "beta", lists=tool(domain="b.test")),
    ]
    (row,) = changes(folded(*statements))
    assert (row["new"], row["disagreement"]) == ('{"domain":"b.test"}', True)


def test_sources_are_noted_as_they_appear_and_their_words_once_there_are_two() -> None:
    alone = [say(START, name="a"), say(START + DAYS, name="b")]
    state = decode_state(folded(*alone).state)
    assert (state.sources, state.scalars["name"].said) == (["alpha"], {})
    state = decode_state(folded(*alone, say(START + 2 * DAYS, "Beta", name="c")).state)
    assert state.sources == ["alpha", "Beta"]
    assert state.scalars["name"].said == {"alpha": key_of("b"), "Beta": key_of("c")}


def test_values_that_can_mean_nothing_more_are_forgotten() -> None:
    statements = [say(START + place * 40 * DAYS, name=name) for place, name in enumerate("abcd")]
    (past,) = decode_state(folded(*statements).state).scalars["name"].past
    assert (past.key, past.left_at, past.n) == (key_of("c"), START + 120 * DAYS, 4)
