"""Shapes: what each member of a JSON object is, compiled once, and the walk along them.

A shape knows the members that have a place. Reading an object along it writes what it states into
columns, and everything else into the tally: unknown members, values that their column cannot
take, the paths that are present, and the number of leaves.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from catalog.normalize.values import (
    UNREADABLE,
    canonical_json,
    example,
    json_type,
    read_list,
)
from catalog.records import Row
from catalog.text import escape_text

MAX_KEY = 200
"""Longest key of an element, path or id: PostgreSQL limits what it can index."""

Elements = dict[str, Row]
"""The elements of a list, by key."""


def bounded(key: str, limit: int = MAX_KEY) -> str:
    """``key``, its end replaced by a digest where it is too long to be indexed."""
    if len(key) <= limit:
        return key
    return f"{key[: limit - 17]}#{hashlib.sha256(key.encode()).hexdigest()[:16]}"


class Tally:
    """What a walk finds beside the columns.

    Attributes:
        lists: the lists that the document states, by table.
        mime_sets: the sets of MIME types, by digest.
        paths: the paths that are present.
        leaves: how many values are not null.
        unmapped: an example of each path that no table takes: the smallest, so that the order of
            a list decides nothing.
    """

    __slots__ = ("leaves", "lists", "mime_sets", "paths", "unmapped")

    def __init__(self) -> None:
        self.lists: dict[str, Elements | None] = {}
        self.mime_sets: dict[str, tuple[str, ...]] = {}
        self.paths: set[str] = set()
        self.leaves = 0
        self.unmapped: dict[str, str] = {}

    def keep(self, path: str, value: Any, depth: int) -> None:
        """Keep ``value`` as an example of the unmapped ``path``."""
        text = example(value, depth)
        if text < self.unmapped.get(path, "\U0010ffff"):
            self.unmapped[path] = text

    def unknown(self, path: str, value: Any, depth: int) -> None:
        """Keep a member that no table knows; its own members are covered by it."""
        self.paths.add(path)
        self.keep(path, value, depth)
        self.survey(value, path)

    def unreadable(self, path: str, value: Any, depth: int) -> None:
        """Keep a value that its column cannot take, under its path and type: that drifts too."""
        typed = f"{path}:{json_type(value)}"
        self.paths.add(typed)
        self.keep(typed, value, depth)
        self.survey(value, path)

    def survey(self, value: Any, path: str) -> None:
        """Count the leaves of ``value`` and note the paths of its members.

        Its canonical JSON was made before, so it does not nest too deeply.
        """
        kind = type(value)
        if kind is dict:
            for key, member in value.items():
                inner = extend(path, key)
                self.paths.add(inner)
                self.survey(member, inner)
        elif kind is list:
            inner = bounded(f"{path}[]")
            for member in value:
                if type(member) in (dict, list):
                    self.paths.add(inner)
                self.survey(member, inner)
        elif value is not None:
            self.leaves += 1


def extend(path: str, key: str) -> str:
    """The path of the member ``key`` of the object at ``path``; the document's is empty."""
    key = escape_text(key)
    return bounded(f"{path}.{key}" if path else key)


class Member(ABC):
    """A member of an object that has a place.

    Args:
        path: its path in the document.
    """

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    @abstractmethod
    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:
        """Write what ``value`` states into ``row`` and the rest into ``tally``."""


class Scalar(Member):
    """A value for one column.

    Args:
        path: its path in the document.
        column: its column.
        read: makes the column's value of a value that is not null.
    """

    __slots__ = ("column", "read")

    def __init__(self, path: str, column: str, read: Callable[[Any], Any]) -> None:
        super().__init__(path)
        self.column = column
        self.read = read

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:
        """Write what the column takes of ``value``."""
        if value is None:
            row[self.column] = None
            return
        taken = self.read(value)
        if taken is UNREADABLE:
            tally.unreadable(self.path, value, depth)
        else:
            row[self.column] = taken
            tally.leaves += 1


class Json(Member):
    """A value kept whole, as canonical JSON.

    Args:
        path: its path in the document.
        column: its column.
        drifts: whether its members' paths are worth watching; those of open-ended ones are not.
    """

    __slots__ = ("column", "drifts")

    def __init__(self, path: str, column: str, *, drifts: bool) -> None:
        super().__init__(path)
        self.column = column
        self.drifts = drifts

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:
        """Write the canonical JSON of ``value``."""
        if value is None:
            row[self.column] = None
            return
        canonical = canonical_json(value, depth)
        if canonical.odd:
            tally.unreadable(self.path, value, depth)
            return
        row[self.column] = canonical.text
        if self.drifts:
            tally.survey(value, self.path)
        else:
            tally.leaves += canonical.leaves


class Empty(Member):
    """A member that held nothing in any document known; the day it does, it is unmapped."""

    __slots__ = ()

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:  # noqa: ARG002  (Member's form)
        """Keep ``value`` as unmapped unless it is empty."""
        if value is None:
            return
        if value == "":
            tally.leaves += 1
        elif type(value) not in (dict, list) or value:
            tally.unknown(self.path, value, depth)


class Inner(Member):
    """An object inside the object. A null one says nothing of its members.

    Args:
        path: its path in the document.
        shape: its own members.
    """

    __slots__ = ("shape",)

    def __init__(self, path: str, shape: Shape) -> None:
        super().__init__(path)
        self.shape = shape

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:
        """Read ``value`` along its shape."""
        if type(value) is dict:
            self.shape.fill(value, row, tally, depth)
        elif value is not None:
            tally.unreadable(self.path, value, depth)


class Listed(Member):
    """A list whose elements are rows of their own.

    Args:
        path: its path in the document.
        table: the table of its elements.
        build: makes the elements; None where one of them cannot be read, for a list that is known
            in part would say that the rest is gone.
    """

    __slots__ = ("build", "table")

    def __init__(
        self, path: str, table: str, build: Callable[[list[Any], Tally, int], Elements | None]
    ) -> None:
        super().__init__(path)
        self.table = table
        self.build = build

    def take(self, value: Any, row: Row, tally: Tally, depth: int) -> None:  # noqa: ARG002  (as Member)
        """Make the elements of ``value``."""
        if value is None:
            tally.lists[self.table] = None
            return
        items = read_list(value)
        if not isinstance(items, list):
            tally.unreadable(self.path, value, depth)
            return
        elements = self.build(items, tally, depth + 1)
        if elements is not None:
            tally.lists[self.table] = elements


class Shape:
    """The members of an object that have a place.

    Args:
        path: the object's path, empty for the document.
        members: by name.
    """

    __slots__ = ("members", "path")

    def __init__(self, path: str, members: Mapping[str, Member]) -> None:
        self.path = path
        self.members = dict(members)

    def fill(self, value: dict[str, Any], row: Row, tally: Tally, depth: int) -> None:
        """Read the object ``value``, which lies ``depth`` deep, into ``row`` and ``tally``.

        Raises:
            NormalizeError: it nests too deeply.
        """
        members = self.members
        present = tally.paths
        for key, item in value.items():
            member = members.get(key)
            if member is None:
                tally.unknown(extend(self.path, key), item, depth + 1)
            else:
                present.add(member.path)
                member.take(item, row, tally, depth + 1)


def build_shape(path: str, members: Iterable[Member]) -> Shape:
    """The shape of the object at ``path``, with a shape for each object on the way to a member."""
    inner: dict[str, list[Member]] = {}
    own: dict[str, Member] = {}
    start = len(path) + 1 if path else 0
    for member in members:
        name, dot, _ = member.path[start:].partition(".")
        if dot:
            inner.setdefault(name, []).append(member)
        else:
            own[name] = member
    for name, deeper in inner.items():
        place = extend(path, name)
        own[name] = Inner(place, build_shape(place, deeper))
    return Shape(path, own)
