"""Files of an export as they are written: counted, hashed, and safe on the disk when closed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Self

_CHUNK = 1 << 20


class HashedFile:
    """A new file that is written from its beginning to its end.

    Args:
        path: where; its folder is made.

    Attributes:
        path: where.
        bytes: its length so far.
        closed: whether it was closed.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.bytes = 0
        self.closed = False
        self._sha = hashlib.sha256()
        self._file = path.open("xb")

    def write(self, data: bytes) -> int:
        """Write more of it."""
        self._file.write(data)
        self._sha.update(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing has to be flushed before it is closed."""

    def tell(self) -> int:
        """Its length so far."""
        return self.bytes

    def close(self) -> None:
        """Let what was written survive a loss of power; a second time does nothing."""
        if not self.closed:
            self.closed = True
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written, in hex."""
        return self._sha.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def digest_of(path: Path) -> tuple[int, str]:
    """The length of a file, and SHA-256 of its bytes in hex."""
    sha, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
            size += len(chunk)
    return size, sha.hexdigest()
