"""How many rows may be asked for at once."""

from __future__ import annotations

from catalog.errors import UsageError

MOST = 10_000
"""Rows of a page: they are all held at once. Whoever wants more takes page after page."""


def check_limit(limit: int) -> None:
    """Refuse a page of no rows, or of more than :data:`MOST`.

    Args:
        limit: how many rows are asked for.

    Raises:
        UsageError: it is refused; says what may be asked for.
    """
    if limit < 1:
        raise UsageError(f"a page of {limit}: ask for at least one")
    if limit > MOST:
        raise UsageError(f"a page of {limit:,}: ask for up to {MOST:,}, and for the pages after it")
