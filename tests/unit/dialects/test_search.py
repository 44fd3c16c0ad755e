from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.dialects import get_dialect
from catalog.records import Mention, Verdict
from tests.unit.dialects.builders import (
    ONE,
    PROJECT,
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


def test_search_that_gives_documents_gives_them() -> None:
    body = envelope([document(ONE), document(TWO)])
    mentions, readings = get_dialect(source()).read_search(answer(body))
    assert mentions == []
    assert [(r.asked, r.verdict, r.gizmo_id) for r in readings] == [
        ("", Verdict.DOCUMENT, ONE),
        ("", Verdict.DOCUMENT, TWO),
    ]
