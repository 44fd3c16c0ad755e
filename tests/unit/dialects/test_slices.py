from __future__ import annotations

import json
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.dialects.slices import CUT, Node, parse, value_end, whole_elements
from catalog.errors import NormalizeError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
layouts = st.sampled_from([(None, (",", ":")), (2, (",", ": ")), (1, (" , ", " :\t"))])


def write(value: object, layout: tuple[int | None, tuple[str, str]], *, ascii_only: bool) -> bytes:
    indent, separators = layout
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only)
    return text.encode("utf-8", "backslashreplace")


@given(one=values, two=values, layout=layouts, ascii_only=st.booleans())
def test_member_has_the_exact_bytes_it_was_written_in(
    one: object, two: object, layout: tuple[int | None, tuple[str, str]], *, ascii_only: bool
) -> None:
    inner = [write(each, layout, ascii_only=ascii_only) for each in (one, two)]
    body = b'\xef\xbb\xbf { "a" :%s\t,"b\\"}":\n%s, "odd" : NaN }' % (inner[0], inner[1])
    strict = body.removesuffix(b"NaN }") + b"null }"
    for node in (parse(body), parse(strict)):
        assert node.member("a").raw == inner[0]
        assert node.member('b"}').raw == inner[1]
    assert math.isnan(parse(body).value["odd"])


@given(st.lists(values, max_size=5), layouts)
def test_elements_have_the_exact_bytes_they_were_written_in(
    members: list[object], layout: tuple[int | None, tuple[str, str]]
) -> None:
    written = [write(each, layout, ascii_only=False) for each in members]
    for odd in ([], [b"-Infinity"]):
        body = b"[" + b" ,\n".join([*written, *odd]) + b"]"
        assert [each.raw for each in parse(body).elements()] == [*written, *odd]


@pytest.mark.parametrize(
    "odd",
    [
        rb'"\ud800"',
        rb'"\ud83d"',
        b"NaN",
        b"1e999",
        b"9" * 50,
        b"9" * 5000,
        b'"\x01"',
        b'"a\nb"',
    ],
)
def test_parse_takes_what_only_a_tolerant_reader_accepts(odd: bytes) -> None:
    node = parse(b'{"odd":' + odd + b' , "rest": {"x" : 1}}')
    assert node.member("odd").raw == odd
    assert node.member("rest").raw == b'{"x" : 1}'


def test_parse_takes_the_last_of_two_equal_keys() -> None:
    for odd in (b"1", b"NaN"):
        node = parse(b'{"a": 1, "a": {"b":2}, "odd": ' + odd + b"}")
        assert (node.member("a").raw, node.member("a").value) == (b'{"b":2}', {"b": 2})


def test_elements_of_an_empty_list_are_none() -> None:
    for odd in (b"1", b"NaN"):
        assert parse(b'{"a": [ ], "odd": ' + odd + b"}").member("a").elements() == []


def test_member_with_a_control_character_in_its_name_is_found() -> None:
    assert parse(b'{"\x00": {"a":1}}').member("\x00").raw == b'{"a":1}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b'data: {"a":1}\n\ndata: [DONE]\n', "an event stream, not JSON"),
        (b'{"a":', CUT),
        (b'{"a":"b', CUT),
        (b'[{"a":"b"}', CUT),
        (b'{"a":1}x', "not JSON"),
        (b"not found", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        (b"[" * 10_000 + b"]" * 10_000, "too deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too deep"),
    ],
)
def test_parse_refuses_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NormalizeError, match=reason):
        parse(body)


def test_member_is_cut_out_at_any_depth_that_could_be_read() -> None:
    levels = sys.getrecursionlimit()
    raw = b'{"a":' * levels + b"1" + b"}" * levels
    assert Node(raw, {"a": 1}).member("a").raw == raw[5:-1]
    assert Node(b"[" * levels + b"]" * levels, [1]).elements()[0].raw == raw_list(levels - 1)


def raw_list(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@given(st.dictionaries(st.text(), values, min_size=1), st.binary(max_size=5))
def test_value_end_is_where_the_value_ends(value: dict[str, object], rest: bytes) -> None:
    raw = json.dumps(value).encode()
    assert value_end(raw + rest) == len(raw)
    for cut in range(1, len(raw)):
        assert value_end(raw[:cut]) is None


def test_value_end_is_fast_where_no_quote_closes() -> None:
    assert value_end(b'{"' + b'\\"' * 500_000) is None


@given(st.lists(st.dictionaries(st.text(), values, max_size=2), min_size=1, max_size=4), st.data())
def test_whole_elements_are_those_before_the_cut(
    members: list[dict[str, object]], data: st.DataObject
) -> None:
    raw = json.dumps(members, indent=1).encode()
    cut = data.draw(st.integers(1, len(raw) - 1))
    found = [json.loads(each) for each in whole_elements(raw[:cut])]
    assert found == members[: len(found)]
    assert len(found) >= len(members) - 1 or cut < len(raw) - 1
