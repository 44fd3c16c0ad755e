"""The dialect ``chat-query``: metadata over chat completions (``sources.md`` G7 to G9)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from catalog.dialects.base import address, read_details, read_found
from catalog.dialects.errors import is_ok
from catalog.dialects.fences import content_of, is_completion, pieces
from catalog.dialects.slices import parse
from catalog.errors import NormalizeError, UsageError
from catalog.records import Answer, Mention, Reading, Request
from catalog.references import is_gizmo_id
from catalog.settings import SourceSettings

SINGLE_MODEL = "get-gpts"
BATCH_MODEL = "batch-get-gpts"
SEARCH_MODEL = "search-gpts"

# In prose an id may stand alone or in a model name; after "/g/" it may also be all lower case,
# which elsewhere is more likely a word ("g-assistant").
_IN_PROSE = re.compile(
    r"(?:(?P<after>/g/)|(?<![A-Za-z0-9/-])|(?<=-gizmo-))"
    r"(?P<id>g-(?:[0-9a-f]{32}|[A-Za-z0-9]{9}))(?![A-Za-z0-9])",
)
_WORD = re.compile(r"g-[a-z]+")
_LINK_TEXT = re.compile(r"\[(?P<title>[^\]\n]{1,200})\]\([^()\s]*$")


class ChatQuery:
    """One POST a GPT, or a batch of them, to a model that answers with metadata.

    Args:
        source: where it asks.
    """

    def __init__(self, source: SourceSettings) -> None:
        self._source = source

    @property
    def batch_size(self) -> int:
        """How many ids one question may hold."""
        return self._source.batch_size

    def details(self, ids: Sequence[str]) -> Request:
        """The question for the documents of ``ids``: singly or as a batch.

        Raises:
            UsageError: there is no id, or one that is none.
        """
        wrong = [each for each in ids if not is_gizmo_id(each)]
        if wrong or not ids:
            # The ids become one text, joined by commas: anything else would ask something else.
            raise UsageError(f"cannot be asked for as ids: {wrong or 'nothing'}")
        model = SINGLE_MODEL if len(ids) == 1 else BATCH_MODEL
        return self._ask(model, ",".join(ids), tuple(ids))

    def search(self, query: str) -> Request:
        """The question for the GPTs that match ``query``."""
        return self._ask(SEARCH_MODEL, query, ())

    def read(self, answer: Answer, asked: Sequence[str]) -> list[Reading]:
        """What an answer to :meth:`details` says."""
        return read_details(answer, asked, chat=True)

    def read_search(self, answer: Answer) -> tuple[list[Mention], list[Reading]]:
        """What an answer to :meth:`search` says, in JSON or in prose."""
        content = _content(answer)
        if content and not pieces(content):
            return _mentions_in(content), []
        return read_found(answer, chat=True)

    def _ask(self, model: str, content: str, asked: tuple[str, ...]) -> Request:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": content}],
            "stream": False,
        }
        return Request(
            method="POST",
            url=address(self._source, self._source.chat_path),
            body=msgspec.json.encode(body),
            asked=asked,
        )


def _content(answer: Answer) -> str:
    """The text of a chat answer, or an empty one where it is something else."""
    if not is_ok(answer.status):
        return ""
    try:
        value = parse(answer.body).value
    except NormalizeError:
        return ""
    return content_of(value) if is_completion(value) else ""


def _mentions_in(content: str) -> list[Mention]:
    """The ids in a prose answer, each once, in their order; the text of a link is the title."""
    mentions: dict[str, Mention] = {}
    for line in content.splitlines():
        for found in _IN_PROSE.finditer(line):
            gizmo_id = found["id"]
            if gizmo_id in mentions or (not found["after"] and _WORD.fullmatch(gizmo_id)):
                continue
            label = _LINK_TEXT.search(line[: found.start()])
            mentions[gizmo_id] = Mention(
                gizmo_id=gizmo_id,
                title=label["title"] if label else "",
                rank=len(mentions) + 1,
                payload=line.encode("utf-8", "backslashreplace"),
            )
    return list(mentions.values())
