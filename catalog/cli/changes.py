"""``changes``: what changed, by what was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated

import typer

from catalog.cli.change_lines import Printer
from catalog.cli.context import App, start
from catalog.cli.movers import print_movers
from catalog.cli.nothing import explain_nothing
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    NoPagerOption,
    SinceOption,
    UntilOption,
    read_moment,
)
from catalog.cli.table import print_csv
from catalog.errors import UsageError
from catalog.fields import field_named
from catalog.query import changes as query
from catalog.query.movers import By
from catalog.query.search import search
from catalog.query.told import tell
from catalog.references import parse_reference
from catalog.search.filters import Filter
from catalog.storage.bookmarks import check_writable, get_bookmark, set_bookmark
from catalog.storage.engine import read, write
from catalog.wording.changes import LINE, as_json_line

if TYPE_CHECKING:
    from catalog.storage.engine import Connection


def changes(
    ctx: typer.Context,
    ref: Annotated[str | None, typer.Argument(metavar="REF", help="Of this GPT alone.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    field: Annotated[
        str | None,
        typer.Option(
            metavar="F", help="Of this field alone: its path, or its last part: name, tools."
        ),
    ] = None,
    cls: Annotated[
        query.ChangeClass | None,
        typer.Option("--class", help="Of this class alone."),
    ] = None,
    kind: Annotated[
        query.ChangeKind | None, typer.Option("--kind", help="Of this kind alone.")
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(metavar="A", help="Of the GPTs of this author, a name or a user_id."),
    ] = None,
    category: Annotated[
        str | None, typer.Option(metavar="C", help="Of the GPTs that are in this category now.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also what is hidden otherwise: what the platform changed for all, what comes and"
            " goes in author fields, and each single change of a mass event.",
        ),
    ] = False,
    bookmark: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What came to be known since the last look under this name, however old it is;"
            " moves the mark once all was printed.",
        ),
    ] = None,
    movers: Annotated[
        By | None,
        typer.Option(
            help="In place of changes, the GPTs whose number grew most; in the last 7 days if no"
            " --since is given.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="So many at most; of movers 20 if it is not given."),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Show what changed: what, from, to, when, and in whose words; oldest first.

    A change lies between the last time the old value was said and the first time the new one was.
    With --json every change is a line of its own, those of mass events too.
    """
    app = start(ctx, catalog, config, as_json=as_json, as_csv=as_csv, pages=not no_pager)
    first, last = read_moment(since, "--since"), read_moment(until, "--until", end_of_day=True)
    if first is not None and last is not None and first > last:
        raise UsageError(f"--since {since} is later than --until {until}: nothing lies between")
    wanted = query.Wanted(
        gizmo_id=None if ref is None else parse_reference(ref),
        since=first,
        until=last,
        field=None if field is None else field_named(field),
        cls=cls,
        author=author,
        category=category,
        kind=kind,
        everything=everything,
    )
    if movers is not None:
        _only_window(wanted, bookmark)
        print_movers(app, movers, first, last, limit)
        return
    if bookmark is None:
        with app.out.paged(), app.catalog() as engine, read(engine) as conn:
            _print(app, conn, query.iterate(conn, wanted), wanted, limit)
        return
    for option, value in (("--until", until), ("--limit", limit)):
        if value is not None:
            raise UsageError(f"--bookmark takes all that is new up to now: leave {option} out")
    _since_bookmark(app, bookmark, wanted)


def _explain_nothing(app: App, conn: Connection, wanted: query.Wanted) -> None:
    """Say so, where there are no changes because there is no such GPT.

    Raises:
        NotFound: the GPT that is asked for is not known.
    """
    if wanted.gizmo_id is not None:
        tell(conn, wanted.gizmo_id)
    asked = Filter(
        authors=() if wanted.author is None else (wanted.author,),
        categories=() if wanted.category is None else (wanted.category,),
    )
    if asked != Filter() and not search(conn, asked, limit=1).items:
        for line in explain_nothing(conn, asked):
            app.out.note(line)


def _only_window(wanted: query.Wanted, bookmark: str | None) -> None:
    """Refuse what movers know nothing of.

    Raises:
        UsageError: it is there.
    """
    plain = query.Wanted(since=wanted.since, until=wanted.until)
    if wanted != plain or bookmark is not None:
        raise UsageError("--movers goes with --since, --until and --limit alone")


def _since_bookmark(app: App, name: str, wanted: query.Wanted) -> None:
    """Print what is new, then move the mark."""
    with app.catalog(read_only=False) as engine, write(engine) as conn:
        check_writable(conn)
    with app.out.paged(), app.catalog() as engine, read(engine) as conn:
        before = get_bookmark(conn, name)
        found, mark = query.since_bookmark(conn, name, wanted)
        if before is None:
            app.out.note(
                f"bookmark {name} is new: this is everything up to now; from then on it shows what"
                " came to be known since the last look"
            )
        _print(app, conn, found, wanted, None)
    app.out.flush()
    if app.out.was_left:
        app.out.note(
            f"bookmark {name} did not move, for not all was shown: read to the end, or add"
            " --no-pager"
        )
        return
    with app.catalog(read_only=False) as engine, write(engine) as conn:
        set_bookmark(conn, name, mark)


def _print(
    app: App,
    conn: Connection,
    found: Iterator[query.Change],
    wanted: query.Wanted,
    limit: int | None,
) -> None:
    head = list(islice(found, 1))
    if not head:
        _explain_nothing(app, conn, wanted)
    found = chain(head, found)
    kept = found if limit is None else islice(found, limit)
    if app.out.as_csv:
        print_csv(app.out, LINE, (list(as_json_line(change).values()) for change in kept))
    elif app.out.as_json:
        for change in kept:
            app.out.json(as_json_line(change))
    else:
        printer = Printer(app.out, fold=not wanted.everything and wanted.gizmo_id is None)
        for change in kept:
            if change.event_id and change.event_id not in printer.events:
                printer.events.update(query.events(conn, [change.event_id]))
            printer.print(change)
        printer.finish()
    if limit is not None and next(found, None) is not None:
        app.out.note(f"there are more than {limit}: a higher --limit, or a later --since, has them")
