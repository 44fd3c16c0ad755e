"""Probes: a question to a GPT over chat completions, and what its answer says.

The same for every dialect: ``POST {base}{chat_path}`` with a model name that holds the id (design,
section 9). The request's parameters are those of the Chat Completions API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from catalog.dialects.base import address
from catalog.dialects.errors import is_ok, judge
from catalog.errors import UsageError
from catalog.records import Reading, Request, Verdict
from catalog.references import is_gizmo_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.records import Answer
    from catalog.settings import ProbeSettings, SourceSettings

PARAMETERS = (
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
)
"""The parameters that are sent where they are set."""
ANSWERED = "answered"
"""The verdict of a probe that came back with words."""
SILENT = "silent"
"""The verdict of one that came back whole and without a word."""
_DATA = b"data:"
_DONE = b"[DONE]"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe brought.

    Attributes:
        verdict: ``answered``, ``silent``, or what the answer was taken for instead.
        text: what the GPT said; of several choices all of them, as a JSON list.
        prompt_tokens: as the source counts them, if it does.
        completion_tokens: likewise.
        finish_reason: why the answer ended, as the source says.
        detail: what the source said, where the GPT did not answer.
    """

    verdict: str
    text: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str | None = None
    detail: str = ""

    @property
    def tokens(self) -> int | None:
        """All tokens that were counted; None where the source counts none."""
        if self.prompt_tokens is None and self.completion_tokens is None:
            return None
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)


def model_name(source: SourceSettings, gizmo_id: str) -> str:
    """The model that stands for a GPT at a source."""
    return f"{source.model_prefix}{gizmo_id}"


def parameters(settings: ProbeSettings) -> dict[str, Any]:
    """The parameters of a request that are set."""
    found = {name: getattr(settings, name) for name in PARAMETERS}
    return {name: value for name, value in found.items() if value is not None}


def probe_request(source: SourceSettings, gizmo_id: str, settings: ProbeSettings) -> Request:
    """The question to a GPT.

    Raises:
        UsageError: ``gizmo_id`` is none.
        SettingsError: the source has no base_url.
    """
    if not is_gizmo_id(gizmo_id):
        raise UsageError(f"{gizmo_id!r} is no GPT's id")
    body: dict[str, Any] = {
        "model": model_name(source, gizmo_id),
        "messages": [{"role": "user", "content": settings.question}],
        "stream": settings.stream,
        **parameters(settings),
    }
    if settings.stream:
        # Else a stream says nothing of tokens.
        body["stream_options"] = {"include_usage": True}
    return Request(
        method="POST",
        url=address(source, source.chat_path),
        body=msgspec.json.encode(body),
        asked=(gizmo_id,),
    )


def read_probe(answer: Answer) -> Reply:
    """What an answer says, whether it came whole or as a stream of events."""
    if is_ok(answer.status):
        events = list(_events(answer.body))
        if any("choices" in event for event in events):
            return _reply(events)
    value = _decode(answer.body)
    verdict, detail = judge(answer, value, None)
    return Reply(verdict=verdict, detail=detail)


def as_reading(answer: Answer, gizmo_id: str) -> Reading:
    """An answer to a probe as the client's retries and breaker see it.

    A GPT that answers is as good as a document: it shows that the source is well.
    """
    reply = read_probe(answer)
    if reply.verdict in {ANSWERED, SILENT}:
        return Reading(asked=gizmo_id, verdict=Verdict.DOCUMENT, gizmo_id=gizmo_id)
    return Reading(
        asked=gizmo_id,
        verdict=Verdict(reply.verdict),
        payload=answer.body,
        detail=reply.detail,
        status=answer.status,
    )


def _events(body: bytes) -> Iterator[dict[str, Any]]:
    """The completion, or the events of a stream; what is none of them is passed over."""
    if not body.lstrip().startswith((_DATA, b":", b"event:")):
        value = _decode(body)
        if isinstance(value, dict):
            yield value
        return
    for line in body.splitlines():
        if line.startswith(_DATA) and line[len(_DATA) :].strip() != _DONE:
            value = _decode(line[len(_DATA) :])
            if isinstance(value, dict):
                yield value


def _decode(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def _reply(events: list[dict[str, Any]]) -> Reply:
    texts: dict[int, str] = {}
    reason: str | None = None
    usage: dict[str, Any] = {}
    for event in events:
        for place, choice in enumerate(_list(event.get("choices"))):
            index = choice.get("index")
            number = index if type(index) is int else place
            texts[number] = texts.get(number, "") + _said(choice)
            if isinstance(choice.get("finish_reason"), str):
                reason = choice["finish_reason"]
        if isinstance(event.get("usage"), dict):
            usage = event["usage"]
    said = [texts[number] for number in sorted(texts)]
    text = said[0] if len(said) == 1 else msgspec.json.encode(said).decode() if said else ""
    return Reply(
        verdict=ANSWERED if any(each.strip() for each in said) else SILENT,
        text=text,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        finish_reason=reason,
    )


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _said(choice: dict[str, Any]) -> str:
    """The words of a choice, whole or a piece of it; of one that refuses, why."""
    part = choice.get("delta") or choice.get("message")
    if not isinstance(part, dict):
        return _words(choice.get("text"))
    return _words(part.get("content")) or _words(part.get("refusal"))


def _words(content: Any) -> str:
    """The words of a content: a text, or a list of parts of which some are texts or refusals."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    said = (
        each if isinstance(each, str) else each.get("text") or each.get("refusal")
        for each in parts
        if isinstance(each, str | dict)
    )
    return "".join(each for each in said if isinstance(each, str))


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None
