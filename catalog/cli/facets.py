"""Counts by facet: how many GPTs of a search have which value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.cli.chart import bar
from catalog.cli.table import Column, print_table
from catalog.cli.text import number
from catalog.query.facets import AUTHORS

if TYPE_CHECKING:
    from catalog.cli.output import Output
    from catalog.query.facets import Facets

MOST = 10
"""Values of a facet that are printed for people; ``--json`` and ``--csv`` have all."""
BAR = 20
"""Cells of a bar."""
TITLES = {
    "script": "script of the name",
    "year": "year of creation",
}


def print_facets(out: Output, found: Facets, most: int = MOST) -> None:
    """Print the most frequent values of each facet, with bars.

    Args:
        out: where.
        found: the counts.
        most: how many values of each.
    """
    for facet, values in found.values.items():
        if not values:
            continue
        top = max(value.count for value in values)
        cells = BAR if out.width is None else max(4, min(BAR, out.width // 6))
        title = TITLES.get(facet, facet)
        if facet in found.partial:
            title += f", of the first {number(found.count.number)} GPTs"
        out.line()
        print_table(
            out,
            [Column(title, least=12), Column("GPTs", right=True), Column("", drop=1)],
            [
                [value.label or value.value, number(value.count), bar(value.count, top, cells)]
                for value in values[:most]
            ],
        )
        if len(values) > most:
            # Of authors not even the query tells all.
            is_cut = facet == "author" and len(values) == AUTHORS
            left = "" if is_cut else f"{number(len(values) - most)} "
            told = f"the first {AUTHORS}" if is_cut else "all"
            out.line(f"and {left}more; --json has {told}", "dim")


def facets_json(found: Facets) -> dict[str, Any]:
    """The counts, all of them."""
    return {
        "count": found.count.number,
        "exact": found.count.exact,
        "partial": sorted(found.partial),
        "facets": {
            facet: [
                {"value": each.value, "label": each.label, "count": each.count} for each in values
            ]
            for facet, values in found.values.items()
        },
    }
