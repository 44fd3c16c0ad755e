"""Statements to fold, and how tests look at what a fold yields."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from catalog.decide import fold
from catalog.records import Document, Folded, Row, Statement
from catalog.times import DAY, Micros, from_iso

GPT = "g-Fold00001"
START: Micros = from_iso("2024-03-01T12:00:00Z")
DAYS = DAY


def say(
    at: Micros = START,
    source: str = "alpha",
    *,
    updated_at: Micros | None = None,
    leaves: int = 1,
    lists: dict[str, Any] | None = None,
    stat: dict[str, int] | None = None,
    **scalars: Any,
) -> Statement:
    """A document that states ``scalars`` and ``lists``."""
    document = Document(
        gizmo_id=GPT,
        updated_at=updated_at,
        leaves=leaves,
        scalars=scalars,
        lists=lists or {},
        stat=stat or {},
    )
    digest = hashlib.sha256(msgspec.json.encode(document)).digest()
    return Statement(
        observation_id=int.from_bytes(
            hashlib.sha256(digest + f"{at}{source}".encode()).digest()[:6]
        ),
        source=source,
        observed_at=at,
        digest=digest,
        document=document,
    )


def deny(at: Micros, source: str = "alpha", *, counted: bool = True) -> Statement:
    """A not-found."""
    return Statement(observation_id=at % 1000, source=source, observed_at=at, counted=counted)


def tags(*names: str) -> dict[str, Row]:
    """The elements of the list of tags."""
    return {name: {"tag": name} for name in names}


def folded(*statements: Statement) -> Folded:
    """A fold over all of them."""
    return fold(GPT, None, statements)


def changes(result: Folded, field: str | None = None) -> list[Row]:
    """The change rows in order; of one field, or all but the status."""
    rows = sorted(
        result.rows.get("changes", {}).values(),
        key=lambda row: (row["observed_at"], row["field"], row["element"]),
    )
    return [row for row in rows if (row["field"] == field if field else row["field"] != "status")]


def table(result: Folded, name: str) -> list[Row]:
    """The rows of a table by their beginning."""
    rows = result.rows.get(name, {}).values()
    return sorted(rows, key=lambda row: int(row.get("valid_from") or row.get("observed_at") or 0))
