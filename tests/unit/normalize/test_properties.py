from __future__ import annotations

import contextlib
from random import Random
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.errors import NormalizeError
from catalog.normalize import normalize
from catalog.records import Document
from tests.unit.normalize.documents import GIZMO_ID, action, gizmo, leaves, read, whole

WRAPPINGS = st.sampled_from(
    ["", "flat", "gizmo", "info.gizmo", "data.gizmo", "detail.data.gizmo", "gizmo.gizmo", "."]
)
TEXTS = st.text(max_size=4) | st.sampled_from(
    ["", "[]", '["a"]', "&amp;", "96", "25K+", "2024-01-01T00:00:00Z", "\x00", "\ud800", "\ufdd0"]
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, 1e308, float("nan"), float("inf")])
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
NAMES = sorted(
    {"gizmo", "info", "data", "detail", "stat", "id", "unheard_of", "\x00\ud800", "a.b", "[]"}
    | {name for path in read(whole()).paths for name in path.replace("[]", "").split(".")}
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=30,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside ``value``."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *places(value[key])]
    return found


def texts(value: Any) -> list[str]:
    """Every text inside the plain Python ``value``, keys as well."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in texts(part)]
    return []


def everything(document: Document) -> list[Any]:
    return [
        document.gizmo_id,
        document.scalars,
        document.lists,
        document.mime_sets,
        [[entry.path, entry.example] for entry in document.unmapped],
        list(document.paths),
    ]


def check(document: Document) -> None:
    """What storage may rely on, whatever was sent."""
    for text in texts(everything(document)):
        assert "\x00" not in text
        text.encode()
    numbers = [
        value
        for row in (
            document.scalars,
            document.stat,
            *(row for rows in document.lists.values() for row in (rows or {}).values()),
        )
        for value in row.values()
        if type(value) is int
    ]
    assert all(-(2**63) <= number < 2**63 for number in numbers)
    assert document.paths == tuple(sorted(set(document.paths)))
    assert all(len(key) <= 200 for rows in document.lists.values() for key in rows or ())


@given(st.binary() | st.text().map(str.encode), WRAPPINGS)
@example(b'{"id":"' + GIZMO_ID.encode() + b'"}', "")
@example(b"", "gizmo")
def test_arbitrary_bytes_raise_nothing_unexpected(payload: bytes, wrapping: str) -> None:
    with contextlib.suppress(NormalizeError):
        check(normalize(payload, wrapping))


@given(JSON, WRAPPINGS)
def test_arbitrary_json_raises_nothing_unexpected(value: Any, wrapping: str) -> None:
    with contextlib.suppress(NormalizeError):
        check(read(value, wrapping))


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.dictionaries(st.sampled_from(NAMES), JSON))
def test_a_gizmo_with_arbitrary_members_is_read(members: Any, beside: Any) -> None:
    check(read(beside | {"gizmo": members | {"id": GIZMO_ID}}))


@given(st.data())
def test_a_document_with_anything_in_any_place_is_read(data: st.DataObject) -> None:
    document = whole()
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(document)))
        container[key] = data.draw(JSON)
    if not isinstance(document["gizmo"], dict) or document["gizmo"].get("id") != GIZMO_ID:
        with contextlib.suppress(NormalizeError):
            check(read(document))
    else:
        check(read(document))


FEW = st.sampled_from(["a", "b", "A", "", "&amp;", "&"])
MAYBE = st.none() | FEW


@st.composite
def objects(draw: st.DrawFn, /, **members: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Objects that hold some of ``members``."""
    return {name: draw(values) for name, values in members.items() if draw(st.booleans())}


TOOLS = st.builds(
    lambda tool, type_: {"type": type_, **tool},
    objects(id=FEW, settings=st.none(), new=FEW),
    FEW,
) | st.builds(
    lambda metadata: action(**metadata),
    objects(
        domain=MAYBE,
        json_schema=st.none() | st.dictionaries(FEW, FEW, max_size=1),
        raw_spec=st.none() | st.sampled_from(["a: b", "{}"]),
        privacy_policy_url=MAYBE,
        action_id=FEW,
    ),
)
FILES = objects(
    id=st.sampled_from(["x~a", "y~a", "a", "", "x~"]), type=MAYBE, size=st.integers(0, 1), name=FEW
)
SOCIALS = objects(
    id=FEW,
    type=FEW,
    display_name=MAYBE,
    verified_data=st.none() | objects(id=st.integers(0, 1) | FEW, username=FEW),
)
DOCUMENTS = st.builds(
    lambda lists, display, socials, attachments, ratings: {
        "gizmo": gizmo(
            tags=lists["tags"],
            display=display,
            author={"display_socials": socials},
            vanity_metrics={"review_stats": {"by_rating": ratings}},
        ),
        "tools": lists["tools"],
        "files": lists["files"],
        "product_features": {"attachments": attachments},
    },
    st.fixed_dictionaries(
        {"tags": st.lists(FEW), "tools": st.lists(TOOLS), "files": st.lists(FILES)}
    ),
    objects(prompt_starters=st.lists(FEW), categories=st.lists(FEW), name=MAYBE),
    st.lists(SOCIALS),
    objects(accepted_mime_types=st.lists(FEW), image_mime_types=st.lists(FEW)),
    st.dictionaries(st.sampled_from("12345"), st.integers(0, 2)),
)


def shuffled(value: Any, random: Random) -> Any:
    """``value`` with the members of all objects and the elements of all lists in other orders."""
    if isinstance(value, dict):
        names = list(value)
        random.shuffle(names)
        return {name: shuffled(value[name], random) for name in names}
    if isinstance(value, list):
        return random.sample([shuffled(item, random) for item in value], len(value))
    return value


def without_positions(document: Document) -> Document:
    """``document`` without the one thing in it that the order of a list decides."""
    lists = {
        table: rows
        and {
            key: {column: value for column, value in row.items() if column != "position"}
            for key, row in rows.items()
        }
        for table, rows in document.lists.items()
    }
    return msgspec.structs.replace(document, lists=lists)


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_order_decides_nothing_but_positions(document: Any, random: Random) -> None:
    one, other = read(document), read(shuffled(document, random))
    assert without_positions(one) == without_positions(other)


@given(DOCUMENTS)
def test_leaves_are_as_many_as_values_that_are_not_null(document: Any) -> None:
    assert read(document).leaves == leaves(document)


@given(st.lists(FEW, unique=True, min_size=2))
def test_positions_are_the_places_in_the_list(starters: list[str]) -> None:
    sent = [f"{place}{starter}" for place, starter in enumerate(starters)]
    elements = read({"gizmo": gizmo(display={"prompt_starters": sent})}).lists["prompt_starters"]
    assert elements is not None
    assert sorted(row["position"] for row in elements.values()) == list(range(len(sent)))
