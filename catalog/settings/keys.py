"""Secrets: read from the environment, never from the file, and listed so as to be hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from catalog.errors import SettingsError
from catalog.secrets import MIN_LENGTH
from catalog.settings.sections import Settings, SourceSettings
from catalog.settings.urls import passwords_in

TOMBSTONE_KEYS_ENV = "GPTS_CATALOG_TOMBSTONE_KEY"
"""The environment variable that may hold the key of tombstones, or several with blanks between."""


def api_key(source: SourceSettings, environ: Mapping[str, str]) -> str | None:
    """The key of ``source``, or None where it needs none.

    Raises:
        SettingsError: the variable that should hold it does not, or holds what can be no key.
    """
    if source.api_key_env is None:
        return None
    key = _held(source, environ)
    place = f"sources.{source.name}.api_key_env"
    if not key:
        raise SettingsError(
            f"{place}: the environment variable {source.api_key_env} is not set; "
            f"set it with: export {source.api_key_env}=YOUR_KEY"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(
            f"{place}: what {source.api_key_env} holds can be no key: "
            "it has a character that no HTTP header may carry"
        )
    if len(key) < MIN_LENGTH:
        raise SettingsError(
            f"{place}: what {source.api_key_env} holds can be no key: "
            f"it has fewer than {MIN_LENGTH} characters, and would be redacted from ordinary text"
        )
    return key


def source_keys(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of all sources, longest first: what an answer could echo (law 10).

    One that is too short to be told from ordinary text is none of them: no source is ever sent it,
    for :func:`api_key` refuses it.
    """
    return tuple(key for key in _keys(settings, environ) if len(key) >= MIN_LENGTH)


def known_secrets(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """All secrets we know of, longest first: what no text of ours may show.

    Beside the keys of all sources, however short, these are the passwords of the catalog and of
    proxies, the keys of pseudonyms and tombstones, and the addresses of notifications, which no
    source is ever told and which are therefore not looked for in answers.
    """
    secrets = [*_keys(settings, environ), environ.get("PGPASSWORD", "")]
    secrets += environ.get(TOMBSTONE_KEYS_ENV, "").split()
    if settings.export.pseudonym_key_env:
        secrets.append(environ.get(settings.export.pseudonym_key_env, "").strip())
    for name in (settings.notify.webhook_env, settings.notify.urls_env):
        for url in environ.get(name, "").split() if name else ():
            # Whoever reports an error may leave out the scheme, or the host before the token.
            rest = url.partition("://")[2]
            secrets += [url, rest, rest.partition("/")[2], *passwords_in(url)]
    proxies = [value for name, value in environ.items() if name.lower().endswith("_proxy")]
    for url in [settings.catalog.url, settings.catalog.reader_url or "", *proxies]:
        for password in passwords_in(url):
            secrets += [password, unquote(password)]
    return _longest_first(secrets)


def _held(source: SourceSettings, environ: Mapping[str, str]) -> str:
    """What the variable of ``source`` holds: nothing, if it names none or is not set."""
    return environ.get(source.api_key_env, "").strip() if source.api_key_env else ""


def _keys(settings: Settings, environ: Mapping[str, str]) -> tuple[str, ...]:
    return _longest_first(_held(source, environ) for source in settings.sources.values())


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    """``secrets`` without doubles and empty ones; a part never hides the whole it is part of."""
    return tuple(sorted({each for each in secrets if each}, key=lambda each: (-len(each), each)))
