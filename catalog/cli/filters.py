"""The options that say which GPTs are wanted, and the filter they make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from catalog.cli.options import read_moment
from catalog.cli.text import iso
from catalog.errors import InvalidFilter, UsageError
from catalog.search.filters import Filter, check
from catalog.search.queries import Term, parse_query

Texts = list[str]

TextArgument = Annotated[
    Texts | None,
    typer.Argument(
        metavar="TEXT",
        help="Words that must all be there, the last one perhaps not finished; word* for a"
        ' beginning, "…" for words side by side, -word for one that must not be there (all of it'
        " in single quotes, or after --).",
    ),
]
CategoryOption = Annotated[
    Texts | None,
    typer.Option("--category", metavar="C", help="In this category; may be given again."),
]
ToolOption = Annotated[
    Texts | None,
    typer.Option("--tool", metavar="T", help="With a tool of this type; may be given again."),
]
TagOption = Annotated[
    Texts | None, typer.Option("--tag", metavar="TAG", help="With this tag; may be given again.")
]
AuthorOption = Annotated[
    Texts | None,
    typer.Option(
        "--author", metavar="A", help="By this author, a name or a user_id; or by one of several."
    ),
]
StatusOption = Annotated[
    Texts | None,
    typer.Option("--status", metavar="S", help="listed, missing or gone; or one of several."),
]
VoiceOption = Annotated[
    Texts | None, typer.Option("--voice", metavar="V", help="With this voice, or one of several.")
]
ScriptOption = Annotated[
    Texts | None,
    typer.Option(
        "--script",
        metavar="S",
        help="With a name in this script (Latin, Han, Japanese, …), or one of several.",
    ),
]
YearOption = Annotated[
    list[int] | None,
    typer.Option("--year", metavar="Y", help="Created in this year, or one of several."),
]
MinConversationsOption = Annotated[
    int | None,
    typer.Option("--min-conversations", metavar="N", help="With so many conversations at least."),
]
MaxConversationsOption = Annotated[
    int | None,
    typer.Option("--max-conversations", metavar="N", help="With so many conversations at most."),
]
MinReviewsOption = Annotated[
    int | None, typer.Option("--min-reviews", metavar="N", help="With so many reviews at least.")
]
MinRatingOption = Annotated[
    float | None,
    typer.Option(
        "--min-rating",
        metavar="R",
        help="With a rating of 1 to 5 at least: the lower bound of what its reviews mean, so that"
        " a few do not beat many.",
    ),
]


def _since(what: str) -> Any:
    text = "from then on: a time, or a date (00:00 UTC)."
    return typer.Option(f"--{what}-since", metavar="T", help=f"{_MEANS[what]} {text}")


def _until(what: str) -> Any:
    text = "until then: a time, or a date for the end of its day (UTC)."
    return typer.Option(f"--{what}-until", metavar="T", help=f"{_MEANS[what]} {text}")


_MEANS = {
    "created": "Created",
    "updated": "Updated, as its document says,",
    "changed": "Last changed, as we saw it,",
    "seen": "First seen",
}
CreatedSince = Annotated[str | None, _since("created")]
CreatedUntil = Annotated[str | None, _until("created")]
UpdatedSince = Annotated[str | None, _since("updated")]
UpdatedUntil = Annotated[str | None, _until("updated")]
ChangedSince = Annotated[str | None, _since("changed")]
ChangedUntil = Annotated[str | None, _until("changed")]
SeenSince = Annotated[str | None, _since("seen")]
SeenUntil = Annotated[str | None, _until("seen")]

OPTIONS = {
    "categories": "--category",
    "tools": "--tool",
    "tags": "--tag",
    "authors": "--author",
    "statuses": "--status",
    "voices": "--voice",
    "scripts": "--script",
    "years": "--year",
}
"""The lists of a filter, by what they are called on the command line."""
EVERY_ONE = frozenset({"categories", "tools", "tags"})
"""Lists of which all values must be there; of the others, any one."""


def read_filter(options: dict[str, Any]) -> Filter:
    """The filter that a command's options make.

    Args:
        options: by the names of :class:`Filter`'s members; the text as words, moments as typed.
            What is no member is passed over.

    Raises:
        UsageError: a moment is none, or a condition makes no sense.
        InvalidQuery: the text cannot be understood.
    """
    found: dict[str, Any] = {}
    for name in Filter.__struct_fields__:
        value = options.get(name)
        if value is None:
            continue
        if name == "text":
            found[name] = " ".join(value).strip() or None
        elif name.endswith(("_since", "_until")):
            option = f"--{name.replace('_', '-')}"
            found[name] = read_moment(value, option, end_of_day=name.endswith("_until"))
        else:
            found[name] = tuple(value) if isinstance(value, list) else value
    wanted = Filter(**found)
    try:
        check(wanted)
    except InvalidFilter as error:  # it speaks of URL queries
        reason = _BOUND.sub(lambda found: _option(found[0]), error.reason)
        raise UsageError(f"{_option(error.key)}: {reason}") from None
    return wanted


_BOUND = re.compile(
    rf"\b(?:{'|'.join(name for name in Filter.__struct_fields__ if '_' in name)})\b"
)
"""What a message calls a condition by the filter's own name."""


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things that a filter asks for.

    Attributes:
        name: the member of :class:`Filter`.
        text: how one would type it.
        value: what is asked for, if it is a single text.
        alone: a filter that asks for this alone.
        others: the filter without it.
    """

    name: str
    text: str
    value: str | None
    alone: Filter
    others: Filter


def conditions(wanted: Filter) -> list[Condition]:
    """What a filter asks for, one by one.

    Raises:
        InvalidQuery: its text cannot be understood.
    """
    return [*_of_text(wanted), *_of_lists(wanted), *_of_bounds(wanted)]


def _of_text(wanted: Filter) -> Iterator[Condition]:
    if wanted.text is None:
        return
    query = parse_query(wanted.text)
    terms = [("", term) for term in query.terms] + [("-", term) for term in query.excluded]
    parts = [f"{sign}{_spelled(term)}" for sign, term in terms]
    for at, ((sign, term), typed) in enumerate(zip(terms, query.typed, strict=True)):
        yield Condition(
            name="text",
            text=f"{sign}“{typed.strip()}{'…' if term.prefix else ''}”",
            value=None,
            alone=Filter(text=parts[at]),
            others=msgspec.structs.replace(
                wanted, text=" ".join([*parts[:at], *parts[at + 1 :]]) or None
            ),
        )


def _spelled(term: Term) -> str:
    """A term as a query has it wherever it stands; signs between its words make it one."""
    return term.text.replace(" ", "_") + "*" if term.prefix else f'"{term.text}"'


def _of_lists(wanted: Filter) -> Iterator[Condition]:
    for name, option in OPTIONS.items():
        values = getattr(wanted, name)
        parts = [(each,) for each in values] if name in EVERY_ONE else [values] * bool(values)
        for part in parts:
            others = tuple(each for each in values if each not in part)
            yield Condition(
                name=name,
                text=" ".join(f"{option} {each}" for each in part),
                value=str(part[0]) if len(part) == 1 else None,
                alone=msgspec.structs.replace(Filter(), **{name: part}),
                others=msgspec.structs.replace(wanted, **{name: others}),
            )


def _of_bounds(wanted: Filter) -> Iterator[Condition]:
    for name in Filter.__struct_fields__:
        value = getattr(wanted, name)
        if name == "text" or name in OPTIONS or value is None:
            continue
        is_time = name.endswith(("_since", "_until"))
        yield Condition(
            name=name,
            text=f"--{name.replace('_', '-')} {iso(value) if is_time else value}",
            value=None,
            alone=msgspec.structs.replace(Filter(), **{name: value}),
            others=msgspec.structs.replace(wanted, **{name: None}),
        )
