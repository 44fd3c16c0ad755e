from __future__ import annotations

import json

import pytest

from catalog.errors import NormalizeError
from catalog.normalize import normalize
from catalog.normalize.decode import MAX_DEPTH, OddNumber, decode, nests_within
from tests.unit.normalize.documents import gizmo


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'"\\ud800"', "\ud800"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'"a\tb"', "a\tb"),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        ('"Füße"'.encode("utf-16"), "Füße"),
    ],
)
def test_decode_takes_what_is_met_in_the_wild(payload: bytes, value: object) -> None:
    assert decode(payload) == value


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_no_column_can_take_are_told_apart_from_text(number: str) -> None:
    value = decode(number.encode())
    assert type(value) is OddNumber
    assert value == number


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"<html>",
        b'{"a": ',
        b"{} {}",
        b"\xff\xfe\xfd",
        b'"\xe9"',
        b"[" * 100_000,
        b'["\\ud800",' + b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    with pytest.raises(NormalizeError):
        decode(payload)


def test_nesting_is_limited_by_a_fixed_number() -> None:
    # The document, the gizmo object and `sharing` itself lie around the lists.
    def payload(levels: int) -> bytes:
        nested = json.loads("[" * levels + "1" + "]" * levels)
        return json.dumps({"gizmo": gizmo(sharing=nested)}).encode()

    assert normalize(payload(MAX_DEPTH - 1), "gizmo").scalars["sharing"]
    with pytest.raises(NormalizeError, match="nests too deeply"):
        normalize(payload(MAX_DEPTH), "gizmo")


@pytest.mark.parametrize("around", ["sn", "stat", "unheard_of", "files", "product_features"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 2, 100_000])
def test_deep_nesting_is_refused_wherever_it_stands(around: str, levels: int) -> None:
    gizmo_text = json.dumps(gizmo())
    payload = f'{{"gizmo": {gizmo_text}, "{around}": {"[" * levels}{"]" * levels}}}'
    with pytest.raises(NormalizeError, match="nests too deeply"):
        normalize(payload.encode(), "gizmo")


@pytest.mark.parametrize(
    ("value", "levels"), [(1, 0), ([], 1), ({"a": [1]}, 2), ([[], {"a": {}}], 3)]
)
def test_nests_within_counts_lists_and_objects(value: object, levels: int) -> None:
    assert nests_within(value, levels)
    assert not nests_within(value, levels - 1) or levels == 0
