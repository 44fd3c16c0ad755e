from __future__ import annotations

import hashlib
from typing import Any

import pytest

from catalog.fields import EMPTY_ONLY, LISTS
from catalog.records import Document, Row
from tests.unit.normalize.documents import action, gizmo, read, read_gizmo, unmapped

COLUMNS = {listed.table: {*listed.content, *listed.volatile} for listed in LISTS}


def tools(*elements: Any) -> Document:
    return read({"gizmo": gizmo(), "tools": list(elements)})


def files(*elements: Any) -> Document:
    return read({"gizmo": gizmo(), "files": list(elements)})


def socials(*elements: Any) -> Document:
    return read_gizmo(author={"display_socials": list(elements)})


def rows(document: Document) -> dict[str, Row]:
    [(_, elements)] = document.lists.items()
    assert elements is not None
    return elements


def test_an_element_holds_only_the_columns_that_it_states() -> None:
    assert rows(tools({"type": "dalle", "metadata": None})) == {
        "dalle": {"type": "dalle", "element_count": 1}
    }
    assert rows(files({"id": "f1", "name": None})) == {"f1": {"file_ref": "f1", "name": None}}
    assert rows(socials({"type": "github", "id": "s1"})) == {
        "github s1": {"type": "github", "social_id": "s1"}
    }


def test_every_column_of_the_registry_is_filled() -> None:
    full = {
        "tools": tools(
            action(
                domain="a.example",
                auth={},
                json_schema={},
                raw_spec=None,
                privacy_policy_url="https://a.example",
                action_id="g-" + "0" * 40,
            )
        ),
        "files": files(
            {
                "id": "f1",
                "file_id": "u1",
                "name": "n",
                "type": "t",
                "size": 1,
                "location": "fs",
                "file_size_tokens": 2,
                "file_response_type": "r",
                "metadata": None,
            }
        ),
        "prompt_starters": read_gizmo(display={"prompt_starters": ["a"]}),
        "categories": read_gizmo(display={"categories": ["a"]}),
        "tags": read_gizmo(tags=["a"]),
        "author_socials": socials(
            {"id": "s", "type": "t", "display_name": "n", "verified": True, "verified_data": {}}
        ),
    }
    assert full.keys() == COLUMNS.keys()
    for table, document in full.items():
        [row] = rows(document).values()
        assert set(row) == COLUMNS[table]
        assert document.unmapped == ()


def test_tools_are_keyed_by_lower_cased_type_and_equal_ones_counted() -> None:
    elements = rows(
        tools(
            {"id": "b", "type": "Python"}, {"id": "a", "type": "python"}, {"id": "c", "type": "x"}
        )
    )
    assert elements == {
        "python": {"type": "python", "tool_id": "a", "element_count": 2},
        "x": {"type": "x", "tool_id": "c", "element_count": 1},
    }


def test_actions_are_keyed_by_type_and_domain() -> None:
    elements = rows(
        tools(
            action(domain="A.example", json_schema={"v": 1}),
            action(domain="b.example", json_schema={"v": 1}),
            action(domain=None),
        )
    )
    assert set(elements) == {
        "plugins_prototype a.example",
        "plugins_prototype b.example",
        "plugins_prototype",
    }
    assert elements["plugins_prototype a.example"]["domain"] == "A.example"


def test_actions_of_one_domain_are_told_apart_by_their_schemas_alone() -> None:
    elements = rows(
        tools(
            action(domain="a.example", json_schema={"v": 1}, action_id="g-1"),
            action(domain="a.example", raw_spec="v: 1", action_id="g-2"),
            action(domain="a.example", json_schema={"v": 2}, action_id="g-3"),
            action(domain="a.example", json_schema=None),
        )
    )
    counts = {row["json_schema"]: row["element_count"] for row in elements.values()}
    assert counts == {'{"v":1}': 2, '{"v":2}': 1, None: 1}
    assert all(key.startswith("plugins_prototype a.example ") for key in elements)


def test_files_are_keyed_by_the_id_behind_the_configuration() -> None:
    elements = rows(files({"id": "gzm_cnf_a~gzm_file_1"}, {"id": "bare"}))
    assert elements == {
        "gzm_file_1": {"file_ref": "gzm_cnf_a~gzm_file_1"},
        "bare": {"file_ref": "bare"},
    }


def test_files_without_an_id_are_numbered_within_their_type_in_any_order() -> None:
    sent = [
        {"type": "text/plain", "size": 2},
        {"type": "text/plain", "size": 1},
        {"id": "", "type": None},
        {"id": "gzm_cnf_a~", "type": "Text/Plain", "size": 3},
        {},
    ]
    elements = rows(files(*sent))
    assert {key: row.get("size") for key, row in elements.items()} == {
        "text/plain#0": 3,
        "text/plain#1": 1,
        "text/plain#2": 2,
        "#0": None,
        "#1": None,
    }
    assert rows(files(*reversed(sent))) == elements


def test_starters_are_keyed_by_their_text_with_first_place_and_count() -> None:
    elements = rows(read_gizmo(display={"prompt_starters": ["a &amp; b", "", "a & b"]}))
    assert elements == {
        hashlib.sha256(b"a & b").hexdigest(): {
            "text": "a & b",
            "position": 0,
            "element_count": 2,
        },
        hashlib.sha256(b"").hexdigest(): {"text": "", "position": 1, "element_count": 1},
    }


def test_categories_are_one_whatever_their_case() -> None:
    elements = rows(read_gizmo(display={"categories": ["Other", "other", "dalle"]}))
    assert elements == {"other": {"category": "other"}, "dalle": {"category": "dalle"}}


def test_tags_are_a_set() -> None:
    assert rows(read_gizmo(tags=["public", "public", "Public"])) == {
        "public": {"tag": "public"},
        "Public": {"tag": "Public"},
    }


@pytest.mark.parametrize(
    ("verified_data", "key"),
    [
        ({"id": 7, "link_to": "https://x.test", "username": "ada"}, "x 7"),
        ({"id": "7", "username": "ada"}, "x 7"),
        ({"id": True, "link_to": "https://x.test", "username": "ada"}, "x https://x.test"),
        ({"id": None, "link_to": "", "username": "ada"}, "x ada"),
        ({}, "x s1"),
        (None, "x s1"),
        ("ada", "x s1"),
    ],
)
def test_socials_are_keyed_by_the_account(verified_data: Any, key: str) -> None:
    assert list(rows(socials({"id": "s1", "type": "X", "verified_data": verified_data}))) == [key]


def test_the_type_of_an_accounts_id_stays_inside_its_json() -> None:
    [row] = rows(socials({"type": "x", "verified_data": {"username": "a", "id": 7}})).values()
    assert row["verified_data"] == '{"id":7,"username":"a"}'


def test_of_equal_socials_the_smallest_stands_for_all() -> None:
    one, other = ({"type": "x", "id": "s", "display_name": name} for name in "ab")
    assert rows(socials(one, other)) == rows(socials(other, one))
    assert rows(socials(other, one))["x s"]["display_name"] == "a"


def test_of_equal_socials_the_smallest_is_so_by_its_canonical_text() -> None:
    one, other = ({"type": "x", "id": "s", "display_name": name} for name in ("&amp;lt;", "'"))
    assert rows(socials(one, other))["x s"]["display_name"] == "&lt;"


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({"gizmo": gizmo(), "tools": ["dalle"]}, "tools[]:string"),
        ({"gizmo": gizmo(), "tools": [{"type": "dalle"}, None]}, "tools[]:null"),
        ({"gizmo": gizmo(), "tools": [{"id": "a"}]}, "tools[]:object"),
        ({"gizmo": gizmo(), "tools": [{"type": 5}]}, "tools[].type:integer"),
        ({"gizmo": gizmo(), "files": [["a"]]}, "files[]:array"),
        ({"gizmo": gizmo(tags=["a", 5])}, "gizmo.tags[]:integer"),
        ({"gizmo": gizmo(tags=[5, "a"])}, "gizmo.tags[]:integer"),
        (
            {"gizmo": gizmo(display={"prompt_starters": ["a", {}]})},
            "gizmo.display.prompt_starters[]:object",
        ),
        ({"gizmo": gizmo(display={"categories": [None]})}, "gizmo.display.categories[]:null"),
        (
            {"gizmo": gizmo(author={"display_socials": [True]})},
            "gizmo.author.display_socials[]:boolean",
        ),
    ],
)
def test_a_list_with_an_element_that_cannot_be_read_is_not_stated(
    sent: dict[str, Any], path: str
) -> None:
    document = read(sent)
    assert list(unmapped(document)) == [path]
    assert path in document.paths
    assert document.lists == {}


def test_a_member_that_cannot_be_read_leaves_the_rest_of_its_element() -> None:
    document = files({"id": "f", "size": "big", "name": "n"})
    assert rows(document) == {"f": {"file_ref": "f", "name": "n"}}
    assert unmapped(document) == {"files[].size:string": '"big"'}


def test_unknown_members_of_elements_are_reported_with_one_example() -> None:
    document = tools({"type": "a", "new": 2}, {"type": "b", "new": 1}, action(colour="red"))
    assert unmapped(document) == {"tools[].new": "1", "tools[].metadata.colour": '"red"'}


@pytest.mark.parametrize("path", [path for path in EMPTY_ONLY if "[]" in path])
def test_members_of_elements_that_were_always_empty_are_fine_while_they_are(path: str) -> None:
    name = path.rpartition(".")[2]
    make = tools if path.startswith("tools") else files
    empties: tuple[Any, ...] = (None, {}, [], "")
    for empty in empties:
        assert make({"type": "a", name: empty}).unmapped == ()
    assert unmapped(make({"type": "a", name: {"b": 1}})) == {path: '{"b":1}'}


def test_long_keys_are_bounded_and_stay_distinct() -> None:
    texts = ["t" * 5000, "t" * 5001]
    for document in (
        read_gizmo(tags=texts),
        read_gizmo(display={"categories": texts}),
        tools(*(action(domain=text) for text in texts)),
        files(*({"id": text} for text in texts)),
        socials(*({"type": text} for text in texts)),
    ):
        keys = list(rows(document))
        assert len(keys) == 2
        assert all(len(key) <= 200 for key in keys)
