"""``import``: documents from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from catalog.cli.context import start
from catalog.cli.news import news
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption, read_moment
from catalog.cli.progress import ImportDisplay
from catalog.cli.text import count, duration, harmless, moment
from catalog.derive import Derivation
from catalog.errors import UsageError
from catalog.importing import Imported, Importer
from catalog.importing.files import Skipped
from catalog.intake import EARLIEST, believable
from catalog.secrets import Redactor
from catalog.times import day_of

if TYPE_CHECKING:
    from catalog.export.bringing import TakenExport


def import_(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Files and folders: .json, .jsonl, .ndjson, each also .gz or .zst; and exports.",
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whose answers they are; exports with documents say that themselves. A name that"
            " catalog.toml does not have is taken as recorded answers.",
        ),
    ] = None,
    observed_at: Annotated[
        str | None,
        typer.Option(metavar="T", help="When documents were said that do not say it themselves."),
    ] = None,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take documents from files into the catalog, as said when they say they were.

    Every file or line that is no document is named, with the reason; the exit status is then 1.
    What is there already changes nothing.
    """
    # What reads exports is slow to load.
    from catalog.export.bringing import Bringer, check_source, split_paths

    app = start(ctx, catalog, config, as_json=as_json)
    at = read_moment(observed_at, "--observed-at")
    exports, files = split_paths(paths)
    check_source(source, files)
    now = app.clock.now()
    if at is not None and not believable(at, now):
        raise UsageError(
            f"--observed-at {observed_at}: no document can have been said then: name a time from"
            f" {day_of(EARLIEST)}, when the first GPTs were made, to now, {moment(now)}"
        )
    configured = app.settings.sources.get(source or "")
    with app.catalog(read_only=False) as engine, ImportDisplay(app.out) as display:
        if configured is None and source is not None:
            app.out.note(
                f"{app.config_path} has no source {source!r}:"
                " taken as recorded answers of that name"
            )
        bringer = Bringer(
            engine,
            source,
            deriver=Derivation(),
            redactor=Redactor(app.keys),
            clock=app.clock,
            rng=app.rng,
            report=display.say,
        )
        brought = [bringer.bring(each) for each in exports]
        done, told = None, list[str]()
        if source is not None and files:
            importer = Importer(
                engine,
                source,
                configured.dialect if configured else "recorded",
                deriver=Derivation(),
                redactor=Redactor(app.keys),
                clock=app.clock,
                rng=app.rng,
                observed_at=at,
                report=display.show,
            )
            done = importer.run(files)
            told = [*describe(done, source), *news(importer.settled)]
    for each in brought:
        for line in describe_brought(each):
            app.out.line(line)
        app.out.json(_to_json(each))
    if done is not None:
        for line in told:
            app.out.line(line)
        app.out.json(_to_json(done))
    return 1 if any(each.set_aside for each in (*brought, done) if each is not None) else 0


def _to_json(done: Imported | TakenExport) -> dict[str, Any]:
    set_aside = [{"place": each.place, "reason": each.reason} for each in done.set_aside]
    return {**msgspec.to_builtins(done), "set_aside": set_aside}


def describe_brought(done: TakenExport) -> list[str]:
    """What an import of an export did, line by line."""
    lines = [f"took the export {harmless(done.release)} from {harmless(done.folder)}"]
    if done.observations:
        lines.append(
            f"  {count(done.observations, 'observation')}, {done.new:,} new to the catalog"
        )
    if done.mentions:
        lines.append(f"  {count(done.mentions, 'new mention')} of ids")
    if done.probes:
        lines.append(f"  {count(done.probes, 'new probe')}")
    if not (done.new or done.mentions or done.probes):
        lines.append("  nothing changed")
    if done.ids_alone:
        lines.append(
            f"  it is of profile {done.profile} and holds no documents: its GPTs are known by their"
            " ids alone, and due to be asked for; one of profile full holds what was said of them"
        )
    return lines + _left_out(done.forgotten) + _not_taken(done.set_aside)


def describe(done: Imported, source: str) -> list[str]:
    """What an import did, line by line."""
    took = duration(done.seconds)
    read = f"read {count(done.files, 'file')} as source {source} in {took}"
    lines = [f"{read}: {count(done.documents, 'document')}"]
    if done.observations:
        effects = [
            f"{done.new:,} of GPTs not known before",
            f"{done.changed:,} with changed content",
            f"{done.unchanged:,} with none",
        ]
        lines.append(f"  {done.observations:,} new to the catalog: {', '.join(effects)}")
    if done.known:
        lines.append(f"  {done.known:,} known already")
    if done.mentions:
        lines.append(f"  {count(done.mentions, 'new mention')} of ids in lists and searches")
    if done.misdated:
        times = count(done.misdated, "time that is", "times that are")
        lines.append(f"  {times} not believable, and replaced by the next best")
    if done.file_dated:
        dated = count(done.file_dated, "document dated by its", "documents dated by their")
        lines.append(f"  warning: {dated} file alone: name the time with --observed-at")
    if not done.observations and not done.mentions:
        lines.append("  nothing changed")
    return lines + _left_out(done.forgotten) + _not_taken(done.set_aside)


def _left_out(forgotten: int) -> list[str]:
    """How many were to be forgotten: never which, as nobody is to read of them again."""
    if not forgotten:
        return []
    left = count(forgotten, "document or mention", "documents and mentions")
    return [f"  left out: {left} of whom this catalog was told to forget"]


def _not_taken(set_aside: Sequence[Skipped]) -> list[str]:
    if not set_aside:
        return []
    return [
        f"not taken, {count(len(set_aside), 'file or line', 'files and lines')}:",
        *(f"  {harmless(each.place)}: {harmless(each.reason)}" for each in set_aside),
    ]
