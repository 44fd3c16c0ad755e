"""The work of the job ``export``: a release each time there is news, and no more than wanted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from catalog.derive import Derivation
from catalog.errors import UsageError
from catalog.export.exporting import GENERATOR, ExportProgress, ExportRequest, export
from catalog.export.manifest import read_manifest
from catalog.export.pseudonyms import load_key
from catalog.query.exporting import latest_moment
from catalog.storage.dump import kept_digest
from catalog.storage.engine import read, write
from catalog.storage.schema import HEAD
from catalog.storage.stage2 import is_unsettled, settle
from catalog.times import day_of, to_datetime
from catalog.wording.text import count
from catalog.working import JobContext, JobResult

if TYPE_CHECKING:
    from catalog.export.release import Manifest, ProfileName
    from catalog.storage.engine import Engine
    from catalog.times import Micros

FOLDER = "exports"
KEPT = 4
"""Releases that stay, where nothing else is set."""
_PATTERN = "release-????????T??????Z"


class MadeRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release that was made.

    Attributes:
        path: its folder.
        manifest: what it says of itself.
    """

    path: Path
    manifest: Manifest


def release_path(folder: Path, now: Micros) -> Path:
    """Where the release of ``now`` goes."""
    return folder / FOLDER / f"release-{to_datetime(now):%Y%m%dT%H%M%SZ}"


def releases(folder: Path) -> list[MadeRelease]:
    """The releases that the job made, the latest first; folders that hold none are left alone."""
    found = []
    for path in sorted((folder / FOLDER).glob(_PATTERN), reverse=True):
        try:
            found.append(MadeRelease(path=path, manifest=read_manifest(path)))
        except UsageError:
            continue
    return found


def next_version(moment: Micros, taken: Iterable[str]) -> str:
    """The version of a release: the day that it speaks of, and a number where that is taken.

    Args:
        moment: that it speaks of.
        taken: the versions of others.
    """
    day, others = day_of(moment), set(taken)
    number, version = 1, day
    while version in others:
        number += 1
        version = f"{day}.{number}"
    return version


def work(context: JobContext) -> JobResult:
    """Make a release, then remove the oldest beyond ``keep``.

    Where nothing is new since the last release none is made: copies of it would displace others.

    Args:
        context: see :class:`~catalog.working.JobContext`; its options are ``format``, ``profile``
            and ``keep``.

    Returns:
        ``rows`` and ``bytes`` of the release that stands, ``made`` and ``removed`` ones.

    Raises:
        ExpectationFailed: it does not hold what ``[export.expect]`` expects; the others stand.
        SettingsError: a key, a library or a setting is missing or wrong.
        StorageError: the catalog cannot be used.
    """
    folder = Path(context.settings.catalog.folder)
    # The job has a lock: what a process that was killed left half done is nobody's.
    for pattern in (f".{_PATTERN}.partial", f".{_PATTERN}.old"):
        for path in (folder / FOLDER).glob(pattern):
            shutil.rmtree(path, ignore_errors=True)
    with context.catalog() as engine:
        _settle(context, engine)
        try:
            return _Making(context, engine, folder).done()
        except _Stopped:
            return JobResult(status="stopped", message="told to stop before the release was whole")


def _settle(context: JobContext, engine: Engine) -> None:
    """Do what a harvest that was cut off left undone: else the release would be made without it."""
    with read(engine) as conn:
        if not is_unsettled(conn):
            return
    with context.catalog(read_only=False) as writing, write(writing) as conn:
        settle(conn, Derivation())


class _Making:
    """One run of the job."""

    def __init__(self, context: JobContext, engine: Engine, folder: Path) -> None:
        self._context = context
        self._engine = engine
        self._folder = folder
        self._now = context.clock.now()
        self._told = ""
        about = context.settings.export
        profile: ProfileName = context.options.get("profile", "public")
        self._request = ExportRequest(
            folder=release_path(folder, self._now),
            format=context.options.get("format", "parquet"),
            profile=profile,
            about=about,
            key=(
                load_key(about.pseudonym_key_env, context.environ, folder)
                if profile == "public"
                else None
            ),
            expect=True,
        )

    def done(self) -> JobResult:
        """Do it all."""
        standing = releases(self._folder)
        with read(self._engine) as conn:
            moment = latest_moment(conn) or 0
            last = next((each for each in standing if self._is_like(each, moment)), None)
            if last is not None and last.manifest.release.catalog_digest == kept_digest(conn):
                return self._nothing_new(last)
        made = export(
            self._engine,
            msgspec.structs.replace(
                self._request,
                previous=standing[0].manifest if standing else None,
                version=next_version(moment, (each.manifest.release.version for each in standing)),
            ),
            self._report,
        )
        old = self._beyond(standing)
        for path in old:
            # Renamed first: what is half removed is no release.
            gone = path.with_name(f".{path.name}.old")
            path.rename(gone)
            shutil.rmtree(gone)
        rows = sum(made.release.rows().values())
        return JobResult(
            numbers={"rows": rows, "bytes": made.bytes, "made": 1, "removed": len(old)},
            message=f"{self._request.folder}, version {made.release.version},"
            f" {count(rows, 'row')}, digest {made.digest}",
        )

    def _is_like(self, standing: MadeRelease, moment: Micros) -> bool:
        """Whether a release was made of the same moment in the same way."""
        release, request = standing.manifest.release, self._request
        return (
            standing.manifest.generator,
            release.name,
            release.profile,
            release.format,
            release.licence,
            release.created_at,
            release.schema_version,
        ) == (
            GENERATOR,
            request.about.name,
            request.profile,
            request.format,
            request.about.licence,
            moment,
            HEAD,
        )

    def _nothing_new(self, last: MadeRelease) -> JobResult:
        rows = sum(last.manifest.release.rows().values())
        return JobResult(
            numbers={"rows": rows, "bytes": 0, "made": 0, "removed": 0},
            message=f"nothing is new since {last.path}",
        )

    def _beyond(self, standing: list[MadeRelease]) -> list[Path]:
        """The releases that are to go, now that there is one more."""
        keep = int(self._context.options.get("keep") or KEPT)
        name = self._request.folder.name
        # What a clock that was ahead has dated is no news: it goes first.
        latest_first = sorted(standing, key=lambda each: each.path.name, reverse=True)
        ranked = sorted(latest_first, key=lambda each: each.path.name > name)
        return [each.path for each in ranked[keep - 1 :]]

    def _report(self, progress: ExportProgress) -> None:
        if progress.words != self._told:
            self._told = progress.words
            self._context.out(progress.words)
        if self._context.stopping.is_set():
            raise _Stopped


class _Stopped(Exception):
    """The work was told to stop in the midst."""
