"""The n-th call on files fails, or kills: how that is asked for, and the library that does it."""

from __future__ import annotations

import ctypes
import errno
import shutil
import subprocess
from enum import IntFlag
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = Path(__file__).with_name("shim.c")
COMPILER = shutil.which("cc") or shutil.which("gcc")
"""The machine's C compiler; campaigns that need one are left out where there is none."""


class Call(IntFlag):
    """Kinds of calls on files, numbered as in ``shim.c``."""

    WRITE = 1
    SYNC = 2
    RENAME = 4
    TRUNCATE = 8
    UNLINK = 16
    LOCK = 32
    OPEN = 64


LASTING = Call.WRITE | Call.SYNC | Call.RENAME | Call.TRUNCATE | Call.UNLINK | Call.OPEN
"""Calls after which a disk may hold something else: a kill before each is every crash there is."""


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong.

    Attributes:
        calls: which calls count.
        at: the n-th of them, from 1; 0: none, they are only counted.
        error: the error that it returns; 0: the process is killed just before.
        cut: half of what is to be written is, and the call says so.
        forever: every later one fails as well.
    """

    calls: int = LASTING
    at: int = 0
    error: int = 0
    cut: bool = False
    forever: bool = False


class Told(msgspec.Struct, frozen=True):
    """What became of it.

    Attributes:
        calls: how many calls counted.
        failed: how many were made to fail.
        where: the first that was: its kind and its file.
    """

    calls: int
    failed: int
    where: str


FILE_FAULTS: Mapping[str, Disturbance] = {
    "write: no space for a moment": Disturbance(calls=Call.WRITE, error=errno.ENOSPC),
    "write: no space any more": Disturbance(calls=Call.WRITE, error=errno.ENOSPC, forever=True),
    "write: input/output error": Disturbance(calls=Call.WRITE, error=errno.EIO),
    "write: half of it": Disturbance(calls=Call.WRITE, cut=True),
    "fsync: input/output error": Disturbance(calls=Call.SYNC, error=errno.EIO),
    "rename: input/output error": Disturbance(calls=Call.RENAME, error=errno.EIO),
    "truncate: input/output error": Disturbance(calls=Call.TRUNCATE, error=errno.EIO),
    "open: too many files": Disturbance(calls=Call.OPEN, error=errno.EMFILE),
    "lock: busy for a moment": Disturbance(calls=Call.LOCK, error=errno.EAGAIN),
}
"""What a disk, or another process, does to a command: each at the n-th call."""


def build_shim(folder: Path) -> Path:
    """Compile the library."""
    made = folder / "shim.so"
    if COMPILER is None:
        raise RuntimeError("no C compiler: cc or gcc")
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(made), str(SOURCE), "-ldl"],
        check=True,
        capture_output=True,
    )
    return made


def arm(disturbance: Disturbance, below: Path, record: Path) -> None:
    """Have calls of this process disturbed from now on; the library must be loaded.

    Args:
        disturbance: how.
        below: the folder whose files count.
        record: where the library tells what it did; outside that folder.
    """
    failed = ctypes.CDLL(None).gpts_arm(
        f"{below}/".encode(),
        int(disturbance.calls),
        ctypes.c_long(disturbance.at),
        disturbance.error,
        int(disturbance.cut),
        int(disturbance.forever),
        str(record).encode(),
    )
    if failed:
        raise RuntimeError("the library could not be armed")


def told(record: Path) -> Told:
    """What the library did."""
    data = record.read_bytes()
    calls, failed = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
    return Told(calls, failed, data[16:].split(b"\0")[0].decode())
