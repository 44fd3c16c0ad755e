"""What pages draw and set side by side: axes that fit what is counted, sets by their members."""

from __future__ import annotations

import re

import pytest

from catalog.times import DAY, from_iso
from catalog.web.charts import Chart, over_time
from catalog.web.comparing import MOST_TYPES, of_set
from catalog.wording.changes import Span

BEGAN = from_iso("2026-01-01T00:00:00Z")


def _labels(chart: Chart, axis: str) -> list[str]:
    """What an axis says, in its order."""
    found = re.search(rf'<g class="axis {axis}[^"]*">(.*?)</g></g>', chart.svg, re.DOTALL)
    assert found is not None
    part = found[1]
    return re.findall(r"<text[^>]*>([^<]*)</text>", part)


@pytest.mark.parametrize("values", [[5.0], [3.83, 3.9], [1.0, 5.0]])
def test_an_axis_of_what_has_bounds_goes_from_bound_to_bound(values: list[float]) -> None:
    points = [(BEGAN + place * DAY, value) for place, value in enumerate(values)]
    chart = over_time("Stars", points, unit="stars", bounds=(1, 5), until=BEGAN + 9 * DAY)
    assert _labels(chart, "y") == ["1", "2", "3", "4", "5"]


def test_an_axis_of_time_names_its_ends_and_its_middle() -> None:
    chart = over_time("Pins", [(BEGAN, 3.0)], unit="pins", until=BEGAN + 20 * DAY)
    assert _labels(chart, "x") == ["2026-01-01", "2026-01-11", "2026-01-21"]
    # The style sheet keeps the ends of such an axis within the drawing.
    assert 'class="pygal-chart over-time"' in chart.svg


def test_a_set_of_types_is_told_by_what_the_other_side_has_not() -> None:
    assert of_set(("a/b", "c/d", "e/f"), ("c/d",), "removed") == (
        Span("3 types, 1 on both sides"),
        Span("; here alone: "),
        Span("a/b", "removed"),
        Span(", "),
        Span("e/f", "removed"),
    )
    assert of_set(("c/d",), ("c/d", "a/b"), "added") == (Span("1 type, 1 on both sides"),)


def test_of_a_long_set_the_first_types_are_named_and_the_others_counted() -> None:
    many = [f"a/{number:03}" for number in range(MOST_TYPES + 7)]
    spans = of_set(many, (), "added")
    assert sum(each.kind == "added" for each in spans) == MOST_TYPES
    assert spans[-1] == Span(" and 7 more", "remark")
