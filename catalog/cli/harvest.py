"""``harvest``: fetch GPT details."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.failures import DONE, SOME_FAILED, next_step, reason_rows, status_of
from catalog.cli.interrupts import INTERRUPTED
from catalog.cli.news import news
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.pricing import print_price
from catalog.cli.progress import HarvestDisplay
from catalog.cli.references import References, gather
from catalog.cli.text import count, duration, moment, money, number
from catalog.errors import UsageError
from catalog.query.failures import Reason, reasons
from catalog.settings import SourceSettings, api_key
from catalog.storage import frontier
from catalog.storage.engine import read, write
from catalog.storage.owners import in_words, is_alive

if TYPE_CHECKING:
    from catalog.harvest import Harvest, Harvested, HarvestJob, Progress, Totals
    from catalog.storage.engine import Engine
    from catalog.times import Micros

EVERYTHING = 2**31 - 1
"""A limit that is none."""
MOST_REFUSED = 20
"""References whose refusal is printed."""
BY_USER = "stopped by its user"


def harvest(
    ctx: typer.Context,
    refs: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF", help="GPTs: ids, short URLs, addresses, model names."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--refs", metavar="FILE", help="A list of them, one a line, # for comments; - is stdin."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whom to ask; needed where several could be."),
    ] = None,
    due: Annotated[
        bool, typer.Option("--due", help="Ask for what is due, the longest due first.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Ask for so many ids at most.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would cost, and ask nobody.")
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Fetch GPT details from a source, within its limits and its budget.

    Interrupted, by Ctrl-C or by force, it goes on where it was when the same command is given
    again. Ctrl-C once lets what is in flight finish; twice stops at once.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    words = list(refs or [])
    if due and (words or file):
        raise UsageError("--due takes what is due; name no GPTs beside it")
    if not due and not words and file is None:
        raise UsageError("which GPTs? name some, or a list with --refs, or take what is --due")
    named = _named(app, words, file)
    with app.catalog(read_only=dry_run) as engine:
        asked = app.source(source)
        listed_at = app.clock.now()
        ids = _due(app, engine, listed_at, limit, frees=not dry_run) if due else named.ids[:limit]
        if dry_run:
            print_price(app, engine, asked, ids, due=due)
            return SOME_FAILED if named.refused else DONE
        if not ids:
            _nothing_due(app, engine)
            return DONE
        status = _run(app, engine, asked, ids, listed_at if due else None)
    return max(status, SOME_FAILED if named.refused else DONE)


def _named(app: App, words: Sequence[str], file: Path | None) -> References:
    """The references, with a word on those that name nothing or the same again.

    Raises:
        UsageError: none of them names a GPT.
    """
    named = gather(words, file)
    for each in named.refused[:MOST_REFUSED]:
        place = f"{each.place}: " if each.place else ""
        app.out.note(f"refused: {place}{each.text!r} names no GPT: {each.reason}")
    if len(named.refused) > MOST_REFUSED:
        app.out.note(f"and {number(len(named.refused) - MOST_REFUSED)} more refused")
    if named.duplicates:
        app.out.note(f"{count(named.duplicates, 'reference')} named a GPT again: asked once")
    if not named.ids and (words or file is not None):
        refused = len(named.refused)
        were = "it was" if refused == 1 else f"all {number(refused)} were"
        raise UsageError(
            f"no reference names a GPT: {were} refused"
            if refused
            else f"no reference names a GPT: {file} holds none; write them there, one a line"
        )
    return named


def _due(
    app: App, engine: Engine, now: Micros, limit: int | None, *, frees: bool
) -> tuple[str, ...]:
    """What is due, with a word on what others hold of it.

    Args:
        app: the command.
        engine: the catalog.
        now: the present moment.
        limit: at most so many.
        frees: whether to free before what processes hold that are gone: only read in a dry run.
    """
    if frees:
        with write(engine) as conn:
            frontier.reap(conn, is_alive)
    with read(engine) as conn:
        ids, held = frontier.due(conn, now, limit or EVERYTHING), frontier.held_due(conn, now)
    if held.ids and len(ids) < (limit or EVERYTHING):
        who = ", ".join(map(in_words, held.owners))
        app.out.note(
            f"{number(held.ids)} more {'is' if held.ids == 1 else 'are'} due and left out:"
            f" held until {moment(held.until)} by {who}"
        )
    return tuple(ids)


def _nothing_due(app: App, engine: Engine) -> None:
    from catalog.harvest import Totals

    with read(engine) as conn:
        counts = frontier.count_frontier(conn, app.clock.now())
    later = f"; the next at {moment(counts.next_due_at)}" if counts.next_due_at else ""
    app.out.line(f"nothing {'else ' if counts.due else ''}is due{later}")
    app.out.json(msgspec.to_builtins(Totals(run="")))


def _run(
    app: App,
    engine: Engine,
    source: SourceSettings,
    ids: tuple[str, ...],
    due_at: Micros | None,
) -> int:
    # The client is slow to load: commands that ask nobody do without.
    from catalog.harvest import HarvestJob
    from catalog.harvest.planning import terms_of_day

    job = HarvestJob(
        engine=engine,
        source=source,
        key=api_key(source, app.environ),
        secrets=app.keys,
        ids=ids,
        command="harvest" if due_at is None else "harvest --due",
        terms=terms_of_day(engine, app.settings, app.clock.now()),
        whatever_is_due=due_at is not None,
        listed_at=due_at,
        clock=app.clock,
        rng=app.rng,
    )
    with HarvestDisplay(app.out) as display:
        ended = asyncio.run(_ask(job, app, display.show))
    if ended is None:
        app.out.note("stopped before anything was asked")
        return INTERRUPTED
    with read(engine) as conn:
        why = reasons(conn, ended.totals.run) if ended.totals.failed else ()
    report(app, ended, source, why)
    return status_after(ended)


def status_after(ended: Harvested) -> int:
    """The exit status. Those who were to be forgotten are left out on purpose: no failure."""
    totals = ended.totals
    return status_of(ended.stop, failed=totals.failed + totals.mismatched, left=totals.left)


async def _ask(job: HarvestJob, app: App, show: Callable[[Progress], None]) -> Harvested | None:
    """Harvest under the hand of Ctrl-C; None where it came before the run began."""
    from catalog.harvest import Stop, run_harvest

    running: list[Harvest] = []
    task = asyncio.ensure_future(run_harvest(job, report=show, begun=running.append))
    times = 0

    def interrupt(*, hard: bool) -> None:
        nonlocal times
        times += 1
        if times == 1:
            app.out.note(
                "stopping: what is in flight finishes and is stored."
                + (" Ctrl-C again stops at once" if hard else "")
            )
            if running:
                running[0].stop(Stop("asked", BY_USER))
            else:
                task.cancel()
        elif hard:
            task.cancel()

    loop = asyncio.get_running_loop()
    # Windows has no such handlers; Ctrl-C then ends the program as it does any other.
    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, lambda: interrupt(hard=True))
        loop.add_signal_handler(signal.SIGTERM, lambda: interrupt(hard=False))
    try:
        return await task
    except asyncio.CancelledError:
        return running[0].ended if running else None


def report(app: App, ended: Harvested, source: SourceSettings, why: Sequence[Reason]) -> None:
    """Say how a run ended, and what to do next.

    Args:
        app: the command.
        ended: how it ended.
        source: who was asked.
        why: why ids failed.
    """
    out, totals = app.out, ended.totals
    asked = f"asked {source.name} for {count(totals.requested, 'GPT')}"
    requests, took = count(totals.requests, "request"), duration(totals.seconds)
    if ended.resumed:
        out.line(f"{asked} in {requests} (run {totals.run})")
        out.line(
            f"  that is the whole run: {count(ended.resumed, 'GPT')} of it had ended before, the"
            f" others took {took} now"
        )
    else:
        out.line(f"{asked} in {requests}, {took} (run {totals.run})")
    rows = [
        (totals.documents, "documents", _effects(totals)),
        (totals.not_found, "not found", "the source says that there is no such GPT"),
        (
            totals.mismatched,
            "mismatched",
            "answered with another GPT's document, kept under its id",
        ),
        (totals.failed, "failed", "no answer that says anything; asked again when next due"),
        (totals.left, "left", "not asked"),
    ]
    out.table([[number(n), word, why] for n, word, why in rows if n], right=[0])
    if source.price_per_request is not None:
        out.line(f"  cost: {money(totals.requests * source.price_per_request)}")
    if why:
        out.heading("why they failed, with an id each")
        out.table(reason_rows(why, totals.failed), right=[0])
        out.lines(next_step(why, totals.failed, totals.run, source.name))
    if ended.forgotten:
        out.note(f"left out: {count(ended.forgotten, 'GPT')} that this catalog was told to forget")
    for line in news(ended.settled):
        out.line(line)
    if ended.stop is not None:
        out.note("stopped early: " + ended.stop.words)
    if ended.unfinished:
        out.note("to go on: give the same command again within a day; it asks for what is left")
    out.json(msgspec.to_builtins(totals))


def _effects(totals: Totals) -> str:
    return (
        f"{number(totals.new)} new, {number(totals.changed)} changed,"
        f" {number(totals.unchanged)} unchanged"
    )
