"""GPTs catalog: harvest, keep, query and hand on what is publicly said about custom GPTs."""

from __future__ import annotations

__version__ = "0.1.0"
