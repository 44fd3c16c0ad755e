"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalog.errors import UsageError
from catalog.times import Micros, parse_moment

CatalogOption = Annotated[
    str | None,
    typer.Option(
        "--catalog",
        metavar="URL",
        help="The catalog: sqlite:///PATH, postgresql://… or the path of a file."
        " Else GPTS_CATALOG_URL, else what catalog.toml says.",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The settings; else catalog.toml."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON alone on stdout; messages go to stderr.")
]
CsvOption = Annotated[
    bool,
    typer.Option("--csv", help="Print CSV alone on stdout, under a line of names."),
]
NoPagerOption = Annotated[
    bool, typer.Option("--no-pager", help="Print at once, however long it is.")
]
ReferenceArgument = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="Whatever names a GPT: an id, a short URL, a chatgpt.com address, a model name.",
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="T", help="As of then: a time, or a date for the end of its day (UTC)."
    ),
]
KnownAtOption = Annotated[
    str | None,
    typer.Option(
        "--known-at",
        metavar="K",
        help="As known then: only what was recorded by that time.",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="T", help="From then on: a time, or a date (00:00 UTC)."),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="T", help="Until then: a time, or a date for the end of its day (UTC)."
    ),
]


def read_moment(text: str | None, option: str, *, end_of_day: bool = False) -> Micros | None:
    """The moment that an option names.

    Args:
        text: what was typed, if anything.
        option: the option, for the error.
        end_of_day: whether a bare date means the end of its day.

    Raises:
        UsageError: it names none.
    """
    if text is None:
        return None
    try:
        return parse_moment(text, end_of_day=end_of_day)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no time: write 2024-02-13 or 2024-02-13T09:00:00Z"
        ) from None
