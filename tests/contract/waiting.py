"""Ids that wait for their next visits, as many as are wanted, in no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from catalog.plan import cell_of
from catalog.plan.rates import Belief
from catalog.storage.engine import write
from catalog.times import DAY

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.times import Micros

# Primes apart, so that what goes by one remainder goes by no other.
_ROWS = """
WITH RECURSIVE series(n) AS (
  SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM series WHERE n < :gpts - 1
)
INSERT INTO frontier (gizmo_id, added_at, due_at, attempts, last_asked_at, last_verdict, stratum,
  evidence_shape, evidence_days, confirmed_at, cell, rate, log_rate)
SELECT 'g-Wait' || CAST(10000000 + n AS TEXT), :asked, :now + (n % 9973 - 997) * :step, 0, :asked,
  'document', 'stratum ' || CAST(n % :strata AS TEXT), (n % 7) * 0.5, 1 + n % 101, :asked,
  :cell + (n % 13) * 1048576 + (n % 29) * 1024 + n % 11, 0.01 + (n % 7) * 0.01, -4.0 + (n % 7) * 0.2
FROM series
"""
_MIDDLE = Belief(0.5, 30.0)


def wait(engine: Engine, gpts: int, now: Micros, *, strata: int) -> None:
    """Let ids wait that were asked once: a tenth of them is due.

    Args:
        engine: an empty catalog.
        gpts: how many.
        now: the present moment.
        strata: as many kinds of them.
    """
    with write(engine) as conn:
        conn.execute(
            text(_ROWS),
            {
                "gpts": gpts,
                "now": now,
                "asked": now - 2 * DAY,
                "step": DAY // 300,
                "strata": strata,
                "cell": cell_of(_MIDDLE, 1.0),
            },
        )


def analyze(engine: Engine) -> None:
    """Let the engine count its rows, as it does by itself on a server."""
    with write(engine) as conn:
        conn.exec_driver_sql("ANALYZE")
