"""Checking an export: its files are those of its manifest, each as it was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from catalog.errors import UsageError
from catalog.export.files import digest_of
from catalog.export.manifest import all_files, read_manifest
from catalog.export.release import MANIFEST, File, Manifest


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of an export found.

    Attributes:
        manifest: what the export says it is; None: that cannot be read.
        files: files that were looked at.
        bytes: their bytes.
        findings: what is wrong, one a line; none: all is well.
    """

    manifest: Manifest | None
    files: int = 0
    bytes: int = 0
    findings: tuple[str, ...] = ()


def verify_export(folder: Path, report: Callable[[File], None] = lambda _: None) -> Verified:
    """Check an export.

    Args:
        folder: where it is.
        report: told of each file before it is looked at.

    Raises:
        UsageError: there is no such folder, or no manifest in it.
    """
    if folder.is_file():
        raise UsageError(
            f"{folder} is a file: name the folder of an export, which has a {MANIFEST} in it"
        )
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}: name that of an export")
    if not (folder / MANIFEST).is_file():
        raise UsageError(f"{folder} holds no export: there is no {MANIFEST} in it")
    try:
        manifest = read_manifest(folder)
    except UsageError as error:
        return Verified(manifest=None, findings=(str(error),))
    findings: list[str] = []
    size = 0
    named = {file.path: file for file in all_files(manifest)}
    for path, file in named.items():
        report(file)
        place = folder / path
        # A link could lead anywhere, and what it leads to is no part of the export.
        if any(each.is_symlink() for each in (place, *_folders(place, folder))):
            findings.append(f"{path} is a link, and no file of the export")
        elif not place.is_file():
            findings.append(f"{path} is missing")
        else:
            findings.extend(_differences(place, file))
            size += file.bytes
    for found in sorted(folder.rglob("*")):
        name = found.relative_to(folder).as_posix()
        if (found.is_symlink() or not found.is_dir()) and name not in {*named, MANIFEST}:
            findings.append(f"{name} is not named by {MANIFEST}")
    return Verified(
        manifest=manifest, files=len(named), bytes=size, findings=tuple(dict.fromkeys(findings))
    )


def _folders(place: Path, folder: Path) -> list[Path]:
    """The folders between a file and the export's own."""
    return [each for each in place.parents if each.is_relative_to(folder) and each != folder]


def _differences(place: Path, file: File) -> list[str]:
    size, sha256 = digest_of(place)
    if size != file.bytes:
        return [f"{file.path} has {size:,} bytes, and had {file.bytes:,} when it was written"]
    if sha256 != file.sha256:
        return [f"{file.path} was changed: its SHA-256 is {sha256}, and was {file.sha256}"]
    return []
