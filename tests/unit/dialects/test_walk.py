from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from catalog.dialects.errors import is_failure, is_html, messages
from catalog.dialects.recorded import read_value
from catalog.dialects.walk import what_it_is
from tests.unit.dialects.builders import ONE, answer, completion, document, envelope, fence

if TYPE_CHECKING:
    from collections.abc import Callable

DEEPEST = 8
"""How many values may stand around a document."""


def in_line(value: Any) -> Any:
    return {"gpt": value}


def in_envelope(value: Any) -> Any:
    return envelope(value)


def in_list(value: Any) -> Any:
    return [value]


def in_member(value: Any) -> Any:
    return {"items": value}


def nested(value: Any, wrap: Callable[[Any], Any], times: int) -> Any:
    for _ in range(times):
        value = wrap(value)
    return value


def found(value: Any) -> tuple[list[str], list[str]]:
    """The ids of the documents in a file's value, and why the rest is none."""
    said = read_value(json.dumps(value).encode())
    return (
        [reading.gizmo_id for reading in said.readings],
        [refusal.reason for refusal in said.refusals],
    )


@pytest.mark.parametrize("wrap", [in_line, in_envelope, in_list, in_member])
def test_document_is_found_under_so_many_values_and_no_more(wrap: Callable[[Any], Any]) -> None:
    # The last line around a document is its own payload: one wrap more is its own depth.
    assert found(nested(document(), wrap, DEEPEST)) == ([ONE], [])
    assert found(nested(document(), wrap, DEEPEST + 1)) == ([], ["nested too deep"])


def test_document_in_a_chat_answer_is_one_value_deeper_than_the_answer() -> None:
    whole = completion(fence(document()))
    cut = completion("```json\n[" + json.dumps(document()) + ", {")

    assert found(nested(whole, in_list, DEEPEST - 1)) == ([ONE], [])
    assert found(nested(whole, in_list, DEEPEST)) == ([], ["nested too deep"])
    assert found(nested(cut, in_list, DEEPEST - 1))[0] == [ONE]
    assert found(nested(cut, in_list, DEEPEST))[0] == []


def test_error_body_without_a_message_is_called_so() -> None:
    assert what_it_is({"code": 500}) == "an error body: without a message"
    assert what_it_is({"code": 500, "message": "no"}) == "an error body: no"


def test_error_body_may_say_so_in_a_list_or_by_its_success() -> None:
    assert messages({"detail": [{"msg": "field required"}]}) == ["field required"]
    assert is_failure({"success": False})
    assert not is_failure({"success": True, "gizmo": {}})


def test_web_page_is_known_by_its_type_whatever_its_case() -> None:
    assert is_html(answer(b"oops", content_type="Text/HTML; charset=utf-8"))
    assert is_html(answer(b"\xef\xbb\xbf \n<p>oops"))
    assert not is_html(answer(b"oops", content_type="text/plain"))
