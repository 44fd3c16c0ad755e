"""What is printed of counts by facet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.cli.facets import MOST, print_facets
from catalog.cli.output import Output
from catalog.query.facets import AUTHORS, Facets, FacetValue
from catalog.query.found import Count

if TYPE_CHECKING:
    from collections.abc import Sequence


def _values(number: int) -> Sequence[FacetValue]:
    return [FacetValue(value=f"value {each}", count=number - each) for each in range(number)]


@pytest.mark.parametrize(
    ("facet", "number", "told"),
    [
        ("category", MOST, None),
        ("category", MOST + 3, "and 3 more; --json has all"),
        ("author", MOST + 3, "and 3 more; --json has all"),
        ("author", AUTHORS, f"and more; --json has the first {AUTHORS}"),
    ],
)
def test_values_that_are_left_out_are_counted_and_found_elsewhere(
    capsys: pytest.CaptureFixture[str], facet: str, number: int, told: str | None
) -> None:
    values = {facet: tuple(_values(number))}
    print_facets(Output(), Facets(count=Count(number, exact=True), values=values))
    printed = capsys.readouterr().out
    assert printed.count("value ") == min(number, MOST)
    assert (printed.rstrip().rpartition("\n")[2] == told) or (
        told is None and "more" not in printed
    )
