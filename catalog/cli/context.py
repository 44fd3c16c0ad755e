"""What every command needs: settings, clock, catalog, secrets, and where to print."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from catalog.cli.common import CONFIG, Common
from catalog.cli.output import Output
from catalog.errors import SettingsError, UsageError
from catalog.fetch.clock import let_go, make_clock
from catalog.settings import (
    CLOCK_VARIABLE,
    Settings,
    SourceSettings,
    load_settings,
    normalize_catalog_url,
    source_keys,
)
from catalog.storage.schema import opened

if TYPE_CHECKING:
    from catalog.storage.engine import Engine
    from catalog.times import Clock


@dataclass(frozen=True)
class App:
    """A command under way.

    Attributes:
        common: the options that all commands take.
        environ: the environment.
        out: where it prints.
    """

    common: Common
    environ: Mapping[str, str] = field(repr=False)
    out: Output

    @property
    def config_path(self) -> Path:
        """Where the settings are, or would be."""
        return self.common.config or CONFIG

    @cached_property
    def settings(self) -> Settings:
        """The settings."""
        path = self.config_path if self.common.config or CONFIG.is_file() else None
        return load_settings(path, self.environ, url=self.common.catalog)

    @cached_property
    def clock(self) -> Clock:
        """The clock, which ``GPTS_CATALOG_CLOCK`` hands in."""
        return make_clock(self.environ.get(CLOCK_VARIABLE))

    def close(self) -> None:
        """Let go of the clock, where it is a simulator's."""
        let_go(self.__dict__.get("clock"))

    @cached_property
    def rng(self) -> random.Random:
        """For jitter, and the random part of a run's id."""
        return random.SystemRandom()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all sources: what an answer could echo."""
        return source_keys(self.settings, self.environ)

    def catalog(self, *, read_only: bool = True) -> AbstractContextManager[Engine]:
        """The catalog, checked to be of this program's schema.

        Args:
            read_only: opened so that the engine itself refuses every write; else durable.

        Raises:
            StorageError: it cannot be used.
        """
        place = self.settings.catalog
        return opened(place.url, read_only=read_only, folder=place.folder)

    def other(self, text: str, *, read_only: bool = True) -> AbstractContextManager[Engine]:
        """Another catalog, named on the command line.

        Args:
            text: its URL, or the path of a file.
            read_only: as for :meth:`catalog`.

        Raises:
            UsageError: ``text`` names none.
            StorageError: it cannot be used.
        """
        return opened(self.url_of(text), read_only=read_only)

    @staticmethod
    def url_of(text: str) -> str:
        """The URL of a catalog that the command line names.

        Raises:
            UsageError: it names none.
        """
        try:
            return normalize_catalog_url(text)
        except ValueError as error:
            raise UsageError(f"{text!r} names no catalog: {error}") from None

    def source(self, name: str | None, *, asked: bool = True) -> SourceSettings:
        """The source that is meant: the one named, or the only one that can be asked.

        Raises:
            SettingsError: there is none of that name, or which one is meant is not clear.
        """
        sources = self.settings.sources
        if name is not None:
            if name not in sources:
                known = ", ".join(sorted(sources)) or "none"
                raise SettingsError(
                    f"--source {name}: {self.config_path} has no [sources.{name}];"
                    f" configured are: {known}"
                )
            found = sources[name]
            if asked and found.dialect == "recorded":
                raise SettingsError(
                    f"source {name} holds recorded answers and cannot be asked:"
                    " name a gateway with --source, or use gpts-catalog import"
                )
            return found
        able = sorted(each.name for each in sources.values() if each.dialect != "recorded")
        if len(able) == 1:
            return sources[able[0]]
        if not able:
            raise SettingsError(
                f"{self.config_path} names no source that can be asked: add one, as"
                ' [sources.mine] with dialect = "gpts-v2", base_url and api_key_env;'
                " gpts-catalog init writes a commented example"
            )
        raise SettingsError(f"which source? name one with --source: {', '.join(able)}")


def start(
    ctx: typer.Context,
    catalog: str | None,
    config: Path | None,
    *,
    as_json: bool,
    as_csv: bool = False,
    pages: bool = True,
) -> App:
    """Put together what a command needs; what stands after its name goes first.

    Args:
        ctx: carries the options before the command's name.
        catalog: ``--catalog`` after it.
        config: ``--config`` after it.
        as_json: ``--json`` after it.
        as_csv: ``--csv`` after it.
        pages: unless ``--no-pager`` is there.

    Raises:
        UsageError: both ``--json`` and ``--csv`` are there.
    """
    before = ctx.obj if isinstance(ctx.obj, Common) else Common()
    common = Common(
        catalog=catalog or before.catalog,
        config=config or before.config,
        as_json=as_json or before.as_json,
    )
    if common.as_json and as_csv:
        raise UsageError("--json and --csv are two forms of one output: name one of them")
    out = Output(as_json=common.as_json, as_csv=as_csv, pages=pages)
    app = App(common=common, environ=os.environ, out=out)
    ctx.call_on_close(app.close)
    return app
