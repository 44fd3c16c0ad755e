"""Where in a JSON object the gizmo object lies: found by content, never by the path asked.

The wrappings are those of ``sources.md`` sections 1 and 6; the same address answers with several.
"""

from __future__ import annotations

from typing import Any, NamedTuple

FLAT = "flat"
"""The wrapping of mj-flat: the fields lie side by side, there is no gizmo object."""

# Each is tried in this order.
_PATHS: tuple[tuple[str, ...], ...] = (
    ("gizmo",),
    ("info", "gizmo"),
    ("resource", "gizmo"),
    ("data", "gizmo"),
    ("detail", "data", "gizmo"),
)
_OWN_MEMBERS = frozenset({"author", "display"})
_FLAT_MEMBERS = frozenset({"welcome_message", "model", "tools", "created_at"})
_NOT_FLAT = frozenset(
    {"author", "display", "gizmo", "short_url", "title", "link", "object", "messages"},
)
_ENVELOPE = frozenset({"code", "msg", "message", "sn", "success", "error"})


class Located(NamedTuple):
    """A document that was found in a JSON object.

    Attributes:
        wrapping: see :class:`catalog.records.Reading`.
        gizmo: the object that carries the id.
    """

    wrapping: str
    gizmo: dict[str, Any]


def locate(value: dict[str, Any]) -> Located | None:
    """The document in ``value``, or None if it holds none."""
    for path in _PATHS:
        gizmo = _descend(value, path)
        if gizmo is not None:
            inner = gizmo.get("gizmo")
            if path == ("gizmo",) and isinstance(inner, dict) and _OWN_MEMBERS.isdisjoint(gizmo):
                return Located("gizmo.gizmo", inner)
            return Located(".".join(path), gizmo)
    if "id" in value and any(isinstance(value.get(name), dict) for name in _OWN_MEMBERS):
        return Located("", value)
    if (
        isinstance(value.get("id"), str)
        and isinstance(value.get("name"), str)
        and _FLAT_MEMBERS & value.keys()
        and not _NOT_FLAT & value.keys()
    ):
        return Located(FLAT, value)
    return None


def is_envelope(value: dict[str, Any]) -> bool:
    """Whether ``data`` in ``value`` is the answer, and the rest a report about it.

    A catalog's own wrapper (``{id, created_at, data}``) reports nothing: it is part of the payload.
    """
    return "data" in value and (len(value) == 1 or not _ENVELOPE.isdisjoint(value))


def _descend(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """The object at ``path``, or None."""
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None
