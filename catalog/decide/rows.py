"""The rows that a fold yields: new ones whole, earlier ones by the columns that move."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from catalog.decide import marks
from catalog.decide.state import State, canonical
from catalog.records import Row, Rows, Statement
from catalog.times import Micros


class Writer:
    """Gathers the rows of one GPT's fold.

    Args:
        gizmo_id: the GPT.
        state: where the fold stands; its steps change it.
    """

    def __init__(self, gizmo_id: str, state: State) -> None:
        self.gizmo_id = gizmo_id
        self.state = state
        self.rows: Rows = defaultdict(dict)
        self.updates: Rows = defaultdict(dict)
        self.authors: set[str] = set()
        self.effects: dict[int, str] = {}
        self._changes: dict[tuple[Micros, str], list[Row]] = defaultdict(list)

    def put(self, table: str, key: tuple[Any, ...], row: Row) -> None:
        """Write a new row."""
        self.rows[table][self.gizmo_id, *key] = row

    def amend(self, table: str, key: tuple[Any, ...], columns: Row) -> None:
        """Set columns of a row, be it of this fold or of an earlier one."""
        full = (self.gizmo_id, *key)
        mine = self.rows[table].get(full) if table in self.rows else None
        if mine is None:
            self.updates[table].setdefault(full, {}).update(columns)
        else:
            mine.update(columns)

    def change(
        self,
        at: Micros,
        statement: Statement,
        *,
        field: str,
        cls: str,
        old: Any,
        new: Any,
        not_before: Micros | None,
        element: str = "",
        verdicts: marks.Verdicts | None = None,
    ) -> None:
        """Write one change row, and mark its other side where it has one."""
        kind = "added" if old is None else "removed" if new is None else "changed"
        verdicts = verdicts or marks.Verdicts()
        row = {
            "gizmo_id": self.gizmo_id,
            "observed_at": at,
            "field": field,
            "element": element,
            "not_before": not_before,
            "cls": cls,
            "kind": kind,
            "old": None if old is None else canonical(old),
            "new": None if new is None else canonical(new),
            "source": statement.source,
            "observation_id": statement.observation_id,
            "flap": verdicts.flap,
            "disagreement": verdicts.disagreement,
        }
        self._changes[at, field].append(row)
        self.put("changes", (at, field, element), row)

    def mark(self, field: str, verdicts: marks.Verdicts) -> None:
        """Mark the change rows on the other side of a flap or a disagreement."""
        for left_at, column in (
            (verdicts.flapped_at, "flap"),
            (verdicts.disagreed_at, "disagreement"),
        ):
            if left_at is None:
                continue
            mine = self._changes.get((left_at, field), ())
            for row in mine:
                row[column] = True
            if not mine:
                key = (self.gizmo_id, left_at, field)
                self.updates["changes"].setdefault(key, {})[column] = True
