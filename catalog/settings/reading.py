"""``catalog.toml`` and the environment into :class:`~catalog.settings.sections.Settings`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from catalog.errors import CatalogError, SettingsError
from catalog.scheduling import parse_cron
from catalog.settings.exports import ExpectSettings, ExportSettings
from catalog.settings.sections import (
    CatalogSettings,
    Settings,
    SourceSettings,
)
from catalog.settings.urls import normalize_catalog_url, normalize_reader_url
from catalog.settings.wording import expected_words, kind, mismatch, nearest
from catalog.settings.work import (
    JobSettings,
    MetricsSettings,
    NotifySettings,
    PlanSettings,
    ProbeSettings,
    WatchSettings,
)

OFF = "off"
"""The schedule of a job that never runs by itself."""
URL_VARIABLE = "GPTS_CATALOG_URL"
READER_VARIABLE = "GPTS_CATALOG_READER_URL"
CLOCK_VARIABLE = "GPTS_CATALOG_CLOCK"

_S = TypeVar("_S", bound=msgspec.Struct)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
NAME_RULE = "a name is made of letters, digits, '_', '-' and '.', 64 of them at most"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}", re.ASCII)
# A key that is pasted in place of its variable's name may happen to be all capitals and digits.
_LIKE_A_KEY = re.compile(r"(?=.*[0-9])[A-Z0-9]{20,}", re.ASCII)


def load_settings(
    path: Path | None, environ: Mapping[str, str], *, url: str | None = None
) -> Settings:
    """Read the settings.

    Args:
        path: the file; None where there is none yet, and everything has its default.
        environ: the environment.
        url: the catalog that was named on the command line. It goes before the environment, which
            goes before the file.

    Raises:
        SettingsError: the file cannot be read, or says something that cannot be meant.
    """
    reader = _Reader(str(path) if path else "settings")
    table = reader.parse(path) if path else {}
    sections = (
        "catalog",
        "sources",
        "jobs",
        "plan",
        "probe",
        "notify",
        "metrics",
        "watch",
        "export",
    )
    reader.known(table, sections, "")
    settings = Settings(
        catalog=reader.catalog(table),
        sources={name: reader.source(name, each) for name, each in reader.tables(table, "sources")},
        jobs={
            name: reader.struct(JobSettings, each, f"jobs.{name}")
            for name, each in reader.tables(table, "jobs")
        },
        plan=reader.struct(PlanSettings, table.get("plan", {}), "plan"),
        probe=reader.struct(ProbeSettings, table.get("probe", {}), "probe"),
        notify=reader.notify(table),
        metrics=reader.struct(MetricsSettings, table.get("metrics", {}), "metrics"),
        watch={
            name: reader.struct(WatchSettings, each, f"watch.{name}")
            for name, each in reader.tables(table, "watch")
        },
        export=reader.export(table),
        clock=environ.get(CLOCK_VARIABLE) or None,
    )
    reader.check_jobs(settings)
    reader.check_watch(settings)
    reader.check_plan(settings)
    usual = environ.get(URL_VARIABLE) or settings.catalog.url
    if url is not None:
        settings = _with_url(settings, url, "--catalog")
    elif environ.get(URL_VARIABLE):
        settings = _with_url(settings, usual, URL_VARIABLE)
    # The environment's reader is that of the usual catalog: another's rows would be wrong ones.
    if environ.get(READER_VARIABLE) and (url is None or url == usual):
        settings = _with_reader(settings, environ[READER_VARIABLE])
    return settings


def _with_url(settings: Settings, url: str, place: str) -> Settings:
    """``settings`` for another catalog, named at ``place``; a reader's URL goes with its own."""
    try:
        normal = normalize_catalog_url(url)
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from None
    if normal == settings.catalog.url:
        return settings
    return msgspec.structs.replace(
        settings, catalog=msgspec.structs.replace(settings.catalog, url=normal, reader_url=None)
    )


def _with_reader(settings: Settings, url: str) -> Settings:
    """``settings`` with another reader's URL, from the environment."""
    try:
        normal = normalize_reader_url(url)
    except ValueError as error:
        raise SettingsError(f"{READER_VARIABLE}: {error}") from None
    return msgspec.structs.replace(
        settings, catalog=msgspec.structs.replace(settings.catalog, reader_url=normal)
    )


class _Reader:
    """Reads tables of one file; every error it raises begins with the file's name.

    Args:
        place: what the file is called in errors.
    """

    def __init__(self, place: str) -> None:
        self._place = place

    def fail(self, where: str, message: str) -> SettingsError:
        """An error at the dotted path ``where``."""
        return SettingsError(f"{self._place}: {where}: {message}")

    def parse(self, path: Path) -> dict[str, Any]:
        """The TOML of ``path``."""
        try:
            return tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise SettingsError(
                f"{self._place}: there is no such file; make one with: gpts-catalog init"
            ) from None
        except OSError as error:
            raise SettingsError(f"{self._place}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{self._place}: not written in UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{self._place}: no TOML: {error}") from None

    def known(self, table: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
        """Refuse a key of ``table`` that is not one of ``keys``."""
        keys = list(keys)
        for key in table:
            if key not in keys:
                dotted = f"{where}.{key}" if where else key
                near = nearest(key, keys)
                hint = f"did you mean {near!r}?" if near else f"known are: {', '.join(keys)}"
                raise self.fail(dotted, f"unknown key; {hint}")

    def tables(self, table: Mapping[str, Any], section: str) -> Iterable[tuple[str, Any]]:
        """The named tables of ``section``."""
        value = self.mapping(table.get(section, {}), section)
        for name in value:
            if not is_name(name):
                raise self.fail(f"{section}.{name!r}", NAME_RULE)
        return value.items()

    def mapping(self, value: Any, where: str) -> dict[str, Any]:
        """``value``, which has to be a table."""
        if not isinstance(value, dict):
            raise self.fail(where, f"expected a table, [{where}], got {kind(value)}")
        return value

    def struct(self, cls: type[_S], value: Any, where: str, **given: Any) -> _S:
        """``value`` as ``cls``, each key checked by its declared type and range."""
        table = self.mapping(value, where)
        fields = {
            field.name: field for field in msgspec.structs.fields(cls) if field.name not in given
        }
        self.known(table, fields, where)
        for name, field in fields.items():
            if name in table:
                try:
                    given[name] = msgspec.convert(table[name], field.type)
                except msgspec.ValidationError:
                    raise self.fail(f"{where}.{name}", mismatch(field.type, table[name])) from None
            elif field.required:
                raise self.fail(where, f"{name} is missing: {expected_words(field.type)}")
        return cls(**given)

    def catalog(self, table: Mapping[str, Any]) -> CatalogSettings:
        """The section ``catalog``."""
        settings = self.struct(CatalogSettings, table.get("catalog", {}), "catalog")
        try:
            ZoneInfo(settings.timezone)
        except (ValueError, OSError, LookupError):
            raise self.fail(
                "catalog.timezone", f"{settings.timezone!r} is no time zone; one is Europe/Berlin"
            ) from None
        try:
            url = normalize_catalog_url(settings.url)
        except ValueError as error:
            raise self.fail("catalog.url", str(error)) from None
        reader_url = settings.reader_url
        if reader_url is not None:
            try:
                reader_url = normalize_reader_url(reader_url)
            except ValueError as error:
                raise self.fail("catalog.reader_url", str(error)) from None
        return msgspec.structs.replace(settings, url=url, reader_url=reader_url)

    def source(self, name: str, value: Any) -> SourceSettings:
        """One source, its keys consistent with its dialect."""
        where = f"sources.{name}"
        source = self.struct(SourceSettings, value, where, name=name)
        self.variable(source.api_key_env, f"{where}.api_key_env", "EXAMPLE_API_KEY", "key")
        if source.dialect == "recorded":
            for key in ("base_url", "api_key_env"):
                if getattr(source, key):
                    raise self.fail(f"{where}.{key}", "a recorded source is never asked: remove it")
        else:
            source = msgspec.structs.replace(source, base_url=self.base_url(source, where))
        if source.batch_size > 1 and source.dialect != "chat-query":
            raise self.fail(f"{where}.batch_size", "chat-query alone asks several ids at once")
        for low, high in (("backoff_base", "backoff_max"), ("connect_timeout", "total_timeout")):
            if getattr(source, low) > getattr(source, high):
                raise self.fail(f"{where}.{low}", f"expected no more than {high}")
        return source

    def notify(self, table: Mapping[str, Any]) -> NotifySettings:
        """The section ``notify``."""
        settings = self.struct(NotifySettings, table.get("notify", {}), "notify")
        for name in ("webhook_env", "urls_env"):
            self.variable(getattr(settings, name), f"notify.{name}", "EXAMPLE_WEBHOOK", "address")
        return settings

    def export(self, table: Mapping[str, Any]) -> ExportSettings:
        """The section ``export``, with ``export.expect`` in it."""
        given = dict(self.mapping(table.get("export", {}), "export"))
        expected = given.pop("expect", {})
        expect = self.struct(ExpectSettings, expected, "export.expect")
        for name, least in expect.least_rows.items():
            if least > expect.most_rows.get(name, least):
                raise self.fail(
                    f"export.expect.least_rows.{name}", "expected no more than in most_rows"
                )
        for name in expect.most_null:
            if name.count(".") != 1:
                raise self.fail(
                    f"export.expect.most_null.{name!r}",
                    'expected a table and a column, as "gizmos.name"',
                )
        settings = self.struct(ExportSettings, given, "export", expect=expect)
        self.variable(
            settings.pseudonym_key_env, "export.pseudonym_key_env", "EXAMPLE_PSEUDONYM_KEY", "key"
        )
        return settings

    def variable(self, name: str | None, where: str, example: str, what: str) -> None:
        """Refuse a name of an environment variable that may be the secret itself."""
        if name is not None and (not _VARIABLE.fullmatch(name) or _LIKE_A_KEY.fullmatch(name)):
            raise self.fail(
                where,
                f"expected the name of an environment variable, in capitals, as {example}; "
                f"what stands there is not shown, as it may be the {what} itself",
            )

    def base_url(self, source: SourceSettings, where: str) -> str:
        """The base URL of ``source`` without its last slash."""
        where = f"{where}.base_url"
        text = source.base_url
        if not text:
            raise self.fail(where, "is missing: expected one such as https://gateway.example")
        try:
            parts = urlsplit(text)
            whole = bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise self.fail(where, "expected a URL such as https://gateway.example") from None
        if parts.username is not None or parts.query or parts.fragment:
            raise self.fail(
                where,
                "a base URL has no user, no query and no fragment; the key goes into the "
                "environment variable that api_key_env names",
            )
        if parts.scheme not in {"http", "https"}:
            raise self.fail(where, f"expected https:// or http:// in front of {text!r}")
        if not whole or re.search(r"\s", text):
            raise self.fail(where, f"{text!r} names no host; expected https://gateway.example")
        return text.rstrip("/")

    def check_jobs(self, settings: Settings) -> None:
        """Refuse schedules that are no cron lines, and sources that are not configured."""
        for name, job in settings.jobs.items():
            if job.schedule not in {None, OFF}:
                try:
                    parse_cron(job.schedule or "")
                except ValueError as error:
                    raise self.fail(
                        f"jobs.{name}.schedule",
                        "expected five cron fields, minute hour day month weekday, as '0 3 * * *',"
                        f" or {OFF!r}: {error}",
                    ) from None
            if job.least is not None and job.most is not None and job.least > job.most:
                raise self.fail(f"jobs.{name}.least", "expected no more than most")
            for source in job.sources or ():
                if source not in settings.sources:
                    near = nearest(source, settings.sources)
                    raise self.fail(
                        f"jobs.{name}.sources",
                        f"there is no source {source!r}; "
                        + (f"did you mean {near!r}?" if near else f"add [sources.{source}]"),
                    )

    def check_plan(self, settings: Settings) -> None:
        """Refuse weights of watches that are not there, and pauses that leave no room."""
        plan = settings.plan
        if plan.floor_hours > plan.ceiling_days * 24:
            raise self.fail("plan.floor_hours", "expected no more than ceiling_days")
        for name in plan.weights:
            if name not in settings.watch:
                near = nearest(name, settings.watch)
                raise self.fail(
                    f"plan.weights.{name}",
                    "there is no such watch; "
                    + (f"did you mean {near!r}?" if near else f"add [watch.{name}]"),
                )

    def check_watch(self, settings: Settings) -> None:
        """Refuse filters that let everything through, or look for what cannot be."""
        if not settings.watch:
            return
        from catalog.fields import field_named  # noqa: PLC0415  (slow, and few have a watch)
        from catalog.search.filters import check  # noqa: PLC0415

        for name, watch in settings.watch.items():
            if msgspec.structs.replace(watch, notify=False) == WatchSettings():
                keys = ", ".join(WatchSettings.__struct_fields__)
                raise self.fail(f"watch.{name}", f"says nothing to look for; it takes {keys}")
            try:
                check(watch.wanted())
                if watch.field is not None:
                    field_named(watch.field)
            except CatalogError as error:
                raise self.fail(f"watch.{name}", str(error)) from None


def is_name(text: str) -> bool:
    """Whether ``text`` can name a source, a job or a watch; see :data:`NAME_RULE`."""
    return _NAME.fullmatch(text) is not None
