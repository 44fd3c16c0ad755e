from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.dialects.probing import as_reading, parameters, probe_request, read_probe
from catalog.errors import UsageError
from catalog.records import Answer, Reading, Verdict
from catalog.settings import ProbeSettings, SourceSettings

ID = "g-2fkFE8rbu"
SOURCE = SourceSettings(
    name="s", dialect="gpts-v2", base_url="https://gateway.example", chat_path="/chat/completions"
)


def answer(body: bytes | Any, status: int = 200) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={}, body=raw, received_at=0)


def completion(*texts: str, **more: Any) -> dict[str, Any]:
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for index, text in enumerate(texts)
    ]
    return {"object": "chat.completion", "choices": choices, **more}


def stream(*events: Any) -> bytes:
    lines = [b"data: " + json.dumps(event).encode() for event in events]
    return b"\n\n".join([b": a comment", *lines, b"data: [DONE]", b""])


def piece(text: str | None, *, reason: str | None = None) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def test_whole_answer_is_read_with_its_tokens() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    reply = read_probe(answer(completion("Hello", usage=usage)))
    assert (reply.verdict, reply.text, reply.tokens) == ("answered", "Hello", 15)
    assert reply.finish_reason == "stop"


def test_stream_is_put_together_in_its_order() -> None:
    body = stream(
        piece(""),
        piece("你"),
        piece("好"),
        piece(None, reason="length"),
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
    )
    reply = read_probe(answer(body))
    assert (reply.verdict, reply.text, reply.finish_reason) == ("answered", "你好", "length")
    assert reply.tokens == 7


def test_stream_that_was_cut_says_what_came() -> None:
    body = stream(piece("Hel"), piece("lo"))
    assert read_probe(answer(body[: body.index(b"lo") - 12])).text == "Hel"


def test_several_choices_are_kept_as_a_list() -> None:
    assert json.loads(read_probe(answer(completion("one", "two"))).text) == ["one", "two"]


def test_pieces_of_several_choices_are_put_together_by_their_index() -> None:
    events = [
        {"choices": [{"index": index, "delta": {"content": text}}]}
        for index, text in ((1, "tw"), (0, "on"), (1, "o"), (0, "e"))
    ]
    assert json.loads(read_probe(answer(stream(*events))).text) == ["one", "two"]


def test_stream_may_name_its_events() -> None:
    event = json.dumps(piece("Hello")).encode()
    reply = read_probe(answer(b"event: message\ndata: " + event + b"\n\n"))
    assert (reply.verdict, reply.text) == ("answered", "Hello")


def test_words_stand_in_parts_and_refusals_too() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "image_url", "image_url": {}}, "lo"]
    whole = {"choices": [{"message": {"content": parts}}]}
    assert read_probe(answer(whole)).text == "Hello"
    refused = {"choices": [{"message": {"content": None, "refusal": "I must not."}}]}
    assert read_probe(answer(refused)).text == "I must not."
    called = {"choices": [{"message": {"content": [], "tool_calls": [{"id": "call-1"}]}}]}
    assert read_probe(answer(called)).verdict == "silent"


def test_answer_without_a_word_is_silent() -> None:
    assert read_probe(answer(completion(" "))).verdict == "silent"
    assert read_probe(answer(stream(piece(None, reason="stop")))).verdict == "silent"


def test_tokens_that_nobody_counted_are_not_known() -> None:
    assert read_probe(answer(completion("x"))).tokens is None
    none = {"prompt_tokens": 0, "completion_tokens": 0}
    assert read_probe(answer(completion("x", usage=none))).tokens == 0
    odd = {"prompt_tokens": "12", "completion_tokens": -3}
    assert read_probe(answer(completion("x", usage=odd))).tokens is None


@pytest.mark.parametrize(
    ("body", "status", "verdict"),
    [
        ({"error": {"message": "Invalid token", "type": "one_api_error"}}, 401, Verdict.DENIED),
        (b"", 429, Verdict.THROTTLED),
        ({"error": {"message": "no channel", "type": "one_api_error"}}, 503, Verdict.UNAVAILABLE),
        (b"<html>hello</html>", 200, Verdict.MALFORMED),
        (b"", 200, Verdict.MALFORMED),
        ({"error": {"message": "gizmo not found"}}, 404, Verdict.UNAVAILABLE),
        ({"choices": None}, 404, Verdict.UNAVAILABLE),
    ],
)
def test_what_is_no_answer_says_why_and_is_no_fact(body: Any, status: int, verdict: str) -> None:
    reply = read_probe(answer(body, status))
    assert reply.verdict == verdict
    reading = as_reading(answer(body, status), ID)
    assert not reading.verdict.is_fact
    assert reading.asked == ID


def test_answering_gpt_shows_the_source_to_be_well() -> None:
    reading = as_reading(answer(completion("Hello")), ID)
    assert reading == Reading(asked=ID, verdict=Verdict.DOCUMENT, gizmo_id=ID)
    assert as_reading(answer(completion("")), ID).verdict is Verdict.DOCUMENT


@given(st.binary(max_size=300), st.sampled_from([200, 404, 500]))
def test_any_bytes_are_read_without_a_crash(body: bytes, status: int) -> None:
    assert read_probe(answer(body, status)).verdict
    assert read_probe(answer(b"data: " + body, status)).verdict


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        *("choices", "message", "content", "delta"),
                        *("usage", "index", "refusal", "text"),
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_is_read_without_a_crash(value: Any) -> None:
    assert read_probe(answer(value)).verdict
    assert read_probe(answer({"choices": value})).verdict


def test_request_carries_the_question_and_what_is_set_alone() -> None:
    settings = ProbeSettings(question="你是谁?", temperature=0.0, stop=("END",), max_tokens=None)
    request = probe_request(SOURCE, ID, settings)
    assert (request.method, request.asked) == ("POST", (ID,))
    assert request.url == "https://gateway.example/chat/completions"
    body = json.loads(request.body or b"")
    assert body == {
        "model": f"gpt-4-gizmo-{ID}",
        "messages": [{"role": "user", "content": "你是谁?"}],
        "stream": False,
        "temperature": 0.0,
        "stop": ["END"],
    }
    assert set(parameters(settings)) == {"temperature", "stop"}


def test_stream_asks_for_its_usage() -> None:
    body = json.loads(probe_request(SOURCE, ID, ProbeSettings(stream=True)).body or b"")
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_what_is_no_id_is_not_asked() -> None:
    with pytest.raises(UsageError, match="is no GPT's id"):
        probe_request(SOURCE, "g-assistant, and more", ProbeSettings())
