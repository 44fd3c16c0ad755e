"""``[watch.NAME]``: which GPTs a saved filter means, and what is to be told of them."""

from __future__ import annotations

import heapq
import shlex
from typing import TYPE_CHECKING

import msgspec

from catalog.fields import field_named
from catalog.query import windows
from catalog.query.naming import with_known_authors
from catalog.query.scopes import Lifecycle, Scope
from catalog.query.wanted import Wanted
from catalog.query.windows import DayOfGpt, Some
from catalog.report.model import WatchNews
from catalog.search.conditions import Matching
from catalog.search.filters import Filter
from catalog.storage.listings import load_listings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from catalog.search.listing import Listing
    from catalog.settings import WatchSettings
    from catalog.storage.engine import Connection
    from catalog.times import Micros


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A watch, read.

    Attributes:
        name: its name.
        wanted: which GPTs it is about.
        field: which field alone, as its path.
        notify: whether people want to be told.
        words: what it looks for, as the settings say it.
        search: the same as words for the command ``search``.
    """

    name: str
    wanted: Filter
    field: str | None
    notify: bool
    words: str
    search: str


def read_watch(name: str, settings: WatchSettings) -> Watch:
    """A watch of the settings, which were looked at when they were read."""
    given = {
        key: value
        for key, value in msgspec.structs.asdict(settings).items()
        if key != "notify" and value is not None
    }
    return Watch(
        name=name,
        wanted=settings.wanted(),
        field=None if settings.field is None else field_named(settings.field),
        notify=settings.notify,
        words=", ".join(f"{key} {value}" for key, value in given.items()),
        search=" ".join(_typed(key, value) for key, value in given.items() if key != "field"),
    )


def read_watches(settings: Mapping[str, WatchSettings]) -> tuple[Watch, ...]:
    """All watches, by name."""
    return tuple(read_watch(name, each) for name, each in sorted(settings.items()))


def _typed(key: str, value: object) -> str:
    """A condition as ``search`` takes it."""
    if key == "search":
        return shlex.quote(str(value))
    return f"--{key.replace('_', '-')} {shlex.quote(str(value))}"


class Scopes(msgspec.Struct, frozen=True, kw_only=True):
    """What a report of a window looks at.

    Attributes:
        since: from then on.
        until: until then.
        late: what was said before, and came to be known in the window; None: nothing can have.
    """

    since: Micros
    until: Micros
    late: Scope | None = None

    @property
    def window(self) -> Scope:
        """What was said in the window."""
        return Scope(since=self.since, until=self.until)


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Some GPTs that changed in a window, as they were when it began and when it ended."""

    before: dict[str, Listing]
    after: dict[str, Listing]


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Which of some GPTs match a watch: before, after, in either case; by id."""

    new: list[str]
    left: list[str]
    either: list[str]


class _First:
    """The first of many GPTs: those with most conversations; equal ones by id.

    Args:
        limit: how many at most.
    """

    def __init__(self, limit: int) -> None:
        self.total = 0
        self._limit = limit
        self._items: list[tuple[int, str]] = []

    def add(self, part: _Part, gizmo_ids: Iterable[str]) -> None:
        """Take more of them."""
        found = [
            (-((part.after.get(each) or part.before[each]).conversations or 0), each)
            for each in gizmo_ids
        ]
        self.total += len(found)
        self._items = heapq.nsmallest(self._limit, [*self._items, *found])

    @property
    def gizmo_ids(self) -> list[str]:
        """The first, in order."""
        return [gizmo_id for _, gizmo_id in self._items]


class _Found:
    """What is found of a watch.

    Args:
        conn: a reading transaction.
        watch: the watch.
        limit: GPTs of a list, at most.
    """

    def __init__(self, conn: Connection, watch: Watch, limit: int) -> None:
        self.watch = watch
        self._matching = _matching(conn, watch)
        self._new, self._left, self._changed, self._late = (_First(limit) for _ in range(4))

    def take(self, conn: Connection, part: _Part, scope: Scope) -> None:
        """Look at GPTs of which something changed in the window."""
        seen = _seen(part, self._matching)
        # A watch of a field and nothing else is met by every GPT: none comes to match or ceases to.
        if self.watch.wanted != Filter():
            self._new.add(part, seen.new)
            self._left.add(part, seen.left)
        counts = windows.counts_of(
            conn, scope, seen.either, field=self.watch.field, lifecycle="known"
        )
        self._changed.add(part, counts)

    def take_late(self, conn: Connection, part: _Part, scope: Scope) -> None:
        """Look at GPTs of which it is known only now what changed before."""
        counts = windows.counts_of(
            conn,
            scope,
            _seen(part, self._matching).either,
            field=self.watch.field,
            lifecycle="all",
        )
        self._late.add(part, counts)

    def news(self, conn: Connection, scopes: Scopes, each: int) -> WatchNews:
        """What is to be told.

        Args:
            conn: a reading transaction.
            scopes: as for :func:`watch_news`.
            each: changes of a GPT, at most.
        """

        def gpts(first: _First) -> Some[windows.Gpt]:
            return Some(items=windows.gpts(conn, first.gizmo_ids), total=first.total)

        def changes(
            first: _First, scope: Scope | None, lifecycle: Lifecycle
        ) -> Some[windows.GptChanges]:
            if scope is None:
                return Some()
            items = windows.changes_of(
                conn, scope, first.gizmo_ids, each, field=self.watch.field, lifecycle=lifecycle
            )
            return Some(items=items, total=first.total)

        return WatchNews(
            name=self.watch.name,
            wanted=self.watch.words,
            search=self.watch.search,
            new=gpts(self._new),
            left=gpts(self._left),
            changed=changes(self._changed, scopes.window, "known"),
            late=changes(self._late, scopes.late, "all"),
            notify=self.watch.notify,
        )


def watch_news(
    conn: Connection, watches: Iterable[Watch], scopes: Scopes, *, limit: int, each: int
) -> tuple[WatchNews, ...]:
    """What a window brought to each watch.

    Only GPTs of which something changed are looked at: no other can have come to match.

    Args:
        conn: a reading transaction.
        watches: the watches.
        scopes: the window, and what came to be known late in it.
        limit: GPTs of a list, at most.
        each: changes of a GPT, at most.
    """
    found = [_Found(conn, watch, limit) for watch in watches]
    if not found:
        return ()
    for part in _parts(conn, [one.watch for one in found], scopes.since, scopes.until):
        for one in found:
            one.take(conn, part, scopes.window)
    if scopes.late is not None:
        for gizmo_ids in windows.touched(
            conn, scopes.late, platform=_about_platform(one.watch for one in found)
        ):
            listings = load_listings(conn, gizmo_ids, scopes.until)
            for one in found:
                one.take_late(conn, _Part(before={}, after=listings), scopes.late)
    return tuple(one.news(conn, scopes, each) for one in found)


def watch_days(
    conn: Connection, watch: Watch, since: Micros, until: Micros, limit: int
) -> tuple[list[DayOfGpt], dict[str, Micros]]:
    """What a watch's feed is made of.

    Args:
        conn: a reading transaction.
        watch: the watch.
        since: from then on.
        until: until then.
        limit: how many at most.

    Returns:
        The GPTs that match or matched, a day of each by itself, the latest first; and those that
        match since a number moved, with when it did.
    """
    matching = _matching(conn, watch)
    found: list[DayOfGpt] = []
    crossed: dict[str, Micros] = {}
    for part in _parts(conn, [watch], since, until):
        seen = _seen(part, matching)
        days = windows.newest(conn, since, until, limit, gizmo_ids=seen.either, field=watch.field)
        found = heapq.nsmallest(
            limit, [*found, *days], key=lambda day: (-day.last_at, day.gizmo_id)
        )
        least = watch.wanted.min_conversations
        if least is not None and watch.field is None:
            moved = windows.crossed(conn, seen.new, least, since, until)
            # Who had so many at first is told of as first seen.
            crossed |= {
                gizmo_id: at
                for gizmo_id, at in moved.items()
                if at > (part.after[gizmo_id].first_seen_at or at)
            }
    latest = heapq.nsmallest(limit, crossed.items(), key=lambda item: (-item[1], item[0]))
    return found, dict(latest)


def _matching(conn: Connection, watch: Watch) -> Matching:
    """Looks at GPTs as ``search`` does: an author is meant by the name it is known by, too.

    Before a window and after it alike, by what it is known by now: a GPT whose document shows no
    name does not come to match, or cease to, when its author is renamed elsewhere.
    """
    return Matching(with_known_authors(conn, watch.wanted))


def _parts(
    conn: Connection, watches: Sequence[Watch], since: Micros, until: Micros
) -> Iterator[_Part]:
    by_numbers = any(watch.wanted.min_conversations is not None for watch in watches)
    for gizmo_ids in windows.touched(
        conn,
        Scope(since=since, until=until),
        numbers=(since, until) if by_numbers else None,
        platform=_about_platform(watches),
    ):
        yield _Part(
            before=load_listings(conn, gizmo_ids, since - 1),
            after=load_listings(conn, gizmo_ids, until),
        )


def _about_platform(watches: Iterable[Watch]) -> bool:
    return any("platform" in Wanted(field=watch.field).classes for watch in watches if watch.field)


def _seen(part: _Part, matching: Matching) -> _Seen:
    before, after = (
        {gizmo_id for gizmo_id, listing in side.items() if matching.tier(listing) is not None}
        for side in (part.before, part.after)
    )
    return _Seen(
        new=sorted(after - before), left=sorted(before - after), either=sorted(before | after)
    )
