"""The dialect ``mj-flat``: a few fields of a GPT, side by side (``sources.md`` G6)."""

from __future__ import annotations

from catalog.dialects.base import address
from catalog.dialects.gateway import SingleGet
from catalog.errors import UsageError


class MjFlat(SingleGet):
    """``GET {base}/mj/gpts/info?id=ID``; it cannot search."""

    def _detail_url(self, gizmo_id: str) -> str:
        return address(self._source, "/mj/gpts/info", {"id": gizmo_id})

    def _search_url(self, query: str) -> str:
        raise UsageError(
            f"sources.{self._source.name} cannot be searched for {query!r}: "
            f"the dialect mj-flat has no search; use a source of another dialect"
        )
