"""What every dialect can do, and the part of reading that is the same for all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from catalog.dialects.errors import ABSENT, is_ok, is_success, judge
from catalog.dialects.fences import content_of, is_completion, pieces
from catalog.dialects.slices import Node, parse
from catalog.dialects.walk import Holder, Walk
from catalog.errors import NormalizeError, SettingsError
from catalog.records import Answer, Mention, Reading, Request, Verdict
from catalog.settings import SourceSettings

MISSING_FROM_BATCH = "missing from the batch answer: to be asked singly"
"""The detail of an id that a batch answer does not hold: no fact about it (rule 7)."""


class Dialect(Protocol):
    """How a source is asked and how its answers are wrapped. Sends nothing itself."""

    @property
    def batch_size(self) -> int:
        """How many ids one question may hold."""
        ...

    def details(self, ids: Sequence[str]) -> Request:
        """The question for the documents of ``ids``.

        Raises:
            UsageError: the dialect cannot ask this.
        """
        ...

    def search(self, query: str) -> Request:
        """The question for the GPTs that match ``query``.

        Raises:
            UsageError: the dialect cannot search.
        """
        ...

    def read(self, answer: Answer, asked: Sequence[str]) -> list[Reading]:
        """What an answer says: one reading an asked id, in that order, then all else in it."""
        ...

    def read_search(self, answer: Answer) -> tuple[list[Mention], list[Reading]]:
        """The ids that an answer to a search names; documents in it, and failures, as readings."""
        ...


def address(source: SourceSettings, path: str, query: dict[str, str] | None = None) -> str:
    """The address of ``path`` at ``source``.

    Raises:
        SettingsError: the source has no base_url.
    """
    if not source.base_url:
        raise SettingsError(
            f"sources.{source.name} has no base_url: dialect {source.dialect} asks over HTTP"
        )
    encoded = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return f"{source.base_url.rstrip('/')}/{path.lstrip('/')}{encoded}"


def read_details(
    answer: Answer,
    asked: Sequence[str],
    *,
    absent: re.Pattern[str] = ABSENT,
    chat: bool = False,
) -> list[Reading]:
    """What an answer to a question for details says.

    Args:
        answer: what came back.
        asked: the ids it was asked for.
        absent: the dialect's words for "there is no such GPT".
        chat: whether the content of a chat completion is the answer.

    Returns:
        Exactly one reading an asked id, in that order; then one for every further document, and
        for what else stands beside the documents and is none, so that its bytes are kept (law 1).
    """
    node, walk, reason = _walk(answer, chat=chat)
    if not walk.documents:
        verdict, detail = judge(answer, _answer_value(node), absent)
        understood = is_ok(answer.status) and node is not None and verdict is Verdict.MALFORMED
        if len(asked) > 1 and (understood or verdict is Verdict.NOT_FOUND):
            verdict, detail = Verdict.MALFORMED, MISSING_FROM_BATCH
        elif verdict is Verdict.MALFORMED and reason:
            detail = reason
        return [_failure(answer, each, verdict, detail) for each in asked]
    readings = []
    for each in asked:
        own = next((holder for holder in walk.documents if holder.gizmo_id == each), None)
        if own is None and len(asked) == 1:
            own = walk.documents[0]
        if own is None:
            readings.append(_failure(answer, each, Verdict.MALFORMED, MISSING_FROM_BATCH))
        else:
            readings.append(_document(answer, own, asked=each))
    further = [_document(answer, holder) for holder in walk.documents]
    further += [
        Reading(
            verdict=Verdict.MALFORMED,
            payload=mention.payload,
            detail=f"{mention.gizmo_id} is named without its document",
            status=answer.status,
        )
        for mention in walk.mentions
    ]
    said = {reading.payload for reading in readings}
    for reading in further + _refused(answer, walk):
        if reading.payload not in said:
            said.add(reading.payload)
            readings.append(reading)
    return readings


def read_found(answer: Answer, *, chat: bool = False) -> tuple[list[Mention], list[Reading]]:
    """What an answer to a search says."""
    node, walk, reason = _walk(answer, chat=chat)
    readings = [_document(answer, holder) for holder in walk.documents]
    if not (walk.documents or walk.mentions):
        if is_ok(answer.status) and _is_empty_list(node):
            return [], []
        verdict, detail = judge(answer, _answer_value(node), None)
        if verdict is Verdict.MALFORMED:
            detail = reason or detail
        return [], [_failure(answer, "", verdict, detail)]
    return walk.mentions, readings + _refused(answer, walk)


def _refused(answer: Answer, walk: Walk) -> list[Reading]:
    """What stands beside documents and mentions and is neither."""
    return [
        Reading(
            verdict=Verdict.MALFORMED,
            # Neighbours refused alike are one refusal: the whole answer holds them all.
            payload=refusal.payload if refusal.count == 1 else answer.body,
            detail=refusal.reason,
            status=answer.status,
        )
        for refusal in walk.refusals
    ]


def _walk(answer: Answer, *, chat: bool) -> tuple[Node | None, Walk, str]:
    """The answer's value, what is in it, and why there is no more."""
    walk = Walk(ask_chat=chat)
    try:
        node = parse(answer.body)
    except NormalizeError as error:
        return None, walk, str(error) if answer.body.strip() and is_ok(answer.status) else ""
    if is_ok(answer.status):
        walk.visit(node)
    if walk.mentions and not walk.documents:
        return node, walk, "a list of GPTs without their documents"
    return node, walk, walk.refusals[0].reason if walk.refusals else ""


def _answer_value(node: Node | None) -> Any:
    """The value to judge an answer by: in a chat answer, that of its only fence."""
    if node is None:
        return None
    if not is_completion(node.value):
        return node.value
    found = pieces(content_of(node.value))
    if len(found) != 1 or not found[0].whole:
        return node.value
    try:
        return parse(found[0].raw).value
    except NormalizeError:
        return node.value


def _is_empty_list(node: Node | None) -> bool:
    """Whether an answer is a list with nothing in it: a search that found nothing."""
    value = _answer_value(node)
    if is_success(value):
        value = value.get("data")
        return not value
    return isinstance(value, list) and not value


def _document(answer: Answer, holder: Holder, asked: str = "") -> Reading:
    """The reading of a document, filed under the id it carries (law 5)."""
    other = bool(asked) and asked != holder.gizmo_id
    return Reading(
        asked=asked,
        verdict=Verdict.MISMATCHED if other else Verdict.DOCUMENT,
        gizmo_id=holder.gizmo_id,
        payload=holder.payload,
        wrapping=holder.wrapping,
        said_at=holder.said_at,
        detail=f"asked for {asked}, answered {holder.gizmo_id}" if other else "",
        status=answer.status,
    )


def _failure(answer: Answer, asked: str, verdict: Verdict, detail: str) -> Reading:
    """The reading of an answer without a document."""
    return Reading(
        asked=asked,
        verdict=verdict,
        gizmo_id=asked if verdict is Verdict.NOT_FOUND else "",
        payload=answer.body,
        detail=detail,
        status=answer.status,
    )
