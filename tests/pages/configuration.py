"""``docs/configuration.md``: every key of ``catalog.toml``, from the sections' own declarations."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from catalog.settings import default_toml
from catalog.settings.exports import ExpectSettings, ExportSettings
from catalog.settings.keys import TOMBSTONE_KEYS_ENV
from catalog.settings.reading import CLOCK_VARIABLE, READER_VARIABLE, URL_VARIABLE
from catalog.settings.sections import CatalogSettings, SourceSettings
from catalog.settings.work import (
    JobSettings,
    MetricsSettings,
    NotifySettings,
    PlanSettings,
    ProbeSettings,
    WatchSettings,
)

_SECTIONS: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("[catalog]", CatalogSettings),
    ("[sources.NAME]", SourceSettings),
    ("[jobs.NAME]", JobSettings),
    ("[plan]", PlanSettings),
    ("[probe]", ProbeSettings),
    ("[notify]", NotifySettings),
    ("[metrics]", MetricsSettings),
    ("[watch.NAME]", WatchSettings),
    ("[export]", ExportSettings),
    ("[export.expect]", ExpectSettings),
)
_APART = {(SourceSettings, "name"), (ExportSettings, "expect")}
"""Keys that stand in the name of the table, or in a table of their own."""

_LEFT_TO_CHAT = "as the chat completions of OpenAI have it"
"""What is said of a probe's parameter that others document."""

_HEAD = f"""\
# Configuration

Made from `catalog/settings/` by `make docs`; do not edit.

The settings stand in `catalog.toml` in the folder where a command runs, or in the file that
`--config FILE` names. `gpts-catalog init` writes one with every key as a comment; it stands at the
end of this page. It is read strictly: an unknown key is an error that names the nearest known one.
Secrets stand in the environment; the settings name the variables, and never hold a secret.

## The environment

| variable | does |
|---|---|
| `{URL_VARIABLE}` | the catalog, where no `--catalog` says otherwise; goes before `catalog.toml` |
| `{READER_VARIABLE}` | PostgreSQL: the role that runs SQL people write; goes before `reader_url` |
| `{CLOCK_VARIABLE}` | the time: a moment, or the clock of a simulated gateway; for rehearsals |
| `{TOMBSTONE_KEYS_ENV}` | the keys of tombstones, see [forgetting](forgetting.md) |
| `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` | proxies, as httpx honours them |
| `PAGER`, `NO_COLOR` | what shows long output; no colours |
"""


def configuration_page() -> str:
    """``docs/configuration.md``: a table a section, and the file that ``init`` writes."""
    lines = [_HEAD]
    for title, section in _SECTIONS:
        lines += [f"## `{title}`", "", _lead(section), ""]
        lines += ["| key | takes | without it | is |", "|---|---|---|---|"]
        for field in msgspec.structs.fields(section):
            if (section, field.name) not in _APART:
                lines.append(_row(field, _LEFT_TO_CHAT if section is ProbeSettings else None))
        lines.append("")
    return "\n".join([*lines, "## The file", "", "```toml", default_toml() + "```"]) + "\n"


def _lead(section: type[msgspec.Struct]) -> str:
    """What a section is, by its docstring."""
    return " ".join((section.__doc__ or "").split("\n\n")[0].split()).replace("``", "`")


def _row(field: msgspec.structs.FieldInfo, otherwise: str | None) -> str:
    """The line of a key; what does not describe itself is ``otherwise``, if it may.

    Raises:
        KeyError: it has to describe itself.
    """
    info = msgspec.inspect.type_info(field.type)
    schema = getattr(info, "extra_json_schema", None) or {}
    default = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()  # type: ignore[unreachable, unused-ignore]
    if default is msgspec.NODEFAULT:
        without = "needed"
    else:
        without = "–" if default is None or default == {} else f"`{_toml(default)}`"
    described = schema["description"] if otherwise is None else schema.get("description", otherwise)
    return f"| `{field.name}` | {_takes(info, schema)} | {without} | {described} |"


def _takes(info: Any, schema: dict[str, Any]) -> str:
    """What a key takes, in words, with its bounds and an example."""
    bare = info.type if isinstance(info, msgspec.inspect.Metadata) else info
    words = _kind(bare)
    if schema.get("examples") and "`" not in words:
        words += f", as `{_toml(schema['examples'][0])}`"
    return words


def _kind(info: Any) -> str:
    inspect = msgspec.inspect
    match info:
        case inspect.Metadata():
            return _kind(info.type)
        case inspect.UnionType():
            return " or ".join(
                _kind(each) for each in info.types if not isinstance(each, inspect.NoneType)
            )
        case inspect.BoolType():
            return "`true`, `false`"
        case inspect.IntType() | inspect.FloatType():
            return _number(info)
        case inspect.LiteralType():
            return ", ".join(f"`{each}`" for each in info.values)
        case inspect.VarTupleType():
            return f"a list of: {_kind(info.item_type)}"
        case inspect.DictType():
            return f"a table of: {_kind(info.value_type)}"
    return "a text"


def _number(info: Any) -> str:
    words = "a whole number" if isinstance(info, msgspec.inspect.IntType) else "a number"
    if info.gt is not None:
        words += f" above {info.gt:,}"
    if info.ge is not None:
        words += f" from {info.ge:,}"
    if info.le is not None:
        words += f" to {info.le:,}"
    return words


def _toml(value: Any) -> str:
    """A value as TOML has it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def keys() -> dict[str, set[str]]:
    """The keys of each section, for the test that none is left out."""
    return {
        title: {field.name for field in msgspec.structs.fields(section)}
        for title, section in _SECTIONS
    }


PAGES = {"docs/configuration.md": configuration_page}
"""The pages that are made, and by what."""
