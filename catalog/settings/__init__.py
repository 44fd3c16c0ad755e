"""``catalog.toml`` and the environment, read strictly into frozen :class:`Settings`.

Reads no clock and opens nothing but the one file. A key nobody knows, a value of the wrong type or
range and a name of something undefined are errors that say the file, the dotted path and what is
expected. Secrets stay in the environment: the file only names their variables, and no text made
here repeats a value that may be one (law 10).
"""

from __future__ import annotations

from catalog.settings.exports import ExpectSettings, ExportSettings, FormatName, ProfileName
from catalog.settings.keys import TOMBSTONE_KEYS_ENV, api_key, known_secrets, source_keys
from catalog.settings.reading import (
    CLOCK_VARIABLE,
    NAME_RULE,
    OFF,
    READER_VARIABLE,
    URL_VARIABLE,
    is_name,
    load_settings,
)
from catalog.settings.sections import (
    DEFAULT_URL,
    CatalogSettings,
    DialectName,
    Settings,
    SourceSettings,
)
from catalog.settings.template import default_toml
from catalog.settings.urls import normalize_catalog_url
from catalog.settings.work import (
    JobSettings,
    MetricsSettings,
    NotifySettings,
    PlanSettings,
    ProbeSettings,
    StatusName,
    WatchSettings,
)

__all__ = [
    "CLOCK_VARIABLE",
    "DEFAULT_URL",
    "NAME_RULE",
    "OFF",
    "READER_VARIABLE",
    "TOMBSTONE_KEYS_ENV",
    "URL_VARIABLE",
    "CatalogSettings",
    "DialectName",
    "ExpectSettings",
    "ExportSettings",
    "FormatName",
    "JobSettings",
    "MetricsSettings",
    "NotifySettings",
    "PlanSettings",
    "ProbeSettings",
    "ProfileName",
    "Settings",
    "SourceSettings",
    "StatusName",
    "WatchSettings",
    "api_key",
    "default_toml",
    "is_name",
    "known_secrets",
    "load_settings",
    "normalize_catalog_url",
    "source_keys",
]
