"""What can be asked in SQL: the views, with what each column says. From their declarations."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import cache

import msgspec

from catalog.errors import UsageError
from catalog.storage.tables import metadata
from catalog.storage.views import VIEWS

_NO_TABLE = re.compile(r'no such table: ([\w.]+)|relation "([\w.]+)" does not exist')
_NO_COLUMN = re.compile(r'no such column: ([\w.]+)|column "?([\w.]+)"? does not exist')
"""As SQLite and PostgreSQL say it."""
_ALIKE = 0.5
"""How much of two names is the same, at least, for one to have been meant by the other."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A view.

    Attributes:
        name: as SQL names it.
        comment: what its rows are.
        columns: what each column says, by name, in their order.
    """

    name: str
    comment: str
    columns: dict[str, str]


@cache
def views() -> tuple[View, ...]:
    """The views, whose names and meanings stay; ``docs/data-dictionary.md`` has the tables too."""
    return tuple(
        View(
            name=view.name,
            comment=view.comment,
            columns={column.name: column.comment for column in view.columns},
        )
        for view in VIEWS
    )


def meant(said: str, text: str) -> str:
    """What may have been meant by a name that an engine does not know; else nothing.

    Args:
        said: what the engine says.
        text: the query.
    """
    names = {view.name: tuple(view.columns) for view in views()}
    table = _NO_TABLE.search(said)
    if table is not None:
        near = _nearest(table[1] or table[2], tuple(names))
        return f"did you mean {near}?" if near else f"the views are {', '.join(names)}"
    column = _NO_COLUMN.search(said)
    if column is None:
        return ""
    names |= {name: tuple(each.columns.keys()) for name, each in metadata.tables.items()}
    asked = [name for name in names if re.search(rf"\b{name}\b", text, re.IGNORECASE)]
    if not asked:
        return ""
    name = column[1] or column[2]
    near = _nearest(name, [each for known in asked for each in names[known]])
    of, _, own = name.rpartition(".")
    if of and near == own.casefold():
        return f"the query calls no table {of}; {' and '.join(asked)} has {near}"
    if near:
        return f"did you mean {near}?"
    return "; ".join(f"the columns of {name} are {', '.join(names[name])}" for name in asked)


def view_called(name: str) -> View:
    """The view of a name.

    Raises:
        UsageError: there is none.
    """
    found = {view.name: view for view in views()}
    if name not in found:
        near = _nearest(name, tuple(found))
        meaning = f"did you mean {near}?" if near else f"the views are {', '.join(found)}"
        raise UsageError(f"there is no view {name!r}; {meaning}")
    return found[name]


def _nearest(name: str, known: Sequence[str]) -> str | None:
    wanted = name.rpartition(".")[2].casefold()
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=_ALIKE)
    return near[0] if near else None
