"""What is drawn of numbers: of one GPT over time, of the catalog by day and month. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.query.windows import days
from catalog.times import DAY, Micros, day_of
from catalog.web.charts import Chart, bars, over_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.query.metrics import Metrics, Point
    from catalog.query.overview import Month
    from catalog.query.reader import Reader
    from catalog.query.windows import DayCounts

STARS = (1, 5)
"""The fewest and the most stars that a review gives."""
_MONTHS = 24
"""Months that are drawn."""


def graphs(found: Metrics, *, until: Micros) -> tuple[Chart, ...]:
    """The numbers of one GPT over time, those that were ever said.

    Args:
        found: the numbers.
        until: up to when the last ones hold.
    """
    drawn = [
        _graph(found.points, "conversations_at_least", "Conversations", "conversations", until,
               "What is told is rounded down: 25K+ is drawn as 25,000."),
        _graph(found.points, "review_count", "Reviews", "reviews", until, ""),
        _stars(found.points, until),
        _graph(found.points, "num_pins", "Pins", "pins", until, ""),
    ]  # fmt: skip
    for source, points in sorted(found.stats.items()):
        drawn += [
            _graph(points, name, f"{title}, counted by {source}", title.lower(), until,
                   "The gateway's own counter.")
            for name, title in (("stat_use", "Uses"), ("stat_read", "Reads"),
                                ("stat_favorite", "Favourites"))
        ]  # fmt: skip
    return tuple(chart for chart in drawn if chart is not None)


def lately(reader: Reader, now: Micros, number: int) -> Chart | None:
    """What the last days brought; None where it was nothing. Drawing takes time: remember it."""
    found = reader.ask(lambda conn: days(conn, now - number * DAY, now))
    return by_day(found, now, number) if found else None


def by_day(found: Sequence[DayCounts], now: Micros, number: int) -> Chart:
    """What the last days brought."""
    counts = {each.day: each for each in found}
    today = now // DAY
    span = range(today - number + 1, today + 1)
    return bars(
        f"The last {number} days",
        {
            "changed": [counts[day].changed if day in counts else 0 for day in span],
            "first seen": [counts[day].new if day in counts else 0 for day in span],
            "gone": [counts[day].gone if day in counts else 0 for day in span],
        },
        [day_of(day * DAY)[5:] for day in span],
        unit="day",
        stacked=True,
    )


def by_month(found: Sequence[Month]) -> tuple[Chart, ...]:
    """How the catalog grew."""
    months = list(found)[-_MONTHS:]
    if not months:
        return ()
    labels = [each.month for each in months]
    return (
        bars("GPTs by the month they were made", {"made": [each.created for each in months]},
             labels, unit="month", note="As their documents say."),
        bars("GPTs by the month they were first seen",
             {"first seen": [each.first_seen for each in months],
              "gone": [each.gone for each in months]},
             labels, unit="month", note="Here, and those that are gone since."),
    )  # fmt: skip


def _graph(
    points: Sequence[Point], name: str, title: str, unit: str, until: Micros, note: str
) -> Chart | None:
    values = [
        (point.numbers.at, point.numbers.values[name])
        for point in points
        if name in point.numbers.values
    ]
    if not values:
        return None
    return over_time(title, values, unit=unit, until=until, note=note)


def _stars(points: Sequence[Point], until: Micros) -> Chart | None:
    values = []
    for point in points:
        reviews = point.numbers.values.get("review_count")
        stars = point.numbers.values.get("review_total")
        if reviews and stars is not None:
            values.append((point.numbers.at, stars / reviews))
    if not values:
        return None
    return over_time(
        "Stars on average",
        values,
        unit="stars",
        until=until,
        words=lambda value: f"{value:.2f}",
        bounds=STARS,
    )
