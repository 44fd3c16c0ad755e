"""The pictures of an export, as SVG: growth, categories, tools over time, freshness. Pure.

They are readable on a light page and on a dark one, for nothing lies behind them and every colour
stands out from white and from black; and to those who do not see them, for each has a title and
says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import leather
from leather import theme

from catalog.query.covered import Growth, Share, ToolUse, Trends
from catalog.wording.text import harmless, shorten

INK = "#767676"
"""Of words and lines: as far from white as from black."""
COLOURS = ("#0072b2", "#d55e00", "#008f68", "#b0559a", "#9a7400", "#767676")
"""Of what is compared."""
FONT = "system-ui, sans-serif"
WIDTH, HEIGHT, BAR = 800, 400, 30
MOST_BARS = 12
MOST_LINES = len(COLOURS)
MOST_TICKS = 8
LABEL = 28
"""Characters of a label, at most."""
_GRID = "0.3"
_SVG = "http://www.w3.org/2000/svg"
# The library's colours, which are made for a light page, and what stands in their place.
_FILLS = {
    theme.background_color: "none",
    theme.title_color: INK,
    theme.legend_color: INK,
    theme.axis_title_color: INK,
    theme.label_color: INK,
}


def pictures(trends: Trends) -> dict[str, str]:
    """The pictures that can be drawn, by the name of their file.

    Args:
        trends: what they show.
    """
    drawn = {
        "growth.svg": _growth(trends.growth),
        "categories.svg": _categories(trends.categories),
        "tools.svg": _tools(trends.growth, trends.tools),
        "freshness.svg": _freshness(trends.freshness),
    }
    return {name: text for name, text in drawn.items() if text is not None}


def _growth(growth: Sequence[Growth]) -> str | None:
    if not growth:
        return None
    last = growth[-1]
    return _lines(
        "growth",
        "GPTs by the end of each month",
        f"By the end of {last.month}, {last.made:,} GPTs were made, as their documents say, and"
        f" {last.seen:,} seen; the first month shown is {growth[0].month}.",
        [each.month for each in growth],
        {
            "made, as their documents say": [each.made for each in growth],
            "seen by this catalog": [each.seen for each in growth],
        },
    )


def _categories(categories: Sequence[Share]) -> str | None:
    shown = categories[:MOST_BARS]
    if not shown:
        return None
    rest = len(categories) - len(shown)
    more = f" {rest:,} smaller ones are not shown." if rest else ""
    return _bars(
        "categories",
        "GPTs by category",
        f"{_listed(shown)}.{more}",
        shown,
    )


def _freshness(freshness: Sequence[Share]) -> str | None:
    if not any(each.gpts for each in freshness):
        return None
    names, before = [], 0
    for each in freshness:
        if each.name.isdigit():
            days = int(each.name)
            names.append("a day ago or less" if days == 1 else f"{before} to {days} days ago")
            before = days
        else:
            names.append(f"more than {before} days ago")
    shown = [Share(name=name, gpts=each.gpts) for name, each in zip(names, freshness, strict=True)]
    return _bars(
        "freshness",
        "Listed GPTs by when their document was last seen",
        f"{_listed(shown)}.",
        shown,
    )


def _tools(growth: Sequence[Growth], tools: Sequence[ToolUse]) -> str | None:
    seen = {each.month: each.seen for each in growth if each.seen}
    months = [month for month in seen if month >= tools[0].month] if tools else []
    if not months:
        return None
    series: dict[str, list[float]] = {}
    for tool in sorted({each.tool for each in tools}):
        moves = {each.month: each.tools for each in tools if each.tool == tool}
        standing, values = 0, []
        for month in months:
            standing = moves.get(month, standing)
            values.append(100 * standing / seen[month])
        series[tool] = values
    largest = sorted(series, key=lambda tool: (-series[tool][-1], tool))[:MOST_LINES]
    words = ", ".join(f"{_label(tool)} {series[tool][-1]:.1f}" for tool in largest)
    return _lines(
        "tools",
        "Tools per 100 GPTs, by the end of each month",
        f"By the end of {months[-1]}, of 100 GPTs seen: {words}. An action counts each.",
        months,
        {_label(tool): series[tool] for tool in largest},
    )


def _listed(shares: Iterable[Share]) -> str:
    return ", ".join(f"{_label(each.name)} {each.gpts:,}" for each in shares)


def _label(text: str) -> str:
    return shorten(harmless(text), LABEL) or "(empty)"


def _lines(
    name: str,
    title: str,
    words: str,
    months: Sequence[str],
    series: Mapping[str, Sequence[float]],
) -> str:
    chart = leather.Chart(title)
    days = [date.fromisoformat(f"{month}-01") for month in months]
    chart.add_x_scale(days[0] - timedelta(days=15), days[-1] + timedelta(days=15))
    chart.add_y_scale(0, max(max(values) for values in series.values()) * 1.05 or 1)
    # Counted from the end: the last month is the one that is looked for.
    ticks = days[::-1][:: -(-len(days) // MOST_TICKS)][::-1]
    chart.add_x_axis(ticks=ticks, tick_formatter=lambda day, *_: day.isoformat()[:7])
    chart.add_y_axis(tick_formatter=lambda value, *_: _number(value))
    for (label, values), colour in zip(series.items(), COLOURS, strict=False):
        points = list(zip(days, values, strict=True))
        # A line through one point is none.
        if len(points) > 1:
            chart.add_line(points, name=label, stroke_color=colour)
        else:
            chart.add_dots(points, name=label, fill_color=colour)
    return _svg(chart, name, title, words, HEIGHT)


def _bars(name: str, title: str, words: str, shares: Sequence[Share]) -> str:
    chart = leather.Chart(title)
    numbers = {str(place): each for place, each in enumerate(shares)}
    chart.add_x_scale(0, max(each.gpts for each in shares) or 1)
    chart.add_x_axis(tick_formatter=lambda value, *_: _number(value))
    # By their places: names that were shortened may be equal.
    chart.add_y_axis(
        tick_formatter=lambda place, *_: f"{_label(numbers[place].name)}  {numbers[place].gpts:,}"
    )
    chart.add_bars([(each.gpts, place) for place, each in numbers.items()], fill_color=COLOURS[0])
    return _svg(chart, name, title, words, 120 + BAR * len(shares))


def _number(value: Any) -> str:
    return f"{int(value):,}" if value == int(value) else f"{float(value):g}"


def _svg(chart: Any, name: str, title: str, words: str, height: int) -> str:
    """The chart as a document of its own, in our colours, with its title and words."""
    root = ET.Element(
        "svg",
        {
            "xmlns": _SVG,
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-words",
        },
    )
    ET.SubElement(root, "title", {"id": f"{name}-title"}).text = title
    ET.SubElement(root, "desc", {"id": f"{name}-words"}).text = words
    group = chart.to_svg_group(WIDTH, height)
    for element in group.iter():
        fill = element.get("fill")
        if fill in _FILLS:
            element.set("fill", _FILLS[fill])
        if element.get("stroke") in {theme.tick_color, theme.zero_color}:
            element.set("stroke", INK)
            element.set("stroke-opacity", _GRID)
        if element.get("font-family"):
            element.set("font-family", FONT)
    root.append(group)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"
