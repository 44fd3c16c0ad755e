from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.dialects import MISSING_FROM_BATCH, get_dialect
from catalog.dialects.fences import content_of, pieces
from catalog.dialects.recorded import read_value
from catalog.dialects.slices import CUT
from catalog.records import Reading, Verdict
from catalog.times import from_iso
from tests.unit.dialects.builders import (
    ONE,
    THREE,
    TWO,
    answer,
    completion,
    document,
    envelope,
    fence,
    source,
    spaced,
)

CHAT = get_dialect(source("chat-query", batch_size=20))


def read(content: Any, *asked: str) -> list[Reading]:
    return CHAT.read(answer(completion(content, "gpt-4o")), asked)


def ended(readings: list[Reading]) -> list[tuple[str, Verdict, str]]:
    return [(reading.asked, reading.verdict, reading.gizmo_id) for reading in readings]


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "\n {} \n",
        "```json\n{}\n```",
        "```JSON\r\n{}\r\n```",
        "``` json\n{}\n```\n",
        "```\n{}\n```",
        "```json {}```",
        "```json\n{}",
        "Here you are:\n\n```json\n{}\n```\nEnjoy!",
        "```text\nno json\n```\n```json\n{}\n```",
    ],
)
def test_chat_payload_is_the_decoded_fence_text(frame: str) -> None:
    written = json.dumps(document(), indent=1, ensure_ascii=False)
    (reading,) = read(frame.replace("{}", written), ONE)
    assert (reading.verdict, reading.wrapping) == (Verdict.DOCUMENT, "gizmo")
    assert reading.payload == written.encode()


@pytest.mark.parametrize("model", [{}, [], [["get-gpts"]], None, 1])
def test_chat_answer_whose_model_is_no_text_is_refused(model: Any) -> None:
    """Found by fuzzing: an object or a list there cannot be looked up, and ended the import."""
    said = {**completion(fence(document())), "model": model}
    found = read_value(json.dumps(said).encode())
    assert [refusal.reason for refusal in found.refusals] == [
        "a chat answer in a GPT's own words, no metadata"
    ]


def test_text_of_a_chat_answer_without_one_is_empty() -> None:
    assert content_of({"choices": []}) == ""
    assert content_of({"choices": [{"message": {"content": 5}}]}) == ""


def test_what_stands_behind_a_fence_is_not_looked_into() -> None:
    (only,) = pieces(fence({"a": 1}) + '\n{"b": 2}')
    assert json.loads(only.raw) == {"a": 1}


def test_chat_line_that_names_its_time_says_when_its_document_was_said() -> None:
    line = {"observed_at": "2024-02-13T09:19:19Z", "gpt": completion(fence(document()))}
    (reading,) = read_value(json.dumps(line).encode()).readings
    assert reading.said_at == from_iso("2024-02-13T09:19:19Z")


def test_chat_object_that_is_cut_gives_nothing_of_what_it_holds() -> None:
    cut = json.dumps({"gizmos": [document(ONE), document(TWO)]})[:-5]
    found = read_value(json.dumps(completion(f"```json\n{cut}")).encode())
    assert found.readings == ()
    assert [refusal.reason for refusal in found.refusals] == [CUT]


def test_chat_fence_that_is_no_json_is_kept_by_itself() -> None:
    found = read_value(json.dumps(completion("```json\n{'a': 1}\n```")).encode())
    (refusal,) = found.refusals
    assert refusal.payload == b"{'a': 1}"
    assert refusal.reason.startswith("not JSON")


def test_chat_lone_surrogate_of_the_text_becomes_an_escape() -> None:
    written = json.dumps(document(), ensure_ascii=False).replace("Made up", "\ud83d")
    body = json.dumps(completion(f"```json\n{written}\n```")).encode()
    (reading,) = CHAT.read(answer(body), [ONE])
    assert reading.verdict is Verdict.DOCUMENT
    assert json.loads(reading.payload)["gizmo"]["display"]["name"] == "\ud83d"


@pytest.mark.parametrize(
    "content",
    [
        fence([document(ONE), document(TWO)]),
        fence({ONE: document(ONE), TWO: document(TWO)}),
        fence(envelope([document(ONE), document(TWO)])),
        fence({"gizmos": [document(TWO), document(ONE)]}),
        fence(document(TWO)) + "\n" + fence(document(ONE)),
        f"## A\n{fence(document(ONE))}\n## B\n{fence(envelope(document(TWO)))}\n",
        f"```json\n{json.dumps(document(ONE))}\n{json.dumps(document(TWO))}\n```",
        f"```json\n{json.dumps(document(ONE))},\n{json.dumps(document(TWO))}```",
        f"```json\n{json.dumps(document(ONE))}```\n```json\n{json.dumps(document(TWO))}```",
        json.dumps([document(ONE), document(TWO)]),
    ],
)
def test_chat_batch_is_read_in_any_form(content: str) -> None:
    readings = read(content, ONE, TWO)
    assert ended(readings) == [(ONE, Verdict.DOCUMENT, ONE), (TWO, Verdict.DOCUMENT, TWO)]
    assert [json.loads(reading.payload) for reading in readings] == [document(ONE), document(TWO)]


def test_chat_batch_asks_singly_for_what_is_missing() -> None:
    readings = read(fence([document(TWO), document(THREE)]), ONE, TWO)
    assert ended(readings) == [
        (ONE, Verdict.MALFORMED, ""),
        (TWO, Verdict.DOCUMENT, TWO),
        ("", Verdict.DOCUMENT, THREE),
    ]
    assert readings[0].detail == MISSING_FROM_BATCH


def test_chat_batch_keeps_a_second_document_of_one_gpt() -> None:
    other = document(ONE, tags=["public"])
    readings = read(fence([document(ONE), other, document(ONE), document(TWO)]), ONE, TWO)
    assert ended(readings) == [
        (ONE, Verdict.DOCUMENT, ONE),
        (TWO, Verdict.DOCUMENT, TWO),
        ("", Verdict.DOCUMENT, ONE),
    ]
    assert json.loads(readings[2].payload) == other


@pytest.mark.parametrize(
    "content", ["Sorry.", "", None, [], fence([]), fence({}), fence("x"), "```json\n{", "```json"]
)
def test_chat_batch_without_documents_makes_each_id_asked_singly(content: Any) -> None:
    readings = read(content, ONE, TWO)
    assert [(r.asked, r.verdict, r.detail) for r in readings] == [
        (ONE, Verdict.MALFORMED, MISSING_FROM_BATCH),
        (TWO, Verdict.MALFORMED, MISSING_FROM_BATCH),
    ]


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("Sorry, I know of no such GPT.", "a chat answer without JSON: Sorry"),
        (fence(document())[:-20], CUT),
        ("```json\n{'gizmo': 1}\n```", "not JSON"),
        (fence({"gizmo": None}), "no object"),
    ],
)
def test_chat_answer_without_a_document_says_why(content: str, detail: str) -> None:
    (reading,) = read(content, ONE)
    assert reading.verdict is Verdict.MALFORMED
    assert detail in reading.detail


@pytest.mark.parametrize("asked", [(ONE,), (ONE, TWO)])
@pytest.mark.parametrize(
    "content",
    [
        fence(document(ONE)) + "\n" + fence(document(TWO)),
        fence([document(ONE), document(TWO)]),
        fence({ONE: document(ONE), TWO: document(TWO)}),
    ],
)
def test_chat_answer_cut_anywhere_gives_whole_documents_only(
    content: str, asked: tuple[str, ...]
) -> None:
    whole = {ONE: document(ONE), TWO: document(TWO)}
    given_whole = 0
    for cut in range(len(content) + 1):
        readings = read(content[:cut], *asked)
        assert [reading.asked for reading in readings if reading.asked] == list(asked)
        for reading in readings:
            if reading.verdict.is_fact:
                assert json.loads(reading.payload) == whole[reading.gizmo_id]
                given_whole += 1
    assert given_whole


def test_chat_answer_that_is_cut_keeps_the_elements_before_the_cut() -> None:
    content = fence([document(ONE), document(TWO)])[:-30]
    assert ended(read(content, ONE, TWO)) == [
        (ONE, Verdict.DOCUMENT, ONE),
        (TWO, Verdict.MALFORMED, ""),
    ]


@pytest.mark.parametrize("escaped", [True, False])
def test_chat_fence_inside_a_text_of_a_gpt_is_never_opened(*, escaped: bool) -> None:
    own_words = f"x\n{fence(document(TWO))}\ny"
    written = json.dumps(document(ONE, instructions=own_words), indent=1)
    if not escaped:
        # A gateway that forgets to escape line ends: the inner fence stands on lines of its own.
        written = written.replace("\\n", "\n")
    for cut in range(len(written)):
        for reading in read(f"```json\n{written[:cut]}", ONE):
            assert not reading.verdict.is_fact
    (reading,) = read(f"```json\n{written}\n```", ONE)
    assert reading.gizmo_id == ONE


def test_chat_body_that_is_cut_is_malformed_for_every_id() -> None:
    body = spaced(completion(fence([document(ONE), document(TWO)])))[:-9]
    readings = CHAT.read(answer(body), [ONE, TWO])
    assert [reading.verdict for reading in readings] == [Verdict.MALFORMED] * 2
    assert all(reading.detail.startswith(CUT) for reading in readings)


def test_chat_answer_is_not_looked_at_behind_what_is_no_json() -> None:
    (reading,) = read("```json\n{'id': 1}\n```\n" + fence(document(ONE)), ONE)
    assert reading.verdict is Verdict.MALFORMED


def search(content: str) -> list[tuple[int, str, str]]:
    mentions, readings = CHAT.read_search(answer(completion(content, "search-gpts")))
    assert readings == []
    return [(mention.rank, mention.gizmo_id, mention.title) for mention in mentions]


def test_chat_search_reads_ids_out_of_prose() -> None:
    content = (
        f"1. [Made [up]]: [First one](https://chat.openai.com/g/{ONE}-writing-g-assistant)\n"
        f"2. {TWO}: second（{TWO}）, model gpt-4-gizmo-{THREE}\n"
        f"again https://chatgpt.com/g/{ONE}; /g/g-abcdefghi-x\n"
        "not: g-generator, my-g-AAAAAAAA9, g-p-690dd49d59a881919a2b3c4d5e6f7081,\n"
        f"https://example.com/{'g-' + '0123456789' * 4}\n"
    )
    assert search(content) == [
        (1, ONE, "First one"),
        (2, TWO, ""),
        (3, THREE, ""),
        (4, "g-abcdefghi", ""),
    ]


def test_chat_search_mention_keeps_the_line_it_stands_in() -> None:
    body = completion(f"a\nsee {ONE} \U0001f600\nb", "search-gpts")
    mentions, _ = CHAT.read_search(answer(body))
    assert mentions[0].payload.decode() == f"see {ONE} \U0001f600"


def test_chat_search_reads_items_in_a_fence() -> None:
    items = [{"id": TWO, "title": "Two"}, {"id": ONE, "title": "One"}]
    assert search(fence(items)) == [(1, TWO, "Two"), (2, ONE, "One")]
    assert search(fence([])) == []


def test_chat_search_that_fails_says_so() -> None:
    for given_answer in (answer(b"", 429), answer(b"<html>"), answer(completion(""))):
        mentions, (reading,) = CHAT.read_search(given_answer)
        assert mentions == []
        assert reading.verdict in {Verdict.THROTTLED, Verdict.MALFORMED}


BODIES = [
    spaced(envelope(document())),
    spaced(completion(fence([document(ONE), document(TWO)]))),
    spaced(envelope([{"id": ONE, "title": "x", "link": "https://chatgpt.com/g/x"}])),
    b'{"error":{"message":"\xe6\x97\xa0","type":"one_api_error","code":""}}',
    b'{"choices":[{"message":{"content":"```json\\n{}"}}],"model":"get-gpts"}',
]


@settings(max_examples=300)
@given(
    body=st.sampled_from(BODIES),
    edits=st.lists(
        st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=6)), max_size=4
    ),
    status=st.sampled_from([200, 201, 301, 400, 401, 403, 404, 429, 500, 503, 599]),
    dialect=st.sampled_from(["gpts-v1", "gpts-v2", "mj-flat", "chat-query", "recorded"]),
)
def test_mutated_answer_never_raises(
    body: bytes, edits: list[tuple[int, int, bytes]], status: int, dialect: str
) -> None:
    for start, length, new in edits:
        at = start % (len(body) + 1)
        body = body[:at] + new + body[at + length :]
    reading_dialect = get_dialect(source(dialect))
    for asked in ([ONE], [ONE, TWO]):
        readings = reading_dialect.read(answer(body, status), asked)
        assert [reading.asked for reading in readings if reading.asked] == asked
        for reading in readings:
            assert len(reading.detail) <= 300
            assert (reading.verdict.is_fact) == bool(reading.gizmo_id)
    reading_dialect.read_search(answer(body, status))


@given(st.binary(max_size=200))
def test_any_bytes_never_raise(body: bytes) -> None:
    for dialect in ("gpts-v2", "chat-query"):
        readings = get_dialect(source(dialect)).read(answer(body), [ONE])
        assert [reading.asked for reading in readings] == [ONE]
