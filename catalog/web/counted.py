"""What pages tell that counts whole tables: the questions, each with the name of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.errors import UsageError
from catalog.query.outlook import Curve, curve
from catalog.query.overview import changes_by_field, months
from catalog.search.filters import Filter
from catalog.times import DAY
from catalog.web.graphs import by_month, lately
from catalog.web.reading import Asking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.query.facets import Facet, Facets
    from catalog.query.movers import By, Mover
    from catalog.query.overview import ChangeCount
    from catalog.query.reader import Reader
    from catalog.query.stats import Status
    from catalog.settings import Settings
    from catalog.times import Micros
    from catalog.web.charts import Chart
    from catalog.web.reading import Told

DAYS = 30
"""Days that are drawn."""
MOVERS = 20
"""Movers that are shown."""
SHARES: tuple[Facet, ...] = ("category", "tool", "script", "voice")
"""Facets of which the shares are shown."""


def status(now: Micros) -> Asking[Status]:
    """Where the catalog stands."""
    return Asking(("status", now // DAY), lambda reader: reader.status(now))


def last_days(now: Micros) -> Asking[Chart | None]:
    """What the last days brought, drawn."""
    return Asking(("days", now // DAY, DAYS), lambda reader: lately(reader, now, DAYS))


def growth() -> Asking[tuple[tuple[Chart, ...], tuple[ChangeCount, ...]]]:
    """How the catalog grew, drawn, and what changes."""
    return Asking("growth", _growth)


def movers(now: Micros, by: By, days: int) -> Asking[list[Mover]]:
    """Whose numbers grew most in the last days."""
    return Asking(
        ("movers", by, days, now // DAY),
        lambda reader: reader.movers(now - days * DAY, now, by=by, limit=MOVERS),
    )


def shares(now: Micros) -> Asking[Facets]:
    """Which categories, tools and so on all GPTs have."""
    return Asking(
        ("shares", now // DAY), lambda reader: reader.facets(Filter(), names=SHARES, exact=True)
    )


def plan(settings: Settings, now: Micros) -> Asking[Curve | None]:
    """What a budget buys; None where no GPT is known: nothing is planned."""
    return Asking(("curve", now // DAY), lambda reader: _plan(reader, settings, now))


def oldest(told: Iterable[Told[Any]]) -> float | None:
    """Seconds since the oldest of some answers was found; None: all are of the catalog as it is."""
    return max((each.age for each in told if each.age is not None), default=None)


def _growth(reader: Reader) -> tuple[tuple[Chart, ...], tuple[ChangeCount, ...]]:
    grown, changed = reader.ask(lambda conn: (months(conn), changes_by_field(conn)))
    return by_month(grown), changed


def _plan(reader: Reader, settings: Settings, now: Micros) -> Curve | None:
    try:
        return reader.ask(lambda conn: curve(conn, settings, now))
    except UsageError:
        return None
