"""How each source is asked, and answers → documents or verdicts.

Pure: no network, no disk, no clock.
"""

from __future__ import annotations

from collections.abc import Callable

from catalog.dialects.base import MISSING_FROM_BATCH, Dialect
from catalog.dialects.chat import ChatQuery
from catalog.dialects.gateway import GptsV1, GptsV2
from catalog.dialects.mj_flat import MjFlat
from catalog.dialects.recorded import Recorded
from catalog.errors import SettingsError
from catalog.settings import SourceSettings

__all__ = ["DIALECTS", "MISSING_FROM_BATCH", "Dialect", "get_dialect"]

DIALECTS: dict[str, Callable[[SourceSettings], Dialect]] = {
    "gpts-v1": GptsV1,
    "gpts-v2": GptsV2,
    "mj-flat": MjFlat,
    "chat-query": ChatQuery,
    "recorded": Recorded,
}
"""Every dialect by the name that ``catalog.toml`` gives it."""


def get_dialect(source: SourceSettings) -> Dialect:
    """The dialect that ``source`` speaks.

    Raises:
        SettingsError: there is none of that name.
    """
    try:
        dialect = DIALECTS[source.dialect]
    except KeyError:
        raise SettingsError(
            f"sources.{source.name}: unknown dialect {source.dialect!r}; "
            f"there are {', '.join(DIALECTS)}"
        ) from None
    return dialect(source)
