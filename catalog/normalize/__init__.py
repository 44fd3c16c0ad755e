"""A payload becomes a :class:`catalog.records.Document`: what it states, and nothing else.

Pure. It knows no source and no history: where the gizmo object lies is handed in, what a
difference means is decided elsewhere. Where every field goes stands in :mod:`catalog.fields`.
"""

from __future__ import annotations

from catalog.normalize.document import normalize
from catalog.normalize.example import find_example

__all__ = ["find_example", "normalize"]
