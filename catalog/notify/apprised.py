"""Apprise: some hundred services by their URLs. An extra, loaded when it is used."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.notify.messages import Message


def deliver_apprise(message: Message, urls: str) -> str | None:
    """Give a message to every service that some URLs name.

    Args:
        message: what.
        urls: Apprise's URLs, blanks between; secrets.

    Returns:
        Which of them, by their place in the list, did not take it; None where all did.
    """
    try:
        import apprise  # noqa: PLC0415  (an extra)
    except ImportError:
        return (
            "Apprise is not installed: pip install 'gpts-catalog[notify]', or take urls_env out of"
            " [notify]"
        )
    # It logs addresses, with parts of their secrets.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    unknown, failed = [], []
    for place, url in enumerate(urls.split(), 1):
        try:
            service = apprise.Apprise()
            if not service.add(url):
                unknown.append(str(place))
            elif not service.notify(
                title=message.title, body=message.text, body_format=apprise.NotifyFormat.TEXT
            ):
                failed.append(str(place))
        except Exception:  # noqa: BLE001  (some hundred plugins, and no job depends on them)
            failed.append(str(place))
    why = []
    if unknown:
        why.append(f"URL {', '.join(unknown)} of the list is none that Apprise knows")
    if failed:
        why.append(f"the service of URL {', '.join(failed)} of the list did not take it")
    return "; ".join(why) or None
