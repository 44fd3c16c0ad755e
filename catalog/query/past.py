"""A catalog as of a moment: what had been said by then, as it is known now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.query import counting
from catalog.query import facets as faceting
from catalog.query import search as searching
from catalog.search.filters import Filter, Sort

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from catalog.query.facets import Facets
    from catalog.query.found import Count, Found, Page
    from catalog.query.gizmos import Gizmo
    from catalog.query.history import History
    from catalog.query.metrics import Metrics
    from catalog.query.raw import Original
    from catalog.query.reader import Reader
    from catalog.times import Micros

Question = Filter | str | None
"""A filter; or a text alone; or nothing, for all GPTs."""


class Past:
    """A catalog as of a moment; :meth:`catalog.query.reader.Reader.at` makes it.

    Args:
        reader: the catalog.
        moment: when.

    Attributes:
        moment: when.
    """

    def __init__(self, reader: Reader, moment: Micros) -> None:
        self.moment = moment
        self._reader = reader

    def search(
        self,
        wanted: Question = None,
        *,
        sort: Sort | None = None,
        limit: int = searching.PAGE,
        after: str | None = None,
    ) -> Page:
        """As :meth:`catalog.query.reader.Reader.search`."""
        return self._reader.search(wanted, sort=sort, limit=limit, after=after, at=self.moment)

    def iterate(self, wanted: Question = None, *, sort: Sort | None = None) -> Iterator[Found]:
        """As :meth:`catalog.query.reader.Reader.iterate`."""
        return self._reader.iterate(wanted, sort=sort, at=self.moment)

    def count(self, wanted: Question = None, *, limit: int | None = counting.LIMIT) -> Count:
        """As :meth:`catalog.query.reader.Reader.count`."""
        return self._reader.count(wanted, limit=limit, at=self.moment)

    def facets(
        self,
        wanted: Question = None,
        *,
        names: Collection[str] = faceting.FACETS,
        exact: bool = False,
    ) -> Facets:
        """As :meth:`catalog.query.reader.Reader.facets`."""
        return self._reader.facets(wanted, names=names, exact=exact, at=self.moment)

    def get(self, ref: str) -> Gizmo:
        """As :meth:`catalog.query.reader.Reader.get`."""
        return self._reader.get(ref, at=self.moment)

    def history(self, ref: str) -> History:
        """As :meth:`catalog.query.reader.Reader.history`: nothing of later."""
        return self._reader.history(ref, until=self.moment)

    def metrics(self, ref: str) -> Metrics:
        """As :meth:`catalog.query.reader.Reader.metrics`: no point of later."""
        return self._reader.metrics(ref, until=self.moment)

    def original(self, ref: str) -> Original:
        """As :meth:`catalog.query.reader.Reader.original`."""
        return self._reader.original(ref, at=self.moment)
