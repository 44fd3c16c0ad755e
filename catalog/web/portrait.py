"""One GPT laid out to be read: what it says first, then every field with who says so. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from catalog.query.told import MIME_PATHS
from catalog.wording.changes import element, label, named
from catalog.wording.text import count, harmless, shorten, shown

if TYPE_CHECKING:
    from catalog.query.gizmos import Fact, Gizmo, Listed
    from catalog.query.told import Said
    from catalog.times import Micros

LONGEST = 4000
"""Characters of a value."""
_TITLES = {
    "gizmo_revisions": "Content",
    "gizmo_authors": "Author",
    "attachments": "Attachments",
    "gizmos": "As last sent; a difference means nothing",
}
_HEADLINES = frozenset({"name", "description", "created_ago_str"})
"""Fields that stand elsewhere, or say nothing by themselves."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A field's value, and who says so.

    Attributes:
        label: the field.
        path: its place in the document.
        text: its value in words, harmless already.
        link: the value, where it may be an address.
        since: since when it holds.
        said: the observation that says so.
        unsent_since: when its source stopped sending it, if it did.
        is_null: whether it is stated as null.
    """

    label: str
    path: str
    text: str
    link: str | None
    since: Micros | None
    said: Said
    unsent_since: Micros | None
    is_null: bool


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that belong together."""

    title: str
    cells: tuple[Cell, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An element of a list."""

    text: str
    since: Micros
    said: Said


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A list.

    Attributes:
        name: its table.
        title: its field.
        rows: its elements; None where it is stated as null.
        unsent_since: when its source stopped sending it, if it did.
    """

    name: str
    title: str
    rows: tuple[Row, ...] | None
    unsent_since: Micros | None


class Portrait(msgspec.Struct, frozen=True, kw_only=True):
    """One GPT.

    Attributes:
        description: what it says of itself.
        user_id: its author.
        starters: what it offers to be asked.
        categories: its categories.
        created_at: when it was made.
        updated_at: when it was last updated, as last sent.
        sections: its fields.
        tables: its lists.
    """

    description: str | None
    user_id: str | None
    starters: tuple[str, ...]
    categories: tuple[str, ...]
    created_at: Micros | None
    updated_at: Micros | None
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]


def portrait(gizmo: Gizmo) -> Portrait:
    """One GPT laid out."""
    values = {fact.field.column: fact.value for fact in gizmo.facts}
    by_table: dict[str, list[Fact]] = {}
    for fact in gizmo.facts:
        by_table.setdefault(fact.field.table, []).append(fact)
    lists = {listed.field.table: listed for listed in gizmo.lists}
    return Portrait(
        description=values.get("description"),
        user_id=values.get("user_id"),
        starters=_texts(lists.get("prompt_starters"), "text"),
        categories=_texts(lists.get("categories"), "category"),
        created_at=values.get("created_at"),
        updated_at=values.get("updated_at"),
        sections=tuple(
            Section(title=title, cells=cells)
            for table, title in _TITLES.items()
            if (cells := tuple(map(_cell, _shown(by_table.get(table, [])))))
        ),
        tables=tuple(
            _table(listed) for listed in gizmo.lists if listed.field.table != "categories"
        ),
    )


def value_of(fact: Fact) -> str:
    """A field's value in words, harmless."""
    value = fact.value
    if value is None:
        return "null"
    if isinstance(value, str):
        return shorten(harmless(value, lines=True), LONGEST) if value else '""'
    if fact.field.path in MIME_PATHS:
        return count(len(value), "type") + ": " + shorten(shown(value), LONGEST)
    return shorten(shown(value, time=fact.field.type == "time"), LONGEST)


def words_of(listed: Listed, values: dict[str, Any], key: str) -> str:
    """An element of a list in words, harmless."""
    content = {name: values[name] for name in listed.field.content if name in values}
    return shorten(named(listed.field.path, element(content), content, key), LONGEST)


def _shown(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.field.column not in _HEADLINES]


def _cell(fact: Fact) -> Cell:
    return Cell(
        label=label(fact.field.path),
        path=fact.field.path,
        text=value_of(fact),
        link=fact.value if isinstance(fact.value, str) else None,
        since=fact.since,
        said=fact.said,
        unsent_since=fact.unsent_since,
        is_null=fact.value is None,
    )


def _table(listed: Listed) -> Table:
    return Table(
        name=listed.field.table,
        title=label(listed.field.path),
        rows=None
        if listed.items is None
        else tuple(
            Row(text=words_of(listed, item.values, item.key), since=item.since, said=item.said)
            for item in listed.items
        ),
        unsent_since=listed.unsent_since,
    )


def _texts(listed: Listed | None, column: str) -> tuple[str, ...]:
    if listed is None or listed.items is None:
        return ()
    return tuple(str(item.values.get(column, "")) for item in listed.items)
