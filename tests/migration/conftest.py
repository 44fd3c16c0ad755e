"""Storage tests run on both engines, always (law 12)."""

from __future__ import annotations

from tests.databases import (
    catalog_url,
    empty_url,
    engine,
    engine_name,
    postgres,
    sqlite_template,
)

__all__ = ["catalog_url", "empty_url", "engine", "engine_name", "postgres", "sqlite_template"]
