"""Whoever goes is found however a text writes the name."""

from __future__ import annotations

import json
from html import escape

import pytest

from catalog.storage.mentioning import Needles


@pytest.mark.parametrize("name", ['"A" & <b>', "O'Hara's >", "Ünïcödé ✓", "plain"])
def test_a_name_is_found_in_text_json_and_html(name: str) -> None:
    has = Needles(names=frozenset({name})).finder()
    for written in (
        name,
        json.dumps(name),
        json.dumps(name, ensure_ascii=False),
        escape(name, quote=False),
        escape(name).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    ):
        assert has(f"before {written} behind".encode())
    assert not has(b"before and behind")


def test_ids_alone_are_looked_for_where_names_would_be_chance() -> None:
    needles = Needles(ids=frozenset({"g-Gone00000"}), names=frozenset({"Gone"}))
    has = needles.finder(names=False)
    assert has(b"of g-Gone00000")
    assert not has(b"Gone")
    assert not Needles().finder()(b"anything")
