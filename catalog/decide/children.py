"""Lists of a document as versioned child rows: one interval an element."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from catalog.decide import marks
from catalog.decide.rows import Writer
from catalog.decide.state import Element, Known, content_of, key_of
from catalog.decide.step import Said
from catalog.fields import ListField
from catalog.records import Row, Statement
from catalog.times import Micros

_JSON = frozenset({"auth", "verified_data"})
_DIGESTED = frozenset({"json_schema"})

Elements = dict[str, Element]


def fold_list(folding: Writer, listed: ListField, what: Said, at: Micros) -> tuple[bool, bool]:
    """Take one list.

    Returns:
        Whether its owner's interval row has to be opened anew, and whether content changed.
    """
    known = folding.state.lists.get(listed.table)
    old: Elements | None = None if known is None else known.value
    new = merged(listed, old or {}, what.value, at)
    source = what.statement.source
    if known is None:
        folding.state.lists[listed.table] = Known(new, at, 1, source)
        for key, element in (new or {}).items():
            _put(folding, listed, key, element, what.statement)
        return True, False
    old_content, new_content = content_of(old), content_of(new)
    if old_content == new_content:
        _refresh(folding, listed, old, new)
        known.value = new
        known.at = at
        known.n += 1
        known.source = source
        return False, False
    verdicts = marks.judge(known, key_of(new_content), source, at)
    _differences(folding, listed, known, new, what.statement, at, verdicts)
    folding.mark(listed.path, verdicts)
    marks.take(known, new, source, at)
    return True, listed.cls == "content" and not listed.flapping


def merged(
    listed: ListField, old: Elements, stated: dict[str, Row] | None, at: Micros
) -> Elements | None:
    """The elements as they stand after the step.

    A column that an element does not state keeps its last known value (law 3), and an element
    whose content did not change keeps its beginning.
    """
    if stated is None:
        return None
    stand: Elements = {}
    for key, row in stated.items():
        before = old.get(key)
        if before is None:
            stand[key] = Element(at, _picked(row, listed.content), _picked(row, listed.volatile))
            continue
        content = {column: row.get(column, before.content[column]) for column in listed.content}
        volatile = {column: row.get(column, before.volatile[column]) for column in listed.volatile}
        since = before.valid_from if content == before.content else at
        stand[key] = Element(since, content, volatile)
    return stand


def _picked(row: Row, columns: tuple[str, ...]) -> Row:
    """Some columns of a row; None for those that it lacks."""
    return dict(zip(columns, map(row.get, columns), strict=True))


def _put(
    folding: Writer, listed: ListField, key: str, element: Element, statement: Statement
) -> None:
    folding.put(
        listed.table,
        (key, element.valid_from),
        {
            "gizmo_id": folding.gizmo_id,
            "element": key,
            "valid_from": element.valid_from,
            "valid_to": None,
            "observation_id": statement.observation_id,
            **element.content,
            **element.volatile,
        },
    )


def _refresh(
    folding: Writer, listed: ListField, old: Elements | None, new: Elements | None
) -> None:
    """Keep the latest volatile columns of elements whose content stands."""
    if not listed.volatile or old is None or new is None:
        return
    for key, element in new.items():
        before = old.get(key)
        if (
            before is not None
            and before.valid_from == element.valid_from
            and before.volatile != element.volatile
        ):
            folding.amend(listed.table, (key, element.valid_from), element.volatile)


def _differences(
    folding: Writer,
    listed: ListField,
    known: Known,
    new: Elements | None,
    statement: Statement,
    at: Micros,
    verdicts: marks.Verdicts,
) -> None:
    """Write what differs, element by element, and the interval rows that begin and end."""
    old: Elements | None = known.value
    before, after = old or {}, new or {}

    def change(key: str, was: Any, now: Any) -> None:
        folding.change(
            at,
            statement,
            field=listed.path,
            cls=listed.cls,
            old=was,
            new=now,
            not_before=known.at,
            element=key,
            verdicts=verdicts,
        )

    if not before and not after:
        change("", None if old is None else [], None if new is None else [])
    for key in before.keys() - after.keys():
        folding.amend(listed.table, (key, before[key].valid_from), {"valid_to": at})
        change(key, _shown(listed, before[key].content), None)
    for key, element in after.items():
        was = before.get(key)
        if was is not None and was.valid_from == element.valid_from:
            continue
        if was is not None:
            folding.amend(listed.table, (key, was.valid_from), {"valid_to": at})
            differing = [c for c in listed.content if was.content[c] != element.content[c]]
            change(
                key,
                _shown(listed, {c: was.content[c] for c in differing}, whole=False),
                _shown(listed, {c: element.content[c] for c in differing}, whole=False),
            )
        else:
            change(key, None, _shown(listed, element.content))
        _put(folding, listed, key, element, statement)
    _refresh(folding, listed, old, new)


def _shown(listed: ListField, content: dict[str, Any], *, whole: bool = True) -> Any:
    """An element as a change row shows it.

    A list of plain values shows the value; others an object of what is not null. A schema can be
    megabytes: its digest stands for it, and the tool's own row holds it.
    """
    if len(listed.content) == 1:
        return content[listed.content[0]]
    shown: dict[str, Any] = {}
    for column, value in content.items():
        if value is None:
            if not whole:
                shown[column] = None
        elif column in _DIGESTED:
            shown[column] = "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]
        elif column in _JSON:
            shown[column] = msgspec.json.decode(value)
        else:
            shown[column] = value
    return shown
