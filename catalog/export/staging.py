"""A folder that is there whole, or not at all: filled beside its place, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.disk import fsync, own
from catalog.errors import UsageError


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A folder to be filled, which takes its name when the block ends without an error.

    What a process left that was killed is removed by the next one that writes there.

    Args:
        target: where the folder goes; nothing may be there, or an empty folder.

    Raises:
        UsageError: something is there, or another process writes there.
    """
    target = target.absolute()
    _check_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = target.with_name(f".{target.name}.partial")
    lock = _own(stage, target)
    try:
        _empty(stage)
        yield stage
        for folder, _, _ in os.walk(stage):
            fsync(Path(folder))
        _check_free(target)
        stage.rename(target)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    finally:
        os.close(lock)
    fsync(target.parent)


def _check_free(target: Path) -> None:
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise UsageError(
            f"{target} is there already, and an export is never changed: name a new folder"
        )


def _own(stage: Path, target: Path) -> int:
    """Take the staging folder for this process; the system frees it when the process ends."""
    stage.mkdir(exist_ok=True)
    handle = os.open(stage, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        own(
            handle,
            UsageError(
                f"another process writes an export to {target}: wait for it, or name another folder"
            ),
        )
    except UsageError:
        os.close(handle)
        raise
    return handle


def _empty(stage: Path) -> None:
    for each in stage.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
