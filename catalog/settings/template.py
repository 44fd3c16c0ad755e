"""The commented ``catalog.toml`` that ``init`` writes, made from the sections' own declarations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from catalog.settings.exports import ExpectSettings, ExportSettings
from catalog.settings.sections import (
    DEFAULT_URL,
    CatalogSettings,
    SourceSettings,
)
from catalog.settings.work import (
    JobSettings,
    MetricsSettings,
    NotifySettings,
    PlanSettings,
    ProbeSettings,
    WatchSettings,
)

_HEADER = """\
# The settings of gpts-catalog. They are read strictly: an unknown key is an error.
# What stands behind a # is an example, or the default that holds anyway.
"""

_APART: Mapping[type[msgspec.Struct], tuple[str, ...]] = {
    SourceSettings: ("name",),
    ExportSettings: ("expect",),
}
"""Keys that stand elsewhere: in the name of the table, or in a table of their own."""


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
        "# What differs from a job's default; gpts-catalog jobs list shows the jobs.",
        "# [jobs.refresh]",
        *_lines(JobSettings),
        "",
        "# When GPTs are looked at again; gpts-catalog plan shows what the budget buys.",
        "# [plan]",
        *_lines(PlanSettings),
        "",
        "# What GPTs are asked over chat completions; nobody is until a source has probes_per_day.",
        "# [probe]",
        *_lines(ProbeSettings),
        "",
        "# Who is told when something goes wrong, or a watch sees something.",
        "# [notify]",
        *_lines(NotifySettings),
        "",
        "# What monitors ask gpts-catalog schedule; see docs/monitoring.md.",
        "# [metrics]",
        *_lines(MetricsSettings),
        "",
        "# What exports are called, and whose they are; see docs/datasets.md.",
        "# [export]",
        *_lines(ExportSettings),
        "",
        "# What an export must hold, or it is not published.",
        "# [export.expect]",
        *_lines(ExpectSettings),
        "",
        "# A saved filter; all that it names must be met. It has a section in the daily report and",
        "# a feed of its own.",
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
        if field.name in _APART.get(cls, ()) or (only is not None and field.name not in only):
            continue
        info = msgspec.inspect.type_info(field.type)
        schema = getattr(info, "extra_json_schema", None) or {}
        is_given = given is not None and field.name in given
        value = given[field.name] if given and is_given else None
        if not is_given:
            value = schema["examples"][0] if "examples" in schema else field.default
        line = f"{'' if is_given else '# '}{field.name} = {_toml(value)}"
        description = schema.get("description")
        lines.append(f"{line:<42} # {description}" if description else line)
    return lines


def _toml(value: Any) -> str:
    """``value`` as TOML has it on one line; for all but tables that is JSON."""
    if isinstance(value, dict):
        members = (f"{_toml(key)} = {_toml(each)}" for key, each in value.items())
        return f"{{ {', '.join(members)} }}" if value else "{}"
    return json.dumps(value, ensure_ascii=False)
