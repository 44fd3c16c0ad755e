from __future__ import annotations

import json

import pytest

from catalog.errors import NormalizeError
from catalog.normalize import normalize
from catalog.normalize.decode import MAX_DEPTH, OddNumber, decode, nests_within
from catalog.normalize.values import canonical_json
from tests.unit.normalize.documents import gizmo

TOO_DEEP = "^the payload nests too deeply to be a GPT's document$"


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
    "payload", [b"", b"<html>", b'{"a": ', b"{} {}", b"\xff\xfe\xfd", b'"\xe9"']
)
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    with pytest.raises(NormalizeError, match=r"^the payload is no JSON: .*[a-z]{4}"):
        decode(payload)


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'["\\ud800",' + b"[" * 100_000])
def test_what_nests_deeper_than_a_decoder_goes_is_refused(payload: bytes) -> None:
    with pytest.raises(NormalizeError, match=TOO_DEEP):
        decode(payload)


@pytest.mark.parametrize(("before", "behind"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_lists_and_objects_nest_equally_deep(before: str, behind: str) -> None:
    def nested(levels: int) -> object:
        levels //= before.count("[") + before.count("{")
        value: object = json.loads(before * levels + "1" + behind * levels)
        return value

    # The outermost lies at depth 0, and the innermost that is taken at the limit.
    deepest = MAX_DEPTH + 1 - (MAX_DEPTH + 1) % len(behind)
    assert canonical_json(nested(deepest)).leaves == 1
    with pytest.raises(NormalizeError, match=TOO_DEEP):
        canonical_json(nested(deepest + len(behind)))
    assert canonical_json(nested(deepest - 40), depth=40).leaves == 1
    with pytest.raises(NormalizeError, match=TOO_DEEP):
        canonical_json(nested(deepest - 40), depth=40 + len(behind))


def test_nesting_is_limited_by_a_fixed_number() -> None:
    # The document, the gizmo object and `sharing` itself lie around the lists.
    def payload(levels: int) -> bytes:
        nested = json.loads("[" * levels + "1" + "]" * levels)
        return json.dumps({"gizmo": gizmo(sharing=nested)}).encode()

    assert normalize(payload(MAX_DEPTH - 1), "gizmo").scalars["sharing"]
    with pytest.raises(NormalizeError, match=TOO_DEEP):
        normalize(payload(MAX_DEPTH), "gizmo")


@pytest.mark.parametrize("around", ["sn", "stat", "unheard_of", "files", "product_features"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 2, 100_000])
def test_deep_nesting_is_refused_wherever_it_stands(around: str, levels: int) -> None:
    gizmo_text = json.dumps(gizmo())
    payload = f'{{"gizmo": {gizmo_text}, "{around}": {"[" * levels}{"]" * levels}}}'
    with pytest.raises(NormalizeError, match=TOO_DEEP):
        normalize(payload.encode(), "gizmo")


@pytest.mark.parametrize(
    ("value", "levels"), [(1, 0), ([], 1), ({"a": [1]}, 2), ([[], {"a": {}}], 3)]
)
def test_nests_within_counts_lists_and_objects(value: object, levels: int) -> None:
    assert nests_within(value, levels)
    assert not nests_within(value, levels - 1) or levels == 0
