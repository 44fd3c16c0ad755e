"""Making an export: one moment of the catalog, a profile's columns, a format's files.

Everything is read in one transaction, so that an export during a harvest is of one moment; nothing
in it depends on the clock or the machine, so that the same catalog and arguments give the same
bytes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from catalog import __version__
from catalog.disk import fsync
from catalog.errors import UsageError
from catalog.export import expectations
from catalog.export.describing import describe
from catalog.export.files import digest_of
from catalog.export.formats import Options
from catalog.export.manifest import FORM, encode
from catalog.export.profiles import PROFILES, Profile, fields
from catalog.export.pseudonyms import pseudonyms
from catalog.export.reading import REPLACED, ReadTable, scope_of
from catalog.export.release import (
    MANIFEST,
    File,
    FormatName,
    Manifest,
    ProfileName,
    Release,
    Table,
)
from catalog.export.staging import staged
from catalog.export.writing import DatasetWriter, FilesWriter, Writer, Written
from catalog.query.coverage import coverage, trends
from catalog.query.exported import TABLES
from catalog.query.exporting import latest_moment, of_ids, rows_of
from catalog.search.filters import Filter, to_query
from catalog.settings import ExportSettings
from catalog.settings.urls import file_url
from catalog.storage.backup import back_up
from catalog.storage.columnar import read_columns
from catalog.storage.dump import kept_digest
from catalog.storage.engine import open_engine, read
from catalog.storage.schema import HEAD
from catalog.times import Micros, day_of

if TYPE_CHECKING:
    from catalog.query.covered import Trends
    from catalog.storage.engine import Engine

CATALOG = "catalog.db"
"""The file of an export that is a whole catalog."""
EMPTY = "empty"
"""The version of a release that speaks of no moment, as nothing was recorded yet."""
GENERATOR = f"gpts-catalog {__version__}"
"""What makes exports, as their manifests say it."""
PARTITION_ROWS = 1_000_000
"""Rows from which on a table is parted by month."""


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported, and how.

    Attributes:
        folder: where to; nothing may be there.
        format: of the tables.
        profile: which columns.
        tables: these alone; empty: all that the profile has.
        wanted: which GPTs.
        at: as of then; None: as the catalog stands.
        since: what is new since then alone; None: everything.
        options: how CSV is written.
        about: what the dataset is called, whose it is, and what it must hold.
        version: of this release; None: the day of the moment that it speaks of, or ``empty``.
        key: of pseudonyms; needed by profile ``public`` alone.
        previous: the manifest of the release before it, for the gate.
        expect: whether it must hold what is expected.
        partition_rows: a table with more rows is parted by month.
    """

    folder: Path
    format: FormatName = "parquet"
    profile: ProfileName = "public"
    tables: tuple[str, ...] = ()
    wanted: Filter = Filter()
    at: Micros | None = None
    since: Micros | None = None
    options: Options = Options()
    about: ExportSettings = ExportSettings()
    version: str | None = None
    key: bytes | None = None
    previous: Manifest | None = None
    expect: bool = False
    partition_rows: int = PARTITION_ROWS

    @property
    def is_catalog(self) -> bool:
        """Whether the export is a copy of the catalog itself."""
        return (
            (self.format, self.profile) == ("sqlite", "full")
            and not self.tables
            and self.wanted == Filter()
            and self.at is None
            and self.since is None
        )


class ExportProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Where an export stands, for a display.

    Attributes:
        words: what it is at.
        share: how much of all is done, from 0 to 1.
        rows: rows written, over all tables.
    """

    words: str
    share: float
    rows: int = 0


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """An export that was made.

    Attributes:
        release: what it is.
        manifest: its manifest.
        digest: what names it for ever: SHA-256 of its manifest's members.
        bytes: of all its files but the manifest.
    """

    release: Release
    manifest: Manifest
    digest: str
    bytes: int


Report = Callable[[ExportProgress], None]


def export(engine: Engine, request: ExportRequest, report: Report = lambda _: None) -> Exported:
    """Write an export; it takes its name when it is whole, and not before.

    Args:
        engine: the catalog, opened for reading.
        request: what is to be exported, and how.
        report: called as it goes on; what it raises ends the export, of which nothing stays.

    Raises:
        UsageError: the request makes no sense, or something is at its place already.
        SettingsError: a key or a library is missing, or an expectation names what there is not.
        ExpectationFailed: it does not hold what is expected.
        StorageError: the catalog cannot be read.
    """
    check_request(request)
    if request.expect:
        known = {name: [each.name for each in table.columns] for name, table in TABLES.items()}
        expectations.refuse_unknown(request.about.expect, known)
    profile = Profile(request.profile, None if request.key is None else pseudonyms(request.key))
    with staged(request.folder) as stage:
        if request.is_catalog:
            release, told = _catalog(engine, request, profile, stage, report)
        else:
            release, told = _tables(engine, request, profile, stage, report)
        if request.expect:
            found = expectations.check(release, request.previous, request.about.expect)
            expectations.demand(found)
        report(ExportProgress(words="descriptions", share=1.0, rows=sum(release.rows().values())))
        made = describe(
            release,
            stage,
            trends=told,
            about=request.about,
            safe_cells=request.options.safe_cells,
        )
        manifest = Manifest(
            form=FORM,
            generator=GENERATOR,
            release=release,
            descriptions=tuple(_file(path, stage) for path in sorted(made)),
            options=msgspec.structs.asdict(request.options) if request.format == "csv" else {},
        )
        raw = encode(manifest)
        with (stage / MANIFEST).open("xb") as file:
            file.write(raw)
        _sync_all(stage)
    size = sum(
        {each.path: each.bytes for each in (*release.files, *manifest.descriptions)}.values()
    )
    return Exported(
        release=release,
        manifest=manifest,
        digest=msgspec.json.decode(raw)["digest"],
        bytes=size,
    )


def check_request(request: ExportRequest) -> None:
    """Refuse a request that makes no sense.

    Raises:
        UsageError: it does not.
    """
    known = {"format": get_args(FormatName), "profile": PROFILES}
    for name, values in known.items():
        value = getattr(request, name)
        if value not in values:
            raise UsageError(f"there is no {name} {value!r}: take one of {', '.join(values)}")
    for name in request.tables:
        if name not in TABLES:
            near = difflib.get_close_matches(name, TABLES, n=1, cutoff=0.5)
            raise UsageError(
                f"there is no table {name!r} to export: "
                + (f"did you mean {near[0]!r}?" if near else f"take of {', '.join(TABLES)}")
            )
    if request.format != "csv" and request.options != Options():
        raise UsageError("the mark of UTF-8 and safe cells are for CSV: name format csv with them")
    if request.at is not None and request.since is not None and request.since > request.at:
        raise UsageError("what is new since a moment cannot be as of an earlier one")


def _catalog(
    engine: Engine, request: ExportRequest, profile: Profile, stage: Path, report: Report
) -> tuple[Release, Trends]:
    """Copy the catalog itself; all that is said of it is read from the copy."""
    with read(engine) as conn:
        now = latest_moment(conn) or 0
    url = engine.url.render_as_string(hide_password=False)
    path = stage / CATALOG
    back_up(url, path, now, lambda words: report(ExportProgress(words=words, share=0.0)))
    copy = open_engine(file_url(path), read_only=True)
    try:
        with read(copy) as conn:
            moment = latest_moment(conn) or 0
            size, sha256 = digest_of(path)
            tables = [profile.table(name) for name in TABLES]
            file = File(
                path=CATALOG, table=None, format="sqlite", rows=0, bytes=size, sha256=sha256
            )
            counts = {table.name: rows_of(conn, table.name) for table in tables if table}
            told = trends(conn, moment)
            release = _release(
                request,
                moment,
                tables=tuple(table for table in tables if table),
                files=(msgspec.structs.replace(file, rows=sum(counts.values())),),
                counts=counts,
                coverage=coverage(conn, moment),
                catalog_digest=kept_digest(conn),
            )
    finally:
        copy.dispose()
    return release, told


def _tables(
    engine: Engine, request: ExportRequest, profile: Profile, stage: Path, report: Report
) -> tuple[Release, Trends]:
    """Write the tables, all of one moment."""
    with read_columns(engine) as (conn, columns):
        moment = request.at or latest_moment(conn) or 0
        scope = scope_of(
            conn,
            request.wanted,
            at=request.at,
            since=request.since,
            fields=fields(request.profile),
        )
        tables = _chosen(request, profile)
        reader = columns if request.format == "parquet" else None
        writer: Writer = (
            DatasetWriter(stage / f"{request.about.name}.db")
            if request.format == "sqlite"
            else FilesWriter(stage, request.format, request.options)
        )
        nulls: dict[str, dict[str, float]] = {}
        counts: dict[str, int] = {}
        try:
            for place, table in enumerate(tables):

                def tell(share: float, rows: int, table: Table = table, place: int = place) -> None:
                    report(
                        ExportProgress(
                            words=table.name,
                            share=(place + share) / len(tables),
                            rows=rows + sum(counts.values()),
                        )
                    )

                source = ReadTable(conn, reader, profile, table, scope)
                written = _write_one(source, writer, request, tell)
                counts[table.name] = written.rows
                nulls[table.name] = written.shares
            files = writer.close()
        except BaseException:
            writer.discard()
            raise
        report(ExportProgress(words="what it holds", share=1.0, rows=sum(counts.values())))
        only = None if scope.ids is None else of_ids(scope.ids)
        release = _release(
            request,
            moment,
            tables=tuple(tables),
            files=tuple(sorted(files, key=lambda each: each.path)),
            counts=counts,
            coverage=coverage(conn, moment, at=request.at, only=only),
            null_shares=nulls,
            catalog_digest=kept_digest(conn),
        )
        return release, trends(conn, moment, at=request.at, only=only)


def _chosen(request: ExportRequest, profile: Profile) -> list[Table]:
    """The tables of an export, in their order.

    Raises:
        UsageError: the profile has one of those not that were named.
    """
    found = []
    for name in TABLES:
        table = profile.table(name)
        if request.tables and name not in request.tables:
            continue
        if table is not None:
            found.append(table)
        elif request.tables:
            raise UsageError(
                f"profile {request.profile} has no table {name}: leave it out, or take a profile"
                " that tells more"
            )
    return found if request.since is None else [REPLACED, *found]


def _write_one(
    source: ReadTable,
    writer: Writer,
    request: ExportRequest,
    report: Callable[[float, int], None],
) -> Written:
    """Write one table.

    Args:
        source: the table.
        writer: where to.
        request: what was asked for.
        report: told of the share of the table that is done, and of the rows in it.
    """
    is_parted = (
        request.format != "sqlite"
        and source.moment is not None
        and source.is_longer(request.partition_rows)
    )
    writer.begin(source.table, source.moment if is_parted else None)
    rows = 0
    with closing(source.batches()) as found:
        for share, values in found:
            report(share, rows)
            rows += len(values[0])
            writer.write(values)
    return writer.end()


def _release(request: ExportRequest, moment: Micros, **more: Any) -> Release:
    return Release(
        name=request.about.name,
        version=request.version or (day_of(moment) if moment else EMPTY),
        created_at=moment,
        profile=request.profile,
        format=request.format,
        filter=to_query(_told_filter(request)) or None,
        at=request.at,
        since=request.since,
        schema_version=HEAD,
        licence=request.about.licence,
        **more,
    )


def _told_filter(request: ExportRequest) -> Filter:
    """The filter as the profile tells it: an author in it is one of the dataset's."""
    wanted = request.wanted
    if request.profile != "public" or request.key is None:
        return wanted
    pseudonym = pseudonyms(request.key)
    return msgspec.structs.replace(
        wanted, authors=tuple(pseudonym("author", each) for each in wanted.authors)
    )


def _file(path: Path, stage: Path) -> File:
    size, sha256 = digest_of(path)
    return File(
        path=path.relative_to(stage).as_posix(),
        table=None,
        format=path.suffix.removeprefix("."),
        rows=0,
        bytes=size,
        sha256=sha256,
    )


def _sync_all(stage: Path) -> None:
    """What others wrote survives a loss of power too."""
    for path in stage.rglob("*"):
        if path.is_file():
            fsync(path)
