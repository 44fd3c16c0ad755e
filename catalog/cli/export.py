"""``export``: datasets, and the check of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from catalog.cli import filters as f
from catalog.cli.context import App, start
from catalog.cli.interrupts import interruptible
from catalog.cli.nothing import EMPTY
from catalog.cli.options import AtOption, CatalogOption, ConfigOption, JsonOption, read_moment
from catalog.cli.progress import ExportDisplay
from catalog.cli.text import count, harmless, iso, number, size
from catalog.errors import UsageError

if TYPE_CHECKING:
    from catalog.export.exporting import Exported, ExportRequest
    from catalog.export.verifying import Verified

FAILED = 1
"""The exit status of an export that is not as it was written."""


def export(
    ctx: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where to: a folder that is not there yet.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="parquet, csv, ndjson or sqlite.")
    ] = "parquet",
    tables: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="T", help="This table alone; may be given again."),
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            metavar="P",
            help="public: authors as pseudonyms, nothing that people say about themselves;"
            " research: with authors' names; full: all.",
        ),
    ] = "public",
    at: AtOption = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="T",
            help="Only what is new since then, to be put on an export of then: a time, or a date"
            " (00:00 UTC).",
        ),
    ] = None,
    bom: Annotated[
        bool, typer.Option("--bom", help="CSV with the mark by which Excel knows UTF-8.")
    ] = False,
    safe_cells: Annotated[
        bool,
        typer.Option(
            "--safe-cells",
            help="CSV with an apostrophe before texts that a spreadsheet could take for a formula.",
        ),
    ] = False,
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="V", help="Of this release; else the day it is of."),
    ] = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            "--previous",
            metavar="DIR",
            help="The release before it, for what [export.expect] says.",
        ),
    ] = None,
    expect: Annotated[
        bool,
        typer.Option(
            "--expect", help="Write it only if it holds what [export.expect] in catalog.toml says."
        ),
    ] = False,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="DIR", help="Check an export that is there; do no other."),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--search", metavar="TEXT", help="Only GPTs with these words, as search has."),
    ] = None,
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
    catalog: CatalogOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write the catalog's tables to a folder, with what others need to load and trust them.

    The folder is there when it is whole, and not before. The same catalog and words give the same
    bytes. --format sqlite --profile full is a copy of the catalog itself.
    """
    options = dict(locals())
    app = start(ctx, catalog, config, as_json=as_json)
    if verify is not None:
        if folder is not None:
            raise UsageError("--verify checks an export and writes none: leave DIR out")
        return _verify(app, verify)
    if folder is None:
        raise UsageError("where to? name a folder that is not there yet")
    options["text"] = None if text is None else [text]
    return _export(app, folder, options)


def _export(app: App, folder: Path, options: dict[str, Any]) -> int:
    # pyarrow is slow to load.
    from catalog.export.exporting import check_request, export
    from catalog.export.formats import Options

    request = _request(app, folder, options, Options)
    check_request(request)
    with (
        app.catalog() as engine,
        ExportDisplay(app.out) as display,
        interruptible(app.out, "what was written of the export is removed") as stopping,
    ):

        def report(standing: Any) -> None:
            display.show(standing)
            if stopping.is_set():
                raise KeyboardInterrupt

        made = export(engine, request, report)
    _print(app, folder, made)
    return 0


def _request(app: App, folder: Path, options: dict[str, Any], csv: Any) -> ExportRequest:
    from catalog.export.exporting import ExportRequest
    from catalog.export.manifest import read_manifest
    from catalog.export.pseudonyms import load_key

    about = app.settings.export
    is_public = options["profile"] == "public"
    previous = options["previous"]
    return ExportRequest(
        folder=folder,
        format=options["form"],
        profile=options["profile"],
        tables=tuple(options["tables"] or ()),
        wanted=f.read_filter(options),
        at=read_moment(options["at"], "--at", end_of_day=True),
        since=read_moment(options["since"], "--since"),
        options=csv(bom=options["bom"], safe_cells=options["safe_cells"]),
        about=about,
        version=options["version"],
        key=load_key(about.pseudonym_key_env, os.environ, Path(app.settings.catalog.folder))
        if is_public
        else None,
        previous=None if previous is None else read_manifest(previous),
        expect=options["expect"],
        partition_rows=about.partition_rows,
    )


def _print(app: App, folder: Path, made: Exported) -> None:
    release = made.release
    counts = {name: rows for name, rows in release.rows().items() if rows}
    files = {file.path for file in (*release.files, *made.manifest.descriptions)}
    app.out.line(
        f"{release.name} {release.version}, profile {release.profile}, in {folder}:"
        f" {count(len(files), 'file')}, {size(made.bytes)}"
    )
    wide = max((len(name) for name in counts), default=0)
    for name, rows in counts.items():
        app.out.line(f"  {name:<{wide}}  {number(rows):>12}")
    if not counts:
        why = EMPTY if release.speaks_of is None else "nothing in it is as was asked for"
        app.out.line(f"  no rows: {why}")
    app.out.line(f"digest {made.digest}")
    app.out.line(f"check it at any time with: gpts-catalog export --verify {folder}")
    app.out.json(
        {
            "folder": str(folder),
            "name": release.name,
            "version": release.version,
            "profile": release.profile,
            "format": release.format,
            "created_at": iso(release.speaks_of),
            "rows": release.rows(),
            "files": len(files),
            "bytes": made.bytes,
            "digest": made.digest,
            "catalog_digest": release.catalog_digest,
        }
    )


def _verify(app: App, folder: Path) -> int:
    from catalog.export.verifying import verify_export

    with ExportDisplay(app.out) as display:
        found = verify_export(folder, lambda file: display.say(file.path))
    for line in found.findings:
        app.out.line(harmless(line))
    app.out.line(_verdict(folder, found))
    app.out.json(
        {
            "folder": str(folder),
            "files": found.files,
            "bytes": found.bytes,
            "findings": list(found.findings),
            "release": None
            if found.manifest is None
            else {
                name: value
                for name, value in msgspec.to_builtins(found.manifest.release).items()
                if name in {"name", "version", "profile", "format", "catalog_digest"}
            },
        }
    )
    return FAILED if found.findings else 0


def _verdict(folder: Path, found: Verified) -> str:
    if found.manifest is None:
        return f"{folder} cannot be trusted: take another copy of it"
    release = found.manifest.release
    what = f"{harmless(release.name)} {harmless(release.version)}"
    if found.findings:
        wrong = count(len(found.findings), "thing is", "things are")
        return f"{what}: {wrong} not as written: take another copy of it"
    return f"{what}: {count(found.files, 'file')}, {size(found.bytes)}, all as written"
