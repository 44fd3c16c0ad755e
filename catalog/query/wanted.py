"""Which changes are asked for, and what that means in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from catalog.fields import BY_PATH, FLAPPING
from catalog.query.naming import known_by
from catalog.search.terms import facet_key
from catalog.storage import tables as t
from catalog.storage.dialects import raw_rows
from catalog.storage.listings import cut_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.times import Micros

ChangeClass = Literal["content", "lifecycle", "platform"]
ChangeKind = Literal["added", "removed", "changed"]

CLASSES: tuple[ChangeClass, ...] = ("content", "lifecycle", "platform")
FEW = 1_000
"""So many GPTs are looked up one by one; of more, the changes are walked in the order of time."""
SOME = 6_000
"""Up to so many are held meanwhile; of more, each change's GPT is looked up: many of them fit.

Of a million GPTs a page takes some 20 ms either way.
"""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes are asked for.

    Attributes:
        gizmo_id: of this GPT alone.
        since: observed then or later.
        until: observed then or earlier.
        field: of this field alone; see :func:`field_named`.
        cls: of this class alone.
        author: of the GPTs whose current author has this ``user_id``, or shows this name, or is
            known by it (see :mod:`catalog.query.naming`); compared
            as a search does, a name by its first :data:`catalog.search.listing.KEY_LENGTH`
            characters.
        category: of the GPTs that stand in this category now; compared as a name is.
        kind: of this kind alone.
        everything: also what is hidden otherwise: class ``platform``, and what comes and goes in
            fields that flap.
    """

    gizmo_id: str | None = None
    since: Micros | None = None
    until: Micros | None = None
    field: str | None = None
    cls: ChangeClass | None = None
    author: str | None = None
    category: str | None = None
    kind: ChangeKind | None = None
    everything: bool = False

    @property
    def classes(self) -> tuple[ChangeClass, ...]:
        """The classes that can be among them."""
        if self.cls is not None:
            return (self.cls,)
        if self.field is not None:
            return (_class_of(self.field),)
        if self.everything:
            return CLASSES
        return ("content", "lifecycle")


def conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What a row of ``changes`` has to be, but for its class and the GPTs it may be of."""
    c = t.changes.c
    found: list[ColumnElement[bool]] = []
    if wanted.gizmo_id is not None:
        found.append(c.gizmo_id == wanted.gizmo_id)
    if wanted.since is not None:
        found.append(c.observed_at >= wanted.since)
    if wanted.until is not None:
        found.append(c.observed_at <= wanted.until)
    if wanted.field is not None:
        # Were it plainly equal, SQLite would take it for settled and sort by what follows it.
        found.append(c.field.concat("") == wanted.field)
    if wanted.kind is not None:
        found.append(c.kind == wanted.kind)
    if not wanted.everything:
        noise = or_(c.flap, c.disagreement)
        found.append(not_(and_(noise, c.field.in_(sorted(FLAPPING)))))
    return found


def gpts_of(conn: Connection, wanted: Wanted) -> Sequence[str] | None:
    """The GPTs of an author or a category, where these are some; None where they are many."""
    r = t.category_ranks.c
    if wanted.author is not None:
        query = select(t.listings.c.gizmo_id).where(_by(wanted.author))
    elif wanted.category is not None:
        query = select(r.gizmo_id).where(r.category == _key(wanted.category))
    else:
        return None
    # Counted first, in an index alone: the rows of those that are many are not read for nothing.
    some = query.with_only_columns(literal_column("1").label("one")).limit(SOME + 1).subquery()
    if conn.execute(select(func.count()).select_from(some)).scalar_one() > SOME:
        return None
    return [gizmo_id for (gizmo_id,) in raw_rows(conn, query, {})]


def belongs(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What the GPT of a row of ``changes`` has to be, looked up by its id."""
    gizmo_id, found = t.changes.c.gizmo_id, []
    if wanted.author is not None:
        found.append(exists().where(t.listings.c.gizmo_id == gizmo_id, _by(wanted.author)))
    if wanted.category is not None:
        c, r = t.listings.c, t.category_ranks.c
        # The ranks' key begins with these two: a look-up, however large the category.
        in_category = and_(
            r.category == _key(wanted.category),
            r.by_conversations == c.by_conversations,
            r.gizmo_id == c.gizmo_id,
        )
        found.append(
            exists()
            .select_from(t.listings.join(t.category_ranks, in_category))
            .where(c.gizmo_id == gizmo_id)
        )
    return list(found)


def _by(author: str) -> ColumnElement[bool]:
    c = t.listings.c
    return or_(
        c.user_id == author.strip(),
        c.author_key == _key(author),
        c.user_id.in_(known_by((author,))),
    )


def _key(value: str) -> str:
    """How an author's name or a category is compared: as a search does."""
    return cut_key(facet_key(value))


def _class_of(path: str) -> ChangeClass:
    field = BY_PATH.get(path)
    if field is None:
        return "lifecycle"
    return "platform" if field.cls == "platform" else "content"
