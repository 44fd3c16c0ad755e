"""What can be asked in SQL: the views, with what each column says. From their declarations."""

from __future__ import annotations

from functools import cache

import msgspec

from catalog.storage.views import VIEWS


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
