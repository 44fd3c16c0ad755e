"""Which catalog a URL names: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from catalog.errors import SettingsError

_POSTGRES_PORT = 5432
"""Where a server listens whose URL does not say it."""


def parse_url(url: str) -> URL:
    """Read a catalog's ``url``; its text stays out of every error, for it may hold a password.

    Raises:
        SettingsError: it names no catalog.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "the catalog's URL cannot be understood: write sqlite:///path/to/catalog.db"
            " or postgresql://user:password@host/database"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.query:
            raise SettingsError(
                "a SQLite catalog is a file: write sqlite:///path/to/catalog.db and nothing after"
            )
        return parsed
    if parsed.drivername not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise SettingsError(
            f"a catalog cannot live in {parsed.drivername}: use sqlite:/// or postgresql://"
        )
    return parsed.set(drivername="postgresql+psycopg")


def is_sqlite(url: URL) -> bool:
    """Whether ``url`` names a file."""
    return url.get_backend_name() == "sqlite"


def sqlite_path(url: URL) -> Path:
    """The file that ``url`` names."""
    return Path(url.database or "")


def is_same_place(one: URL, other: URL) -> bool:
    """Whether both name the same file, or the same database of the same server.

    Two names of one server are not seen through.
    """
    if is_sqlite(one) or is_sqlite(other):
        if not (is_sqlite(one) and is_sqlite(other)):
            return False
        paths = (sqlite_path(one), sqlite_path(other))
        return all(path.exists() for path in paths) and paths[0].samefile(paths[1])
    return _server(one) == _server(other) and one.database == other.database


def _server(url: URL) -> tuple[str, int]:
    host, port = (url.query.get(name) for name in ("host", "port"))
    return str(url.host or host or "localhost"), int(url.port or str(port or _POSTGRES_PORT))


def describe(url: URL) -> str:
    """How messages name the catalog at ``url``: without user or password."""
    if is_sqlite(url):
        return str(sqlite_path(url))
    place = url.host or url.query.get("host") or "localhost"
    return f"{url.database} on PostgreSQL at {place}"


def setting_of(url: URL) -> str:
    """What ``url`` under ``[catalog]`` says to name the catalog at ``url``: without a password."""
    if is_sqlite(url):
        return str(url)
    # set() takes None for "as it was".
    kept = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return kept.difference_update_query(["password", "sslpassword"]).render_as_string()
