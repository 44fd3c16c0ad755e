from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.normalize.schema import schema_text
from tests.unit.normalize.documents import action, gizmo, read, unmapped

BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 20)
)
LONG = f"a: &a {'x' * 60_000}\nb: [{', '.join(['*a'] * 60)}]\n"


def schema(**metadata: Any) -> Any:
    document = read({"gizmo": gizmo(), "tools": [action(**metadata)]})
    tools = document.lists["tools"]
    assert tools is not None
    [row] = tools.values()
    assert "raw_spec" not in row
    return row.get("json_schema", "absent")


def test_raw_spec_and_json_schema_are_one_column() -> None:
    value = {"openapi": "3.1.0", "paths": {"/a": {"get": {"responses": {"200": {}}}}}}
    as_yaml = "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      responses:\n        200: {}\n"
    as_json = json.dumps(value, indent=2)
    expected = schema(json_schema=value, raw_spec=None)
    assert schema(raw_spec=as_json, json_schema=None) == expected
    assert schema(raw_spec=as_yaml) == expected
    assert schema(json_schema=as_json) == expected
    assert schema(raw_spec="other: 1", json_schema=value) == expected


def test_a_schema_stated_as_null_or_not_at_all() -> None:
    assert schema(raw_spec=None, json_schema=None) is None
    assert schema(raw_spec=None) is None
    assert schema(json_schema=None) is None
    assert schema() == "absent"


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ({"json_schema": 5}, "tools[].metadata.json_schema:integer"),
        ({"json_schema": [float("nan")]}, "tools[].metadata.json_schema:array"),
        ({"raw_spec": {"a": 1}}, "tools[].metadata.raw_spec:object"),
    ],
)
def test_a_schema_of_an_unexpected_type_is_reported(metadata: Any, path: str) -> None:
    document = read({"gizmo": gizmo(), "tools": [action(**metadata)]})
    assert list(unmapped(document)) == [path]


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        ("a: &gt;-\n  one\n  two\nb: 1 &amp; 2\n", "a: >-\n  one\n  two\nb: 1 & 2\n"),
        ("&lt;&lt;: {a: 1}\n", "<<: {a: 1}\n"),
        ('{"a": "1 &lt; 2 &amp; 3"}', '{"a": "1 < 2 & 3"}'),
        ("{&quot;a&quot;: 1}", '{"a": 1}'),
        ("no schema &amp; no YAML: [", "no schema & no YAML: ["),
    ],
)
def test_an_escaped_text_says_the_same_as_the_plain_one(escaped: str, plain: str) -> None:
    assert schema_text(escaped) == schema_text(plain)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: 0x10\nc: 1.5\nd: 2.0\n", {"a": 1, "b": 16, "c": 1.5, "d": 2}),
        (
            "a: yes\nb: ~\nc:\nd: 'no'\ne: !!str 1\n",
            {"a": True, "b": None, "c": None, "d": "no", "e": "1"},
        ),
        (
            "a: 2024-01-01\nb: 2024-01-01 10:00:00\n",
            {"a": "2024-01-01", "b": "2024-01-01 10:00:00"},
        ),
        ("a: .nan\nb: -.inf\n", {"a": ".nan", "b": "-.inf"}),
        ("200: a\ntrue: b\nnull: c\n1.5: d\n", {"200": "a", "true": "b", "null": "c", "1.5": "d"}),
        ("a: !!set {x, y}\nb: !!binary aGk=\n", {"a": {"x": None, "y": None}, "b": "aGk="}),
        ("a: !mine {b: !theirs 1}\n", {"a": {"b": "1"}}),
        ("a: !!int x\n", {"a": "x"}),
        (
            "x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n",
            {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}},
        ),
        ("x: &x {a: 1}\ny: {<<: [*x, {a: 2, c: 3}]}\n", {"x": {"a": 1}, "y": {"a": 1, "c": 3}}),
        ('y: {"<<": 1}\n', {"y": {"<<": 1}}),
        ("- &a [1]\n- *a\n", [[1], [1]]),
        ("a: &n 5\nb: *n\n", {"a": 5, "b": 5}),
        ("---\na: 1\n", {"a": 1}),
        ("a: " + "9" * 100 + "\n", {"a": 10**100 - 1}),
        ("a: " + "9" * 101 + "\n", {"a": "9" * 101}),
    ],
)
def test_yaml_yields_json_types_only(text: str, value: Any) -> None:
    assert json.loads(schema_text(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "42",
        "null",
        "a: 1\n---\nb: 2\n",
        "a: [1",
        "a: *nowhere\n",
        "a: &a [*a]\n",
        "? [1]\n: 2\n",
        "y: {<<: 1}\n",
        "{" * 5000,
        "[" * 500 + "]" * 500,
        "- " * 500 + "a",
        "a: \x07",
        '{"a": NaN}',
        '{"a": \ud800}',
        BOMB,
        LONG,
    ],
)
def test_a_text_that_is_no_schema_is_kept_as_it_is(text: str) -> None:
    kept = json.loads(schema_text(text))
    assert kept == text.replace("\ud800", "\ufdd0d800")


def test_aliases_within_reason_are_followed() -> None:
    text = f"a: &a {'x' * 1000}\nb: [{', '.join(['*a'] * 60)}]\n"
    assert json.loads(schema_text(text))["b"] == ["x" * 1000] * 60


def test_a_long_yaml_text_is_kept_unparsed() -> None:
    text = "a: 1\n" + "# padding\n" * 120_000
    assert json.loads(schema_text(text)) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc<"), inner),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, dict | list))
)
def test_json_text_is_read_as_json(value: Any) -> None:
    assert schema(raw_spec=json.dumps(value)) == schema(json_schema=value)


@given(st.text("ab:-[]{}&*!<>?|'\"#, \n\t\\0.~%"))
def test_no_text_breaks_the_reader(text: str) -> None:
    json.loads(schema_text(text))
