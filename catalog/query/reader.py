"""Everything that a catalog can be asked, in one object: for Python and for the web.

It is opened for reading, so that the engine itself refuses every write. Each call sees one state of
the catalog; an iterator keeps its state until it is done or closed, and should be taken on within
minutes: PostgreSQL ends a transaction that sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from catalog.errors import UsageError
from catalog.fields import field_named
from catalog.query import authors as authoring
from catalog.query import changes as changing
from catalog.query import counting, gizmos, movers, raw, stats
from catalog.query import facets as faceting
from catalog.query import history as histories
from catalog.query import metrics as numbers
from catalog.query import overview as overviews
from catalog.query import search as searching
from catalog.query.changes import Change, ChangeClass, ChangeKind, ChangePage, MassEvent, Wanted
from catalog.query.console import ROWS, SECONDS, Parameter, Result, Stop, run_sql
from catalog.query.moments import Moment, end, moment, start
from catalog.query.past import Past, Question
from catalog.query.sets import Sets, SetsWithin
from catalog.query.state import State
from catalog.query.told import Known
from catalog.references import parse_reference
from catalog.search.filters import Filter, Sort
from catalog.settings import normalize_catalog_url
from catalog.storage.engine import read
from catalog.storage.schema import open_catalog

if TYPE_CHECKING:
    from catalog.query.authors import AuthorDetail, AuthorPage, AuthorSort
    from catalog.query.facets import Facets
    from catalog.query.found import Count, Found, Page
    from catalog.query.gizmos import Gizmo
    from catalog.query.history import History
    from catalog.query.metrics import Metrics
    from catalog.query.movers import By, Mover
    from catalog.query.overview import Overview
    from catalog.query.raw import Original
    from catalog.query.stats import DriftRow, Holdings, Status, UnmappedRow
    from catalog.records import Deriver
    from catalog.storage.bookmarks import Mark
    from catalog.storage.engine import Connection, Engine

T = TypeVar("T")

ROWS_TOLD = 100
"""How many rows of drift or unmapped fields are told, unless it is told otherwise."""


class Reader:
    """A catalog that is read. Best as a context manager; :meth:`close` lets go of it.

    It may be used by several threads. A GPT is named by any reference: its id, a short URL, an
    address, a model name. A moment is a number of microseconds, an ISO text as the command line
    takes it, an aware datetime, or a date.

    Args:
        url: the catalog.
        engine: the catalog, opened.
        deriver: the rules by which the archive is read as it was known once; without them no
            ``known_at`` can be answered, and no :meth:`original`.
        sql_url: the catalog as the role that can only read, for :meth:`sql` on PostgreSQL.

    Attributes:
        url: the catalog.
    """

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        deriver: Deriver | None = None,
        sql_url: str | None = None,
    ) -> None:
        self.url = url
        self._opened: Engine | None = engine
        self._deriver = deriver
        self._sql_url = sql_url or url
        self._state = State(engine)
        self._sets = Sets()

    @classmethod
    def open(cls, url: str, *, deriver: Deriver | None = None, sql_url: str | None = None) -> Self:
        """Open the catalog at ``url`` for reading.

        Args:
            url: ``sqlite:///PATH``, ``postgresql://…``, or the path of a file.
            deriver: see the class.
            sql_url: see the class.

        Raises:
            UsageError: ``url`` names no catalog.
            StorageError: there is none, or it is of another schema.
        """
        url = catalog_url(url)
        return cls(url, open_catalog(url), deriver=deriver, sql_url=sql_url)

    def close(self) -> None:
        """Let go of the catalog; a second time does nothing."""
        if self._opened is not None:
            self._state.close()
            self._opened.dispose()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _engine(self) -> Engine:
        if self._opened is None:
            raise UsageError("this catalog was closed: open it again to ask it more")
        return self._opened

    # GPTs, many of them.

    def search(
        self,
        wanted: Question = None,
        *,
        sort: Sort | None = None,
        limit: int = searching.PAGE,
        after: str | None = None,
        at: Moment | None = None,
    ) -> Page:
        """A page of the GPTs that are wanted; see :func:`catalog.query.search.search`."""
        with read(self._engine) as conn:
            return searching.search(
                conn, to_filter(wanted), sort=sort, limit=limit, after=after, at=end(at)
            )

    def iterate(
        self, wanted: Question = None, *, sort: Sort | None = None, at: Moment | None = None
    ) -> Iterator[Found]:
        """All GPTs that are wanted, in their order, however many: memory stays flat."""
        with read(self._engine) as conn:
            yield from searching.iterate(conn, to_filter(wanted), sort=sort, at=end(at))

    def count(
        self,
        wanted: Question = None,
        *,
        limit: int | None = counting.LIMIT,
        at: Moment | None = None,
    ) -> Count:
        """How many GPTs are wanted; see :func:`catalog.query.counting.count`."""
        with read(self._engine) as conn:
            return counting.count(conn, to_filter(wanted), limit=limit, at=end(at))

    def facets(
        self,
        wanted: Question = None,
        *,
        names: Collection[str] = faceting.FACETS,
        exact: bool = False,
        at: Moment | None = None,
    ) -> Facets:
        """Counts by facet within a filter; see :func:`catalog.query.facets.facets`."""
        with self._reading() as (conn, sets):
            return faceting.facets(
                conn, to_filter(wanted), names=names, exact=exact, at=end(at), sets=sets
            )

    # One GPT.

    def get(self, ref: str, *, at: Moment | None = None, known_at: Moment | None = None) -> Gizmo:
        """Everything about one GPT, as of a moment, as known at a moment.

        Raises:
            InvalidReference: ``ref`` names no GPT.
            NotFound: no document of it is known, or none that old.
        """
        with read(self._engine) as conn:
            return gizmos.get(conn, parse_reference(ref), end(at), self._known(known_at))

    def history(
        self, ref: str, *, until: Moment | None = None, known_at: Moment | None = None
    ) -> History:
        """How one GPT came to be what it is. Raises as :meth:`get`."""
        with read(self._engine) as conn:
            return histories.history(conn, parse_reference(ref), self._known(known_at), end(until))

    def metrics(self, ref: str, *, until: Moment | None = None) -> Metrics:
        """One GPT's numbers over time. Raises as :meth:`get`."""
        with read(self._engine) as conn:
            return numbers.metrics(conn, parse_reference(ref), end(until))

    def original(
        self, ref: str, *, at: Moment | None = None, known_at: Moment | None = None
    ) -> Original:
        """One GPT's document, byte for byte. Raises as :meth:`get`."""
        with read(self._engine) as conn:
            return raw.original(conn, parse_reference(ref), self._rules(), end(at), end(known_at))

    # What changed.

    def changes(
        self,
        ref: str | None = None,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        field: str | None = None,
        cls: ChangeClass | None = None,
        kind: ChangeKind | None = None,
        author: str | None = None,
        category: str | None = None,
        everything: bool = False,
    ) -> Iterator[Change]:
        """What changed, oldest first, however much: memory stays flat.

        Args:
            ref: of this GPT alone.
            since: observed then or later.
            until: observed then or earlier.
            field: of this field alone: its path, its column or its table.
            cls: of this class alone.
            kind: of this kind alone.
            author: of the GPTs of this author, by ``user_id`` or name.
            category: of the GPTs that stand in this category now.
            everything: also what is hidden otherwise; see :class:`catalog.query.changes.Wanted`.
        """
        return self._changes(
            Wanted(
                gizmo_id=None if ref is None else parse_reference(ref),
                since=start(since),
                until=end(until),
                field=None if field is None else field_named(field),
                cls=cls,
                kind=kind,
                author=author,
                category=category,
                everything=everything,
            )
        )

    def changes_page(
        self,
        wanted: Wanted,
        *,
        latest: bool = False,
        after: str | None = None,
        limit: int = searching.PAGE,
    ) -> ChangePage:
        """A page of changes; see :func:`catalog.query.changes.read_page`."""
        with read(self._engine) as conn:
            return changing.read_page(conn, wanted, latest=latest, after=after, limit=limit)

    @contextmanager
    def since_bookmark(
        self, name: str, wanted: Wanted | None = None
    ) -> Iterator[tuple[Iterator[Change], Mark]]:
        """What changed since a bookmark, and the mark to set once it was shown.

        Args:
            name: the bookmark; one that was never set has everything before it.
            wanted: which changes; see :func:`catalog.query.changes.since_bookmark`.
        """
        with read(self._engine) as conn:
            yield changing.since_bookmark(conn, name, wanted or Wanted())

    def mass_events(self, event_ids: Sequence[str]) -> dict[str, MassEvent]:
        """Mass events by id, as changes name them."""
        with read(self._engine) as conn:
            return changing.events(conn, event_ids)

    def movers(
        self, since: Moment, until: Moment, *, by: By = "conversations", limit: int = 20
    ) -> list[Mover]:
        """The GPTs whose number grew most; see :func:`catalog.query.movers.movers`."""
        with read(self._engine) as conn:
            return movers.movers(
                conn, moment(since), moment(until, end_of_day=True), by=by, limit=limit
            )

    def arrivals(
        self, since: Moment | None = None, until: Moment | None = None
    ) -> Iterator[Change]:
        """The GPTs whose first document was said in a window, in the order of time."""
        with read(self._engine) as conn:
            yield from movers.arrivals(conn, start(since), end(until))

    def departures(
        self, since: Moment | None = None, until: Moment | None = None
    ) -> Iterator[Change]:
        """The GPTs that were gone in a window, in the order of time."""
        with read(self._engine) as conn:
            yield from movers.departures(conn, start(since), end(until))

    # Authors.

    def authors(
        self,
        text: str | None = None,
        *,
        sort: AuthorSort = "gpts",
        limit: int = searching.PAGE,
        after: str | None = None,
    ) -> AuthorPage:
        """A page of authors; see :func:`catalog.query.authors.authors`."""
        with read(self._engine) as conn:
            return authoring.authors(conn, text, sort=sort, limit=limit, after=after)

    def author(self, who: str, *, works: bool = True) -> AuthorDetail:
        """An author with all its GPTs; see :func:`catalog.query.authors.author`."""
        with self._reading() as (conn, sets):
            return authoring.author(conn, who, works=works, sets=sets)

    # The catalog itself.

    def stats(self) -> Holdings:
        """What the catalog holds."""
        with read(self._engine) as conn:
            return stats.holdings(conn)

    def overview(self, now: Moment) -> Overview:
        """The catalog from far: coverage, growth, freshness; reads whole tables.

        Args:
            now: the present moment.
        """
        with read(self._engine) as conn:
            return overviews.overview(conn, moment(now))

    def status(self, now: Moment) -> Status:
        """Where the catalog stands: freshness, frontier, runs, sources, alarms.

        Args:
            now: the present moment.
        """
        with read(self._engine) as conn:
            return stats.status(conn, moment(now))

    def drift(self, limit: int = ROWS_TOLD) -> tuple[DriftRow, ...]:
        """Paths and types that appeared in documents or vanished from them, the latest first."""
        with read(self._engine) as conn:
            return stats.drift(conn, limit)

    def unmapped(self, limit: int = ROWS_TOLD) -> tuple[UnmappedRow, ...]:
        """Paths that no table knows, the most frequent first."""
        with read(self._engine) as conn:
            return stats.unmapped(conn, limit)

    def sql(
        self,
        text: str,
        *,
        seconds: float = SECONDS,
        rows: int | None = ROWS,
        parameters: Mapping[str, Parameter] | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """Run one statement that reads; see :func:`catalog.query.console.run_sql`."""
        self._engine  # noqa: B018  (a closed catalog is not asked by another connection either)
        return run_sql(
            self._sql_url, text, seconds=seconds, rows=rows, parameters=parameters, stop=stop
        )

    def state(self) -> str:
        """A name for the state of the catalog, another after each commit of whatever process.

        To be asked before the question whose answer it is kept with; it holds while this reader is
        open.
        """
        self._engine  # noqa: B018  (as above)
        return self._state.name()

    def ask(self, question: Callable[[Connection], T]) -> T:
        """The answer to a question that has no method here: a function of :mod:`catalog.query`.

        Args:
            question: is called with a transaction that sees one state of the catalog.
        """
        with read(self._engine) as conn:
            return question(conn)

    def at(self, when: Moment) -> Past:
        """The catalog as of a moment: what had been said by then, as it is known now.

        Args:
            when: the moment; a bare date means the end of that day.
        """
        return Past(self, moment(when, end_of_day=True))

    @contextmanager
    def _reading(self) -> Iterator[tuple[Connection, SetsWithin]]:
        """A transaction, with the sets of facets that it sees."""
        self._engine  # noqa: B018  (as above)
        with self._state.reading() as (conn, state):
            yield conn, self._sets.within(state)

    def _changes(self, wanted: Wanted) -> Iterator[Change]:
        with read(self._engine) as conn:
            yield from changing.iterate(conn, wanted)

    def _known(self, at: Moment | None) -> Known | None:
        known_at = end(at)
        return None if known_at is None else Known(at=known_at, deriver=self._rules())

    def _rules(self) -> Deriver:
        if self._deriver is None:
            raise UsageError(
                "this catalog was opened without the rules that read its archive: open it with"
                " catalog.Catalog, or hand them in"
            )
        return self._deriver


def catalog_url(text: str) -> str:
    """The URL of the catalog that a text names.

    Raises:
        UsageError: it names none.
    """
    if not isinstance(text, str):
        raise UsageError(
            f"{text!r} names no catalog: a text is expected, as sqlite:///data/catalog.db"
        )
    try:
        return normalize_catalog_url(text)
    except ValueError as error:
        raise UsageError(f"that names no catalog: {error}") from None


def to_filter(wanted: Question) -> Filter:
    """The filter that is meant: a text is searched for."""
    if wanted is None:
        return Filter()
    return Filter(text=wanted) if isinstance(wanted, str) else wanted
