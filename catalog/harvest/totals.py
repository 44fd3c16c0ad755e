"""What a harvest reports, while it runs and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from catalog.records import Verdict
from catalog.storage.stage2 import Settled


class Totals(msgspec.Struct, kw_only=True):
    """A run's totals, over all its processes (rule 13).

    ``documents = new + changed + unchanged`` and
    ``requested = documents + not_found + mismatched + failed + left``.

    Attributes:
        run: the run's id.
        requested: ids asked for.
        documents: ids that gave their document.
        new: of GPTs not known before.
        changed: with changed content.
        unchanged: with none.
        not_found: ids that the source says do not exist.
        mismatched: ids answered with another GPT's document.
        failed: ids that ended in no fact.
        left: ids not asked.
        requests: HTTP requests sent, retries counted.
        seconds: how long this process took, by the machine's own count.
    """

    run: str
    requested: int = 0
    documents: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    not_found: int = 0
    mismatched: int = 0
    failed: int = 0
    left: int = 0
    requests: int = 0
    seconds: float = 0.0


class Stop(msgspec.Struct, frozen=True):
    """Why a run asked nothing more before its end.

    Attributes:
        kind: its user asked for it, the day's budget is used up, or the source refuses or is down.
        words: the reason, for people.
    """

    kind: Literal["asked", "budget", "refused"]
    words: str


class Harvested(msgspec.Struct, frozen=True, kw_only=True):
    """How a harvest ended.

    Attributes:
        totals: the run's totals, over all its processes.
        brought: what this process alone brought, by the names of the totals.
        resumed: ids of it that had ended before this process began.
        stop: why it stopped early, if it did.
        unfinished: whether the same command goes on with this run: ids are left, or are to be
            asked again.
        settled: what came to light over all GPTs: drift and mass events.
        forgotten: ids that were named and are no part of the run: the catalog was told to forget
            them, before they were asked for or meanwhile.
    """

    totals: Totals
    brought: Mapping[str, int] = {}
    stop: Stop | None = None
    resumed: int = 0
    unfinished: bool = False
    settled: Settled | None = None
    forgotten: int = 0


class Progress(msgspec.Struct, kw_only=True):
    """Where a run stands, for a display.

    Attributes:
        source: the source's name.
        requested: ids asked for.
        resumed: of those, ended before this process began.
        verdicts: ended by this process, by verdict.
        effects: documents by what they did.
        requests: HTTP requests sent by this process.
        budget_left: requests left of the day's budget, if there is one.
        stopping: why no further id is asked, if so.
    """

    source: str
    requested: int
    resumed: int = 0
    verdicts: dict[Verdict, int] = {}
    effects: dict[str, int] = {}
    requests: int = 0
    budget_left: int | None = None
    stopping: Stop | None = None

    @property
    def ended(self) -> int:
        """Ids that ended, in this process or before it."""
        return self.resumed + sum(self.verdicts.values())
