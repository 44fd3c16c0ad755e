"""Operations on authors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from catalog.query.authors import Author, AuthorDetail, AuthorPage, AuthorSort
from catalog.web.api.operations import Asked, Operation, Rows
from catalog.web.api.parameters import Cursor, Limit, Name, Text
from catalog.web.api.wire import wire

PART = 1_000
"""Authors that are read at once for a download."""


class Searching(msgspec.Struct, frozen=True, kw_only=True):
    """Which authors."""

    q: (
        Annotated[Text, Meta(description="Words of the name, in any case; or the user_id.")] | None
    ) = None
    sort: Annotated[AuthorSort, Meta(description="The order.")] = "gpts"
    limit: Limit = 50
    after: Cursor | None = None


class Getting(msgspec.Struct, frozen=True, kw_only=True):
    """Which author."""

    author: Annotated[Name, Meta(description="Its user_id, or its name where only one has it.")]


_AUTHOR = wire(Author)
_PAGE, _DETAIL = wire(AuthorPage), wire(AuthorDetail)


def _search(asked: Asked) -> Any:
    q = asked.question
    found = asked.reader.authors(q.q or None, sort=q.sort, limit=q.limit, after=q.after or None)
    return _PAGE.plain(found)


def _every(asked: Asked) -> Iterable[dict[str, Any]]:
    q, after = asked.question, None
    while True:
        found = asked.reader.authors(q.q or None, sort=q.sort, limit=PART, after=after)
        yield from map(_AUTHOR.plain, found.items)
        after = found.after
        if after is None:
            return


OPERATIONS = (
    Operation(
        name="searchAuthors",
        group="Authors",
        path="/api/authors",
        summary="Browse and search authors.",
        question=Searching,
        answer=_PAGE.type,
        ask=_search,
        rows=Rows(each=_AUTHOR, all=_every),
    ),
    Operation(
        name="getAuthor",
        group="Authors",
        path="/api/authors/{author}",
        summary="An author with all its GPTs, the most used first.",
        question=Getting,
        answer=_DETAIL.type,
        ask=lambda asked: _DETAIL.plain(asked.reader.author(asked.question.author)),
    ),
)
