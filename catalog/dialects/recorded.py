"""The dialect ``recorded``: answers on disk, in any wrapping that any source is known to use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

import msgspec

from catalog.dialects.base import read_details, read_found
from catalog.dialects.errors import clean
from catalog.dialects.slices import parse
from catalog.dialects.walk import Refusal, Walk
from catalog.errors import NormalizeError, UsageError
from catalog.records import Answer, Mention, Reading, Verdict
from catalog.settings import SourceSettings


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All that a JSON value of a file says about GPTs.

    Attributes:
        readings: the documents.
        mentions: ids that lists and search answers name without a document.
        refusals: what is neither, with the reason; projects are marked.
    """

    readings: tuple[Reading, ...] = ()
    mentions: tuple[Mention, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class Recorded:
    """Answers on disk: nothing can be asked.

    Args:
        source: the source they are filed under.
    """

    batch_size: ClassVar[int] = 1

    def __init__(self, source: SourceSettings) -> None:
        self._source = source

    def details(self, ids: Sequence[str]) -> NoReturn:
        """Refuse: recorded answers come from files.

        Raises:
            UsageError: always.
        """
        raise UsageError(self._no_asking(f"{len(ids)} ids"))

    def search(self, query: str) -> NoReturn:
        """Refuse: recorded answers come from files.

        Raises:
            UsageError: always.
        """
        raise UsageError(self._no_asking(repr(query)))

    def read(self, answer: Answer, asked: Sequence[str]) -> list[Reading]:
        """What a recorded HTTP answer says."""
        return read_details(answer, asked)

    def read_search(self, answer: Answer) -> tuple[list[Mention], list[Reading]]:
        """What a recorded HTTP answer to a search says."""
        return read_found(answer)

    def _no_asking(self, what: str) -> str:
        return (
            f"sources.{self._source.name} holds recorded answers and cannot be asked for {what}; "
            f"use: gpts-catalog import PATH --source {self._source.name}"
        )


def read_value(raw: bytes) -> Found:
    """What a JSON value of a file, or a line of one, says.

    Args:
        raw: its bytes; a byte order mark and blanks around it are tolerated.

    Returns:
        Its documents, mentions and refusals; never all three empty.
    """
    try:
        node = parse(raw)
    except NormalizeError as error:
        return Found(refusals=(Refusal(reason=clean(str(error)), payload=raw),))
    walk = Walk()
    walk.visit(node)
    return Found(
        readings=tuple(
            Reading(
                verdict=Verdict.DOCUMENT,
                gizmo_id=holder.gizmo_id,
                payload=holder.payload,
                wrapping=holder.wrapping,
                said_at=holder.said_at,
            )
            for holder in walk.documents
        ),
        mentions=tuple(walk.mentions),
        refusals=tuple(walk.refusals),
    )
