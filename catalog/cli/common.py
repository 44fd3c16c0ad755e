"""The options that all commands take, and error texts without secrets: light to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import SettingsError
from catalog.secrets import MIN_LENGTH, Redactor
from catalog.settings import Settings, known_secrets, load_settings

CONFIG = Path("catalog.toml")
"""The settings that are read where none are named, if they are there."""


@dataclass(frozen=True)
class Common:
    """The options that stand before a command's name.

    Attributes:
        catalog: ``--catalog``.
        config: ``--config``.
        as_json: ``--json``.
    """

    catalog: str | None = None
    config: Path | None = None
    as_json: bool = False


def without_secrets(text: str, common: Common, environ: Mapping[str, str]) -> str:
    """``text`` without any secret that we know of (law 10).

    Args:
        text: an error's.
        common: names the settings.
        environ: the environment.
    """
    path = common.config or (CONFIG if CONFIG.is_file() else None)
    try:
        settings = load_settings(path, environ, url=common.catalog)
    except (SettingsError, OSError):
        settings = Settings()
    secrets = [each for each in known_secrets(settings, environ) if len(each) >= MIN_LENGTH]
    return Redactor(secrets).text(text)
