"""``authors``: who publishes GPTs, and one of them with all that is known."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from catalog.cli.again import say_next_page
from catalog.cli.change_lines import Printer
from catalog.cli.context import App, start
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    NoPagerOption,
)
from catalog.cli.table import Column, print_csv, print_table
from catalog.cli.text import count, harmless, iso, moment, number
from catalog.errors import UsageError
from catalog.query import authors as query
from catalog.query import changes
from catalog.storage.engine import read
from catalog.times import DAY, Micros
from catalog.wording.changes import as_json_line, element

if TYPE_CHECKING:
    from catalog.storage.engine import Connection

LIMIT = 50
MOST = 1000
"""Authors of one page."""
RECENT: Micros = 30 * DAY
"""How far back the changes of one author go."""
_WORK = query.Work.__struct_fields__


def authors(
    ctx: typer.Context,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Words that all stand in the name, or a user_id."),
    ] = None,
    one: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="A",
            help="In place of a list, this one: the accounts, the GPTs, what changed of late. A"
            " user_id, or a name that one alone has.",
        ),
    ] = None,
    sort: Annotated[query.AuthorSort, typer.Option("--sort", help="In this order.")] = "gpts",
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=MOST, help="Authors of a page.")
    ] = LIMIT,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", metavar="CURSOR", help="The page after this mark, which the last one gave."
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Find authors by name, or browse them all; with --id, show one of them."""
    app = start(ctx, catalog, config, as_json=as_json, as_csv=as_csv, pages=not no_pager)
    if one is not None and text:
        raise UsageError("--id shows one author: leave the words out")
    with app.out.paged(), app.catalog() as engine, read(engine) as conn:
        if one is not None:
            _print_one(app, conn, one)
            return
        words = " ".join(text) if text else None
        page = query.authors(conn, words, sort=sort, limit=limit, after=after)
        _print_page(app, page)
        _say(app, ctx, page, words, behind=query.are_behind(conn))


def _print_page(app: App, page: query.AuthorPage) -> None:
    lines = [_json(each) for each in page.items]
    for line in lines:
        app.out.json(line)
    names = (*query.Author.__struct_fields__, "rating")
    print_csv(app.out, names, ([line[name] for name in names] for line in lines))
    if page.items:
        print_table(
            app.out,
            [
                Column("author", least=14),
                Column("GPTs", right=True),
                Column("conv.", right=True),
                Column("reviews", right=True, drop=2),
                Column("rating", right=True, drop=3),
                Column("first seen", least=20, drop=4),
                Column("user_id", least=40, drop=1),
            ],
            [_row(each) for each in page.items],
        )


def _say(
    app: App, ctx: typer.Context, page: query.AuthorPage, words: str | None, *, behind: bool
) -> None:
    note = app.out.note
    if behind:
        note(query.BEHIND)
    if not page.items:
        if words:
            note(f"no author's name has all of: {words}")
        elif not behind:
            note("no author is known: gpts-catalog harvest or gpts-catalog import brings some")
        return
    note(f"{count(len(page.items), 'author')}, by {page.sort}", "dim")
    if page.after is not None:
        say_next_page(app.out, ctx, page.after)


def _row(author: query.Author) -> list[Any]:
    rating = author.rating
    return [
        author.display_name or "(no name)",
        number(author.gpts),
        number(author.conversations),
        number(author.reviews),
        "–" if rating is None else f"{rating:.2f}",
        moment(author.first_seen_at),
        author.user_id,
    ]


def _json(author: query.Author) -> dict[str, Any]:
    values = msgspec.structs.asdict(author)
    return {**values, "first_seen_at": iso(author.first_seen_at), "rating": author.rating}


def _print_one(app: App, conn: Connection, who: str) -> None:
    found = query.author(conn, who)
    out, author = app.out, found.author
    wanted = changes.Wanted(author=author.user_id, since=app.clock.now() - RECENT)
    recent = list(changes.iterate(conn, wanted))
    works = [_work_json(each) for each in found.works]
    out.json(
        {
            **_json(author),
            "statuses": found.statuses,
            "socials": found.socials,
            "works": works,
            "changes": [as_json_line(each) for each in recent],
        }
    )
    print_csv(out, _WORK, ([work[name] for name in _WORK] for work in works))
    out.line(f"{author.user_id}  {harmless(author.display_name or '(no name)')}", "bold")
    facts = [
        ["website", harmless(author.link_to or "–")],
        ["verified", "–" if author.is_verified is None else "yes" if author.is_verified else "no"],
        ["first seen", moment(author.first_seen_at)],
        ["GPTs", ", ".join(f"{number(n)} {word}" for word, n in sorted(found.statuses.items()))],
        ["conversations", f"{number(author.conversations)} at least"],
        ["reviews", _reviews(author)],
    ]
    out.table([*facts, *(["account", element(each)] for each in found.socials)])
    out.heading("GPTs")
    _works(app, found.works)
    out.heading("changes of the last 30 days")
    printer = Printer(out, fold=True)
    for change in recent:
        if change.event_id and change.event_id not in printer.events:
            printer.events.update(changes.events(conn, [change.event_id]))
        printer.print(change)
    printer.finish()
    out.note(f"all of them: gpts-catalog changes --author {shlex.quote(author.user_id)}", "dim")


def _reviews(author: query.Author) -> str:
    if not author.reviews:
        return "0"
    average = f"{number(author.reviews)}, {author.stars / author.reviews:.2f} stars on average"
    rating = author.rating
    # One word for one number: what lists show and sort by is a bound, not the mean.
    return average if rating is None else f"{average}; rating {rating:.2f}, the bound in lists"


def _works(app: App, works: tuple[query.Work, ...]) -> None:
    print_table(
        app.out,
        [
            Column("GPT", least=40, style="bold"),
            Column("name", least=10),
            Column("conv.", right=True),
            Column("reviews", right=True, drop=1),
            Column("created", least=20, drop=2),
            Column("status", drop=3),
        ],
        [
            [
                each.gizmo_id,
                each.name or "(no name)",
                _conversations(each),
                "–" if each.reviews is None else number(each.reviews),
                moment(each.created_at),
                "" if each.status == "listed" else each.status,
            ]
            for each in works
        ],
        indent=2,
    )


def _conversations(work: query.Work) -> str:
    if work.conversations is None:
        return "–"
    return f"{number(work.conversations)}{'' if work.conversations_exact else '+'}"


def _work_json(work: query.Work) -> dict[str, Any]:
    values = msgspec.structs.asdict(work)
    return {name: iso(each) if name.endswith("_at") else each for name, each in values.items()}
