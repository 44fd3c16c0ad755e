"""GPTs catalog: harvest, keep, query and hand on what is publicly said about custom GPTs.

``from catalog import Catalog`` is the whole of the Python API; the records that it takes and gives
are exported beside it. They load when they are first asked for: commands that do without stay fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.api import Catalog as Catalog
    from catalog.errors import CatalogError as CatalogError
    from catalog.query.reader import Reader as Reader
    from catalog.query.wanted import Wanted as Wanted
    from catalog.search.filters import Filter as Filter

__version__ = "0.1.0"

__all__ = ["Catalog", "CatalogError", "Filter", "Reader", "Wanted", "__version__"]

_WHERE = {
    "Catalog": "catalog.api",
    "CatalogError": "catalog.errors",
    "Filter": "catalog.search.filters",
    "Reader": "catalog.query.reader",
    "Wanted": "catalog.query.wanted",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for.

    Raises:
        AttributeError: there is no such thing.
    """
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    """The names that can be asked for."""
    return sorted(__all__)
