"""``prune``: remove by written rules what only age speaks against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from catalog.care.pruning import KEPT_DAYS, prune_all
from catalog.cli.context import start
from catalog.cli.options import CatalogOption, ConfigOption, JsonOption
from catalog.cli.text import number, size


def prune(
    ctx: typer.Context,
    keep_days: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="DAYS",
            help=f"What is older may go; else what [jobs.prune] says, else {KEPT_DAYS}.",
        ),
    ] = None,
    thin: Annotated[
        bool | None,
        typer.Option(
            "--thin/--no-thin",
            help="Drop observations that say nothing new, too; else as [jobs.prune] says.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")
    ] = False,
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove what is old and says nothing about any GPT.

    That is: the bodies of failed answers, outcomes of closed runs (their daily sums stay), answers
    to probes, runs of jobs, alarms that are over, old reports. Never an observation, nor a payload
    that one names: but with --thin those go between the first and the last of what they confirm,
    where nothing but counts follows from them.
    """
    app = start(ctx, catalog, config, as_json=as_json)
    job = app.settings.jobs.get("prune")
    days = keep_days or (job and job.keep_days) or KEPT_DAYS
    folder = Path(app.settings.catalog.folder)
    with app.catalog(read_only=dry_run) as engine:
        done = prune_all(
            engine,
            folder,
            app.clock.now(),
            days,
            ceiling_days=app.settings.plan.ceiling_days,
            thin=bool(job and job.thin) if thin is None else thin,
            dry_run=dry_run,
        )
    word = "would go" if dry_run else "removed"
    app.out.line(f"{word}, of what is older than {_days(days)}")
    app.out.table(
        [
            [number(each.removed), each.what, size(each.size) if each.size else "", each.note]
            for each in done
        ],
        right=[0],
    )
    app.out.json({"dry_run": dry_run, "rules": msgspec.to_builtins(done)})


def _days(value: float) -> str:
    return "1 day" if value == 1 else f"{number(value)} days"
