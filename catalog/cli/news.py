"""What a run brought to light over all GPTs: fields that came or went, mass events. Said once."""

from __future__ import annotations

from typing import Any

import msgspec

from catalog.cli.text import harmless, moment, number, shorten
from catalog.storage.stage2 import Settled

MOST = 10
"""Lines of one kind; ``status`` and ``changes`` tell them all."""
EXAMPLE = 60


def news(settled: Settled | None) -> list[str]:
    """The lines to print at a run's end; none where nothing was new.

    Args:
        settled: what stage 2 found, if it ran.
    """
    if settled is None:
        return []
    drift = sorted(settled.drift, key=lambda row: (row["at"], row["path"]))
    events = sorted(settled.events, key=lambda row: (row["first_day"], row["field"]))
    lines = [_drift(row) for row in drift[:MOST]]
    if len(drift) > MOST:
        lines.append(f"  and {number(len(drift) - MOST)} more: see gpts-catalog status")
    if lines:
        lines.insert(0, "fields that came or went in the documents:")
    told = [_event(row) for row in events[:MOST]]
    if len(events) > MOST:
        told.append(f"  and {number(len(events) - MOST)} more: see gpts-catalog changes")
    if told:
        told.insert(0, "differences that many GPTs show at once:")
    return lines + told


def _drift(row: dict[str, Any]) -> str:
    place = f"{harmless(row['source'])} ({row['wrapping'] or 'bare'})"
    example = row.get("example")
    shown = f", as {shorten(harmless(example), EXAMPLE)}" if example else ""
    seen = f"seen {moment(row['first_seen_at'])} to {moment(row['last_seen_at'])}"
    return f"  {row['kind']}: {harmless(row['path'])} in {place}, {seen}{shown}"


def _event(row: dict[str, Any]) -> str:
    parts = []
    for sign, side in (("−", "removed"), ("+", "added")):
        value = msgspec.json.decode(row[side]) if row[side] else None
        if value not in (None, [], ""):
            shown = value if isinstance(value, str) else row[side]
            parts.append(f"{sign} {shorten(harmless(shown), EXAMPLE)}")
    what = " ".join(parts)
    return (
        f"  {row['first_day']}: {harmless(row['field'])} {what}"
        f" on {row['gpts']:,} of {row['compared']:,} GPTs"
    )
