"""What a job's work is handed, in tests: all but what a test says is as quiet as can be."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

from catalog.settings import CatalogSettings, Settings
from catalog.times import FixedClock
from catalog.working import JobContext
from tests.databases import NOW

if TYPE_CHECKING:
    from catalog.times import Clock


def handed(
    job: str,
    url: str,
    *,
    clock: Clock | None = None,
    settings: Settings | None = None,
    options: dict[str, Any] | None = None,
    **more: Any,
) -> JobContext:
    """A context.

    Args:
        job: the job's name.
        url: the catalog.
        clock: the clock; None: one that stands still.
        settings: the settings; None: those of a new catalog.
        options: the job's own.
        more: what else the context is to hold.
    """
    return JobContext(
        **{
            "job": job,
            "url": url,
            "settings": settings or Settings(catalog=CatalogSettings(url=url)),
            "environ": {},
            "clock": clock or FixedClock(NOW),
            "rng": random.Random(1),
            "stopping": threading.Event(),
            "out": lambda _: None,
            "options": options or {},
            **more,
        }
    )
