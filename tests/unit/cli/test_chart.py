from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.cli.chart import HEIGHT, bar, over_time
from catalog.cli.text import width_of
from catalog.times import DAY


def test_chart_rises_from_the_lowest_to_the_highest() -> None:
    lines = over_time([(0, 10), (DAY, 20), (2 * DAY, 90)], 40)
    assert len(lines) == HEIGHT + 1
    assert lines[0].startswith("90 ┤")
    assert lines[0].endswith(" █")
    assert lines[HEIGHT - 1].startswith("10 ┤▁")
    assert lines[HEIGHT].split() == ["1970-01-01", "1970-01-03"]


def test_chart_lets_a_number_stand_until_the_next_is_said() -> None:
    lines = over_time([(0, 0), (DAY, 8), (9 * DAY, 9), (10 * DAY, 9)], 45)
    at_the_bottom = lines[HEIGHT - 1].removeprefix("0 ┤")
    assert at_the_bottom.count("▁") < 5
    assert len(at_the_bottom) == 42


def test_chart_of_what_never_moved_is_none() -> None:
    assert over_time([(0, 5), (DAY, 5)]) == []
    assert over_time([]) == []


@given(
    st.lists(st.integers(0, 10**12), min_size=2, max_size=40),
    st.integers(40, 200),
)
def test_chart_fits_its_room(values: list[int], room: int) -> None:
    points = [(place * DAY, float(value)) for place, value in enumerate(values)]
    assert all(width_of(line) <= room for line in over_time(points, room))


def test_bar_shows_some_for_some_and_nothing_for_nothing() -> None:
    assert bar(10, 10, 4) == "████"
    assert bar(5, 10, 4) == "██"
    assert bar(9, 16, 2) == "█▏"
    assert bar(1, 10**9, 4) == "▏"
    assert bar(0, 10, 4) == bar(0, 0, 4) == ""
