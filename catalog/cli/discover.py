"""``discover``: new ids from searches, authors' names and lists."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.failures import DONE, SOME_FAILED, status_of
from catalog.cli.interrupts import INTERRUPTED, interruptible
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import count, duration, harmless, money, number
from catalog.errors import UsageError
from catalog.working import JobContext

if TYPE_CHECKING:
    from catalog.harvest.discovering import Answered, Discovered
    from catalog.settings import SourceSettings


def discover(
    ctx: typer.Context,
    queries: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="Words to search for; one search each."),
    ] = None,
    authors: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Search for N authors' names too, the longest unsearched first.",
        ),
    ] = 0,
    files: Annotated[
        list[Path] | None,
        typer.Option("--refs", metavar="FILE", help="A list of references, one a line."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whom to ask; else all that can be asked.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked, and ask nobody.")
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Search the sources for GPTs; ids that were not known enter the frontier, due at once.

    A search costs one request at each source. What named which id stays written down.
    """
    from catalog.harvest.discover import had_their_turn, next_names, search, take_list

    app = start(ctx, catalog, config, as_json=as_json)
    words = [each.strip() for each in queries or () if each.strip()]
    if not (words or authors or files):
        raise UsageError("what for? name some words, or --authors N, or a list with --refs")
    with app.catalog(read_only=dry_run) as engine:
        names = next_names(engine, authors)
        words = list(dict.fromkeys([*words, *names]))
        sources = _sources(app, source) if words else []
        if dry_run:
            _price(app, words, [each.name for each in sources])
            return DONE
        status = DONE
        with interruptible(app.out) as stopping:
            context = _context(app, stopping)
            for path in files or ():
                listed = take_list(context, engine, path)
                app.out.line(
                    f"{listed.file}: {count(listed.ids, 'id')}, {number(listed.new)} new"
                    + (f"; {count(listed.refused, 'line')} refused" if listed.refused else "")
                    + (f"; {number(listed.forgotten)} to be forgotten" if listed.forgotten else "")
                )
                app.out.json(msgspec.to_builtins(listed))
                status = max(status, SOME_FAILED if listed.refused else DONE)
            found: list[Discovered] = []
            for each in sources:
                if stopping.is_set():
                    break
                found.append(search(context, engine, each, words, lambda a: _progress(app, a)))
                _report(app, each.name, found[-1])
                status = max(
                    status,
                    status_of(found[-1].stop, failed=found[-1].failed, left=found[-1].left),
                )
                had_their_turn(engine, names, found)
            if stopping.is_set() and len(found) < len(sources):
                status = INTERRUPTED
    return status


def _sources(app: App, name: str | None) -> list[SourceSettings]:
    """Whom to search: the one named, or all that can be searched.

    Raises:
        UsageError: none of them can.
    """
    from catalog.harvest.asking import askable
    from catalog.harvest.discover import searchable

    wanted = askable(app.settings, (name,) if name else ())
    able, unable = searchable(_context(app, threading.Event()), wanted)
    if not able:
        raise UsageError("; ".join(unable))
    for words in unable:
        app.out.note(words)
    return able


def _context(app: App, stopping: threading.Event) -> JobContext:
    return JobContext(
        job="discover",
        url=app.settings.catalog.url,
        settings=app.settings,
        environ=app.environ,
        clock=app.clock,
        rng=app.rng,
        stopping=stopping,
        out=app.out.note,
    )


def _price(app: App, words: list[str], sources: list[str]) -> None:
    app.out.line(
        f"would ask {', '.join(sources) or 'nobody'} for {count(len(words), 'search', 'searches')}:"
    )
    for word in words:
        app.out.line(f"  {harmless(word)}")
    total = 0.0
    for name in sources:
        total += len(words) * (app.settings.sources[name].price_per_request or 0.0)
    app.out.line(f"that is {count(len(words) * len(sources), 'request')}, cost {money(total)}")
    app.out.json({"queries": words, "sources": sources, "requests": len(words) * len(sources)})


def _progress(app: App, answered: Answered) -> None:
    if answered.detail:
        app.out.note(f"{harmless(answered.query)}: {answered.verdict}: {harmless(answered.detail)}")


def _report(app: App, source: str, done: Discovered) -> None:
    app.out.line(
        f"asked {source} for {count(done.queries, 'search', 'searches')} in"
        f" {count(done.requests, 'request')}, {duration(done.seconds)} (run {done.run})"
    )
    app.out.table(
        [
            [number(each.named), "named", number(each.new), "new", harmless(each.query)]
            for each in done.each
        ],
        right=[0, 2],
    )
    app.out.line(
        f"{count(done.named, 'id')} named, {number(done.new)} of them new;"
        f" {count(done.documents, 'document')} came along"
    )
    if done.forgotten:
        app.out.note(
            f"not kept: {count(done.forgotten, 'GPT')} that this catalog was told to forget"
        )
    if done.failed or done.left:
        app.out.note(
            f"{count(done.failed, 'search', 'searches')} failed, {number(done.left)}"
            f" {'was' if done.left == 1 else 'were'} not asked"
        )
    if done.stop is not None:
        app.out.note("stopped early: " + done.stop.words)
    if done.new:
        app.out.note("to fetch them: gpts-catalog harvest --due")
    app.out.json({"source": source, **msgspec.to_builtins(done)})
