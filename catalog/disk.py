"""What is asked of the system about files: that they last, and that one process alone has them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import CatalogError


def fsync(path: Path) -> None:
    """Let a file, or the names in a folder, survive a loss of power from here on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def own(handle: int, refusal: CatalogError) -> None:
    """Take an open file or folder for this process; the system frees it when the process ends.

    So a process that was killed stops nobody.

    Args:
        handle: of the file or folder; closing it frees it, too.
        refusal: what to raise where another one has it.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise refusal from None


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let one at a time, of whatever process, into blocks with a folder: the others wait.

    Args:
        folder: made where it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
