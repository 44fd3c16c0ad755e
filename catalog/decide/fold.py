"""The fold: state and step in, rows and changes out (design, section 4, stage 1).

Every rule about one GPT meets here. What a field's difference means is read from
:mod:`catalog.fields`; nothing here knows a field by name but the few that have a rule of their own.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

from catalog.decide import marks
from catalog.decide.children import fold_list, merged
from catalog.decide.rows import Writer
from catalog.decide.state import (
    Known,
    State,
    canonical,
    content_of,
    decode_state,
    encode_state,
    key_of,
)
from catalog.decide.step import Said, Step, document_of, lists, scalars, stats, steps, take
from catalog.fields import FIELDS, LISTS, STAT_FIELDS, Field, ListField, of_table
from catalog.records import Document, Folded, Row, Statement
from catalog.text import sort_key
from catalog.times import DAY, Micros, day_of

CONVERSATIONS = ("conversations_at_least", "conversations_exact")

_INTERVALS: dict[str, Field] = {
    field.column: field for field in FIELDS if field.cls in ("content", "platform")
}
_VOLATILE = frozenset(field.column for field in FIELDS if field.cls == "volatile")
_METRICS = tuple(field.column for field in of_table("vanity_metrics")) + CONVERSATIONS
_LISTS: dict[str, ListField] = {listed.table: listed for listed in LISTS}
_TABLES = ("gizmo_revisions", "gizmo_authors", "attachments")
_COLUMNS = {table: tuple(field.column for field in of_table(table)) for table in _TABLES}
_OWNED = {table: tuple(x for x in LISTS if x.owner == table) for table in _TABLES}
_NO_NUMBER = (None, "")


def fold(gizmo_id: str, state: bytes | None, statements: Sequence[Statement]) -> Folded:
    """Take the steps of one GPT that follow ``state``.

    Args:
        gizmo_id: the GPT.
        state: what the last fold of this GPT returned, or None to begin at its beginning.
        statements: in any order; all later than the state's last step.

    Raises:
        ValueError: a statement is not later than the state: that GPT must be replayed whole.
    """
    folding = _Fold(gizmo_id, State() if state is None else decode_state(state))
    for at, group in steps(statements):
        if at <= folding.state.last_at:
            raise ValueError(f"{gizmo_id}: a statement of the past needs a replay")
        folding.step(take(at, group, folding.state.newest_update), group)
    return Folded(
        state=encode_state(folding.state),
        rows=dict(folding.rows),
        updates=dict(folding.updates),
        last_at=folding.state.last_at,
        authors=frozenset(folding.authors),
        effects=folding.effects,
    )


class _Fold(Writer):
    """A fold under way."""

    # Steps.

    def step(self, step: Step, group: list[Statement]) -> None:
        """Take one step."""
        state = self.state
        state.last_at = step.at
        state.stale_copies += step.stale
        for statement in group:
            if statement.document is not None:
                self.effects[statement.observation_id] = "unchanged"
                self._mime_sets(statement.document)
        if step.fresh:
            self._documents(step)
        elif state.status:
            if step.absent is not None:
                self._absent(step.at, step.absent)
            self.amend(
                "gizmos",
                (),
                {"last_asked_at": step.at, "stale_copies": state.stale_copies},
            )

    def _absent(self, at: Micros, statement: Statement) -> None:
        """A counted not-found, and no document beside it."""
        state = self.state
        if state.status == "listed":
            self._status("missing", at, statement, confirmed=state.last_seen_at)
        elif state.status == "missing" and day_of(at) > day_of(state.status_from):
            self._status("gone", at, statement, confirmed=state.last_absent_at)
        state.last_absent_at = at

    def _status(
        self, status: str, at: Micros, statement: Statement, confirmed: Micros | None
    ) -> None:
        state = self.state
        if state.status:
            self.amend("statuses", (state.status_from,), {"valid_to": at})
            self.amend("gizmos", (), {"status": status})
        self.put(
            "statuses",
            (at,),
            {
                "gizmo_id": self.gizmo_id,
                "valid_from": at,
                "valid_to": None,
                "observation_id": statement.observation_id,
                "status": status,
            },
        )
        self.change(
            at,
            statement,
            field="status",
            cls="lifecycle",
            old=state.status or None,
            new=status,
            not_before=confirmed,
        )
        state.status, state.status_from = status, at

    def _documents(self, step: Step) -> None:
        """At least one document that is no stale copy."""
        state, at, first = self.state, step.at, not self.state.status
        deciding = step.fresh[0]
        if first:
            state.first_seen_at = at
        if state.status != "listed":
            self._status("listed", at, deciding, confirmed=None if first else state.last_absent_at)
        self._hear(step)
        said, said_lists = scalars(step), lists(step)
        author = self._author()
        opened, changed = self._content(said, said_lists, at)
        if first:
            # A document that states nothing but its id begins a revision all the same.
            opened.setdefault("gizmo_revisions", [deciding])
        self._contradictions(step, said_lists)
        if changed:
            state.last_changed_at = at
        for table in _TABLES:
            if table in opened:
                self._open(table, at, _first(step, opened[table]))
        if "gizmo_authors" in opened:
            self.authors.update(user for user in (author, self._author()) if user)
        self._metrics(at, said)
        self._stats(step)
        state.last_seen_at = at
        self._gizmo(step, said, opened, first=first)
        # Of several documents of one moment, the deciding one did it.
        effect = "new" if first else "changed" if changed else "unchanged"
        self.effects[deciding.observation_id] = effect

    def _content(
        self, said: dict[str, Said], said_lists: dict[str, Said], at: Micros
    ) -> tuple[dict[str, list[Statement]], bool]:
        """Take all fields that have an interval.

        Returns:
            The tables whose row has to be opened anew, with the statements that moved a field of
            theirs, and whether content changed.
        """
        opened: dict[str, list[Statement]] = {}
        changed = False
        for column, what in said.items():
            field = _INTERVALS.get(column)
            if field is not None:
                moved, mattered = self._scalar(field, what, at)
                changed = changed or mattered
                if moved:
                    opened.setdefault(field.table, []).append(what.statement)
        for table, what in said_lists.items():
            moved, mattered = fold_list(self, _LISTS[table], what, at)
            changed = changed or mattered
            if moved:
                opened.setdefault(_LISTS[table].owner, []).append(what.statement)
        return opened, changed

    def _hear(self, step: Step) -> None:
        """Note who speaks, and the latest believable update."""
        state = self.state
        for statement in step.fresh:
            if statement.source not in state.sources:
                if len(state.sources) == 1:
                    # Up to now one source said all that is known.
                    for known in (*state.scalars.values(), *state.lists.values()):
                        known.said = {known.source: key_of(content_of(known.value))}
                state.sources.append(statement.source)
            update = document_of(statement).updated_at
            if update is not None and update <= step.at + DAY:
                state.newest_update = max(state.newest_update, update)

    def _contradictions(self, step: Step, said_lists: dict[str, Said]) -> None:
        """Remember what each of several sources said last, deciding or not."""
        if len(self.state.sources) == 1:
            return
        # A source speaks by the first of its documents that states a field (rule 3).
        spoken: set[tuple[str, str]] = set()
        for statement in step.fresh:
            document, source = document_of(statement), statement.source
            for column, value in document.scalars.items():
                if column in _INTERVALS and (source, column) not in spoken:
                    spoken.add((source, column))
                    self.state.scalars[column].said[source] = key_of(value)
            for table, elements in document.lists.items():
                if (source, table) in spoken:
                    continue
                spoken.add((source, table))
                known = self.state.lists[table]
                own = known.value
                if said_lists[table].statement is not statement:
                    own = merged(_LISTS[table], known.value or {}, elements, step.at)
                known.said[source] = key_of(content_of(own))

    def _scalar(self, field: Field, what: Said, at: Micros) -> tuple[bool, bool]:
        """Take one scalar.

        Returns:
            Whether its interval row has to be opened anew, and whether content changed.
        """
        source = what.statement.source
        known = self.state.scalars.get(field.column)
        if known is None:
            self.state.scalars[field.column] = Known(what.value, at, 1, source)
            return True, False
        if known.value == what.value:
            known.at = at
            known.n += 1
            known.source = source
            return False, False
        verdicts = marks.judge(known, key_of(what.value), source, at)
        self.change(
            at,
            what.statement,
            field=field.path,
            cls=field.cls,
            old=known.value,
            new=what.value,
            not_before=known.at,
            verdicts=verdicts,
        )
        self.mark(field.path, verdicts)
        marks.take(known, what.value, source, at)
        return True, field.cls == "content" and not field.flapping

    # Rows of the current state.

    def _author(self) -> str | None:
        known = self.state.scalars.get("user_id")
        return known.value if known else None

    def _open(self, table: str, at: Micros, statement: Statement) -> None:
        """End the table's current row, if any, and write the next."""
        state = self.state
        if table in state.opened:
            self.amend(table, (state.opened[table],), {"valid_to": at})
        state.opened[table] = at
        row: Row = {
            "gizmo_id": self.gizmo_id,
            "valid_from": at,
            "valid_to": None,
            "observation_id": statement.observation_id,
        }
        nulls, unstated = [], []
        for column in _COLUMNS[table]:
            known = state.scalars.get(column)
            row[column] = None if known is None else known.value
            if known is None:
                unstated.append(column)
            elif known.value is None:
                nulls.append(column)
        for listed in _OWNED[table]:
            known = state.lists.get(listed.table)
            row[listed.count_column] = (
                None if known is None else -1 if known.value is None else len(known.value)
            )
        row["null_fields"] = canonical(nulls)
        row["unstated_fields"] = canonical(unstated)
        self.put(table, (at,), row)

    def _mime_sets(self, document: Document) -> None:
        """Write the members of each set that is stated, be it by a stale copy.

        What a copy turns out to be depends on what else was said; that the set exists does not.
        """
        known = {
            said.value
            for column in _COLUMNS["attachments"]
            if (said := self.state.scalars.get(column)) is not None
        }
        for digest, members in document.mime_sets.items():
            if digest in known:
                continue
            for member in members:
                self.rows["mime_sets"][digest, member] = {
                    "set_digest": digest,
                    "mime_type": member,
                }

    def _metrics(self, at: Micros, said: dict[str, Said]) -> None:
        """A new point where a number moved; a null or an empty text is no number."""
        state, mover = self.state, None
        for column in _METRICS:
            what = said.get(column)
            if what is None or what.value in _NO_NUMBER:
                continue
            if state.metrics.get(column) != what.value:
                state.metrics[column] = what.value
                mover = what.statement
        if mover is not None:
            self.put(
                "vanity_metrics",
                (at,),
                {
                    "gizmo_id": self.gizmo_id,
                    "observed_at": at,
                    "observation_id": mover.observation_id,
                    **{column: state.metrics.get(column) for column in _METRICS},
                },
            )

    def _stats(self, step: Step) -> None:
        """A new point where a gateway's own counter moved."""
        for source, (counters, statement) in stats(step).items():
            known = self.state.stats.setdefault(source, {})
            if all(known.get(column) == value for column, value in counters.items()):
                continue
            known.update(counters)
            self.put(
                "source_stats",
                (source, step.at),
                {
                    "gizmo_id": self.gizmo_id,
                    "source": source,
                    "observed_at": step.at,
                    "observation_id": statement.observation_id,
                    **{column: known.get(column) for column in STAT_FIELDS.values()},
                },
            )

    def _gizmo(
        self, step: Step, said: dict[str, Said], opened: Container[str], *, first: bool
    ) -> None:
        """The current row: all of it at first, then what moved."""
        state = self.state
        volatile = {column: what for column, what in said.items() if column in _VOLATILE}
        for column, what in volatile.items():
            # The row names one observation, but each source may state others of these.
            state.volatile[column] = (what.statement.source, step.at)
        row: Row = {
            "last_seen_at": step.at,
            "last_asked_at": step.at,
            "last_changed_at": state.last_changed_at,
            "stale_copies": state.stale_copies,
            "observation_id": step.fresh[0].observation_id,
            **{column: what.value for column, what in volatile.items()},
        }
        if "gizmo_revisions" in opened:
            for column in _COLUMNS["gizmo_revisions"]:
                known = state.scalars.get(column)
                row[column] = None if known is None else known.value
            name = row["name"]
            row["name_key"] = None if name is None else sort_key(name)
        if "gizmo_authors" in opened:
            row["user_id"] = self._author()
        if not first:
            self.amend("gizmos", (), row)
            return
        self.put(
            "gizmos",
            (),
            {
                **dict.fromkeys((*_COLUMNS["gizmo_revisions"], *_VOLATILE, "name_key", "user_id")),
                "gizmo_id": self.gizmo_id,
                "status": state.status,
                "first_seen_at": step.at,
                **row,
            },
        )


def _first(step: Step, movers: Sequence[Statement]) -> Statement:
    """Of the statements that moved a row, the one that comes first in a step (rule 3)."""
    return next(each for each in step.fresh if any(each is mover for mover in movers))
