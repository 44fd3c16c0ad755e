"""The commented ``catalog.toml`` that ``init`` writes, made from the sections' own declarations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from catalog.settings.sections import (
    DEFAULT_URL,
    CatalogSettings,
    JobSettings,
    SourceSettings,
    WatchSettings,
)

_HEADER = """\
# The settings of gpts-catalog. They are read strictly: an unknown key is an error.
# What stands behind a # is an example, or the default that holds anyway.
"""


def default_toml(url: str = DEFAULT_URL) -> str:
    """The commented ``catalog.toml`` that ``init`` writes; it loads as it is.

    Args:
        url: the catalog it names.
    """
    parts = [
        _HEADER,
        "[catalog]",
        *_lines(CatalogSettings, given={"url": url}),
        "",
        "# Recorded answers on disk, for: gpts-catalog import PATH --source archive",
        "[sources.archive]",
        *_lines(SourceSettings, given={"dialect": "recorded"}, only=("dialect",)),
        "",
        "# A gateway. Its key stands in the environment: export EXAMPLE_API_KEY=…",
        "# [sources.example]",
        *_lines(SourceSettings),
        "",
        "# What differs from a job's default. This version reads and checks these sections; the",
        "# scheduler that goes by them comes later. Until then let cron run: harvest --due",
        "# [jobs.refresh]",
        *_lines(JobSettings),
        "",
        "# A saved filter; all that it names must be met. Read and checked as well; the reports,",
        "# feeds and notifications that go by it come later.",
        "# [watch.rivals]",
        *_lines(WatchSettings),
    ]
    return "\n".join(parts) + "\n"


def _lines(
    cls: type[msgspec.Struct],
    *,
    given: Mapping[str, Any] | None = None,
    only: tuple[str, ...] | None = None,
) -> list[str]:
    """One line a key of ``cls``, commented out unless its value is ``given``."""
    lines = []
    for field in msgspec.structs.fields(cls):
        if field.name == "name" or (only is not None and field.name not in only):
            continue
        info = msgspec.inspect.type_info(field.type)
        schema = getattr(info, "extra_json_schema", None) or {}
        is_given = given is not None and field.name in given
        value = given[field.name] if given and is_given else None
        if not is_given:
            value = schema["examples"][0] if "examples" in schema else field.default
        line = f"{'' if is_given else '# '}{field.name} = {json.dumps(value, ensure_ascii=False)}"
        description = schema.get("description")
        lines.append(f"{line:<42} # {description}" if description else line)
    return lines
