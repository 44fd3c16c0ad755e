"""``forget``: erase a GPT, or an author, and never take them in again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from catalog.care.forgetting import Forgotten
from catalog.care.forgetting import forget as forget_all
from catalog.cli.context import App, start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import count, harmless, number
from catalog.derive import Derivation
from catalog.errors import NotFound, UsageError
from catalog.query.people import users_called
from catalog.references import parse_reference
from catalog.storage.engine import read
from catalog.storage.ledger import Kind
from catalog.storage.tombstones import graves_of

app = typer.Typer(
    name="forget",
    help="Erase a GPT, or an author with all of theirs, and never take them in again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

YesOption = Annotated[
    bool, typer.Option("--yes", help="Erase it; without this it is only said what would go.")
]
USER = "user-"
"""What a ``user_id`` begins with."""
MOST = 20
"""Files of one kind that are listed; more are counted."""


@app.command("gpt")
def forget_gpt(
    ctx: typer.Context,
    ref: Annotated[
        str, typer.Argument(metavar="REF", help="Any reference: id, short URL, address.")
    ],
    yes: YesOption = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase one GPT from the catalog, its reports and feeds, and never take it in again.

    Nothing can undo it. Interrupted, the same command ends what it began.
    """
    started = start(ctx, catalog, config, as_json=as_json)
    _forget(started, "gpt", parse_reference(ref), yes=yes)


@app.command("author")
def forget_author(
    ctx: typer.Context,
    ref: Annotated[
        str,
        typer.Argument(metavar="REF", help="The author's user_id, or name if nobody shares it."),
    ],
    yes: YesOption = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase an author with all GPTs that any document ever named them for.

    GPTs that name them later are not taken in either. Nothing can undo it. Interrupted, the same
    command, with the author's user_id, ends what it began.
    """
    started = start(ctx, catalog, config, as_json=as_json)
    with started.catalog() as engine, read(engine) as conn:
        found = users_called(conn, ref)
    if len(found) > 1:
        raise UsageError(
            f"{count(len(found), 'author')} are called {ref!r}: name one by user_id:"
            f" {', '.join(found[:MOST])}"
        )
    if not found and not ref.startswith(USER):
        raise NotFound(
            f"the catalog knows no author {ref!r}: name one by user_id, as gpts-catalog authors"
            " shows it; one who is not known yet can be named so too"
        )
    _forget(started, "author", found[0] if found else ref, yes=yes)


def _forget(started: App, kind: Kind, name: str, *, yes: bool) -> None:
    folder = Path(started.settings.catalog.folder)
    with started.catalog(read_only=not yes) as engine:
        with read(engine) as conn:
            graves = graves_of(conn)
            is_told = graves is not None and bool(graves.of(kind, [name]))
        done = forget_all(
            engine,
            Derivation(),
            kind,
            name,
            folder,
            started.clock.now(),
            dry_run=not yes,
            report=started.out.note,
        )
    _say(started, done, name, is_told=is_told)
    started.out.json(msgspec.to_builtins(done))


def _say(started: App, done: Forgotten, name: str, *, is_told: bool) -> None:
    """What was done.

    Args:
        started: the command.
        done: what was done.
        name: whom it is about.
        is_told: whether the catalog had been told to forget them before.
    """
    out = started.out
    who = f"{done.kind} {harmless(name)}"
    kept = bool(done.gpts or done.rows or done.files)
    if not kept and is_told:
        out.line(f"nothing is kept of {who}: this catalog was told to forget it before")
    elif not kept:
        # Most likely a slip of the pen; or somebody asks before they were ever taken in.
        out.line(f"nothing is kept of {who}: is that the right name?")
        out.note(
            "with --yes it would not be taken in from now on"
            if done.dry_run
            else "it is not taken in from now on"
        )
    else:
        word = "would go" if done.dry_run else "erased"
        of_it = f", with {count(done.gpts, 'GPT')}" if done.kind == "author" else ""
        out.line(f"{word}: {who}{of_it}")
    out.table(
        [
            *([number(rows), table.replace("_", " ")] for table, rows in done.rows.items()),
            *([[number(len(done.files)), "reports, feeds and pages"]] if done.files else []),
        ],
        right=[0],
    )
    if done.unreached:
        out.heading("not reached, and may hold it still")
        for path in done.unreached[:MOST]:
            out.line(f"  {harmless(path)}")
        if len(done.unreached) > MOST:
            out.line(f"  and {number(len(done.unreached) - MOST)} more")
        out.note("remove them, or make them again")
    out.note(
        "exports, backups and copies in other places may hold it still, and are yours to find: the"
        " catalog does not know where they are"
    )
    if done.dry_run and kept:
        out.note("nothing was erased: give the same command with --yes")
