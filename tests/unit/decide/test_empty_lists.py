from __future__ import annotations

from typing import Any

import pytest

from tests.unit.decide.saying import DAYS, START, changes, folded, say, table


@pytest.mark.parametrize(
    ("before", "after", "old", "new"), [({}, None, "[]", None), (None, {}, None, "[]")]
)
def test_an_empty_list_is_shown_as_a_list(
    before: Any, after: Any, old: str | None, new: str | None
) -> None:
    result = folded(say(lists={"tags": before}), say(START + DAYS, lists={"tags": after}))
    (row,) = changes(result)
    assert (row["element"], row["old"], row["new"]) == ("", old, new)
    assert [(row["valid_from"], row["tags_count"]) for row in table(result, "gizmo_revisions")] == [
        (START, -1 if before is None else 0),
        (START + DAYS, -1 if after is None else 0),
    ]
