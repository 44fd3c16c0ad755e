"""The dialects ``gpts-v1`` and ``gpts-v2``: one GPT a GET, JSON in one of several wrappings.

``sources.md`` G1 to G5. What they say of an unknown id is documented nowhere, so the words decide.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import quote

from catalog.dialects.base import address, read_details, read_found
from catalog.errors import UsageError
from catalog.records import Answer, Mention, Reading, Request
from catalog.settings import SourceSettings


class SingleGet(ABC):
    """A dialect that asks for one id a GET.

    Args:
        source: where it asks.
    """

    batch_size: ClassVar[int] = 1

    def __init__(self, source: SourceSettings) -> None:
        self._source = source

    def details(self, ids: Sequence[str]) -> Request:
        """The question for one GPT.

        Raises:
            UsageError: there is not exactly one id.
        """
        if len(ids) != 1:
            raise UsageError(f"{self._source.dialect} asks for one id at a time, not {len(ids)}")
        return Request(method="GET", url=self._detail_url(ids[0]), asked=(ids[0],))

    def search(self, query: str) -> Request:
        """The question for the GPTs that match ``query``."""
        return Request(method="GET", url=self._search_url(query))

    def read(self, answer: Answer, asked: Sequence[str]) -> list[Reading]:
        """What an answer to :meth:`details` says."""
        return read_details(answer, asked)

    def read_search(self, answer: Answer) -> tuple[list[Mention], list[Reading]]:
        """What an answer to :meth:`search` says."""
        return read_found(answer)

    @abstractmethod
    def _detail_url(self, gizmo_id: str) -> str: ...

    @abstractmethod
    def _search_url(self, query: str) -> str: ...


class GptsV1(SingleGet):
    """``GET {base}/v1/gpts/?id=ID`` and ``GET {base}/v1/gpts/search?search=Q``."""

    def _detail_url(self, gizmo_id: str) -> str:
        return address(self._source, "/v1/gpts/", {"id": gizmo_id})

    def _search_url(self, query: str) -> str:
        return address(self._source, "/v1/gpts/search", {"search": query})


class GptsV2(SingleGet):
    """``GET {base}/v2/gpts/{ID}`` and ``GET {base}/v2/gpts/search?query=Q``."""

    def _detail_url(self, gizmo_id: str) -> str:
        return address(self._source, f"/v2/gpts/{quote(gizmo_id, safe='')}")

    def _search_url(self, query: str) -> str:
        return address(self._source, "/v2/gpts/search", {"query": query})
