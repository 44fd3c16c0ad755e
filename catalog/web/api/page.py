"""``docs/json-api.md``, made from the declarations of the operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from catalog.web.api import CONSOLE, OPERATIONS, feeds
from catalog.web.api.changed import Changing
from catalog.web.api.filtering import filtered
from catalog.web.api.original import ORIGINAL
from catalog.web.api.parameters import parameters
from catalog.web.api.problems import KINDS
from catalog.web.api.queries import LONGEST
from catalog.web.api.serving import (
    CONSOLES,
    DOWNLOADS,
    LONGEST_QUERY,
    download_path,
)
from catalog.web.api.whole import Nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.web.api.operations import Operation
    from catalog.web.api.parameters import Parameter

_HEAD = """\
# JSON API

Made from `catalog/web/api/` by `make docs`; do not edit. A program reads the same in
`/openapi.json` (OpenAPI 3.1), which has every parameter's bounds and every answer's members.

`gpts-catalog serve` answers everything below with GET; nothing is changed by any request, and no
network is asked. HEAD gives the headers, OPTIONS the methods, anything else 405.

```sh
curl 'http://127.0.0.1:8000/api/gpts?q=translate&min_rating=4&limit=10'
curl 'http://127.0.0.1:8000/api/changes?field=name&since=2026-02-01'
curl --remote-name 'http://127.0.0.1:8000/api/gpts.parquet?category=writing'
```

## What holds for all

- **Parameters** that nobody declared are refused, and the nearest known one is named: a misspelt
  condition never means none. One value a parameter, unless it says several.
- **Moments** go in as `2026-02-13` or `2026-02-13T09:19:19Z`, and come out as ISO 8601 in UTC. A
  bare date means the beginning of that day for `since`, its end for `at` and `until`.
- **Pages.** A list ends with `after`: give it as the parameter `after` for the next page; null says
  that there is none. It names a place, not a number of rows: what comes or goes meanwhile makes no
  row appear twice or be left out.
- **Tags.** Answers carry an `ETag` made of the catalog's state. Sent back as `If-None-Match`, the
  answer is 304 while nothing was written, without a question to any table.
- **Texts** were written by strangers. In JSON they are as they were written; what steers a
  terminal is escaped, and half characters, which strict readers refuse, are U+FFFD. The bytes as
  they came: `/api/gpts/{ref}/original`.
- **A token** is needed where the server was started with one: `Authorization: Bearer TOKEN`.

"""
_DOWNLOADS = """\
## Downloads

The whole result as a file, sent while it is made: `csv`, `ndjson` or `parquet` for `{form}`. They
take the parameters of the operation, but those of pages. In CSV lists are joined by `; `, and a
text that a spreadsheet would take for a formula begins with an apostrophe; NDJSON has the members
of the JSON answer, a line each; Parquet has types of its own, and JSON where it has none for a
value. A file that could not be finished is cut off without HTTP's end, so that a client notices.

"""
_FEEDS = """\
## Feeds

An entry for each GPT and UTC day, the latest first. They take the conditions of `/api/changes`, so
every filter of changes is a feed.

"""
_PROBLEMS = """\
## Problems

An error is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail`, which
says what is wrong and what to do next, and where it applies `parameter` and `position`. The `type`
is `urn:gpts-catalog:problem:` and the name. 400 means that the request is not as described; 422
that it is, and still makes no sense.

| type | status | title |
|---|---|---|
"""


def api_page() -> str:
    """``docs/json-api.md``: every operation, its parameters, and what goes wrong."""
    every = sorted((*OPERATIONS, ORIGINAL, *CONSOLE), key=lambda each: _GROUPS.index(each.group))
    lines = [_HEAD]
    group = ""
    for each in every:
        if each.group != group:
            group = each.group
            lines.append(f"## {group}\n\n")
        lines.append(_operation(each))
    lines += ["## Conditions on GPTs\n\n", *_table(_CONDITIONS), _DOWNLOADS]
    files = [each for each in every if each.rows is not None or each in CONSOLE]
    lines += [f"- `{download_path(each)}`\n" for each in files]
    lines += ["\n", _FEEDS]
    lines += [f"- `{path}`: {kind}\n" for path, (kind, _) in feeds.FORMS.items()]
    named = ", ".join(f"`{each.name}`" for each in parameters(Changing))
    lines += [f"\nConditions: {named}.\n\n", _PROBLEMS]
    lines += [f"| `{name}` | {int(kind.status)} | {kind.title} |\n" for name, kind in KINDS.items()]
    lines.append(
        f"\n## Limits\n\nAn address's query has up to {LONGEST_QUERY:,} bytes, SQL up to"
        f" {LONGEST:,} characters.\nA page has up to 1,000 items. {DOWNLOADS} downloads and"
        f" {CONSOLES} queries in SQL run at once;\none more is answered with 503, and when to try"
        " again.\n"
    )
    return "".join(lines)


def _operation(each: Operation) -> str:
    lines = [f"### `{each.path}`\n\n{each.summary}"]
    if each.description:
        lines.append(f" {each.description}")
    lines.append("\n\n")
    told = parameters(each.question, each.path)
    own = [of for of in told if of not in _CONDITIONS]
    lines += _table(own)
    if len(own) < len(told):
        lines.append("And all [conditions on GPTs](#conditions-on-gpts).\n\n")
    return "".join(lines)


def _table(told: Sequence[Parameter]) -> list[str]:
    if not told:
        return []
    lines = ["| parameter | takes | what it says |\n|---|---|---|\n"]
    for of in told:
        name = f"`{of.name}`" + (" (part of the path)" if of.in_path else "")
        said = of.description.replace("|", "\\|")
        lines.append(f"| {name} | {_takes(of)} | {said} |\n")
    return [*lines, "\n"]


def _takes(of: Parameter) -> str:
    """What a parameter takes, in a few words."""
    schema = of.schema
    if "enum" in schema:
        words = ", ".join(f"`{each}`" for each in schema["enum"])
    elif "examples" in schema and schema.get("pattern", "").startswith("^[0-9]"):
        words = "a moment"
    elif schema.get("type") in {"integer", "number"}:
        low, high = schema.get("minimum"), schema.get("maximum")
        words = "a number" + (f" from {low}" if low is not None else "")
        words += f" to {high:,}" if high is not None and high < _HUGE else ""
    else:
        words = "a text"
    if of.many:
        words += "; several"
    if of.required and not of.in_path:
        words += "; needed"
    if of.default is not None:
        words += f"; else `{of.default}`"
    return words


_CONDITIONS = parameters(cast("type", filtered(Nothing)))
_HUGE = 10**15
"""A bound that nobody meets."""
_GROUPS = tuple(dict.fromkeys(each.group for each in OPERATIONS[1:]))

PAGES = {"docs/json-api.md": api_page}
"""The pages that are made, and by what."""
