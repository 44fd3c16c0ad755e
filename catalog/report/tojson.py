"""A report as JSON, for programs: all its members, moments as ISO texts. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from catalog.query.changes import Change
from catalog.report.model import Report
from catalog.times import to_iso
from catalog.wording.changes import as_json_line
from catalog.wording.text import to_json

_MOMENTS = frozenset({"at", "since", "until"})


def to_json_report(report: Report) -> str:
    """A report as JSON."""
    return to_json(_plain(report), lines=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Change):
        return as_json_line(value)
    if isinstance(value, msgspec.Struct):
        return {name: _member(name, getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return value


def _member(name: str, value: Any) -> Any:
    """A member of a record: those that are moments are told by their names."""
    if name == "said_at":
        return [to_iso(each) for each in value]
    if isinstance(value, int) and (name in _MOMENTS or name.endswith("_at")):
        return to_iso(value)
    return _plain(value)
