from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.fields import FieldType
from catalog.normalize.decode import MAX_DEPTH, OddNumber
from catalog.normalize.values import (
    COERCIONS,
    READERS,
    UNREADABLE,
    canonical_json,
    canonical_text,
    conversations,
    digest,
    example,
    read_list,
    unescape_html,
)

INT64 = 2**63


def test_every_type_has_its_coercions_written_down() -> None:
    assert set(COERCIONS) == set(get_args(FieldType))
    assert set(READERS) | {"json"} == set(COERCIONS)


@pytest.mark.parametrize(
    ("type_", "value", "taken"),
    [
        ("text", "", ""),
        ("text", "a &amp; b", "a & b"),
        ("integer", 3, 3),
        ("integer", 3.0, 3),
        ("integer", "0012", 12),
        ("integer", "-4", -4),
        ("integer", -INT64, -INT64),
        ("integer", INT64 - 1, INT64 - 1),
        ("real", 1, 1.0),
        ("real", 0.25, 0.25),
        ("real", "4.27", 4.27),
        ("real", -INT64, float(-INT64)),
        ("real", INT64 - 1, float(INT64)),
        ("boolean", False, False),
        ("time", "1970-01-01T00:00:01+00:00", 1_000_000),
        ("time", "1970-01-01T00:00:01Z", 1_000_000),
        ("time", "1970-01-01T00:00:01", 1_000_000),
        ("time", "1970-01-01T02:00:00.000001+02:00", 1),
        ("time", "9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("time", "0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ],
)
def test_readers_take(type_: FieldType, value: Any, taken: Any) -> None:
    result = READERS[type_](value)
    assert result == taken
    assert type(result) is type(taken)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("text", 1),
        ("text", ["a"]),
        ("text", OddNumber("NaN")),
        ("integer", True),
        ("integer", 1.5),
        ("integer", "1.0"),
        ("integer", "1K"),
        ("integer", ""),
        ("integer", "٣"),
        ("integer", INT64),
        ("integer", -INT64 - 1),
        ("integer", "9" * 19),
        ("integer", 1e300),
        ("integer", OddNumber("1e999")),
        ("real", True),
        ("real", "nan"),
        ("real", 10**400),
        ("real", INT64),
        ("real", -INT64 - 1),
        ("real", OddNumber("Infinity")),
        ("boolean", 1),
        ("boolean", "true"),
        ("time", 1_700_000_000),
        ("time", ""),
        ("time", "3 months ago"),
        ("time", "0001-01-01T00:00:00+14:00"),
        ("time", "\ud800"),
    ],
)
def test_readers_refuse(type_: FieldType, value: Any) -> None:
    assert READERS[type_](value) is UNREADABLE


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a &amp; b &lt;i&gt; &quot;c&quot; &#39;d&#x27;", "a & b <i> \"c\" 'd'"),
        ("&amp;amp;", "&amp;"),
        ("?a=1&copy=2&amp=3&lt=4", "?a=1&copy=2&amp=3&lt=4"),
        ("&copyright; &nosuch; &; &#; R&D;", "&copyright; &nosuch; &; &#; R&D;"),
        ("&eacute;&#233;&#xE9;", "ééé"),
        ("&#0; &#xD800; &#1; &#99999999999;", "&#0; &#xD800; &#1; &#99999999999;"),
    ],
)
def test_html_is_unescaped_once_and_only_with_a_semicolon(text: str, plain: str) -> None:
    assert unescape_html(text) == plain


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="&\x00\ufdd0")))
def test_text_without_entities_is_canonical_already(text: str) -> None:
    assert canonical_text(text) == text


def test_canonical_json_has_one_form() -> None:
    one = canonical_json({"b": [1.0, 2.50, None], "a": {"ü": "x &amp; y"}})
    other = canonical_json({"a": {"ü": "x & y"}, "b": [1, 2.5, None]})
    assert one == other
    assert one.text == '{"a":{"ü":"x & y"},"b":[1,2.5,null]}'
    assert one.leaves == 3
    assert not one.odd


def test_canonical_json_keeps_what_databases_refuse() -> None:
    assert canonical_json({"\x00": "\ud800", "n": 2**80}).text == (
        '{"n":1208925819614629174706176,"\ufdd00000":"\ufdd0d800"}'
    )


def test_keys_that_differ_in_their_escapes_alone_are_both_kept() -> None:
    canonical = canonical_json({"a&amp;b": 1, "a&b": 2})
    assert json.loads(canonical.text) == {"a&amp;b": 1, "a&b": 2}
    assert canonical.leaves == 2


def test_an_odd_number_is_marked_and_stands_as_text_in_an_example() -> None:
    assert canonical_json([OddNumber("NaN")]).odd
    assert example({"a": OddNumber("NaN")}) == '{"a":"NaN"}'


def test_a_short_name_is_the_beginning_of_a_digest() -> None:
    # SHA-256 of an empty text, as it is written everywhere.
    assert digest("") == "e3b0c44298fc1c14"


def test_an_example_is_cut() -> None:
    assert example("x" * 1000) == '"' + "x" * 199


@pytest.mark.parametrize("value", [[], [1], "[]", '["a"]', ' ["a"] '])
def test_lists_are_taken_from_json_strings_too(value: Any) -> None:
    assert isinstance(read_list(value), list)


def test_a_list_in_a_string_nests_half_as_deep_as_a_document() -> None:
    levels = MAX_DEPTH // 2
    assert read_list("[" * levels + "]" * levels) == json.loads("[" * levels + "]" * levels)
    assert read_list("[" * (levels + 1) + "]" * (levels + 1)) is UNREADABLE


@pytest.mark.parametrize("value", ["", "{}", "[", "a", "[" * 5000 + "]" * 5000, 1, {}, "\ud800"])
def test_what_is_no_list_is_refused(value: Any) -> None:
    assert read_list(value) is UNREADABLE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("96", (96, True)),
        ("0", (0, True)),
        ("1,234", (1234, True)),
        ("80+", (80, False)),
        ("700+", (700, False)),
        ("25K+", (25_000, False)),
        ("25k", (25_000, False)),
        ("1.2K+", (1_200, False)),
        ("1.5", (1, False)),
        ("1.0", (1, True)),
        ("1M+", (1_000_000, False)),
        ("6M+", (6_000_000, False)),
        ("2.5B+", (2_500_000_000, False)),
        ("", (None, None)),
        (None, (None, None)),
        ("many", (None, None)),
        ("K+", (None, None)),
        ("1,23", (None, None)),
        ("-5", (None, None)),
        ("9" * 50, (None, None)),
    ],
)
def test_conversations_are_a_lower_bound_and_whether_it_is_exact(
    text: str | None, said: tuple[int | None, bool | None]
) -> None:
    assert conversations(text) == said
