"""Taking an export back into a catalog.

An export is recognised by its manifest, and checked before a row of it is read. What it says is
written by the one write path: observations with their payloads become what they were, whatever the
format; a whole catalog is merged. One without payloads tells of no document that anybody sent: its
ids enter the frontier, as named by the export.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from catalog.errors import UsageError
from catalog.export.exporting import CATALOG
from catalog.export.manifest import is_export
from catalog.export.release import Manifest
from catalog.export.taking import TakenExport, Taker, Taking
from catalog.export.verifying import verify_export
from catalog.importing import Imported
from catalog.importing.files import files_of, place_of
from catalog.intake import Redacts
from catalog.records import Deriver
from catalog.settings import NAME_RULE, is_name
from catalog.settings.urls import file_url
from catalog.storage import engine as engines
from catalog.storage import runs
from catalog.storage.engine import open_engine
from catalog.storage.merge import Merged, merge
from catalog.storage.schema import check_schema
from catalog.storage.scrubbing import scrub
from catalog.storage.stage2 import settle
from catalog.text import escape_text
from catalog.times import Clock

if TYPE_CHECKING:
    from catalog.storage.engine import Engine

__all__ = ["AllImported", "Bringer", "TakenExport", "check_source", "split_paths"]


class AllImported(Imported, kw_only=True):
    """What came of files and of exports among them; its own figures are those of the files.

    Attributes:
        exports: what came of each export.
    """

    exports: tuple[TakenExport, ...] = ()

    @classmethod
    def of(cls, done: Imported | None, exports: tuple[TakenExport, ...]) -> AllImported:
        """Both together.

        Args:
            done: what came of the files; None: there was none.
            exports: what came of the exports.
        """
        if done is None:
            return cls(run="", exports=exports)
        return cls(**msgspec.structs.asdict(done), exports=exports)


def split_paths(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The exports among paths, and what else there is, folders walked where an export is within.

    Args:
        paths: files and folders.
    """
    exports: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.is_dir():
            others.append(path)
            continue
        within = sorted(
            found.parent for found in path.rglob("manifest.json") if is_export(found.parent)
        )
        exports += within
        if not within:
            others.append(path)
        elif within != [path]:
            files = (each for each in sorted(path.rglob("*")) if not each.is_dir())
            others += [each for each in files if not any(each.is_relative_to(e) for e in within)]
    return list(dict.fromkeys(exports)), others


def check_source(named: str | None, files: Sequence[Path]) -> None:
    """See that it is known whose answers files are.

    Args:
        named: the source, if one was named.
        files: what is no export among the paths: those name their sources themselves.

    Raises:
        UsageError: files are there, and nobody named their source; or it is no name.
    """
    if named is not None and not is_name(named):
        raise UsageError(f"source {named!r}: {NAME_RULE}")
    if named is None and files:
        # A path that is not there is told first.
        files_of(files)
        raise UsageError(
            f"whose answers are in {place_of(files[0])}? name their source, as --source archive;"
            " exports alone name theirs themselves"
        )


class Bringer:
    """Takes exports into a catalog.

    Args:
        engine: the catalog.
        source: the name that ids without documents are filed under; None: they are refused.
        deriver: the rules of derivation.
        redactor: replaces configured secrets.
        clock: says when.
        rng: for the runs' ids.
        report: told where it is, batch by batch.
    """

    def __init__(
        self,
        engine: Engine,
        source: str | None,
        *,
        deriver: Deriver,
        redactor: Redacts,
        clock: Clock,
        rng: random.Random,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._deriver = deriver
        self._redactor = redactor
        self._clock = clock
        self._rng = rng
        self._report = report

    def bring(self, folder: Path) -> TakenExport:
        """Take one export. What was committed stays, should the program end half-way.

        Raises:
            UsageError: it is no export, or not as it was written; or it holds ids alone, and nobody
                named a source for them.
            StorageError: the catalog cannot be used.
        """
        checked = verify_export(folder, lambda file: self._report(f"checking {file.path}"))
        manifest = checked.manifest
        if manifest is None or checked.findings:
            raise UsageError(
                f"{folder} is not as it was written, and is not imported:"
                f" {'; '.join(checked.findings[:5])}"
            )
        release = manifest.release
        done = TakenExport(
            folder=place_of(folder),
            release=escape_text(f"{release.name} {release.version}"),
            profile=release.profile,
        )
        if any(file.path == CATALOG and file.table is None for file in release.files):
            self._merge(folder / CATALOG, done)
            return done
        if self._source is None and not release.has_documents:
            raise UsageError(
                f"{done.folder} holds no documents, but ids of GPTs: name the source that they are"
                " filed under, as --source archive"
            )
        self._rows(folder, manifest, done)
        return done

    def _merge(self, path: Path, done: TakenExport) -> None:
        theirs = open_engine(file_url(path.absolute()), read_only=True)
        try:
            check_schema(theirs)
            merged: Merged = merge(
                self._engine,
                theirs,
                self._deriver,
                report=lambda each: self._report(f"{each.observations:,} observations"),
                # Whose export it is, nobody knows: it may add to a catalog, and erase nothing.
                bury=False,
            )
        finally:
            theirs.dispose()
        if merged.erased:
            scrub(self._engine)
        done.observations, done.new = merged.observations, merged.new
        done.forgotten = merged.forgotten
        done.mentions = merged.discoveries

    def _rows(self, folder: Path, manifest: Manifest, done: TakenExport) -> None:
        now = self._clock.now()
        with engines.write(self._engine) as conn:
            digest = hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()
            key = runs.RunKey(command="import", source="", ids_digest=digest)
            run, _ = runs.open_or_resume(conn, key, now=now, rng=self._rng)
        taking = Taking(
            engine=self._engine,
            source=self._source or "",
            deriver=self._deriver,
            redactor=self._redactor,
            report=self._report,
            run_id=run.run_id,
            now=now,
        )
        Taker(taking, folder, manifest, done).take()
        with engines.write(self._engine) as conn:
            settle(conn, self._deriver)
            runs.close_run(conn, run.run_id, now=self._clock.now(), status="finished")
