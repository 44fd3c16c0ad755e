"""Why ids failed, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalog.cli.interrupts import INTERRUPTED
from catalog.cli.text import count, harmless, number, shorten
from catalog.query.failures import Reason
from catalog.records import Verdict

if TYPE_CHECKING:
    from catalog.harvest import Stop

DONE, SOME_FAILED, REFUSED = 0, 1, 3
"""The exit statuses of commands that ask a source, beside that of Ctrl-C."""
LONGEST = 200
"""Characters of a source's own words."""
ADVICE = {
    Verdict.DENIED: "check the variable that api_key_env names",
    Verdict.QUOTA: "top it up there",
    Verdict.THROTTLED: "wait, or lower requests_per_second",
    Verdict.UNAVAILABLE: "it may pass; if it stays, check base_url and dialect",
    Verdict.MALFORMED: "check base_url and dialect",
    Verdict.FORGOTTEN: "this catalog was told to forget them, and asks no more",
}
"""What to do where a source answers so."""


def status_of(stop: Stop | None, *, failed: int, left: int) -> int:
    """The exit status of a run: why it ended early tells more than what failed.

    Args:
        stop: why it asked nothing more before its end, if it did.
        failed: how many of its things failed.
        left: how many it did not ask for.
    """
    if stop is not None and stop.kind == "refused":
        return REFUSED
    if stop is not None and stop.kind == "asked" and left:
        return INTERRUPTED
    return SOME_FAILED if failed or left else DONE


def reason_rows(reasons: Sequence[Reason], failed: int) -> list[list[str]]:
    """Why ids failed, a row a reason, and a row for those whose reason is not among them.

    Args:
        reasons: why, the most frequent first.
        failed: how many failed in all.
    """
    rows = [
        [
            number(each.count),
            each.verdict.replace("_", " "),
            f"{shorten(harmless(each.words), LONGEST)} ({each.example})",
        ]
        for each in reasons
    ]
    others = failed - sum(each.count for each in reasons)
    if others > 0:
        rows.append([number(others), "more", "for other reasons"])
    return rows


def next_step(reasons: Sequence[Reason], failed: int, run_id: str, source: str) -> list[str]:
    """What to do about the ids that failed.

    Args:
        reasons: why, the most frequent first.
        failed: how many.
        run_id: the run.
        source: who was asked.
    """
    if not reasons:
        return []
    verdict = Verdict(reasons[0].verdict)
    step = f"{verdict.replace('_', ' ')}: {ADVICE[verdict]}"
    return [
        f"{step}; gpts-catalog sources check {source} asks one question",
        f"gpts-catalog status --failed {run_id} lists {count(failed, 'id')} as --refs takes them",
    ]
