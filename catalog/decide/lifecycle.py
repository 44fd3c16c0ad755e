"""When "there is no such GPT" counts against a GPT (rule 6)."""

from __future__ import annotations

from typing import Literal

import msgspec

from catalog.times import DAY, Micros

MOST_ABSENT = 5
MOST_ABSENT_SHARE = 0.2


class NotFoundContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around one not-found when its run closes.

    Attributes:
        observed_at: when it was said.
        source_last_document_at: when its source last gave any document before it, or None.
        source_knew_gpt: whether its source ever gave a document of this GPT before it.
        any_document_since: whether any source gave a document of this GPT after it.
        run_not_found: the run's not-founds.
        run_answers: the run's not-founds and documents together.
    """

    observed_at: Micros
    source_last_document_at: Micros | None
    source_knew_gpt: bool
    any_document_since: bool
    run_not_found: int
    run_answers: int


def judge_not_found(context: NotFoundContext) -> Literal["counted", "held"]:
    """Whether a not-found counts: only from a source that is otherwise well.

    A source that gave no document for a day may be empty or broken; one that never knew this GPT
    says little against another that just showed it; a run that finds a fifth of its ids gone has
    found an outage.
    """
    last = context.source_last_document_at
    well = last is not None and context.observed_at - last <= DAY
    entitled = context.source_knew_gpt or not context.any_document_since
    limit = max(MOST_ABSENT, MOST_ABSENT_SHARE * context.run_answers)
    return "counted" if well and entitled and context.run_not_found <= limit else "held"
