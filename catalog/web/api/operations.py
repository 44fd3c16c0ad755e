"""An operation: one declaration, from which it is served, described and documented."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from catalog.web.api.wire import Wire

if TYPE_CHECKING:
    from catalog.query.reader import Reader
    from catalog.times import Micros
    from catalog.web.options import WebOptions
    from catalog.web.reading import Reading

Group = Literal["GPTs", "Changes", "Authors", "The catalog", "What ran", "SQL"]


class Asked(msgspec.Struct, frozen=True):
    """What an operation answers by; it blocks the thread it is called in.

    Attributes:
        reading: the catalog as the server reads it.
        question: the parameters, as the operation declares them.
    """

    reading: Reading
    question: Any

    @property
    def reader(self) -> Reader:
        """The catalog."""
        return self.reading.reader

    @property
    def options(self) -> WebOptions:
        """What the server was told when it started."""
        return self.reading.options

    @property
    def now(self) -> Micros:
        """The present moment."""
        return self.reading.now


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as rows: what downloads are made of.

    Attributes:
        each: a row's type, whose fields are the columns.
        all: every row, as that type's members, however many.
    """

    each: Wire
    all: Callable[[Asked], Iterable[dict[str, Any]]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation.

    Attributes:
        name: names it among all.
        group: the chapter it stands in.
        path: where, with ``{name}`` for what is a part of it.
        summary: what it answers, in a line.
        description: more on that.
        question: the struct that declares its parameters.
        answer: the type of what it answers.
        ask: answers, as plain values.
        rows: the same as rows; None: there is no download of it.
        lasts: how long an answer holds: as long as the catalog's ``state``, or ``never``, as it
            depends on the time.
        remembered: that it counts whole tables: an answer serves for half a minute.
    """

    name: str
    group: Group
    path: str
    summary: str
    description: str = ""
    question: type
    answer: Any
    ask: Callable[[Asked], Any]
    rows: Rows | None = None
    lasts: Literal["state", "never"] = "state"
    remembered: bool = False
