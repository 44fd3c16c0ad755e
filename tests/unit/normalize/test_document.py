from __future__ import annotations

import json
import re
from typing import Any

import pytest

from catalog.errors import NormalizeError
from catalog.fields import EMPTY_ONLY, FIELDS, LISTS, OPEN_ENDED, PICTURE
from catalog.normalize import normalize
from catalog.normalize.children import BUILDERS
from catalog.normalize.document import ENVELOPE
from tests.unit.normalize.documents import (
    GIZMO_ID,
    UPLOAD,
    action,
    gizmo,
    read,
    read_gizmo,
    unmapped,
    whole,
)

RATINGS = "gizmo.vanity_metrics.review_stats.by_rating"


def at(path: str, value: Any) -> dict[str, Any]:
    """A document that holds ``value`` at ``path``."""
    document: dict[str, Any] = {"gizmo": gizmo()}
    level = document
    *parents, last = path.split(".")
    for name in parents:
        level = level.setdefault(name, {})
    level[last] = value
    return document


def reviewed(by_rating: Any) -> dict[str, Any]:
    return at(RATINGS, by_rating)


SENT: dict[str, Any] = {
    "text": "sent",
    "integer": 7,
    "real": 7,
    "boolean": True,
    "time": "2024-01-01T00:00:00Z",
    "json": {"b": 1, "a": [None]},
}
TAKEN: dict[str, Any] = {
    **SENT,
    "time": 1_704_067_200_000_000,
    "json": '{"a":[null],"b":1}',
}
PLAIN_FIELDS = [
    field for field in FIELDS if field.path != PICTURE and "mime_types" not in field.path
]


@pytest.mark.parametrize("field", PLAIN_FIELDS, ids=lambda field: field.path)
def test_every_field_of_the_registry_is_read_and_its_null_is_stated(field: Any) -> None:
    document = read(at(field.path, SENT[field.type]))
    assert document.scalars[field.column] == TAKEN[field.type]
    assert document.unmapped == ()
    assert read(at(field.path, None)).scalars[field.column] is None


@pytest.mark.parametrize("listed", LISTS, ids=lambda listed: listed.path)
def test_every_list_of_the_registry_tells_null_from_empty_from_absent(listed: Any) -> None:
    assert read(at(listed.path, None)).lists == {listed.table: None}
    assert read(at(listed.path, [])).lists == {listed.table: {}}
    assert read(at(listed.path, "[]")).lists == {listed.table: {}}
    assert read({"gizmo": gizmo()}).lists == {}
    assert listed.table in BUILDERS


def test_what_is_absent_is_not_stated() -> None:
    document = read({"gizmo": gizmo()})
    assert document.gizmo_id == GIZMO_ID
    assert (document.scalars, document.lists, document.mime_sets, document.stat) == ({}, {}, {}, {})
    assert document.updated_at is None
    assert document.leaves == 1
    assert document.paths == ("gizmo", "gizmo.id")


def test_a_whole_document_is_read_without_rest() -> None:
    document = read(whole())
    assert document.unmapped == ()
    assert document.scalars["name"] == "Tide tables"
    assert document.scalars["description"] == ""
    assert document.scalars["picture"] == UPLOAD
    assert document.scalars["current_user_permission"] == '{"can_read":true,"can_write":false}'
    assert document.updated_at == document.scalars["updated_at"] == 1_712_907_277_000_000
    assert document.scalars["conversations_at_least"] == 25_000
    assert document.scalars["conversations_exact"] is False
    assert document.scalars["review_total"] == 940
    assert set(document.lists) == {listed.table for listed in LISTS}


def test_a_null_parent_says_nothing_of_its_members() -> None:
    document = read(
        {
            "gizmo": gizmo(vanity_metrics=None, author=None, display=None, voice=None),
            "product_features": None,
        }
    )
    assert document.scalars == {}
    assert document.lists == {}
    assert document.unmapped == ()
    assert "gizmo.author" in document.paths


@pytest.mark.parametrize(
    ("path", "value", "name", "shown"),
    [
        ("gizmo.version", "5a", "gizmo.version:string", '"5a"'),
        ("gizmo.version", True, "gizmo.version:boolean", "true"),
        ("gizmo.version", 2**64, "gizmo.version:integer", "18446744073709551616"),
        ("gizmo.version", float("nan"), "gizmo.version:number", '"NaN"'),
        ("gizmo.sharing", [float("inf")], "gizmo.sharing:array", '["Infinity"]'),
        ("gizmo.updated_at", "yesterday", "gizmo.updated_at:string", '"yesterday"'),
        ("gizmo.author", "Ada", "gizmo.author:string", '"Ada"'),
        ("gizmo.display.name", {"en": "a"}, "gizmo.display.name:object", '{"en":"a"}'),
        ("gizmo.tags", {"a": 1}, "gizmo.tags:object", '{"a":1}'),
        ("tools", "none", "tools:string", '"none"'),
        (
            "product_features.attachments.accepted_mime_types",
            [1],
            "product_features.attachments.accepted_mime_types:array",
            "[1]",
        ),
        (RATINGS, [1, 2], f"{RATINGS}:array", "[1,2]"),
    ],
)
def test_an_unexpected_type_or_range_says_nothing_and_is_reported(
    path: str, value: Any, name: str, shown: str
) -> None:
    document = read(at(path, value))
    assert document.scalars == {}
    assert document.lists == {}
    assert unmapped(document) == {name: shown}
    assert name in document.paths


def test_members_of_a_value_of_an_unexpected_type_have_paths() -> None:
    document = read_gizmo(display={"name": {"en": [{"b": 1}, [], 2]}}, author=["Ada"])
    assert document.paths == (
        "gizmo",
        "gizmo.author",
        "gizmo.author:array",
        "gizmo.display",
        "gizmo.display.name",
        "gizmo.display.name.en",
        "gizmo.display.name.en[]",
        "gizmo.display.name.en[].b",
        "gizmo.display.name:object",
        "gizmo.id",
    )
    assert document.leaves == 4


def test_a_user_id_too_long_to_be_a_key_is_reported() -> None:
    assert read_gizmo(author={"user_id": "u" * 200}).scalars == {"user_id": "u" * 200}
    assert set(unmapped(read_gizmo(author={"user_id": "u" * 201}))) == {
        "gizmo.author.user_id:string"
    }


def test_an_unknown_member_is_reported_once_with_its_members_covered() -> None:
    document = read_gizmo(display={"name": "a", "aura": {"hue": [{"of": 1}, {"of": None}]}})
    assert unmapped(document) == {"gizmo.display.aura": '{"hue":[{"of":1},{"of":null}]}'}
    assert {
        "gizmo.display.aura",
        "gizmo.display.aura.hue",
        "gizmo.display.aura.hue[]",
        "gizmo.display.aura.hue[].of",
    } <= set(document.paths)


def test_an_endless_path_is_bounded_and_stays_distinct() -> None:
    paths = {entry.path for entry in read_gizmo(**{"k" * 999: 1, "k" * 1000: 1}).unmapped}
    assert len(paths) == 2
    assert all(len(path) <= 200 for path in paths)


@pytest.mark.parametrize("path", [path for path in EMPTY_ONLY if "[]" not in path])
def test_members_that_were_always_empty_are_fine_while_they_are(path: str) -> None:
    empties: tuple[Any, ...] = (None, {}, [], "")
    for empty in empties:
        assert read(at(path, empty)).unmapped == ()
    assert unmapped(read(at(path, {"a": 1}))) == {path: '{"a":1}'}
    assert unmapped(read(at(path, 0))) == {path: "0"}


@pytest.mark.parametrize("path", [path for path in OPEN_ENDED if "[]" not in path])
def test_members_of_open_ended_fields_neither_drift_nor_are_unmapped(path: str) -> None:
    document = read(at(path, {"a": {"b": 1}}))
    assert document.unmapped == ()
    assert path in document.paths
    assert not [found for found in document.paths if found.startswith(f"{path}.")]


def test_members_of_other_json_fields_drift_without_being_unmapped() -> None:
    document = read_gizmo(sharing_targets=[{"allowed": True}])
    assert document.unmapped == ()
    assert "gizmo.sharing_targets[].allowed" in document.paths


def test_leaves_are_the_values_that_are_not_null() -> None:
    document = read(
        {
            "gizmo": gizmo(
                model=None,
                tags=["a", "b"],
                sharing={"x": [1, None]},
                unknown={"y": [True, None, {}]},
                version=[1, 2],
                settings={},
                appeal_info="",
            ),
            "tools": [action(auth={"type": "none"}, domain=None, raw_spec="a: [1, 2]")],
        }
    )
    # id, a, b, x, y, two of version, an empty text; the tool's id, type, auth and
    # specification, which is one text.
    assert document.leaves == 12


def test_paths_are_those_present_even_if_null() -> None:
    document = read(
        {"gizmo": gizmo(model=None, tags=["a"]), "tools": [{"type": "dalle", "settings": None}]}
    )
    assert document.paths == (
        "gizmo",
        "gizmo.id",
        "gizmo.model",
        "gizmo.tags",
        "tools",
        "tools[]",
        "tools[].settings",
        "tools[].type",
    )


@pytest.mark.parametrize(
    "by_rating", [{"5": 9, "1": 1, "3": 0.5, "2": 0, "4": 7}, [1, 0, 0.5, 7, 9]]
)
def test_ratings_are_read_from_an_object_in_any_order_and_from_a_list(by_rating: Any) -> None:
    document = read(reviewed(by_rating))
    ratings = {f"rating_{n}": value for n, value in enumerate((1.0, 0.0, 0.5, 7.0, 9.0), start=1)}
    assert document.scalars == ratings
    assert document.unmapped == ()
    assert document.leaves == 6  # with the id


@pytest.mark.parametrize("by_rating", [{}, [], None])
def test_empty_ratings_state_nothing(by_rating: Any) -> None:
    document = read(reviewed(by_rating))
    assert document.scalars == {}
    assert document.unmapped == ()


def test_ratings_of_no_known_star_or_type_are_reported() -> None:
    assert set(unmapped(read(reviewed({"6": 1, "5": "x"})))) == {
        f"{RATINGS}.6",
        f"{RATINGS}.5:string",
    }
    listed = read(reviewed([1, 2, 3, 4, "x"]))
    assert set(unmapped(listed)) == {f"{RATINGS}.5:string"}
    assert f"{RATINGS}.5:string" in listed.paths


@pytest.mark.parametrize(("sent", "said"), [(None, (None, None)), ("", (None, None))])
def test_conversations_are_stated_with_their_text(sent: Any, said: Any) -> None:
    scalars = read_gizmo(vanity_metrics={"num_conversations_str": sent}).scalars
    assert (scalars["conversations_at_least"], scalars["conversations_exact"]) == said
    assert "conversations_at_least" not in read_gizmo(vanity_metrics={}).scalars


def test_mime_types_are_a_set_in_lower_case_named_by_a_digest() -> None:
    def sets(*types: Any) -> Any:
        path = "product_features.attachments.accepted_mime_types"
        return read(at(path, list(types)))

    one = sets("text/x-script.Python", "application/pdf")
    other = sets("application/pdf", "text/x-script.python", "application/pdf")
    assert one.scalars == other.scalars
    digest = one.scalars["accepted_mime_types"]
    assert one.mime_sets == {digest: ("application/pdf", "text/x-script.python")}
    assert sets("application/pdf").scalars["accepted_mime_types"] != digest
    assert tuple(sets().mime_sets.values()) == ((),)
    odd_sets = [sets(), sets(""), sets("a", "b"), sets("a\nb")]
    assert len({document.scalars["accepted_mime_types"] for document in odd_sets}) == 4
    # Escaped twice, a name is unescaped once, in the digest as in the set.
    assert sets("a&amp;amp;b").mime_sets != sets("a&amp;b").mime_sets
    twice, once = (sets(name).scalars["accepted_mime_types"] for name in ("&amp;amp;", "&amp;"))
    assert twice != once
    assert sets("x" * 255).unmapped == ()
    assert unmapped(sets("x" * 256))
    assert read(at("product_features.attachments.image_mime_types", None)).scalars == {
        "image_mime_types": None
    }


WRAPPINGS: dict[str, Any] = {
    "gizmo": lambda document: document,
    "info.gizmo": lambda document: {"info": document, "@timestamp": "2024-01-08T04:14:20.985Z"},
    "resource.gizmo": lambda document: {"resource": document, "flair": {"kind": "recent"}},
    "data.gizmo": lambda document: {
        "id": GIZMO_ID,
        "created_at": "2023",
        "gpt_updated_at": "2024",
        "data": document,
    },
    "detail.data.gizmo": lambda document: {
        "uuid": GIZMO_ID,
        "name": "row",
        "detail": {"data": document, "created_at": 1},
    },
    "gizmo.gizmo": lambda document: {"gizmo": document},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_document_is_the_same_in_every_wrapping(wrapping: str) -> None:
    wrapped = WRAPPINGS[wrapping](whole())
    assert read(wrapped, wrapping) == read(whole())


def test_a_bare_gizmo_object_says_nothing_of_what_stands_beside_it() -> None:
    document = read(whole()["gizmo"], "")
    assert document.scalars["name"] == "Tide tables"
    assert not {"tools", "files"} & set(document.lists)
    assert "gizmo.display.name" in document.paths


@pytest.mark.parametrize("wrapping", ["gizmo", "info.gizmo"])
def test_the_gateways_counters_are_kept_apart(wrapping: str) -> None:
    wrapped = WRAPPINGS[wrapping](whole())
    wrapped["stat"] = {"read": 3, "favorite": None, "use": "12", "share": 1}
    document = read(wrapped, wrapping)
    assert document.stat == {"stat_read": 3, "stat_use": 12}
    assert unmapped(document) == {"stat.share": "1"}
    assert {"stat", "stat.read", "stat.favorite"} <= set(document.paths)
    assert document.scalars == read(whole()).scalars


def test_counters_of_an_unexpected_type_are_reported() -> None:
    assert set(unmapped(read(whole() | {"stat": [1]}))) == {"stat:array"}
    assert read(whole() | {"stat": None}).unmapped == ()


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_an_unknown_sibling_has_one_path_whatever_the_wrapping(wrapping: str) -> None:
    wrapped = WRAPPINGS[wrapping](whole() | {"about_blocks": [{"type": "rating"}]})
    document = read(wrapped, wrapping)
    assert unmapped(document) == {"about_blocks": '[{"type":"rating"}]'}
    assert "about_blocks[].type" in document.paths


def test_the_envelopes_members_are_ignored_each_for_a_reason() -> None:
    assert all(ENVELOPE.values())
    around = {key: {"any": [1]} for key in ENVELOPE}
    assert read(around | whole()) == read(whole())


def test_a_flat_description_says_what_it_has_and_nothing_else() -> None:
    flat = {
        "id": GIZMO_ID,
        "name": "Tide tables",
        "description": "",
        "welcome_message": None,
        "model": "gpt-4o",
        "tools": ["dalle", "Python"],
        "created_at": "2023-11-06T12:00:00Z",
    }
    document = read(flat, "flat")
    assert document.gizmo_id == GIZMO_ID
    assert document.scalars == {
        "name": "Tide tables",
        "description": "",
        "welcome_message": None,
        "model": "gpt-4o",
        "created_at": 1_699_272_000_000_000,
    }
    assert document.lists == {
        "tools": {
            "dalle": {"type": "dalle", "element_count": 1},
            "python": {"type": "python", "element_count": 1},
        }
    }
    assert document.unmapped == ()
    assert "tools[].type" in document.paths


def test_a_flat_descriptions_own_name_for_asking_a_gpt_is_no_model_of_it() -> None:
    flat = {"id": GIZMO_ID, "model": f"gpt-4-gizmo-{GIZMO_ID}"}
    document = read(flat, "flat")
    assert "model" not in document.scalars
    assert document.unmapped == ()


def test_a_flat_description_reports_what_it_has_beyond_that() -> None:
    document = read(
        {"id": GIZMO_ID, "rank": 1, "gizmo": 2, "tools": ["dalle", 3], "files": None}, "flat"
    )
    assert unmapped(document) == {
        "rank": "1",
        "flat.gizmo": "2",
        "flat.files": "null",
        "tools[]:integer": "3",
    }
    assert document.lists == {}


@pytest.mark.parametrize(
    ("document", "wrapping", "why"),
    [
        ({}, "gizmo", "no gizmo object at 'gizmo'"),
        ([], "gizmo", "no gizmo object at 'gizmo'"),
        ({"info": {"gizmo": gizmo()}}, "gizmo", "no gizmo object at 'gizmo'"),
        ({"gizmo": gizmo()}, "info.gizmo", "no gizmo object at 'info.gizmo'"),
        ({"gizmo": gizmo()}, "gizmo..x", "no gizmo object at 'gizmo..x'"),
        ([], "flat", "no flat description of a GPT"),
        (None, "", "no gizmo object with a GPT's id at ''"),
        ({}, "flat", "no gizmo object with a GPT's id at 'flat'"),
        ({"gizmo": {"id": 5}}, "gizmo", "no gizmo object with a GPT's id at 'gizmo'"),
    ],
)
def test_what_is_refused_says_what_is_missing_and_where(
    document: Any, wrapping: str, why: str
) -> None:
    with pytest.raises(NormalizeError, match=f"^the payload (holds|is) {re.escape(why)}$"):
        read(document, wrapping)


@pytest.mark.parametrize(
    ("document", "wrapping"),
    [
        ("g-Made0Up01", ""),
        ({"gizmo": None}, "gizmo"),
        ({"gizmo": {"id": "g-p-" + "0" * 32}}, "gizmo"),
        ({"gizmo": {"id": ""}}, "gizmo"),
        ({"gizmo": {"id": "g-Made0Up01\n"}}, "gizmo"),
    ],
)
def test_what_holds_no_gizmo_with_an_id_is_refused(document: Any, wrapping: str) -> None:
    with pytest.raises(NormalizeError):
        normalize(json.dumps(document).encode(), wrapping)
