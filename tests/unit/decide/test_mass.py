from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from hypothesis import event, given
from hypothesis import strategies as st

from catalog.decide.mass import find_mass_events
from catalog.records import Change, MassEvent
from catalog.times import DAY, HOUR, day_of, from_iso

START = from_iso("2026-03-01T09:00:00Z")
TAGS = "gizmo.tags"
VOICE = "gizmo.voice.id"


def day(number: int) -> str:
    return day_of(START + number * DAY)


def gpt(number: int) -> str:
    return f"g-{number:09d}"


def tagged(gizmo_id: str, on: int, *, added: str = "marked", at: int = START) -> Change:
    return Change(gizmo_id, at + on * DAY, TAGS, added, None, json.dumps(added))


def found(changes: list[Change], compared: int = 100) -> list[MassEvent]:
    return find_mass_events(by_day(changes), lambda days: compared * len(days))


def by_day(changes: list[Change]) -> Iterator[tuple[str, Iterator[Change]]]:
    ordered = sorted(changes, key=lambda c: (c.observed_at, c.gizmo_id, c.field, c.element))
    return itertools.groupby(ordered, key=lambda change: day_of(change.observed_at))


def test_a_difference_of_many_gpts_is_one_event() -> None:
    (found_event,) = found([tagged(gpt(i), 0) for i in range(20)])
    assert found_event.field == TAGS
    assert (found_event.added, found_event.removed) == ('["marked"]', "[]")
    assert (found_event.first_day, found_event.last_day) == ("2026-03-01", "2026-03-01")
    assert (found_event.gpts, found_event.compared) == (20, 100)
    assert found_event.members == tuple((gpt(i), START) for i in range(20))


def test_a_field_that_came_or_went_shows_null_for_the_other_side() -> None:
    came = [Change(gpt(i), START, VOICE, "", None, '"ember"') for i in range(20)]
    went = [Change(gpt(i), START, VOICE, "", '"ember"', None) for i in range(20, 40)]
    assert sorted((each.added, each.removed) for each in found([*came, *went])) == [
        ('"ember"', "null"),
        ("null", '"ember"'),
    ]


def test_an_event_is_named_by_its_difference_and_its_first_day() -> None:
    (found_event,) = found([tagged(gpt(i), 0) for i in range(20)])
    said = b'["gizmo.tags","[\\"marked\\"]","[]","2026-03-01"]'
    assert found_event.event_id == hashlib.sha256(said).hexdigest()[:32]


def test_several_elements_are_one_difference_in_whatever_order_they_are_read() -> None:
    # The keys' order is not the texts'.
    came = [("1", '"y"'), ("2", '"x"')]
    changes = [
        Change(gpt(i), START, TAGS, key, None, new)
        for i in range(20)
        for key, new in (came if i % 2 else reversed(came))
    ]
    (found_event,) = find_mass_events([(day(0), changes)], lambda days: 20 * len(days))
    assert (found_event.added, found_event.removed) == ('["x","y"]', "[]")
    assert found_event.gpts == 20


def test_equal_texts_of_other_elements_are_another_difference() -> None:
    changes = [Change(gpt(i), START, TAGS, f"{i % 2}", None, '"x"') for i in range(38)]
    assert found(changes) == []
    changes = [Change(gpt(i), START, TAGS, f"{i % 2}", '"x"', None) for i in range(38)]
    assert found(changes) == []


def test_events_come_in_the_order_of_their_first_days_and_names() -> None:
    changes = [tagged(gpt(i), 1, added="late") for i in range(20)]
    changes += [tagged(gpt(i + 20 * n), 0, added=f"{n}") for n in range(4) for i in range(20)]
    events = found(changes)
    assert [event.added for event in events][-1] == '["late"]'
    names = [event.event_id for event in events[:-1]]
    assert names == sorted(names)
    assert len(names) == 4


def test_fewer_than_twenty_gpts_are_no_event() -> None:
    assert found([tagged(gpt(i), 0) for i in range(19)], compared=19) == []


def test_less_than_a_tenth_of_the_days_gpts_is_no_event() -> None:
    changes = [tagged(gpt(i), 0) for i in range(20)]
    assert len(found(changes, compared=200)) == 1
    assert found(changes, compared=201) == []


def test_a_day_is_held_against_its_own_gpts_and_an_event_against_those_of_its_days() -> None:
    asked = []

    def compared(days: Sequence[str]) -> int:
        asked.append(list(days))
        return 100

    changes = [tagged(gpt(i), on) for on in (0, 2) for i in range(20)]
    assert len(find_mass_events(by_day(changes), compared)) == 1
    assert asked == [[day(0)], [day(2)], [day(0), day(2)]]


def test_a_gpt_that_shows_it_twice_counts_once() -> None:
    twice = [tagged(gpt(i), 0, at=START + n * HOUR) for i in range(10) for n in range(2)]
    assert found(twice) == []
    (found_event,) = found([*twice, *(tagged(gpt(i), 0) for i in range(10, 20))])
    assert found_event.gpts == 20
    assert len(found_event.members) == 30


def test_another_difference_of_the_same_list_is_another_event() -> None:
    plain = [tagged(gpt(i), 0) for i in range(20)]
    swapped = [
        change
        for i in range(20, 45)
        for change in (
            tagged(gpt(i), 0),
            Change(gpt(i), START, TAGS, "public", '"public"', None),
        )
    ]
    assert {(e.added, e.removed, e.gpts) for e in found([*plain, *swapped])} == {
        ('["marked"]', "[]", 20),
        ('["marked"]', '["public"]', 25),
    }


def test_a_changed_element_went_as_it_was_and_came_as_it_is() -> None:
    auth = '{"auth":{"type":"none"}}'
    key = '{"auth":{"type":"key"}}'
    changes = [Change(gpt(i), START, "tools", "action a.example", auth, key) for i in range(20)]
    (found_event,) = found(changes)
    assert (found_event.added, found_event.removed) == (f"[{key}]", f"[{auth}]")


def test_a_scalar_is_told_by_its_old_and_new_value() -> None:
    changes = [Change(gpt(i), START, VOICE, "", '"ember"', None) for i in range(20)]
    changes += [Change(gpt(i), START, VOICE, "", '"cove"', None) for i in range(20, 39)]
    (found_event,) = found(changes)
    assert (found_event.added, found_event.removed) == ("null", '"ember"')


def test_equal_differences_up_to_three_days_apart_are_one_event() -> None:
    changes = [tagged(gpt(i), on) for on in (0, 3, 6) for i in range(on, 20 + on)]
    (found_event,) = found(changes)
    assert (found_event.first_day, found_event.last_day) == (day(0), day(6))
    assert (found_event.gpts, found_event.compared) == (26, 300)


def test_equal_differences_four_days_apart_are_two_events() -> None:
    changes = [tagged(gpt(i), on) for on in (0, 4) for i in range(20)]
    first, second = found(changes)
    assert (first.first_day, second.first_day) == (day(0), day(4))
    assert first.event_id != second.event_id


def test_a_day_on_which_few_show_it_is_no_part_of_the_event() -> None:
    changes = [tagged(gpt(i), 0) for i in range(20)] + [tagged(gpt(50), 1)]
    (found_event,) = found(changes)
    assert found_event.last_day == day(0)
    assert (gpt(50), START + DAY) not in found_event.members


def test_an_event_keeps_its_id_when_more_gpts_show_it() -> None:
    changes = [tagged(gpt(i), 0) for i in range(20)]
    (few,) = found(changes)
    (more,) = found([*changes, *(tagged(gpt(i), on) for on in (0, 2) for i in range(30, 60))])
    assert few.event_id == more.event_id


def test_days_without_many_equal_differences_are_not_counted() -> None:
    def compared(days: Sequence[str]) -> int:
        raise AssertionError(days)

    changes = [Change(gpt(i), START, VOICE, "", None, f'"{i}"') for i in range(500)]
    assert find_mass_events(by_day(changes), compared) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from((25, 20, 19)),
            st.integers(0, 9),
            st.sampled_from(("marked", "noted")),
            st.sampled_from((0, 10)),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from((100, 200, 250)),
)
def test_mass_events_are_what_their_rule_says(
    bursts: list[tuple[int, int, str, int]], compared: int
) -> None:
    shown: dict[tuple[str, int], set[str]] = {}
    for count, on, tag, start in bursts:
        shown.setdefault((tag, on), set()).update(gpt(i) for i in range(start, start + count))
    # One GPT shows one difference a field and moment: each tag has a time of its own.
    hours = {"marked": 0, "noted": HOUR}
    changes = [
        tagged(gizmo_id, on, added=tag, at=START + hours[tag])
        for (tag, on), gpts in shown.items()
        for gizmo_id in gpts
    ]
    expected = set()
    for tag in hours:
        many = [
            on
            for on in range(10)
            if (n := len(shown.get((tag, on), ()))) >= 20 and n * 10 >= compared
        ]
        for _, run in itertools.groupby(
            many, key=lambda on: next(i for i in range(on, -1, -1) if _opens(i, many))
        ):
            days = list(run)
            gpts = set().union(*(shown[tag, on] for on in days))
            expected.add((f'["{tag}"]', day(days[0]), day(days[-1]), len(gpts)))
    events = found(changes, compared)
    event(f"{len(events)} events")
    assert {(e.added, e.first_day, e.last_day, e.gpts) for e in events} == expected
    assert len(events) == len(expected)
    spans = [(date.fromisoformat(e.first_day), date.fromisoformat(e.last_day)) for e in events]
    assert all(first <= last < first + timedelta(days=10) for first, last in spans)


def _opens(on: int, many: list[int]) -> bool:
    """Whether a run of days begins here: none of the three days before is one of them."""
    return on in many and not any(before in many for before in range(on - 3, on))
