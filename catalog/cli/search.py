"""``search``: browse and search GPTs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from catalog.cli import filters as f
from catalog.cli.again import say_next_page
from catalog.cli.context import App, start
from catalog.cli.facets import facets_json, print_facets
from catalog.cli.nothing import count_text, explain_nothing
from catalog.cli.options import (
    AtOption,
    CatalogOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    NoPagerOption,
    read_moment,
)
from catalog.cli.output import Output
from catalog.cli.table import Column, print_csv, print_table
from catalog.cli.text import iso, moment, number
from catalog.errors import UsageError
from catalog.query import search as query
from catalog.query.counting import LIMIT as COUNTED
from catalog.query.facets import facets as count_facets
from catalog.query.found import Found
from catalog.search.filters import Filter, Sort, default_sort
from catalog.storage.engine import read
from catalog.storage.relisting import waiting
from catalog.times import Micros

if TYPE_CHECKING:
    from catalog.storage.engine import Connection

LIMIT = 50
MOST = 1000
"""GPTs of one page."""
CHUNK = 500
"""Rows under one line of titles, with ``--all``: how wide a column is, is known of so many."""
LISTED = "listed"
DATED = {"created": "created_at", "updated": "updated_at", "changed": "changed_at"}
"""Orders by a moment, which then has a column."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a search asks for.

    Attributes:
        wanted: which GPTs.
        sort: in which order; None: the usual one.
        at: as of when.
        limit: how many; None: all.
        after: the cursor of a page.
    """

    wanted: Filter
    sort: Sort | None
    at: Micros | None
    limit: int | None
    after: str | None


def search(
    ctx: typer.Context,
    text: f.TextArgument = None,
    categories: f.CategoryOption = None,
    tools: f.ToolOption = None,
    tags: f.TagOption = None,
    authors: f.AuthorOption = None,
    statuses: f.StatusOption = None,
    voices: f.VoiceOption = None,
    scripts: f.ScriptOption = None,
    years: f.YearOption = None,
    min_conversations: f.MinConversationsOption = None,
    max_conversations: f.MaxConversationsOption = None,
    min_reviews: f.MinReviewsOption = None,
    min_rating: f.MinRatingOption = None,
    created_since: f.CreatedSince = None,
    created_until: f.CreatedUntil = None,
    updated_since: f.UpdatedSince = None,
    updated_until: f.UpdatedUntil = None,
    changed_since: f.ChangedSince = None,
    changed_until: f.ChangedUntil = None,
    seen_since: f.SeenSince = None,
    seen_until: f.SeenUntil = None,
    sort: Annotated[
        Sort | None,
        typer.Option(
            "--sort", help="In this order; else by relevance with a text, by conversations without."
        ),
    ] = None,
    at: AtOption = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, max=MOST, help=f"GPTs of a page; {LIMIT} if not given."
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", metavar="CURSOR", help="The page after this mark, which the last one gave."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every GPT that is found, in place of a page.")
    ] = False,
    show_facets: Annotated[
        bool,
        typer.Option(
            "--facets",
            help="Also how many have which category, tool, year, …; with --json or --csv that"
            " alone.",
        ),
    ] = False,
    only_count: Annotated[bool, typer.Option("--count", help="Only how many there are.")] = False,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", help="Count to the end, where counting would stop early and say 20,000+."
        ),
    ] = False,
    ids: Annotated[
        bool,
        typer.Option("--ids", help="Only the ids, one a line, as harvest --refs takes them."),
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Find GPTs by their words and by what they are; without any of that, browse them all.

    Words are looked for in name, author, categories and tools, description and starters, in this
    order; Chinese, Japanese, Korean, Thai and their like within words too.
    """
    options = dict(locals())
    app = start(ctx, catalog, config, as_json=as_json, as_csv=as_csv, pages=not no_pager)
    asked = Asked(
        wanted=f.read_filter(options),
        sort=sort,
        at=read_moment(at, "--at", end_of_day=True),
        limit=None if everything else limit or LIMIT,
        after=after,
    )
    _check(options, asked)
    with app.out.paged(), app.catalog() as engine, read(engine) as conn:
        if asked.at is None:
            _say_waiting(app, conn)
        if only_count:
            _count(app, conn, asked, exact=exact)
        elif show_facets and not app.out.for_people:
            _only_facets(app, conn, asked, exact=exact)
        else:
            found, mark, order = _page(conn, asked)
            printed = _ids(app.out, found) if ids else _print(app.out, found, order)
            if show_facets:
                print_facets(app.out, count_facets(conn, asked.wanted, exact=exact, at=asked.at))
            if printed or after is not None:
                _say(app, conn, asked, printed, order, more=mark is not None)
            else:
                _say_nothing(app, conn, asked)
            if mark is not None:
                say_next_page(app.out, ctx, mark)


def _say_waiting(app: App, conn: Connection) -> None:
    """That something is missing, where an upgrade did not come to its end."""
    if missing := waiting(conn):
        gpts = f"{count_text(missing, exact=True)} {'is' if missing == 1 else 'are'}"
        app.out.note(f"{gpts} not listed yet: gpts-catalog upgrade", "yellow")


def _check(options: dict[str, Any], asked: Asked) -> None:
    """Refuse words that do not go together.

    Raises:
        UsageError: they do not.
    """
    names = {"only_count": "--count", "ids": "--ids", "show_facets": "--facets"}
    chosen = [option for name, option in names.items() if options[name]]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} ask two things: name one of them")
    if asked.limit is None and options["limit"] is not None:
        raise UsageError("--all takes every GPT that is found: leave --limit out")
    if asked.limit is None and asked.after is not None:
        raise UsageError("--all takes every GPT from the first on: leave --after out")
    if options["ids"] and (options["as_csv"]):
        raise UsageError("--ids is a list of ids: leave --csv out")


def _page(conn: Connection, asked: Asked) -> tuple[Iterable[Found], str | None, Sort]:
    """The GPTs, the cursor of the next page, and the order they are in."""
    if asked.limit is None:
        found = query.iterate(conn, asked.wanted, sort=asked.sort, at=asked.at)
        return found, None, asked.sort or default_sort(asked.wanted)
    page = query.search(
        conn, asked.wanted, sort=asked.sort, limit=asked.limit, after=asked.after, at=asked.at
    )
    return page.items, page.after, page.sort


def _print(out: Output, found: Iterable[Found], sort: Sort) -> int:
    """Print GPTs in whatever form is asked for; how many they were."""
    if out.as_csv:
        rows = ([_json(each)[name] for name in Found.__struct_fields__] for each in found)
        return print_csv(out, Found.__struct_fields__, rows)
    printed = 0
    for chunk in _chunks(found):
        if out.as_json:
            for each in chunk:
                out.json(_json(each))
        else:
            if printed:
                out.line()
            _print_table(out, chunk, sort)
        printed += len(chunk)
    return printed


def _ids(out: Output, found: Iterable[Found]) -> int:
    printed = 0
    for each in found:
        out.line(each.gizmo_id)
        out.json({"gizmo_id": each.gizmo_id})
        printed += 1
    return printed


def _say(app: App, conn: Connection, asked: Asked, printed: int, sort: Sort, *, more: bool) -> None:
    """How much was printed, and of how much."""
    text = count_text(printed, exact=True)
    if more and asked.at is None and app.out.for_people:
        text += f" of {query.count(conn, asked.wanted)}"
    app.out.note(f"{text}, by {sort}", "dim")


def _say_nothing(app: App, conn: Connection, asked: Asked) -> None:
    """Why there was nothing. Of the past it is not said: each try would look at every GPT."""
    app.out.note("no GPT is found")
    if asked.at is None:
        for line in explain_nothing(conn, asked.wanted):
            app.out.note(line)


def _count(app: App, conn: Connection, asked: Asked, *, exact: bool) -> None:
    limit = None if exact else COUNTED
    found = query.count(conn, asked.wanted, limit=limit, at=asked.at)
    app.out.line(str(found))
    app.out.json({"count": found.number, "exact": found.exact})
    print_csv(app.out, ["count", "exact"], [[found.number, found.exact]])


def _only_facets(app: App, conn: Connection, asked: Asked, *, exact: bool) -> None:
    found = count_facets(conn, asked.wanted, exact=exact, at=asked.at)
    app.out.json(facets_json(found))
    print_csv(
        app.out,
        ["facet", "value", "label", "count"],
        (
            [facet, each.value, each.label, each.count]
            for facet, values in found.values.items()
            for each in values
        ),
    )


def _json(found: Found) -> dict[str, Any]:
    values = msgspec.structs.asdict(found)
    return {name: iso(each) if name.endswith("_at") else each for name, each in values.items()}


def _print_table(out: Output, found: list[Found], sort: Sort) -> None:
    """A line a GPT; what it is sorted by stands beside the name, a status only where one is odd."""
    columns: list[tuple[Column, Callable[[Found], Any]]] = [
        (Column("GPT", least=40, style="bold"), lambda each: each.gizmo_id),
        (Column("name", least=10), lambda each: each.name or "(no name)"),
        (Column("conv.", right=True), conversations),
        (Column("stars", right=True, drop=1), lambda each: _rating(each.average)),
        (
            Column("reviews", right=True, drop=3),
            lambda each: "–" if each.reviews is None else number(each.reviews),
        ),
        (Column("author", least=10, drop=2), lambda each: each.author),
        (Column("categories", least=10, drop=4), lambda each: ", ".join(each.categories)),
    ]
    if any(each.status != LISTED for each in found):
        columns.append(
            (Column("status"), lambda each: "" if each.status == LISTED else each.status)
        )
    if sort in DATED:
        columns.insert(1, (Column(sort, least=20), lambda each: moment(getattr(each, DATED[sort]))))
    if sort == "rating":
        columns.insert(3, (Column("rating", right=True), lambda each: _rating(each.rating)))
    print_table(
        out,
        [column for column, _ in columns],
        [[value(each) for _, value in columns] for each in found],
    )


def _rating(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def conversations(found: Found) -> str:
    """How many there were, as the source says it."""
    if found.conversations_text:
        return found.conversations_text
    return "–" if found.conversations is None else number(found.conversations)


def _chunks(found: Iterable[Found]) -> Iterator[list[Found]]:
    rest = iter(found)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
