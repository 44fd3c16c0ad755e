"""``manifest.json``: written in one form, so that no byte of it can change unnoticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from catalog.errors import UsageError
from catalog.export.release import MANIFEST, File, Manifest

FORM = 1
"""The version of the manifest's own form."""
LARGEST = 64 * 2**20
"""Bytes of a manifest, at most: it is read whole."""
_DIGEST = "digest"
_LENGTH = 64


def encode(manifest: Manifest) -> bytes:
    """The bytes of a manifest, its own digest the last of them."""
    members = msgspec.to_builtins(manifest)
    found = hashlib.sha256(_plain(members)).hexdigest()
    return _plain({**members, _DIGEST: found})


def _plain(members: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(members), indent=2) + b"\n"


def decode(raw: bytes) -> Manifest:
    """The manifest in these bytes.

    Raises:
        UsageError: they are none, or not as they were written.
    """
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
        members = msgspec.json.decode(raw, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{MANIFEST} is no manifest of an export: {error}") from None
    if manifest.form != FORM:
        raise UsageError(
            f"{MANIFEST} is of form {manifest.form}, this program knows {FORM}: install another"
            " gpts-catalog"
        )
    if encode(manifest) != raw or len(str(members.get(_DIGEST))) != _LENGTH:
        raise UsageError(f"{MANIFEST} was changed after it was written: its digest does not fit")
    return manifest


def is_export(folder: Path) -> bool:
    """Whether a folder holds an export: its manifest says so."""
    path = folder / MANIFEST
    if not path.is_file() or path.stat().st_size > LARGEST:
        return False
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError):
        return False
    return found.generator.startswith("gpts-catalog")


class _Head(msgspec.Struct, frozen=True):
    form: int
    generator: str
    digest: str


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the export in a folder; the names in it stay within.

    Raises:
        UsageError: there is none, or it cannot be trusted.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UsageError(f"{folder} holds no export: there is no {MANIFEST} in it")
    if path.stat().st_size > LARGEST:
        raise UsageError(f"{path} is no manifest of an export: it is too large")
    manifest = decode(path.read_bytes())
    for file in all_files(manifest):
        if not is_within(file.path):
            raise UsageError(
                f"{path} names the file {file.path!r}, which is not within the export: do not"
                " trust where it came from"
            )
    return manifest


def all_files(manifest: Manifest) -> Iterator[File]:
    """The files that a manifest names, those of the tables first."""
    yield from manifest.release.files
    yield from manifest.descriptions


def is_within(path: str) -> bool:
    """Whether a path names a file below the folder it begins at, in one spelling."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not path.startswith("/")
        and "\\" not in path
        and "\0" not in path
        and ":" not in path
        and ".." not in parts
        and str(PurePosixPath(path)) == path
        and path != MANIFEST
    )
