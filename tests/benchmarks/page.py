"""The tables of ``docs/performance.md``, from what was measured, whenever each part was."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from tests.benchmarks import goals, report
from tests.benchmarks.report import Results

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, NUMBERS = DOCS / "performance.md", DOCS / "performance.json"
_MARKS = "<!-- {} made by `make bench-full` -->", "<!-- end of what is made -->"


def kept() -> Results | None:
    """What was measured for the page before; None where nothing was."""
    if not NUMBERS.exists():
        return None
    return msgspec.json.decode(NUMBERS.read_bytes(), type=Results)


def joined(before: Results | None, now: Results) -> Results:
    """What was measured now, and before it what was not measured again."""
    if before is None:
        return now
    found = {
        name: getattr(now, name) or getattr(before, name)
        for name in Results.__struct_fields__
        if name not in {"machine", "taken", "left_out"}
    }
    return Results(
        machine=now.machine, taken=before.taken | now.taken, left_out=now.left_out, **found
    )


def write(results: Results) -> None:
    """Put the tables between the page's marks, and every number beside it."""
    text = PAGE.read_text(encoding="utf-8")
    text = _put(text, "goals", goals.to_markdown(results))
    text = _put(text, "tables", report.to_markdown(results, whole=True))
    PAGE.write_text(text, encoding="utf-8")
    NUMBERS.write_bytes(report.to_json(results) + b"\n")


def _put(text: str, what: str, made: str) -> str:
    begin, end = _MARKS[0].format(what), _MARKS[1]
    whole = f"{begin}\n\n{made.strip()}\n\n{end}"
    text, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: whole, text, flags=re.DOTALL
    )
    if count != 1:
        raise SystemExit(f"{PAGE} has {count} places for {begin}")
    return text
