"""Feeds of what changed, for every filter of changes: Atom and JSON Feed."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from catalog.query import windows
from catalog.query.changes import page
from catalog.query.marks import mark_small
from catalog.report.feeding import CHANGES, ENTRIES
from catalog.report.feeds import Feed, to_atom, to_json_feed
from catalog.report.model import Entry
from catalog.times import DAY, day_of
from catalog.web.api.changed import Changing, wanted
from catalog.web.api.parameters import parameters
from catalog.web.api.serving import Answers, Endpoint, by_state, respond_with

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from catalog.query.changes import Change, Wanted
    from catalog.query.reader import Reader
    from catalog.web.api.operations import Asked

FORMS = {
    "/feeds/changes.atom": ("application/atom+xml", to_atom),
    "/feeds/changes.json": ("application/feed+json", to_json_feed),
}
"""The feeds: their types, and what writes them."""
LOOKED_AT = 2_000
"""Changes that the entries are made of, at most: the latest."""


class FeedOfChanges(Endpoint):
    """A feed of what changed.

    Args:
        path: where.
        answers: where answers are remembered.
    """

    def __init__(self, path: str, answers: Answers) -> None:
        super().__init__(path, Changing)
        self._type, self._write = FORMS[path]
        self._answers = answers

    async def answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the feed, or say that it is as it was."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "localhost")
        home = f"{scope['scheme']}://{host}"
        which = wanted(asked.question)

        def make() -> bytes:
            feed = feed_of(asked.reader, which, asked.question, home=home, path=self.path)
            return self._write(feed).encode()

        # The addresses in it are made of the name it is asked by.
        named = {**scope, "path": home + scope["path"]}
        known = headers.get(b"if-none-match", "")
        given = await asked.reading.ask(
            lambda _: by_state(asked.reading, named, known, self._answers, make)
        )
        await respond_with(given, self._type, scope, receive, send)


def feed_of(reader: Reader, which: Wanted, question: Changing, *, home: str, path: str) -> Feed:
    """What changed last, of some changes: an entry for each GPT and UTC day.

    Args:
        reader: the catalog.
        which: the changes.
        question: the same as it was asked: the feed's title and ids are made of it.
        home: where pages are served.
        path: of the feed.
    """
    given = [
        (each.name, str(value))
        for each in parameters(Changing)
        if (value := getattr(question, each.field)) not in (None, "", "0")
    ]
    query = urlencode(given)
    said = ", ".join(f"{name} {value}" for name, value in given)
    found, until = reader.ask(
        lambda conn: (page(conn, which, latest=True, limit=LOOKED_AT), mark_small(conn))
    )
    days = _days(found)
    gpts = reader.ask(
        lambda conn: {
            each.gizmo_id: each
            for each in windows.gpts(conn, sorted({gizmo_id for gizmo_id, _, _ in days}))
        }
    )
    return Feed(
        key=("feed", "changes", query),
        title="GPTs catalog: changes" + (f" ({said})" if said else ""),
        until=until.recorded_at,
        entries=tuple(
            Entry(
                key=("changes", query, gizmo_id, day_of(day * DAY)),
                updated_at=changes[-1].observed_at,
                day=day_of(day * DAY),
                gpt=gpts.get(gizmo_id) or _unlisted(changes[-1]),
                changes=windows.Some(items=tuple(changes[:CHANGES]), total=len(changes)),
            )
            for gizmo_id, day, changes in days
        ),
        address=home + path + (f"?{query}" if query else ""),
        home=home,
    )


def _days(found: list[Change]) -> list[tuple[str, int, list[Change]]]:
    """The changes of each GPT and day, oldest first; the days with the latest of them first."""
    if len(found) == LOOKED_AT:
        # The earliest day may be cut; unless it is all there is.
        whole = [each for each in found if each.observed_at // DAY > found[-1].observed_at // DAY]
        found = whole or found
    by_day = sorted(found, key=lambda each: (each.gizmo_id, each.observed_at // DAY, each.key))
    days = [
        (gizmo_id, day, list(changes))
        for (gizmo_id, day), changes in groupby(
            by_day, key=lambda each: (each.gizmo_id, each.observed_at // DAY)
        )
    ]
    days.sort(key=lambda each: (-each[2][-1].observed_at, each[0]))
    return days[:ENTRIES]


def _unlisted(change: Change) -> windows.Gpt:
    """A GPT of which nothing is listed yet."""
    return windows.Gpt(
        gizmo_id=change.gizmo_id, name=change.name, author=None, conversations=None, exact=None
    )
