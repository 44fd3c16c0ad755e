"""Which catalog a URL names: a SQLite file, or a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from catalog.errors import SettingsError


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


def describe(url: URL) -> str:
    """How messages name the catalog at ``url``: without user or password."""
    if is_sqlite(url):
        return str(sqlite_path(url))
    place = url.host or url.query.get("host") or "localhost"
    return f"{url.database} on PostgreSQL at {place}"
