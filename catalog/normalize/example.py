"""The value at a path of a payload, for people to see what a path is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.fields import LISTS
from catalog.normalize.decode import decode
from catalog.normalize.document import FLAT
from catalog.normalize.shape import bounded, extend
from catalog.normalize.values import example, json_type, read_list

_LISTS = frozenset(listed.path for listed in LISTS)


def find_example(payload: bytes, wrapping: str, path: str) -> str | None:
    """The value at ``path``, as canonical JSON, cut.

    Where several elements of a list have it: the smallest that is not null, so that their order
    means nothing.

    Args:
        payload: as archived.
        wrapping: where in it the gizmo object lies, see :func:`catalog.normalize.normalize`.
        path: one of the document's paths, with ``:type`` behind it for a value of that type.

    Returns:
        None where the payload has no such path.

    Raises:
        NormalizeError: the payload is no JSON.
    """
    wanted, _, kind = path.rpartition(":")
    found = [
        example(value)
        for place, value in _document(decode(payload), wrapping)
        if place == path or (place == wanted and json_type(value) == kind)
    ]
    return min(found, key=lambda text: (text == "null", text), default=None)


def _document(root: Any, wrapping: str) -> Iterator[tuple[str, Any]]:
    """Every value of the document in ``root``, and of what lies around it, with its path."""
    if wrapping == FLAT:
        # A flat member stands for the gizmo's, the display's or the document's own.
        for place in ("gizmo", "gizmo.display"):
            yield from _values(root, place)
        yield from _members(root, "")
        return
    for name in wrapping.split(".") if wrapping else ():
        for key, value in root.items():
            if key != name:
                yield from _values(value, extend("", key))
        root = root[name]
    yield from _values(root, "gizmo")


def _values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A value and all that lies in it."""
    yield path, value
    yield from _members(value, path)


def _members(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All that lies in a value."""
    items = read_list(value) if path in _LISTS else value
    if isinstance(items, dict):
        for key, member in items.items():
            yield from _values(member, extend(path, key))
    elif isinstance(items, list):
        for member in items:
            yield from _values(member, bounded(f"{path}[]"))
