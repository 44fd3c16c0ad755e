from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.dialects import get_dialect
from catalog.records import Mention, Verdict
from tests.unit.dialects.builders import (
    ONE,
    PROJECT,
    THREE,
    TWO,
    answer,
    cut_out,
    document,
    envelope,
    item,
    source,
)


@pytest.mark.parametrize("dialect", ["gpts-v1", "gpts-v2", "chat-query"])
def test_search_items_are_mentions_with_rank_and_bytes(dialect: str) -> None:
    body = envelope([item(TWO), item(ONE)])
    mentions, readings = get_dialect(source(dialect)).read_search(answer(body))
    assert readings == []
    assert mentions == [
        Mention(gizmo_id=TWO, title="Made up - x", rank=1, payload=cut_out(body, item(TWO))),
        Mention(gizmo_id=ONE, title="Made up - x", rank=2, payload=cut_out(body, item(ONE))),
    ]


def test_search_item_without_link_and_favicon_is_a_mention() -> None:
    body = envelope([{"id": ONE, "title": "x", "description": ""}])
    mentions, readings = get_dialect(source("gpts-v1")).read_search(answer(body))
    assert ([mention.gizmo_id for mention in mentions], readings) == ([ONE], [])


def test_search_item_is_named_by_its_link_where_its_id_is_none() -> None:
    body = envelope([item(ONE) | {"id": "17"}])
    mentions, _ = get_dialect(source()).read_search(answer(body))
    assert [mention.gizmo_id for mention in mentions] == [ONE]


def test_search_item_that_names_no_gpt_is_reported() -> None:
    body = envelope([item(ONE), {"id": PROJECT, "title": "x"}])
    mentions, (reading,) = get_dialect(source()).read_search(answer(body))
    assert [mention.gizmo_id for mention in mentions] == [ONE]
    assert (reading.asked, reading.verdict) == ("", Verdict.MALFORMED)
    assert "project" in reading.detail
    assert json.loads(reading.payload)["id"] == PROJECT


@pytest.mark.parametrize("body", [envelope([]), envelope(None), envelope({}), []])
def test_search_that_finds_nothing_is_no_failure(body: Any) -> None:
    assert get_dialect(source()).read_search(answer(body)) == ([], [])


@pytest.mark.parametrize(
    ("body", "status", "verdict", "detail"),
    [
        (b"nothing of that", 200, Verdict.MALFORMED, "not JSON: "),
        (envelope({"total": 3}), 200, Verdict.MALFORMED, "an object of no known form, with total"),
        ({"error": {"message": "no such key"}}, 401, Verdict.DENIED, "no such key"),
    ],
)
def test_search_that_fails_says_why(body: Any, status: int, verdict: Verdict, detail: str) -> None:
    mentions, (reading,) = get_dialect(source()).read_search(answer(body, status))
    assert mentions == []
    assert (reading.verdict, reading.asked, reading.status) == (verdict, "", status)
    assert reading.detail.startswith(detail)


def test_search_item_ranks_are_its_places_through_envelopes_of_their_own() -> None:
    body = [envelope(item(ONE)), envelope(item(TWO)), envelope([item(THREE)])]
    mentions, _ = get_dialect(source()).read_search(answer(body))
    assert [(each.gizmo_id, each.rank) for each in mentions] == [(ONE, 1), (TWO, 2), (THREE, 1)]


def test_search_item_may_be_a_link_and_nothing_more() -> None:
    mentions, readings = get_dialect(source()).read_search(
        answer(envelope([{"link": f"https://chatgpt.com/g/{ONE}"}]))
    )
    assert [(each.gizmo_id, each.title) for each in mentions] == [(ONE, "")]
    assert readings == []


@pytest.mark.parametrize("odd", [{"id": ONE, "colour": "red"}, {"title": "x", "colour": "red"}])
def test_search_item_that_is_an_id_or_a_name_alone_is_of_no_known_form(
    odd: dict[str, str],
) -> None:
    mentions, (reading,) = get_dialect(source()).read_search(answer([odd]))
    assert mentions == []
    assert reading.detail == f"an object of no known form, with {', '.join(odd)}"


def test_search_that_gives_documents_gives_them() -> None:
    body = envelope([document(ONE), document(TWO)])
    mentions, readings = get_dialect(source()).read_search(answer(body))
    assert mentions == []
    assert [(r.asked, r.verdict, r.gizmo_id) for r in readings] == [
        ("", Verdict.DOCUMENT, ONE),
        ("", Verdict.DOCUMENT, TWO),
    ]
