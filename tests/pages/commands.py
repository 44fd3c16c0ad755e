"""``docs/cli.md``: the command line, as its own parser knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from catalog.cli.main import make_app

_HEAD = """\
# The command line

Made from `catalog/cli/` by `make docs`; do not edit. `gpts-catalog COMMAND --help` says the same.

All commands that need them take these, before the command or behind it:

| option | does |
|---|---|
| `--catalog URL` | the catalog: `sqlite:///PATH`, `postgresql://…`, or the path of a file |
| `--config FILE` | the [settings](configuration.md); else `catalog.toml` |
| `--json` | prints JSON alone on stdout: one object, or one a line for lists |
| `--help` | says what the command takes |

Without `--catalog` it is what `GPTS_CATALOG_URL` says, else `catalog.toml`.
What is asked for goes to stdout; progress and messages go to stderr.

| exit status | means |
|---|---|
| 0 | done |
| 1 | done, but some items failed, as reported; or what was asked for is not there |
| 2 | wrong usage or configuration |
| 3 | a source refused, or is unreachable |
| 4 | the catalog cannot be used: schema too old or new, locked, damaged |
| 130 | stopped by Ctrl-C before its end; what was stored stays, of an export nothing |

SIGTERM stops `harvest`, `discover`, `probe` and `export` in the same good order. A job that is told
to stop ends with 1: its numbers say how far it came.

[Errors](errors.md) says what each means and what to do.
"""
_COMMON = {"--catalog", "--config", "--json", "--help"}
"""What the head of the page tells of all commands."""


def commands_page() -> str:
    """``docs/cli.md``: all commands with their arguments and options."""
    root = get_command(make_app())
    top = typer.Context(root, info_name="gpts-catalog")
    found = list(_below(root, top))
    lines = [_HEAD, "| command | does |", "|---|---|"]
    for command, context in found:
        name = _name(context)
        lines.append(f"| [`{name}`](#{name.replace(' ', '-')}) | {_text(_short(command))} |")
    lines.append("")
    for command, context in found:
        lines += _command(command, context)
    return "\n".join(lines).rstrip() + "\n"


def _below(command: Any, context: typer.Context) -> Iterator[tuple[Any, typer.Context]]:
    """The commands of a group that can be run, each with its words."""
    for name, each in command.commands.items():
        inner = typer.Context(each, info_name=name, parent=context)
        if hasattr(each, "commands"):
            yield from _below(each, inner)
        else:
            yield each, inner


def _name(context: typer.Context) -> str:
    return context.command_path.removeprefix("gpts-catalog ")


def _short(command: Any) -> str:
    return str(command.help or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")


def _command(command: Any, context: typer.Context) -> list[str]:
    """A command's section."""
    lines = [f"## {_name(context)}", ""]
    for paragraph in str(command.help or "").split("\n\n"):
        lines += [_text(" ".join(paragraph.split())), ""]
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines += ["```text", " ".join(usage.split()), "```", ""]
    rows = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is None or _COMMON.intersection(parameter.opts):
            continue
        name = re.sub(r" <list\[.*\]>", "…", record[0]).replace("|", "/")
        rows.append(f"| `{name}` | {_text(re.sub(' +', ' ', record[1]))} |")
    if rows:
        lines += ["| argument or option | does |", "|---|---|", *rows, ""]
    return lines


def _text(words: str) -> str:
    """Help as Markdown takes it: none of its signs means anything."""
    for sign in "\\*_<>[]|":
        words = words.replace(sign, f"\\{sign}")
    return words


PAGES = {"docs/cli.md": commands_page}
"""The pages that are made, and by what."""
