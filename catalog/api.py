"""The Python API: ``from catalog import Catalog``.

What a command can do, a :class:`Catalog` can: it reads as :class:`catalog.query.reader.Reader`
does, and, opened for it, writes by the same calls as the commands.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from catalog.derive import Derivation
from catalog.errors import SettingsError, UsageError
from catalog.export.bringing import AllImported, Bringer, check_source, split_paths
from catalog.export.exporting import ExportRequest, export
from catalog.export.formats import Options
from catalog.export.manifest import read_manifest
from catalog.export.pseudonyms import load_key
from catalog.export.verifying import verify_export
from catalog.fetch.clock import let_go, make_clock
from catalog.harvest import HarvestJob, run_harvest
from catalog.harvest.planning import terms_of_day
from catalog.health import Health, look
from catalog.importing import Importer
from catalog.query.moments import Moment, end, moment, start
from catalog.query.past import Question
from catalog.query.reader import Reader, catalog_url, to_filter
from catalog.references import parse_reference
from catalog.secrets import Redactor
from catalog.settings import (
    CLOCK_VARIABLE,
    NAME_RULE,
    Settings,
    SourceSettings,
    api_key,
    is_name,
    load_settings,
    source_keys,
)
from catalog.storage import bookmarks, dump, frontier, migrate
from catalog.storage import merge as merging
from catalog.storage import rebuild as rebuilding
from catalog.storage import verify as verifying
from catalog.storage.engine import read, write
from catalog.storage.schema import open_catalog
from catalog.storage.stage2 import is_unsettled, settle

if TYPE_CHECKING:
    from catalog.export.exporting import Exported
    from catalog.export.release import FormatName, ProfileName
    from catalog.export.verifying import Verified
    from catalog.harvest import Harvested
    from catalog.records import Deriver
    from catalog.storage.bookmarks import Mark
    from catalog.storage.engine import Engine
    from catalog.storage.merge import Merged
    from catalog.storage.migrate import Upgraded
    from catalog.storage.rebuild import Rebuilt
    from catalog.storage.verify import Check
    from catalog.times import Clock

_EVERYTHING = 2**31 - 1
"""A limit that is none."""


class Catalog(Reader):
    """A catalog, read and, where it was opened for that, written.

    Args:
        url: the catalog.
        engine: the catalog, opened.
        deriver: the rules; None: this program's.
        sql_url: see :class:`catalog.query.reader.Reader`.
        read_only: whether it was opened for reading alone.
        settings: the sources, for :meth:`import_files` and :meth:`harvest`.
        environ: holds the sources' keys.
        clock: says when; None: ``GPTS_CATALOG_CLOCK`` or the machine's clock.
    """

    def __init__(
        self,
        url: str,
        engine: Engine,
        *,
        deriver: Deriver | None = None,
        sql_url: str | None = None,
        read_only: bool = True,
        settings: Settings | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        rules = deriver or Derivation()
        super().__init__(url, engine, deriver=rules, sql_url=sql_url)
        self._own_rules = rules
        self._read_only = read_only
        self._settings = settings or Settings()
        self._environ = os.environ if environ is None else environ
        self._clock = clock or make_clock(self._environ.get(CLOCK_VARIABLE))
        self._rng = random.SystemRandom()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        deriver: Deriver | None = None,
        sql_url: str | None = None,
        read_only: bool = True,
        config: str | Path | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """Open the catalog at ``url``.

        Args:
            url: ``sqlite:///PATH``, ``postgresql://…``, or the path of a file.
            deriver: see the class.
            sql_url: see the class.
            read_only: so that the engine itself refuses every write; False lets the methods that
                write do so.
            config: ``catalog.toml``, whose sources :meth:`import_files` and :meth:`harvest` use.
            environ: holds the sources' keys; None: the environment.
            clock: see the class.

        Raises:
            UsageError: ``url`` names no catalog.
            SettingsError: ``config`` cannot be read, or says something that cannot be meant.
            StorageError: there is no catalog, or it is of another schema.
        """
        url = catalog_url(url)
        environ = os.environ if environ is None else environ
        settings = None if config is None else load_settings(Path(config), environ, url=url)
        return cls(
            url,
            open_catalog(
                url,
                read_only=read_only,
                folder=None if settings is None else settings.catalog.folder,
            ),
            deriver=deriver,
            sql_url=sql_url or (settings.catalog.reader_url if settings else None),
            read_only=read_only,
            settings=settings,
            environ=environ,
            clock=clock,
        )

    @classmethod
    def create(
        cls,
        url: str,
        *,
        config: str | Path | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> Self:
        """Make the catalog at ``url``, or bring one that is there up to date, and open it to write.

        Args:
            url: as for :meth:`open`.
            config: as for :meth:`open`.
            environ: as for :meth:`open`.
            clock: see the class.

        Raises:
            StorageError: there is something else at ``url``.
        """
        url = catalog_url(url)
        environ = os.environ if environ is None else environ
        clock = clock or make_clock(environ.get(CLOCK_VARIABLE))
        try:
            migrate.init(url, clock.now())
            return cls.open(url, read_only=False, config=config, environ=environ, clock=clock)
        except BaseException:
            let_go(clock)
            raise

    def close(self) -> None:
        """Let go of the catalog; a second time does nothing."""
        super().close()
        let_go(self._clock)

    @staticmethod
    def upgrade(url: str, *, clock: Clock | None = None) -> Upgraded:
        """Bring the catalog at ``url`` to the current schema, with a backup of a SQLite file first.

        Raises:
            StorageError: there is none, a newer program made it, or it is damaged.
        """
        clock = clock or make_clock(os.environ.get(CLOCK_VARIABLE))
        try:
            return migrate.upgrade(catalog_url(url), clock.now())
        finally:
            let_go(clock)

    def health(self, now: Moment | None = None) -> Health:
        """Whether the catalog is well: facts and alarms, as ``status`` tells them; writes nothing.

        Jobs are not looked at: a program that opens a catalog knows none.

        Args:
            now: the present moment; None: as the clock says.
        """
        at = self._clock.now() if now is None else moment(now)
        catalog = msgspec.structs.replace(self._settings.catalog, url=self.url)
        settings = msgspec.structs.replace(self._settings, catalog=catalog)
        return look(self._engine, settings, at)

    def import_files(
        self,
        paths: Iterable[str | Path],
        source: str | None = None,
        *,
        observed_at: Moment | None = None,
    ) -> AllImported:
        """Take documents from files, as said when they say they were; exports as they were told.

        Args:
            paths: files and folders; a folder with a ``manifest.json`` of ours is an export.
            source: whose answers they are; a name that is not configured means recorded answers.
                Exports with documents say it themselves.
            observed_at: when documents were said that do not say it themselves.

        Returns:
            What was read; what is no document is named in it.

        Raises:
            UsageError: a path is not there, ``source`` is no name, or none where one is needed, or
                the catalog is read-only.
        """
        exports, files = split_paths([Path(path) for path in paths])
        check_source(source, files)
        configured = self._settings.sources.get(source or "")
        redactor = Redactor(source_keys(self._settings, self._environ))
        bringer = Bringer(
            self._writable(),
            source,
            deriver=self._own_rules,
            redactor=redactor,
            clock=self._clock,
            rng=self._rng,
        )
        said_at = start(observed_at)
        brought = tuple(bringer.bring(each) for each in exports)
        if source is None or not files:
            return AllImported.of(None, brought)
        importer = Importer(
            self._writable(),
            source,
            configured.dialect if configured else "recorded",
            deriver=self._own_rules,
            redactor=redactor,
            clock=self._clock,
            rng=self._rng,
            observed_at=said_at,
        )
        return AllImported.of(importer.run(files), brought)

    def export(  # noqa: PLR0913  (what the command can do)
        self,
        folder: str | Path,
        *,
        form: FormatName = "parquet",
        profile: ProfileName = "public",
        tables: Sequence[str] = (),
        wanted: Question = None,
        at: Moment | None = None,
        since: Moment | None = None,
        options: Options = Options(),  # noqa: B008  (frozen: shared by no mistake)
        version: str | None = None,
        previous: str | Path | None = None,
        expect: bool = False,
    ) -> Exported:
        """Write the catalog's tables to a folder, with what others need to load and trust them.

        What the dataset is called, and what it must hold, ``config`` says.

        Args:
            folder: where to; nothing may be there. It is there when it is whole, and not before.
            form: ``parquet``, ``csv``, ``ndjson`` or ``sqlite``.
            profile: ``public``, ``research`` or ``full``.
            tables: these alone; none: all that the profile has.
            wanted: only these GPTs, as for :meth:`search`.
            at: as of then; None: as the catalog stands.
            since: only what is new since then; None: everything.
            options: how CSV is written.
            version: of this release; None: the day of the moment that it speaks of.
            previous: the folder of the release before it, for what is expected.
            expect: write it only if it holds what ``[export.expect]`` says.

        Raises:
            UsageError: the request makes no sense, or something is at its place already.
            SettingsError: a key or a library is missing, or an expectation names what there is not.
            ExpectationFailed: it does not hold what is expected.
            StorageError: the catalog cannot be read.
        """
        about = self._settings.export
        key = None
        if profile == "public":
            place = Path(self._settings.catalog.folder)
            key = load_key(about.pseudonym_key_env, self._environ, place)
        request = ExportRequest(
            folder=Path(folder),
            format=form,
            profile=profile,
            tables=tuple(tables),
            wanted=to_filter(wanted),
            at=end(at),
            since=start(since),
            options=options,
            about=about,
            version=version,
            key=key,
            previous=None if previous is None else read_manifest(Path(previous)),
            expect=expect,
            partition_rows=about.partition_rows,
        )
        return export(self._engine, request)

    @staticmethod
    def verify_export(folder: str | Path) -> Verified:
        """Whether an export is as it was written; what is not, is named in it."""
        return verify_export(Path(folder))

    def harvest(
        self,
        refs: Sequence[str] = (),
        *,
        source: str | None = None,
        due: bool = False,
        limit: int | None = None,
    ) -> Harvested:
        """Fetch GPT details from a source, within its limits and its budget.

        It runs an event loop of its own, so it cannot be called from within one. Interrupted, the
        same call goes on where it was.

        Args:
            refs: which GPTs, by any reference.
            source: whom to ask; needed where several could be.
            due: ask for what is due, in place of ``refs``.
            limit: ask for so many ids at most.

        Raises:
            InvalidReference: a reference names no GPT.
            UsageError: it is not clear what to ask for, or the catalog is read-only.
            SettingsError: it is not clear whom to ask, or a key is missing.
            FetchError: the source refuses.
        """
        engine, asked = self._writable(), self._source(source)
        if due == bool(refs):
            raise UsageError("which GPTs? name some, or take what is due: one of the two")
        if due:
            with read(engine) as conn:
                ids = frontier.due(conn, self._clock.now(), limit or _EVERYTHING)
        else:
            ids = list(dict.fromkeys(parse_reference(ref) for ref in refs))[:limit]
        job = HarvestJob(
            engine=engine,
            source=asked,
            key=api_key(asked, self._environ),
            secrets=source_keys(self._settings, self._environ),
            ids=tuple(ids),
            command="harvest --due" if due else "harvest",
            terms=terms_of_day(engine, self._settings, self._clock.now()),
            whatever_is_due=due,
            clock=self._clock,
            rng=self._rng,
        )
        return asyncio.run(run_harvest(job))

    def set_bookmark(self, name: str, mark: Mark) -> None:
        """Note that what changed up to a mark was shown.

        Args:
            name: the bookmark.
            mark: as :meth:`since_bookmark` gave it.

        Raises:
            UsageError: ``name`` is none, or the catalog is read-only.
        """
        if not is_name(name):
            raise UsageError(f"{name!r} names no bookmark: {NAME_RULE}")
        with write(self._writable()) as conn:
            bookmarks.set_bookmark(conn, name, mark)

    def rebuild(self) -> Rebuilt:
        """Derive all tables again from the archive.

        Raises:
            UsageError: the catalog is read-only.
        """
        return rebuilding.rebuild_all(self._writable(), self._own_rules)

    def rebuild_to(self, other: str, *, known_at: Moment | None = None) -> Merged:
        """Make a new catalog of the observations that this one had recorded by a moment.

        Args:
            other: where; nothing may be there.
            known_at: the moment; None: all of them.

        Raises:
            UsageError: there is a catalog already.
        """
        url = catalog_url(other)
        if not migrate.init(url, self._clock.now()).changed:
            raise UsageError("there is a catalog already: name a new place")
        target = open_catalog(url, read_only=False)
        try:
            return merging.copy_observations(
                target, self._engine, self._own_rules, known_at=end(known_at)
            )
        finally:
            target.dispose()

    def merge(self, other: str) -> Merged:
        """Take what another catalog keeps into this one.

        Args:
            other: its URL, or the path of its file; it is only read.

        Raises:
            UsageError: both are the same, or this one is read-only.
        """
        engine, theirs = self._writable(), open_catalog(catalog_url(other))
        try:
            return merging.merge(engine, theirs, self._own_rules)
        finally:
            theirs.dispose()

    def verify(self) -> tuple[Check, ...]:
        """Check that the catalog is whole: its bytes, keys, intervals, counts, and the engine's."""
        with read(self._engine) as conn:
            return tuple(verifying.verify(conn))

    def digest(self, *, kept: bool = False) -> str:
        """A name for the state of the catalog: equal ones mean equal contents.

        Args:
            kept: of the kept tables alone, from which all others follow: it takes a tenth of the
                time, and exports name their catalog by it.

        Raises:
            UsageError: a process that was killed left work, and the catalog is read-only.
        """
        if kept:
            with read(self._engine) as conn:
                return dump.kept_digest(conn)
        with read(self._engine) as conn:
            unsettled = is_unsettled(conn)
        if unsettled:
            with write(self._writable()) as conn:
                settle(conn, self._own_rules)
        with read(self._engine) as conn:
            return dump.digest(conn)

    def _writable(self) -> Engine:
        if self._read_only:
            raise UsageError(
                "this catalog was opened for reading: open it with"
                " Catalog.open(url, read_only=False)"
            )
        return self._engine

    def _source(self, name: str | None) -> SourceSettings:
        """The source that is meant: the one named, or the only one that can be asked."""
        able = {
            each.name: each
            for each in self._settings.sources.values()
            if each.dialect != "recorded"
        }
        if name is None and len(able) == 1:
            return next(iter(able.values()))
        if name not in able:
            known = ", ".join(sorted(able)) or "none: open the catalog with config=catalog.toml"
            raise SettingsError(
                f"source {name!r} cannot be asked; those that can: {known}"
                if name is not None
                else f"which source? name one: {known}"
            )
        return able[name]
