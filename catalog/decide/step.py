"""One step: all that was said of one GPT at one moment, put together (rules 3 and 4)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from catalog.records import Document, Row, Statement
from catalog.times import DAY, Micros

_NEVER = -(2**63)


class Said(msgspec.Struct, frozen=True):
    """What a step says of one field, and who decided it."""

    value: Any
    statement: Statement


class Step(msgspec.Struct, kw_only=True):
    """All documents of one GPT with one ``observed_at``, taken together.

    Attributes:
        at: their ``observed_at``.
        fresh: the documents that are no stale copies, the one that decides first in front.
        stale: how many are stale copies.
        absent: a not-found that counts, if no fresh document beats it.
    """

    at: Micros
    fresh: list[Statement]
    stale: int
    absent: Statement | None


def believable_update(statement: Statement) -> Micros | None:
    """The document's ``updated_at``, unless it lies more than a day after it was said (rule 4)."""
    document = statement.document
    if document is None or document.updated_at is None:
        return None
    return document.updated_at if document.updated_at <= statement.observed_at + DAY else None


def steps(statements: Sequence[Statement]) -> Iterator[tuple[Micros, list[Statement]]]:
    """``statements`` in time order, those of one moment together."""
    ordered = sorted(statements, key=lambda statement: statement.observed_at)
    for at, group in itertools.groupby(ordered, key=lambda statement: statement.observed_at):
        yield at, list(group)


def _precedence(statement: Statement) -> tuple[int, int, bytes, str]:
    """Rule 3: later ``updated_at``, more non-null leaves, smaller digest.

    The same payload from two sources ties in all three: there the smaller source name names the
    fact's source.
    """
    document = document_of(statement)
    update = believable_update(statement)
    return (
        -(_NEVER if update is None else update),
        -document.leaves,
        statement.digest,
        statement.source,
    )


def document_of(statement: Statement) -> Document:
    """The statement's document, where there is known to be one."""
    if statement.document is None:
        raise TypeError("a not-found states no field")
    return statement.document


def take(at: Micros, group: list[Statement], newest_update: Micros) -> Step:
    """Put the statements of one moment together.

    Args:
        at: their ``observed_at``.
        group: the statements.
        newest_update: the latest believable ``updated_at`` of all earlier steps.
    """
    documents = [statement for statement in group if statement.document is not None]
    fresh = []
    for statement in documents:
        update = believable_update(statement)
        if update is None or update >= newest_update:
            fresh.append(statement)
    if len(fresh) > 1:
        fresh.sort(key=_precedence)
    absent = None
    if not fresh:
        counted = [statement for statement in group if statement.counted]
        absent = min(counted, key=lambda statement: statement.source, default=None)
    return Step(at=at, fresh=fresh, stale=len(documents) - len(fresh), absent=absent)


def scalars(step: Step) -> dict[str, Said]:
    """Each scalar that the step states, by column: the first document that states it decides."""
    said: dict[str, Said] = {}
    for statement in step.fresh:
        for column, value in document_of(statement).scalars.items():
            if column not in said:
                said[column] = Said(value, statement)
    return said


def lists(step: Step) -> dict[str, Said]:
    """Each list that the step states, by table: the first document that states it decides."""
    said: dict[str, Said] = {}
    for statement in step.fresh:
        for table, elements in document_of(statement).lists.items():
            if table not in said:
                said[table] = Said(elements, statement)
    return said


def stats(step: Step) -> dict[str, tuple[dict[str, int], Statement]]:
    """Each source's own counters: they are no facts about the GPT, so stale copies count not."""
    found: dict[str, tuple[Row, Statement]] = {}
    for statement in step.fresh:
        document = document_of(statement)
        if document.stat and statement.source not in found:
            found[statement.source] = (document.stat, statement)
    return found
