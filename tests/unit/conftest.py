"""What tests of settings share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a text as the settings file."""

    def load(text: str, environ: dict[str, str] | None = None, **more: Any) -> Settings:
        path = tmp_path / "catalog.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path, environ or {}, **more)

    return load
