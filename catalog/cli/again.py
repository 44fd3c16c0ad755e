"""The command that was given, with some words changed: what a person may type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from catalog.settings.urls import passwords_in, without_password

if TYPE_CHECKING:
    import typer

    from catalog.cli.output import Output

CATALOG = "catalog"
"""The parameter whose value may hold a password."""


def say_next_page(out: Output, ctx: typer.Context, mark: str) -> None:
    """Name the command for the page after ``mark``.

    Args:
        out: where; the command is a message.
        ctx: the command under way, which takes ``--after``.
        mark: the cursor.
    """
    out.note(f"next page: {again(ctx, after=mark)}", "dim")
    if any(passwords_in(each.params.get(CATALOG) or "") for each in _contexts(ctx)):
        out.note("the password is left out of it: export PGPASSWORD=... before", "dim")


def again(ctx: typer.Context, **changed: Any) -> str:
    """The command of ``ctx`` as one would type it, with other values for some of its options.

    These stand after the others. A password in a URL is left out (law 10).

    Args:
        ctx: the command under way.
        changed: values by the names of its parameters; None leaves one out.
    """
    words: list[str] = []
    last: list[str] = []
    for each_one in _contexts(ctx):
        own = _options(each_one, changed if each_one is ctx else {})
        words[:0] = [each_one.info_name or "gpts-catalog", *own]
    for each in ctx.command.params:
        if each.param_type_name == "argument":
            value = changed.get(each.name or "", ctx.params.get(each.name or ""))
            last += _texts(value)
    if any(word.startswith("-") for word in last):
        last.insert(0, "--")
    return shlex.join([*words, *last])


def _contexts(ctx: Any) -> Iterator[Any]:
    """The command under way, then what stands before it."""
    while ctx is not None:
        yield ctx
        ctx = ctx.parent


def _options(ctx: Any, changed: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for each in sorted(ctx.command.params, key=lambda param: param.name in changed):
        if each.param_type_name != "option" or each.name not in ctx.params:
            continue
        value = changed.get(each.name, ctx.params[each.name])
        if value in (None, False, [], ()) or (
            each.name not in changed and value == each.get_default(ctx)
        ):
            continue
        if each.name == CATALOG:
            value = without_password(value)
        option = max(each.opts, key=len)
        if value is True:
            words.append(option)
            continue
        words += [word for text in _texts(value) for word in (option, text)]
    return words


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]
