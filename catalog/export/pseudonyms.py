"""Keyed pseudonyms: the same person has the same one in every release, and nobody can go back.

HMAC-SHA256 (RFC 2104, FIPS 180-4) over what is named and its kind. Whoever has the key can try
names; so it stands in the environment, or in a file beside the catalog that its owner alone reads,
and never in the catalog or an export.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from base64 import b32encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from catalog.errors import SettingsError

FILE = "pseudonyms.key"
"""The key's file in the catalog's folder."""
_BYTES = 32
_LEAST = 16
"""Bytes of a key from the environment: of fewer, all could be tried."""
_LENGTH = 26
"""Characters of a pseudonym, five bits each: no two of a billion people will be one."""
_REMEMBERED = 20_000


def load_key(variable: str | None, environ: Mapping[str, str], folder: Path) -> bytes:
    """The key of pseudonyms: from the environment, else from its file, which is made once.

    Args:
        variable: the environment variable that holds it; None: none does.
        environ: the environment.
        folder: where its file is.

    Raises:
        SettingsError: the variable is not set, or the file cannot be read or made.
    """
    if variable is not None:
        key = environ.get(variable, "").strip().encode()
        if len(key) < _LEAST:
            raise SettingsError(
                f"export.pseudonym_key_env: the environment variable {variable} holds no key of"
                f" {_LEAST} characters or more: set it, or leave the setting out for a key in a"
                " file"
            )
        return key
    path = folder / FILE
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _make(path)
        key = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"the key of pseudonyms in {path} cannot be read or made ({error}): with another key"
            " the same author would get another pseudonym; put the file back"
        ) from None
    if len(key) < _LEAST:
        raise SettingsError(f"{path} holds no whole key: put the file back from a copy")
    return key


def _make(path: Path) -> None:
    """Make the key's file, readable by its owner alone; another process may be first."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)
        except FileExistsError:
            return
    finally:
        partial.unlink(missing_ok=True)


def pseudonyms(key: bytes) -> Callable[[str, str], str]:
    """What makes pseudonyms with a key: of a kind and a value, ``author-5dq…``."""

    @lru_cache(maxsize=_REMEMBERED)
    def pseudonym(kind: str, value: str) -> str:
        mac = hmac.new(key, f"{kind}\n{value}".encode(), hashlib.sha256).digest()
        return f"{kind}-{b32encode(mac).decode().lower()[:_LENGTH]}"

    return pseudonym
