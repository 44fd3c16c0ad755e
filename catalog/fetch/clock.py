"""The clock that ``GPTS_CATALOG_CLOCK`` hands in (rule 20)."""

from __future__ import annotations

from catalog.errors import SettingsError
from catalog.times import Clock, FixedClock, SystemClock, parse_moment


def make_clock(text: str | None) -> Clock:
    """The clock that ``text`` names.

    Args:
        text: a time, a simulator's clock URL, or nothing for the machine's clock.

    Raises:
        SettingsError: it is none of these.
    """
    if not text or not text.strip():
        return SystemClock()
    text = text.strip()
    if "://" in text:
        from catalog.fetch.remote_clock import RemoteClock  # noqa: PLC0415  (slow, and for few)

        return RemoteClock(text)
    try:
        return FixedClock(parse_moment(text))
    except ValueError:
        raise SettingsError(
            f"GPTS_CATALOG_CLOCK: {text!r} is neither a time such as 2024-02-13T09:00:00Z "
            "nor a simulator's clock URL"
        ) from None


def let_go(clock: Clock | None) -> None:
    """Close a simulator's clock: it opens again when it is asked."""
    if clock is None or isinstance(clock, SystemClock | FixedClock):
        return
    from catalog.fetch.remote_clock import RemoteClock  # noqa: PLC0415  (as above)

    if isinstance(clock, RemoteClock):
        clock.close()
