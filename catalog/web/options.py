"""What a server of pages is told when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from catalog.settings import Settings
from catalog.times import Clock

if TYPE_CHECKING:
    from catalog.working import PlannedJob

SQL_SECONDS = 10.0
"""How long a query of the console may take: somebody waits for it."""

PATIENCE = 1.0
"""How long a page waits for what counts whole tables: it is shown without, and says so."""
LONGEST_HEAD = 2**18
"""Bytes of a request's first line and headers: one whose address is too long is told so, up to
that length; of a longer one the connection is closed."""


class WebOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is served, and to whom.

    Attributes:
        settings: the settings; they name the catalog.
        clock: the clock.
        token: what a caller has to show; None: whoever reaches the server may read, as on loopback.
        hosts: the names that a ``Host`` header may have beside addresses and ``localhost``.
        jobs: the jobs as they are to run here.
        sql_seconds: how long a query of the console may take.
        patience: how many seconds a page waits for what counts whole tables.
        is_warmed: whether that is counted as soon as the server starts, before anybody asks.
    """

    settings: Settings
    clock: Clock
    token: str | None = None
    hosts: frozenset[str] = frozenset()
    jobs: tuple[PlannedJob, ...] = ()
    sql_seconds: float = SQL_SECONDS
    patience: float = PATIENCE
    is_warmed: bool = False

    def __repr__(self) -> str:
        """Without the token (law 10)."""
        return f"WebOptions(hosts={sorted(self.hosts)!r})"
