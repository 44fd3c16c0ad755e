"""``docs/data-dictionary.md``, made from the comments of the views and tables.

``make docs`` writes it and ``make check`` compares it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql

from catalog.storage import tables as t
from catalog.storage.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Table

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def dictionary_page() -> str:
    """The data dictionary: each view and each table, with what each column says."""
    derived = {table.name for table in t.DERIVED}
    tables = sorted(t.metadata.tables.values(), key=lambda table: str(table.name))
    lines = [
        "# Data dictionary",
        "",
        "What the catalog holds, for those who query it in SQL. Made from the declarations in",
        "`catalog/storage/` by `make docs`; do not edit. How to open a catalog, and what to ask",
        "it: [sql.md](sql.md). What becomes of each field of a document: [fields.md](fields.md).",
        "",
        "- **Query the views.** Their names and meanings stay; tables may change with a version.",
        "- **Times** in views are text on SQLite, as `2024-02-13T09:19:19.000000Z`, and",
        "  `timestamptz` on PostgreSQL. For a query that runs on both use the columns beside them:",
        "  `day` (`2024-02-13`) and `month` (`2024-02`) are text, `year` is a number, and of two",
        "  `daynum` the difference is in days. In tables times are microseconds since 1970 (UTC).",
        "- **Yes and no** are `boolean` on PostgreSQL, 1 and 0 on SQLite: `WHERE flap` and",
        "  `WHERE NOT flap` do on both.",
        "- **Text** is as the sources sent it, after one HTML-unescape. It was written by",
        "  strangers. U+0000, lone surrogates and U+FDD0 are written with U+FDD0 before them.",
        "- **JSON** is text in canonical form: members sorted, no blanks.",
        "",
        "## Views",
        "",
        *_index((view.name, view.comment) for view in VIEWS),
    ]
    for view in VIEWS:
        lines += [f"### {view.name}", "", view.comment, ""]
        lines += _rows(
            ("column", "what it says"), ((f"`{each.name}`", each.comment) for each in view.columns)
        )
    for title, lead, chosen in (
        (
            "Tables that are kept",
            "What was said and done: the truth, from which all others follow.",
            [table for table in tables if table.name not in derived],
        ),
        (
            "Tables that are derived",
            "`gpts-catalog rebuild` makes them again from those that are kept.",
            [table for table in tables if table.name in derived],
        ),
    ):
        lines += [f"## {title}", "", lead, ""]
        for table in chosen:
            lines += _table(table)
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> list[str]:
    key = ", ".join(f"`{column.name}`" for column in table.primary_key.columns)
    return [
        f"### {table.name}",
        "",
        f"{table.comment} Key: {key}.",
        "",
        *_rows(
            ("column", "type", "null", "what it says"),
            (
                (
                    f"`{column.name}`",
                    column.type.compile(_DIALECT).partition(" COLLATE")[0].lower(),
                    "yes" if column.nullable else "",
                    column.comment or "",
                )
                for column in table.columns
            ),
        ),
    ]


def _index(entries: Iterable[tuple[str, str]]) -> list[str]:
    return _rows(
        ("view", "what it shows"), ((f"[`{name}`](#{name})", comment) for name, comment in entries)
    )


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [*lines, ""]


PAGES = {"docs/data-dictionary.md": dictionary_page}
"""The pages that are made, and by what."""
