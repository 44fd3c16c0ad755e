"""The file beside a catalog that knows who must not be kept: keys of tombstones, and tombstones.

A tombstone in a catalog is a keyed hash: who holds the catalog alone cannot tell whom it names. So
the key stands outside, in this file or in an environment variable. The file repeats the tombstones
too: a backup that is put back knows none of those that came after it.

It is lines of text: ``key HEX``, ``gpt HEX TIME``, ``author HEX TIME``; nobody but its owner may
read it. It belongs to a folder: the catalogs in it share it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Literal

import msgspec

from catalog.disk import alone_in, fsync
from catalog.errors import SettingsError
from catalog.settings import TOMBSTONE_KEYS_ENV
from catalog.times import Micros

Kind = Literal["gpt", "author"]
KINDS: tuple[Kind, ...] = ("gpt", "author")

VARIABLE = TOMBSTONE_KEYS_ENV
FILE = "tombstones.key"
KEY_BYTES = 32
NAME_BYTES = 8
"""How many bytes at the beginning of a tombstone's hash name its key."""

_HEAD = "# Who must not be kept (see docs/forgetting.md). Keep it secret, beside the catalog.\n"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Key(msgspec.Struct, frozen=True):
    """A key of tombstones.

    Attributes:
        secret: 32 random bytes.
    """

    secret: bytes

    @property
    def name(self) -> bytes:
        """What names it, and gives nothing of it away."""
        return hashlib.sha256(b"gpts-catalog tombstones " + self.secret).digest()[:NAME_BYTES]

    def hash(self, kind: Kind, named: str) -> bytes:
        """The hash that stands for a GPT's id or an author's ``user_id``."""
        text = f"{kind}\0{named}".encode(errors="surrogatepass")
        return self.name + hmac.digest(self.secret, text, "sha256")


class Tombstone(msgspec.Struct, frozen=True):
    """That somebody must not be kept.

    Attributes:
        kind: of what: a GPT or an author.
        hash: the name of the key, then the keyed hash of the id.
        at: when it was asked for.
    """

    kind: Kind
    hash: bytes
    at: Micros


class Ledger:
    """Where a catalog's keys are.

    Args:
        folder: the catalog's; its file is made when it is first written to.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def keys(self) -> dict[bytes, Key]:
        """All keys by name: those of the environment first.

        Raises:
            SettingsError: a key cannot be one, or others may read the file.
        """
        words = os.environ.get(VARIABLE, "").split()
        found = [_key(word, f"the environment variable {VARIABLE}") for word in words]
        found += [_key(word, str(self.path)) for kind, word, _ in self._lines() if kind == "key"]
        return {key.name: key for key in found}

    def tombstones(self) -> list[Tombstone]:
        """Those that the file repeats.

        Raises:
            SettingsError: the file cannot be understood, or others may read it.
        """
        try:
            return [
                Tombstone(kind, bytes.fromhex(word), int(at))
                for kind in KINDS
                for found, word, at in self._lines()
                if found == kind
            ]
        except ValueError:
            raise SettingsError(
                f"{self.path} has a tombstone that is none: put back a copy of the file"
            ) from None

    def own_key(self) -> Key:
        """The key that new tombstones are made with; made once, where there is none yet."""
        if not self.keys():
            with alone_in(self.path.parent):
                # Another process may have made it meanwhile.
                if not self.keys():
                    self._write([f"key {secrets.token_bytes(KEY_BYTES).hex()}"])
        return next(iter(self.keys().values()))

    def add(self, tombstones: list[Tombstone]) -> None:
        """Repeat tombstones in the file; those that stand there are left alone."""
        new = {(each.kind, each.hash): each for each in tombstones}
        if not new:
            return
        with alone_in(self.path.parent):
            known = {(each.kind, each.hash) for each in self.tombstones()}
            lines = [
                f"{each.kind} {each.hash.hex()} {each.at}"
                for key, each in sorted(new.items())
                if key not in known
            ]
            if lines:
                self._write(lines)

    def learn(self, other: Ledger) -> None:
        """Take over the keys of another catalog, so that its tombstones are understood here."""
        theirs = other.keys()
        with alone_in(self.path.parent):
            known = self.keys()
            lines = [f"key {key.secret.hex()}" for name, key in theirs.items() if name not in known]
            if lines:
                self._write(lines)

    def _lines(self) -> list[tuple[str, str, str]]:
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return []
        with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
                raise SettingsError(
                    f"{self.path} may be read by others, and holds a secret: chmod 600 {self.path}"
                )
            lines = [line.split() for line in file if line.strip() and line[0] != "#"]
        return [(line[0], (*line, "")[1], (*line, "", "")[2]) for line in lines]

    def _write(self, lines: list[str]) -> None:
        """Add lines to the file, all or none of them, to last; nobody else writes meanwhile."""
        before = self.path.read_text(encoding="utf-8") if self.path.exists() else _HEAD
        beside = self.path.with_name(f".{FILE}.{os.getpid()}.part")
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(before + "".join(f"{line}\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
        fsync(self.path.parent)


def _key(word: str, place: str) -> Key:
    try:
        secret = bytes.fromhex(word)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise SettingsError(
            f"{place} holds a key of tombstones that is none: it is {2 * KEY_BYTES} hexadecimal"
            " digits"
        )
    return Key(secret)
