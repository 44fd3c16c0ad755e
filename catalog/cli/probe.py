"""``probe``: put a question to GPTs over chat completions."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from catalog.cli.context import App, start
from catalog.cli.failures import DONE, status_of
from catalog.cli.interrupts import interruptible
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.references import gather
from catalog.cli.text import count, duration, harmless, iso, moment, money, number, shorten
from catalog.errors import SettingsError, UsageError
from catalog.query.probes import history
from catalog.settings import ProbeSettings, SourceSettings
from catalog.storage.engine import read
from catalog.working import JobContext

if TYPE_CHECKING:
    from catalog.dialects.probing import Reply
    from catalog.harvest.probing import Probed

LONGEST = 300
"""Characters of an answer that are shown."""


def probe(
    ctx: typer.Context,
    refs: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF", help="GPTs: ids, short URLs, addresses, model names."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--refs", metavar="FILE", help="A list of them, one a line.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where; else the first that has a budget.")
    ] = None,
    question: Annotated[str | None, typer.Option(metavar="TEXT", help="What to ask.")] = None,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--whole",
            help="Take the answer piece by piece, or at once; else as [probe] says.",
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help='Another key of [probe]: max_tokens=50, temperature=0.2, stop=["END"] …',
        ),
    ] = None,
    past: Annotated[
        bool, typer.Option("--history", help="Show what the GPTs answered before; ask nobody.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it may cost, and ask nobody.")
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Ask GPTs a question: whether they answer, how fast, in how many tokens; the answer is kept.

    Each costs money: nobody is asked until a source has probes_per_day, and no day goes over it.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    ids = gather(list(refs or []), file).ids
    if not ids:
        raise UsageError("which GPTs? name some, or a list with --refs")
    if past:
        return _history(app, ids)
    settings = _settings(app.settings.probe, question, parameters or (), stream=stream)
    asked = _source(app, source)
    if dry_run:
        _price(app, asked, settings, len(ids))
        return DONE
    return _ask(app, asked, ids, settings)


def _settings(
    given: ProbeSettings, question: str | None, parameters: Sequence[str], *, stream: bool | None
) -> ProbeSettings:
    """What [probe] says, and what the command line says instead.

    Raises:
        UsageError: a parameter is not known, or its value cannot be.
    """
    keys: dict[str, Any] = {} if question is None else {"question": question}
    if stream is not None:
        keys["stream"] = stream
    fields = {field.name: field for field in msgspec.structs.fields(ProbeSettings)}
    for each in parameters:
        name, equals, text = each.partition("=")
        if not equals or name not in fields:
            known = ", ".join(fields)
            raise UsageError(f"--set {each}: write NAME=VALUE; the names are {known}")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        try:
            keys[name] = msgspec.convert(value, fields[name].type)
        except msgspec.ValidationError as error:
            raise UsageError(f"--set {each}: {error}") from None
    return msgspec.structs.replace(given, **keys)


def _source(app: App, name: str | None) -> SourceSettings:
    from catalog.harvest.asking import askable

    sources = askable(app.settings, (name,) if name else ())
    for each in sources:
        if each.probes_per_day:
            return each
    raise SettingsError(
        f"no source allows probes: say how many a day with probes_per_day in"
        f" [sources.{sources[0].name}]"
    )


def _price(app: App, source: SourceSettings, settings: ProbeSettings, probes: int) -> None:
    from catalog.cli.pricing import budget_left
    from catalog.harvest.probing import price
    from catalog.storage.probes import largest_prompt

    with app.catalog() as engine:
        with read(engine) as conn:
            bill = price(source, settings, probes, largest_prompt(conn, source.name))
        left = budget_left(app, engine, source, source.probes_per_day, "probes")
        tokens_left = budget_left(app, engine, source, source.tokens_per_day, "tokens")
    tokens = "an unknown number of" if bill.tokens is None else f"estimated at most {bill.tokens:,}"
    cost = "it cannot be said" if bill.cost is None else f"estimated at most {money(bill.cost)}"
    app.out.line(
        f"would put {count(bill.probes, 'question')} to {source.name}: {tokens} tokens; cost:"
        f" {cost}"
    )
    room = "" if tokens_left is None else f" and {count(tokens_left, 'token')}"
    app.out.line(f"today has {count(left or 0, 'probe')}{room} left")
    app.out.json(
        {
            "source": source.name,
            **msgspec.to_builtins(bill),
            "probes_left": left,
            "tokens_left": tokens_left,
        }
    )


def _ask(app: App, source: SourceSettings, ids: Sequence[str], settings: ProbeSettings) -> int:
    from catalog.harvest.probe import probe as put

    def show(gizmo_id: str, reply: Reply) -> None:
        said = reply.text or reply.detail
        app.out.line(f"{gizmo_id}  {reply.verdict}  {shorten(harmless(said), LONGEST)}")
        app.out.json({"gizmo_id": gizmo_id, **msgspec.to_builtins(reply)})

    with app.catalog(read_only=False) as engine, interruptible(app.out) as stopping:
        context = JobContext(
            job="probe",
            url=app.settings.catalog.url,
            settings=app.settings,
            environ=app.environ,
            clock=app.clock,
            rng=app.rng,
            stopping=stopping,
            out=app.out.note,
        )
        done = put(context, engine, source, ids, settings, show)
    _report(app, source, done)
    return status_of(done.stop, failed=done.failed, left=done.left)


def _report(app: App, source: SourceSettings, done: Probed) -> None:
    cost = f", cost {money(done.cost)}" if done.cost else ""
    app.out.note(
        f"asked {count(done.requested - done.left, 'GPT')} at {source.name} in"
        f" {duration(done.seconds)}: {number(done.answered)} answered, {number(done.silent)}"
        f" without a word, {number(done.failed)} failed; {count(done.tokens, 'token')}{cost}"
    )
    if done.forgotten:
        app.out.note(
            f"not asked: {count(done.forgotten, 'GPT')} that this catalog was told to forget"
        )
    if done.stop is not None:
        app.out.note("stopped early: " + done.stop.words)


def _history(app: App, ids: Sequence[str]) -> int:
    shown = 0
    with app.catalog() as engine, read(engine) as conn:
        for gizmo_id in ids:
            for each in history(conn, gizmo_id):
                shown += 1
                tokens = (
                    "" if each.completion_tokens is None else f"{each.completion_tokens} tokens"
                )
                app.out.line(
                    f"{moment(each.at)}  {gizmo_id}  {each.verdict}  {each.seconds:.1f} s  {tokens}"
                    f"  {shorten(harmless(each.answer or ''), LONGEST)}".rstrip()
                )
                app.out.json({**msgspec.to_builtins(each), "at": iso(each.at)})
    if not shown:
        app.out.line("never asked")
    return DONE
