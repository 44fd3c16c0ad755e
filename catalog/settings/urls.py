"""Where a catalog is, as one kind of text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit


def normalize_catalog_url(text: str) -> str:
    """The one form of a catalog's place: ``sqlite:///PATH`` or ``postgresql://…``.

    Args:
        text: one of these, or the bare path of an SQLite file.

    Raises:
        ValueError: it names no place for a catalog; the text says why, without the password.
    """
    text = text.strip()
    scheme, mark, rest = text.partition("://")
    if not mark:
        if not text or text == ":memory:":
            raise ValueError("a catalog needs a file or a database of its own")
        if text.lower().startswith(("sqlite:", "postgres:", "postgresql:")):
            raise ValueError("a URL has :// behind its first word, as sqlite:///data/catalog.db")
        return file_url(Path(text).expanduser())
    kind = scheme.lower().split("+")[0]
    if kind == "sqlite":
        return _normalize_sqlite(rest)
    if kind in {"postgres", "postgresql"}:
        try:
            parts = urlsplit(f"postgresql://{rest}")
            named = bool(parts.path.strip("/")) and parts.port != 0
        except ValueError:
            named = False
        if not named:
            raise ValueError("expected postgresql://USER@HOST/DATABASE")
        return f"postgresql://{rest}"
    raise ValueError(
        f"expected sqlite:///PATH, postgresql://USER@HOST/DATABASE or the path of a file, "
        f"got a URL that begins with {scheme!r}"
    )


def file_url(path: Path) -> str:
    """The URL of a catalog that is a file, whatever characters its name has."""
    # SQLAlchemy reads the path of a URL percent-decoded.
    return f"sqlite:///{quote(str(path), safe='/ +~')}"


def normalize_reader_url(text: str) -> str:
    """The one form of the URL of a role that reads a catalog on PostgreSQL.

    Args:
        text: ``postgresql://…``.

    Raises:
        ValueError: it names none; the text says why, without the password.
    """
    url = normalize_catalog_url(text)
    if not url.startswith("postgresql://"):
        raise ValueError("SQL reads an SQLite file without a role: expected postgresql://…")
    return url


def _normalize_sqlite(rest: str) -> str:
    """An SQLite URL from what stands behind its ``://``."""
    if not rest.startswith("/"):
        raise ValueError(
            f"sqlite:// takes three slashes before a path: sqlite:///{rest or 'data/catalog.db'}"
        )
    if "?" in rest:
        raise ValueError("options behind a ? are not taken; write the path alone")
    if rest in {"/", "/:memory:"}:
        raise ValueError("a catalog needs a file: sqlite:///data/catalog.db")
    return f"sqlite://{rest}"


def passwords_in(url: str) -> list[str]:
    """The passwords inside ``url``, as they are written there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    userinfo, at, _host = parts.netloc.rpartition("@")
    found = [userinfo.partition(":")[2]] if at else []
    pairs = (pair.partition("=") for pair in parts.query.split("&"))
    return [each for each in (*found, *(v for k, _, v in pairs if "password" in k)) if each]


def without_password(url: str) -> str:
    """``url`` without the passwords that :func:`passwords_in` finds; as it is where it has none."""
    if not passwords_in(url):
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    query = "&".join(
        pair for pair in parts.query.split("&") if "password" not in pair.partition("=")[0]
    )
    return urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host, query=query))
