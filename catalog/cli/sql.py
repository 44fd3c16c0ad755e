"""``sql``: read-only SQL over the catalog, and the queries that ship."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Annotated, Literal, cast, get_args

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.options import (
    CatalogOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    NoPagerOption,
)
from catalog.cli.table import Column, print_csv, print_table
from catalog.cli.text import count, number
from catalog.errors import UsageError
from catalog.query.console import ROWS, SECONDS, Parameter, Result, run_sql
from catalog.query.named_queries import NamedQuery, named_queries, named_query
from catalog.query.schema import view_called, views
from catalog.storage.roles import reader_role_sql, writer_role_sql
from catalog.storage.urls import is_sqlite, parse_url
from catalog.wording.rows import Form, plain, unique, write_rows

AnyForm = Literal["table", "csv", "ndjson", "parquet"]
_SUFFIXES: dict[str, Form] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
}


def sql(
    ctx: typer.Context,
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="One SELECT; - reads it from stdin.")
    ] = None,
    named: Annotated[
        str | None, typer.Option("--named", metavar="NAME", help="Run a query that ships.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the queries that ship.")] = False,
    views_: Annotated[bool, typer.Option("--views", help="Show what can be asked.")] = False,
    view: Annotated[
        str | None,
        typer.Option("--view", metavar="NAME", help="Show what each column of a view says."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="K=V",
            help="The text V for :K in the query; K:=V for a number, true or false; repeatable.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Rows at most; 0 for all.")
    ] = ROWS,
    seconds: Annotated[
        float, typer.Option("--seconds", metavar="S", help="How long it may take.")
    ] = SECONDS,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORM", help="table, csv, ndjson or parquet."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write there; its suffix names the format."),
    ] = None,
    reader_role: Annotated[
        str | None,
        typer.Option(
            "--reader-role",
            metavar="NAME",
            help="Print the statements that make a role which only reads (PostgreSQL).",
        ),
    ] = None,
    writer_role: Annotated[
        str | None,
        typer.Option(
            "--writer-role",
            metavar="NAME",
            help="Print the statements that make a role which harvests (PostgreSQL).",
        ),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
    no_pager: NoPagerOption = False,
) -> None:
    """Ask the catalog in SQL. What it holds: docs/data-dictionary.md; how to ask: docs/sql.md."""
    given = [each for each in (query, named, view, reader_role, writer_role) if each is not None]
    if len(given) + list_ + views_ != 1:
        raise UsageError(
            "name one of: a QUERY (or - for stdin), --named NAME, --list, --views, --view NAME,"
            " --reader-role NAME, --writer-role NAME"
        )
    # A query of one word alone: reading those that ship takes a moment.
    if query is not None and len(query.split()) == 1 and query in named_queries():
        raise UsageError(f"{query} is a query that ships: gpts-catalog sql --named {query}")
    app = start(ctx, catalog, config, as_json=as_json, as_csv=as_csv, pages=not no_pager)
    if reader_role is not None:
        _print_role(app, "--reader-role", reader_role_sql, reader_role)
    elif writer_role is not None:
        _print_role(app, "--writer-role", writer_role_sql, writer_role)
    elif list_:
        _print_list(app)
    elif views_:
        _print_views(app)
    elif view is not None:
        _print_view(app, view)
    else:
        # A wrong word is told before a query runs for half a minute.
        chosen = _form(app, form, output)
        values = _values(param or [])
        if named is not None:
            found = named_query(named)
            _explain(app, found)
            typed = {name: value for name, (value, _) in values.items()}
            text, parameters = found.sql, found.values(typed)
        else:
            text = sys.stdin.read() if query == "-" else query or ""
            parameters = {name: value for name, (_, value) in values.items()}
        with run_sql(
            app.settings.catalog.reader_url or app.settings.catalog.url,
            text,
            seconds=seconds,
            rows=limit or None,
            parameters=parameters,
        ) as result:
            _write(app, result, chosen, output)
            if result.truncated:
                app.out.note("there are more rows: narrow the query, or use --limit 0 for all")


def _print_role(app: App, option: str, make: Callable[[str, str], str], name: str) -> None:
    url = parse_url(app.settings.catalog.url)
    if is_sqlite(url):
        raise UsageError(f"{option}: the catalog is an SQLite file, which has no roles")
    text = make(name, url.database or "")
    app.out.line(text.rstrip())
    app.out.json({"sql": text})


def _print_list(app: App) -> None:
    queries = named_queries().values()
    rows = [
        (
            query.name,
            query.title,
            ", ".join(f"{name} = {each.default}" for name, each in query.parameters.items()),
        )
        for query in queries
    ]
    print_csv(app.out, ("name", "title", "parameters"), rows)
    columns: list[Column | str] = [
        Column("name", least=24),
        "what it shows",
        Column("parameters", drop=1),
    ]
    print_table(app.out, columns, rows)
    app.out.line()
    app.out.line("run one with: gpts-catalog sql --named NAME")
    for query in queries:
        app.out.json(
            {
                "name": query.name,
                "title": query.title,
                "purpose": query.purpose,
                "columns": query.columns,
                "reading": query.reading,
                "parameters": {
                    name: {"default": each.default, "comment": each.comment}
                    for name, each in query.parameters.items()
                },
                "sql": query.sql,
            }
        )


def _print_views(app: App) -> None:
    rows = [(each.name, each.comment) for each in views()]
    print_csv(app.out, ("name", "comment"), rows)
    print_table(app.out, [Column("view", least=24), "its rows"], rows)
    app.out.line()
    app.out.line("what its columns say: gpts-catalog sql --view NAME")
    for each in views():
        app.out.json(msgspec.to_builtins(each))


def _print_view(app: App, name: str) -> None:
    """Print the columns of a view."""
    found = view_called(name)
    rows = list(found.columns.items())
    print_csv(app.out, ("column", "comment"), rows)
    print_table(app.out, [Column("column", least=24), "what it says"], rows)
    app.out.json(msgspec.to_builtins(found))


def _explain(app: App, query: NamedQuery) -> None:
    """Say on stderr how the rows of a named query are to be read."""
    if app.out.width is not None:
        app.out.note(f"{query.title}. {query.purpose}", "bold")
        app.out.note(query.reading, "dim")


def _values(given: Sequence[str]) -> dict[str, tuple[str, Parameter]]:
    """The values of ``--param`` by name: as typed, and as a query of one's own takes them.

    Raises:
        UsageError: one cannot be read.
    """
    values: dict[str, tuple[str, Parameter]] = {}
    for each in given:
        before, equals, text = each.partition("=")
        name = before.removesuffix(":")
        if not equals or not name.isidentifier():
            raise UsageError(
                f"--param {each}: write NAME=VALUE, for :NAME in the query, or NAME:=7 for a number"
            )
        values[name] = (text, text if name == before else _number(each, text))
    return values


def _number(param: str, text: str) -> Parameter:
    """A number, true or false, as JSON writes them: 007 and inf are none, for a text may be so."""
    try:
        return msgspec.json.decode(text, type=int | float | bool)
    except msgspec.MsgspecError:
        raise UsageError(
            f"--param {param}: {text!r} is no number, true or false; with = in place of := it is"
            " taken as text"
        ) from None


def _form(app: App, form: str | None, output: Path | None) -> AnyForm:
    """How the rows are written.

    Raises:
        UsageError: that cannot be done, or two forms are named.
    """
    wanted = {
        each
        for each in (form, "ndjson" if app.out.as_json else None, "csv" if app.out.as_csv else None)
        if each is not None
    }
    if len(wanted) > 1:
        raise UsageError(f"{' and '.join(sorted(wanted))} are two formats: name one of them")
    chosen = wanted.pop() if wanted else None
    if chosen is None and output is not None:
        chosen = _SUFFIXES.get(output.suffix.lower())
    if chosen is None and output is None:
        return "table"
    if chosen not in get_args(AnyForm):
        known = ", ".join(get_args(AnyForm))
        what = f"--format {chosen}" if chosen else f"--output {output}: its suffix"
        raise UsageError(f"{what} names no format: name one with --format: {known}")
    if chosen == "table" and output is not None:
        raise UsageError("--output takes --format csv, ndjson or parquet, not a table")
    if chosen == "parquet" and output is None and sys.stdout.isatty():
        raise UsageError("Parquet is no text for a terminal: name a file with --output")
    return cast("AnyForm", chosen)


def _write(app: App, result: Result, form: AnyForm, output: Path | None) -> None:
    if form == "table":
        _print(app, result)
    elif output is None:
        file = sys.stdout.buffer
        write_rows(form, cast("IO[bytes]", _Open(file)), result.columns, result)
        file.flush()
    else:
        # Beside its place, then moved there: a file that is there is whole.
        partial = output.with_name(f".{output.name}.partial")
        if not output.parent.is_dir():
            raise UsageError(f"--output {output}: there is no folder {output.parent}")
        try:
            with partial.open("wb") as made:
                written = write_rows(form, made, result.columns, result)
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
        app.out.note(f"wrote {count(written, 'row')} to {output}")


def _print(app: App, result: Result) -> None:
    with app.out.paged():
        rows = ([plain(value) for value in row] for row in result)
        printed = print_table(app.out, unique(result.columns), rows)
    app.out.note(f"{count(printed, 'row')} in {number(round(result.seconds, 2))} s", "dim")


class _Open:
    """A stream that stays open for others when whoever writes to it has finished.

    Args:
        file: the stream.
    """

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write
        self.flush = file.flush

    def close(self) -> None:
        """Leave the stream open."""
