"""Ending a run: its not-founds get their verdicts.

Stage 2 is settled afterwards, in a transaction of its own: it waits for all writers, so a writer
must not wait for it. Between the two nothing is lost: what is to be settled stands in a queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.decide import NotFoundContext, judge_not_found
from catalog.storage import runs
from catalog.storage.absent import open_absents
from catalog.storage.stage1 import set_verdicts

if TYPE_CHECKING:
    from catalog.records import Deriver
    from catalog.storage.engine import Connection
    from catalog.times import Micros


def end_run(
    conn: Connection,
    deriver: Deriver,
    run: runs.Run,
    *,
    now: Micros,
    status: str,
    reason: str | None = None,
) -> None:
    """Write what can only be said of a run as a whole, and end it.

    Args:
        conn: a writing transaction.
        deriver: the rules.
        run: the run, its totals counted.
        now: the present moment.
        status: ``finished``, ``stopped`` or ``failed``.
        reason: why it stopped, for people.
    """
    absents = open_absents(conn, run.run_id)
    verdicts = {
        absent.observation_id: judge_not_found(
            NotFoundContext(
                observed_at=absent.observed_at,
                source_last_document_at=absent.source_last_document_at,
                source_knew_gpt=absent.source_knew_gpt,
                any_document_since=absent.any_document_since,
                run_not_found=run.not_found,
                run_answers=run.documents + run.not_found,
            )
        )
        for absent in absents
    }
    set_verdicts(conn, deriver, verdicts)
    runs.close_run(conn, run.run_id, now=now, status=status, reason=reason)


def end_stale_run(conn: Connection, deriver: Deriver, run: runs.Run, *, now: Micros) -> None:
    """End one of them; each in a transaction of its own, which takes its locks but once.

    The totals of a run that wrote no outcomes, as searches and probes do, were counted and priced
    as it went on: they stand.
    """
    end_run(
        conn,
        deriver,
        runs.update_totals(conn, run.run_id, requested=run.requested)
        if runs.has_outcomes(conn, run.run_id)
        else run,
        now=now,
        status="stopped",
        reason="not taken up again within a day",
    )
