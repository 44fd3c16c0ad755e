"""Charts as SVG, drawn on the server by pygal, so that they are there without JavaScript.

What pygal puts in to style and move them by itself is taken out: the policy of the pages allows no
inline code or style, and the style sheet knows light and dark. Each point keeps its words as a
``desc``, which the pages' script shows under the pointer; the same numbers stand in a table below.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pygal
from markupsafe import Markup

from catalog.times import DAY, Micros, day_of
from catalog.wording.text import number

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# pygal brings a finder of modules along for plug-ins of its own, in a form that Python gave up: it
# would make every later import warn.
sys.meta_path[:] = [each for each in sys.meta_path if type(each).__module__ != pygal.__name__]

WIDTH, HEIGHT = 360, 180
"""Of a drawing, in its own units: about pixels, so that its letters are as large as others."""
MOST_POINTS = 120
"""Points that are drawn of a line: more cannot be told apart, and weigh."""
TICKS = 4
"""Steps of a vertical axis, about."""
_STEPS = (1, 2, 2.5, 5, 10)
_THOUSAND = 1000
_PREFIXES = ("", "k", "M", "G")


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing, and its numbers as a table.

    Attributes:
        title: what it shows.
        svg: the drawing.
        columns: the headings of the table.
        rows: its cells, in words.
        note: how to read it.
        legend: what the colours count, where there are several.
    """

    title: str
    svg: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    legend: tuple[str, ...] = ()


def over_time(
    title: str,
    points: Sequence[tuple[Micros, float]],
    *,
    unit: str,
    until: Micros | None = None,
    words: Callable[[float], str] | None = None,
    note: str = "",
    bounds: tuple[float, float] | None = None,
) -> Chart:
    """A number that stands until the next one is said: a line of steps.

    Args:
        title: what it shows.
        points: moments and numbers, oldest first; at least one.
        unit: what is counted.
        until: up to when the last one holds; None: its own moment.
        words: how a number is written.
        note: how to read it.
        bounds: the least and the most that it can be; None: it can be anything from 0 on.
    """
    say = words or number
    drawn = _thinned(points)
    values: list[dict[str, Any]] = []
    for place, (at, value) in enumerate(drawn):
        if place:
            values.append({"value": (at, drawn[place - 1][1]), "node": {"r": 0}})
        values.append({"value": (at, value), "label": f"{day_of(at)}: {say(value)}"})
    last = drawn[-1]
    end = max(last[0], until or 0)
    if end > last[0]:
        values.append({"value": (end, last[1]), "node": {"r": 0}})
    chart = pygal.XY(
        **_looks(),
        x_labels=_days(drawn[0][0], end),
        value_formatter=short,
        xrange=(drawn[0][0], max(end, drawn[0][0] + DAY)),
        x_value_formatter=lambda at: day_of(int(at)),
        **_scale([v for _, v in drawn], bounds),
    )
    chart.add("", values)
    return Chart(
        title=title,
        svg=_svg(chart, title, "over-time"),
        columns=("day", unit),
        rows=tuple((day_of(at), say(value)) for at, value in reversed(points[-MOST_POINTS:])),
        note=note,
    )


def bars(
    title: str,
    series: dict[str, Sequence[float]],
    labels: Sequence[str],
    *,
    unit: str,
    stacked: bool = False,
    note: str = "",
) -> Chart:
    """A bar for each label, or one on the other.

    Args:
        title: what it shows.
        series: the numbers of each label, by what they count.
        labels: what each bar is of.
        unit: what the labels are.
        stacked: the series lie on each other, and do not stand beside.
        note: how to read it.
    """
    sums = (
        [sum(each) for each in zip(*series.values(), strict=True)]
        if stacked
        else [value for values in series.values() for value in values]
    )
    kind = pygal.StackedBar if stacked else pygal.Bar
    looks = _looks() | {"rounded_bars": 0 if stacked else 2}
    chart = kind(**looks, x_labels=list(labels), value_formatter=short, **_scale([0.0, *sums]))
    if len(labels) > TICKS + 2:
        every = -(-len(labels) // TICKS)
        chart.x_labels_major = list(labels)[::every]
        chart.show_minor_x_labels = False
    for name, values in series.items():
        chart.add(
            name,
            [
                {"value": value, "label": f"{label}: {number(value)} {name}"}
                for label, value in zip(labels, values, strict=True)
            ],
        )
    return Chart(
        title=title,
        svg=_svg(chart, title),
        columns=(unit, *series),
        rows=tuple(
            (label, *(number(values[place]) for values in series.values()))
            for place, label in enumerate(labels)
        ),
        note=note,
        legend=tuple(series) if len(series) > 1 else (),
    )


def curve(
    title: str,
    points: Sequence[tuple[float, float]],
    *,
    columns: tuple[str, str],
    here: float | None = None,
    note: str = "",
) -> Chart:
    """A share that depends on a number.

    Args:
        title: what it shows.
        points: the number, and the share from 0 to 1.
        columns: what they are called.
        here: where on the curve one stands.
        note: how to read it.
    """
    chart = pygal.XY(
        **_looks(),
        xrange=(0, points[-1][0]), x_labels=_ticks(0, points[-1][0]),
        x_value_formatter=short, range=(0, 1), y_labels=[0, 0.25, 0.5, 0.75, 1],
        value_formatter=_percent,
    )  # fmt: skip
    chart.add(
        "",
        [
            {
                "value": point,
                "label": f"{number(round(point[0]))} {columns[0]}: {_percent(point[1])}",
                "node": {"r": 6 if point[0] == here else 2.5},
            }
            for point in points
        ],
    )
    return Chart(
        title=title,
        svg=_svg(chart, title),
        columns=columns,
        rows=tuple((number(round(x)), _percent(y)) for x, y in points),
        note=note,
    )


def short(value: float) -> str:
    """A number for an axis: ``1.5k``."""
    amount, prefixes = float(value), list(_PREFIXES)
    while abs(amount) >= _THOUSAND and len(prefixes) > 1:
        amount /= _THOUSAND
        prefixes.pop(0)
    return f"{amount:.3g}{prefixes[0]}"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _looks() -> dict[str, Any]:
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "explicit_size": False,
        "show_legend": False,
        "disable_xml_declaration": True,
        "no_prefix": True,
        "js": [],
        "margin": 6,
        "spacing": 6,
        "x_label_rotation": 0,
        "truncate_label": -1,
        "print_values": False,
        "rounded_bars": 2,
        "dots_size": 2.5,
        "style": pygal.style.Style(
            font_family="sans-serif", label_font_size=11, major_label_font_size=11
        ),
    }


def _scale(values: Sequence[float], bounds: tuple[float, float] | None = None) -> dict[str, Any]:
    """A vertical axis with round steps around some numbers, from bound to bound where there are."""
    ticks = _ticks(*(bounds or (min(values), max(values))))
    return {"range": (ticks[0], ticks[-1]), "y_labels": ticks}


def _ticks(low: float, high: float) -> list[float]:
    span = (high - low) or max(abs(high), 1.0)
    rough = span / TICKS
    power = 10.0 ** _exponent(rough)
    step = next(each * power for each in _STEPS if each * power >= rough * 0.999)
    if float(low).is_integer() and float(high).is_integer():
        step = max(1.0, step)
    first = int(low // step)
    last = int(-(-high // step))
    if last == first:
        # A number that never moved lies in the middle.
        first, last = first - (first > 0), last + 1
    return [round(place * step, 6) for place in range(first, last + 1)]


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def _days(first: Micros, last: Micros) -> list[Micros]:
    """Moments that an axis of time names: its first, its last, and maybe one between."""
    if last - first < 3 * DAY:
        return [first, last] if last - first >= DAY else [first]
    return [first, (first + last) // 2, last]


def _thinned(points: Sequence[tuple[Micros, float]]) -> list[tuple[Micros, float]]:
    if len(points) <= MOST_POINTS:
        return list(points)
    every = -(-len(points) // MOST_POINTS)
    kept = list(points[::every])
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def _svg(chart: Any, title: str, *words: str) -> Markup:
    """A drawing; the words are more of its classes."""
    chart.add_xml_filter(lambda root: _tidied(root, title, words))
    # Every text in it went through an XML writer, which escapes it.
    return Markup(chart.render())  # noqa: S704


_DROPPED = frozenset({"tooltip-overlay", "text-overlay", "titles", "background"})
_OF_PYGAL = frozenset({"reactive", "tooltip-trigger", "nofill", "always_show"})
_LONG_NUMBER = re.compile(r"\d+\.\d{2,}")


def _tidied(root: Element, title: str, words: Sequence[str]) -> Element:
    """A drawing without what pygal brings to style it and to move it."""
    root.attrib.pop("id", None)
    root.set("class", " ".join([root.get("class", ""), *words]).strip())
    root.set("role", "img")
    root.set("aria-label", title)
    _tidy(root)
    return root


def _tidy(parent: Element) -> None:
    described = False
    for child in list(parent):
        tag: Any = child.tag  # of a comment it is a function
        name = tag if isinstance(tag, str) else ""
        words = set(child.get("class", "").split())
        is_first = name.endswith("desc") and not described and words & {"label", "value"}
        described = described or bool(is_first)
        if (
            not name
            or name.endswith(("defs", "title", "script", "style"))
            or (name.endswith("desc") and not is_first)
            or words & _DROPPED
            or any(each.get("r") == "0" or each.get("height") == "0" for each in child)
        ):
            parent.remove(child)
            continue
        child.attrib.pop("style", None)
        for key, value in list(child.attrib.items()):
            child.set(key, _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.1f}", value))
        if "class" in child.attrib:
            kept = " ".join(
                word for word in child.get("class", "").split() if word not in _OF_PYGAL
            )
            child.attrib.pop("class")
            if kept and not name.endswith("desc"):
                child.set("class", kept)
        _tidy(child)
