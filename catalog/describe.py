"""The documentation that is made from the declarations, so that it cannot grow stale.

``make docs`` writes it and ``make check`` compares it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalog.fields import EMPTY_ONLY, FIELDS, LISTS, OPEN_ENDED, STAT_FIELDS

_CLASSES = {
    "content": "A difference is a change.",
    "platform": (
        "A difference is a change that the platform makes for thousands of GPTs at once; hidden by"
        " default."
    ),
    "volatile": "Only the latest value is kept; a difference is noise.",
    "metric": "A number over time: a new point only when it moved.",
}


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _reasons(title: str, lead: str, reasons: Mapping[str, str]) -> list[str]:
    return [
        f"## {title}",
        "",
        lead,
        "",
        *_table(("path", "reason"), ((f"`{path}`", why) for path, why in reasons.items())),
    ]


def fields_page() -> str:
    """``docs/fields.md``: where every field of a document goes, and what a difference means."""
    lines = [
        "# Fields",
        "",
        "Where every field of a document goes, and what a difference in it means. Made from",
        "`catalog/fields.py` by `make docs`; do not edit.",
        "",
    ]
    for cls, meaning in _CLASSES.items():
        lines += [f"## {cls.capitalize()}", "", meaning, ""]
        lines += _table(
            ("path", "column", "type", "what it says"),
            (
                (
                    f"`{field.path}`" + (" (flaps)" if field.flapping else ""),
                    f"`{field.table}.{field.column}`",
                    field.type,
                    field.comment,
                )
                for field in FIELDS
                if field.cls == cls
            ),
        )
    lines += ["## Lists", "", "Each element is a row of its own, with its time.", ""]
    lines += _table(
        ("path", "table", "a difference in these is a change", "the latest of these is kept", ""),
        (
            (
                f"`{listed.path}`" + (" (flaps)" if listed.flapping else ""),
                f"`{listed.table}`",
                ", ".join(f"`{name}`" for name in listed.content),
                ", ".join(f"`{name}`" for name in listed.volatile),
                listed.comment,
            )
            for listed in LISTS
        ),
    )
    lines += [
        "## Flapping fields",
        "",
        "Marked with (flaps) above: in the public archive 70 to 75 % of the changes of an author's",
        "fields revert within 8 observations. Where the old value comes back within 8 statements",
        "and 30 days both changes are marked, and `gpts-catalog changes` hides them unless `--all`",
        "is given. Other fields are marked too, and always shown: a rename that is taken back is",
        "still a rename.",
        "",
    ]
    lines += _reasons(
        "Kept whole",
        "Their members are kept as one JSON value and never drift.",
        OPEN_ENDED,
    )
    lines += _reasons(
        "Without a column",
        "Fine while they are null or empty; the day one holds more, it is reported as unmapped.",
        EMPTY_ONLY,
    )
    lines += [
        "## The gateway's own counters",
        "",
        "They belong to the source, not to the GPT.",
        "",
        *_table(
            ("path", "column"),
            ((f"`{path}`", f"`source_stats.{column}`") for path, column in STAT_FIELDS.items()),
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


PAGES = {"docs/fields.md": fields_page}
"""The pages that are made, and by what."""
