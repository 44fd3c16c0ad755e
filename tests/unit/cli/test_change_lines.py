from __future__ import annotations

from typing import Any

from catalog.cli.change_lines import body
from catalog.query.changes import Change
from catalog.times import DAY, SECOND


def _line(field: str, kind: str, old: Any, new: Any, element: str = "") -> str:
    return body(
        Change(
            gizmo_id="g-Made1UpId",
            name=None,
            observed_at=DAY,
            not_before=None,
            cls="content",
            field=field,
            element=element,
            kind=kind,
            old=old,
            new=new,
            source="one",
            flap=False,
            disagreement=False,
            event_id=None,
        )
    ).plain.strip()


def test_element_with_nothing_to_show_is_shown_by_its_key() -> None:
    assert _line("files", "added", None, {"type": None, "name": ""}, "file-Abc") == (
        "+ files: file-Abc"
    )


def test_file_without_a_name_is_told_from_others_by_its_key() -> None:
    pdf = {"type": "application/pdf"}
    assert _line("files", "removed", pdf, None, "file-Abc").endswith("application/pdf, file-Abc")
    named = _line("files", "added", None, pdf | {"name": "a.pdf"}, "file-Abc")
    assert named == "+ files: application/pdf, a.pdf"
    assert _line("tools", "added", None, {"type": "dalle"}, "dalle") == "+ tools: dalle"


def test_moments_of_one_second_show_their_fraction() -> None:
    line = _line("gizmo.created_at", "changed", SECOND, SECOND + 5)
    assert line == "~ created_at: 1970-01-01T00:00:01Z → 1970-01-01T00:00:01.000005Z"
    line = _line("gizmo.created_at", "changed", SECOND + 5, 3 * SECOND)
    assert line == "~ created_at: 1970-01-01T00:00:01Z → 1970-01-01T00:00:03Z"
