from __future__ import annotations

import json
from typing import Any

import pytest

from catalog.normalize import find_example, normalize

GIZMO: dict[str, Any] = {
    "id": "g-000000001",
    "display": {"name": "A &amp; B", "categories": '["Other"]', "unknown": {"x:y": [1, {"z": []}]}},
    "author": {"display_socials": [{"type": None}, {"type": "web"}, {"type": "git"}]},
    "voice": {"id": 7},
    "tags": ["public", 3, None],
}
DOCUMENT: dict[str, Any] = {"gizmo": GIZMO, "tools": [{"id": "t", "type": "dalle"}], "files": []}


def example(path: str, value: Any = None, wrapping: str = "gizmo") -> str | None:
    return find_example(json.dumps(DOCUMENT if value is None else value).encode(), wrapping, path)


@pytest.mark.parametrize(
    ("wrapping", "value"),
    [
        ("gizmo", DOCUMENT),
        ("", GIZMO),
        ("info.gizmo", {"info": DOCUMENT, "stat": {"read": 1, "other": 2}, "@timestamp": "x"}),
        ("resource.gizmo", {"resource": DOCUMENT | {"more": [[{"a": 1}]]}, "beside": {"b": None}}),
        ("flat", {"id": "g-000000001", "name": "N", "tools": [{"type": "dalle"}], "extra": [1]}),
    ],
)
def test_every_path_of_a_document_has_an_example(wrapping: str, value: Any) -> None:
    payload = json.dumps(value).encode()
    paths = normalize(payload, wrapping).paths
    assert paths
    assert [path for path in paths if find_example(payload, wrapping, path) is None] == []


def test_an_example_is_canonical() -> None:
    assert example("gizmo.display.name") == '"A & B"'
    assert example("tools[]") == '{"id":"t","type":"dalle"}'


def test_of_several_elements_the_smallest_that_is_not_null_is_the_example() -> None:
    assert example("gizmo.author.display_socials[].type") == '"git"'
    assert example("gizmo.model", {"gizmo": GIZMO | {"model": None}}) == "null"
    socials = {"display_socials": [{"verified": None}, {"verified": True}]}
    found = example(
        "gizmo.author.display_socials[].verified", {"gizmo": GIZMO | {"author": socials}}
    )
    assert found == "true"


def test_a_path_with_a_type_asks_for_a_value_of_that_type() -> None:
    assert example("gizmo.voice.id:integer") == "7"
    assert example("gizmo.tags[]:integer") == "3"
    assert example("gizmo.voice.id:string") is None
    assert example("gizmo.display.unknown.x:y:array") == '[1,{"z":[]}]'
    assert example("gizmo.display.unknown.x:y:object") is None


def test_elements_of_a_list_that_came_as_text_have_examples_too() -> None:
    assert example("gizmo.display.categories[]") == '"Other"'
    # A text that is no list of the registry is a text.
    assert example("gizmo.more[]", {"gizmo": GIZMO | {"more": "[1]"}}) is None


def test_a_long_value_is_cut() -> None:
    long = example("gizmo.display.name", {"gizmo": GIZMO | {"display": {"name": "n" * 999}}})
    assert long == '"' + "n" * 199


def test_a_path_that_is_not_there_has_no_example() -> None:
    assert example("gizmo.display.theme") is None
