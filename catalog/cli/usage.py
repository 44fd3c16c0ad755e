"""Wrong words on the command line, explained in ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer.exceptions import TyperException

_CLEARER = (
    (re.compile(r"Input should be a valid integer\b.*"), "expected a whole number"),
    (re.compile(r"Input should be a valid number\b.*"), "expected a number"),
    (re.compile(r"Input should be greater than or equal to "), "expected at least "),
    (re.compile(r"Input should be less than or equal to "), "expected at most "),
    (re.compile(r"Value error, .* is not one of "), "expected one of "),
)
"""What the typing layer says, and what it means."""


def help_instead(error: TyperException) -> str | None:
    """The help that stands for an error where no command is named at all."""
    ctx = getattr(error, "ctx", None)
    text = None if ctx is None else str(ctx.get_help())
    return text if error.format_message() == text else None


def explain(error: TyperException, named: str = "") -> str:
    """What is wrong, and where to read on.

    Args:
        error: what the typing layer says.
        named: the command that the words name, for an error that does not know its own.
    """
    text = error.format_message()
    for said, meant in _CLEARER:
        text = said.sub(meant, text)
    if not text.endswith(("?", ".")):
        text += "."
    ctx = getattr(error, "ctx", None)
    command = f"gpts-catalog {named}".rstrip() if ctx is None else ctx.command_path
    return f"{text} See {command} --help"
