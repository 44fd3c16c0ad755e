"""Where the rows of each table lie in an export. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from catalog.export.release import File, Release, Table
from catalog.query.exported import TABLES


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A table and its files.

    Attributes:
        table: the table.
        files: its files, in the order of their paths; one at least.
    """

    table: Table
    files: tuple[File, ...]

    @property
    def is_parted(self) -> bool:
        """Whether its rows lie in several files, by month; then one file is such a one too."""
        return self.files[0].partition is not None

    @property
    def pattern(self) -> str:
        """The path of its file, or one that all its files match and no others."""
        return pattern(self.files)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(file.rows for file in self.files)


def laid_out(release: Release) -> tuple[Laid, ...]:
    """The tables that have files of their own, in the order of the release."""
    found = []
    for table in release.tables:
        files = sorted(
            (file for file in release.files if file.table == table.name),
            key=lambda file: file.path,
        )
        if files:
            found.append(Laid(table=table, files=tuple(files)))
    return tuple(found)


def together(release: Release) -> tuple[File, ...]:
    """The files that hold several tables."""
    return tuple(file for file in release.files if file.table is None)


def is_catalog(release: Release) -> bool:
    """Whether an export is a copy of the catalog itself, with all that is in it."""
    return (
        (release.format, release.profile) == ("sqlite", "full")
        and (release.filter, release.at, release.since) == (None, None, None)
        and {table.name for table in release.tables} == TABLES.keys()
    )


def pattern(files: Sequence[File]) -> str:
    """The path of the file, or ``folder/*.ending`` where the rows are parted.

    Args:
        files: of one table.
    """
    if files[0].partition is None:
        return files[0].path
    folder, _, name = files[0].path.rpartition("/")
    return f"{folder}/*.{name.partition('.')[2]}"
