from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from catalog.storage import tables as t
from catalog.times import DAY
from tests.laws.worlds import (
    ABSENT,
    START,
    document,
    file,
    keep,
    scratch,
    social,
    state_document,
    tool,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SCALARS = {
    "name": ("gizmo.display.name", "Tide"),
    "description": ("gizmo.display.description", "High and low"),
    "picture_id": ("gizmo.display.profile_picture", "file-one"),
    "user_id": ("gizmo.author.user_id", "user-one"),
    "author": ("gizmo.author.display_name", "Ann"),
    "mime_types": ("product_features.attachments.accepted_mime_types", ["a/b"]),
}
LISTS = {
    "starters": ("gizmo.display.prompt_starters", "prompt_starters", ["When?"]),
    "categories": ("gizmo.display.categories", "categories", ["other"]),
    "tags": ("gizmo.tags", "tags", ["public"]),
    "tools": ("tools", "tools", [tool("dalle")]),
    "files": ("files", "files", [file("a")]),
    "socials": ("gizmo.author.display_socials", "author_socials", [social("github")]),
}
FIELDS = {name: value for name, (*_, value) in {**SCALARS, **LISTS}.items()}


def say(conn: Connection, name: str, *values: Any) -> None:
    """One document a day, that states the field or not."""
    keep(
        conn,
        [
            state_document(document(**{name: value}), at=START + place * DAY)
            for place, value in enumerate(values)
        ],
    )


def changes(conn: Connection) -> list[tuple[Any, ...]]:
    """Field, kind, old and new of each change, the first listing left out."""
    c = t.changes.c
    query = select(c.field, c.kind, c.old, c.new).order_by(c.observed_at, c.field, c.element)
    return [tuple(row) for row in conn.execute(query.where(c.field != "status"))]


def count_of(conn: Connection, table: str) -> list[int | None]:
    """The counts of a list, by interval of its owner."""
    owner = t.gizmo_authors if table == "author_socials" else t.gizmo_revisions
    column = owner.c[f"{table}_count"]
    return list(conn.execute(select(column).order_by(owner.c.valid_from)).scalars())


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_is_not_sent_stands_and_is_no_change(engine: Engine, name: str) -> None:
    with scratch(engine) as conn:
        say(conn, name, FIELDS[name], ABSENT, FIELDS[name], ABSENT)
        assert changes(conn) == []
        for table in (t.gizmo_revisions, t.gizmo_authors, t.attachments, *t.CHILDREN.values()):
            rows = list(conn.execute(select(table)))
            assert len(rows) <= 1, table.name
            assert all(row.valid_to is None for row in rows)


@pytest.mark.parametrize("name", FIELDS)
def test_a_first_statement_of_a_known_gpt_opens_an_interval_and_is_no_change(
    engine: Engine, name: str
) -> None:
    with scratch(engine) as conn:
        say(conn, name, ABSENT, FIELDS[name])
        assert changes(conn) == []


@pytest.mark.parametrize("name", SCALARS)
def test_a_null_is_a_statement_of_a_scalar(engine: Engine, name: str) -> None:
    path, _ = SCALARS[name]
    with scratch(engine) as conn:
        say(conn, name, FIELDS[name], None, ABSENT, FIELDS[name])
        found = changes(conn)
        assert [(field, kind) for field, kind, _, _ in found] == [
            (path, "removed"),
            (path, "added"),
        ]
        assert found[0][2] == found[1][3]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("emptied", "count"), [(None, -1), ([], 0)])
def test_null_and_empty_end_a_lists_elements_and_are_told_apart(
    engine: Engine, name: str, emptied: Any, count: int
) -> None:
    path, table, value = LISTS[name]
    with scratch(engine) as conn:
        say(conn, name, ABSENT, value, emptied, ABSENT)
        assert [(field, kind) for field, kind, _, _ in changes(conn)] == [(path, "removed")]
        assert count_of(conn, table)[-2:] == [1, count]
        (row,) = conn.execute(select(t.CHILDREN[table]))
        assert (row.valid_from, row.valid_to) == (START + DAY, START + 2 * DAY)


@pytest.mark.parametrize("name", LISTS)
def test_between_null_and_empty_lies_a_change_without_elements(engine: Engine, name: str) -> None:
    path, table, _ = LISTS[name]
    with scratch(engine) as conn:
        say(conn, name, None, [], None)
        assert changes(conn) == [(path, "added", None, "[]"), (path, "removed", "[]", None)]
        assert count_of(conn, table)[-3:] == [-1, 0, -1]


def test_an_empty_text_is_no_null(engine: Engine) -> None:
    with scratch(engine) as conn:
        say(conn, "description", "", None, "")
        path = "gizmo.display.description"
        assert changes(conn) == [(path, "removed", '""', None), (path, "added", None, '""')]


def test_storage_tells_the_three_apart(engine: Engine) -> None:
    with scratch(engine) as conn:
        keep(conn, [state_document(document(name=None, description=""))])
        (row,) = conn.execute(select(t.gizmo_revisions))
        assert json.loads(row.null_fields) == ["name"]
        assert (row.name, row.description) == (None, "")
        unstated = json.loads(row.unstated_fields)
        assert "welcome_message" in unstated
        assert not {"name", "description"} & set(unstated)
        assert (row.tools_count, row.tags_count) == (None, None)


def test_a_null_object_says_nothing_of_its_members(engine: Engine) -> None:
    with scratch(engine) as conn:
        first = document(name="Tide", author="Ann")
        second = document()
        second["gizmo"] |= {"display": None, "author": None}
        keep(conn, [state_document(first)], [state_document(second, at=START + DAY)])
        assert changes(conn) == []
