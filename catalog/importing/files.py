"""Files and folders, read piece by piece: a JSON file is one piece, a line file one a line."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Self, cast

import msgspec
import zstandard

from catalog.errors import UsageError
from catalog.text import escape_text
from catalog.times import Micros, parse_moment

_PACKED = (".gz", ".zst")
_PACKED_CHUNK = 2048
"""Bytes of zstd unpacked at a time: even a bomb makes no more than 64 MiB of them."""
_WHOLE = (".json",)
_LINES = (".jsonl", ".ndjson")
_DATE = re.compile(r"(?<!\d)(20\d{2}-\d{2}-\d{2})(?!\d)")
PIECE_LIMIT = 256 * 2**20
"""Bytes of one piece, decompressed: the largest documents known are a few megabytes, and a small
file can be packed so that it fills any memory."""
_CHUNK = 2**20
"""Bytes read at a time."""
KINDS = ".json, .jsonl and .ndjson, each also .gz or .zst"


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON value of a file.

    Attributes:
        path: the file.
        line: its line, from 1; 0 where the file is one value.
        raw: its bytes.
        path_date: the ISO date that the path names, if any.
        file_date: when the file was last written.
        read: bytes of the file read so far, as they lie on disk.
    """

    path: Path
    line: int
    raw: bytes
    path_date: Micros | None
    file_date: Micros
    read: int

    @property
    def place(self) -> str:
        """Where it stands, for people and tables: a path can hold what is no text."""
        return place_of(self.path, self.line)


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A file, or the rest of one, that cannot be read.

    Attributes:
        place: where.
        reason: why.
        read: bytes of the file, as they lie on disk.
    """

    place: str
    reason: str
    read: int = 0


def place_of(path: Path, line: int = 0) -> str:
    """A file, or a line of one, as text that can be written anywhere."""
    return escape_text(f"{path}:{line}" if line else str(path))


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that ``paths`` name, folders walked, in one order, each once.

    Raises:
        UsageError: a path is not there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = (p for p in sorted(path.rglob("*")) if not p.is_dir())
            found.update(dict.fromkeys(below))
        elif path.exists():
            found[path] = None
        else:
            raise UsageError(f"there is no file or folder {path}: check the path")
    return list(found)


def pieces(files: Sequence[Path]) -> Iterator[Piece | Skipped]:
    """The JSON values in ``files``, and what of them cannot be read, with the reason."""
    for path in files:
        kind = [suffix for suffix in path.suffixes[-2:] if suffix not in _PACKED]
        ending = kind[-1].lower() if kind else ""
        if ending not in (*_WHOLE, *_LINES):
            yield Skipped(place=place_of(path), reason=f"not a kind that is read: {KINDS}")
            continue
        if not path.is_file():
            # A link that leads nowhere, or a pipe, which would be waited for.
            yield Skipped(place=place_of(path), reason="no regular file")
            continue
        try:
            yield from _file(path, lines=ending in _LINES)
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            yield Skipped(place=place_of(path), reason=f"cannot be read: {reason}")
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            yield Skipped(place=place_of(path), reason=f"its compression is damaged: {error}")


def path_date(path: Path) -> Micros | None:
    """The last ISO date in the path's text, if it is one."""
    for text in reversed(_DATE.findall(str(path))):
        try:
            return parse_moment(text)
        except ValueError:
            continue
    return None


def _opened(path: Path, raw: IO[bytes]) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if path.suffix.lower() == ".zst":
        return cast("IO[bytes]", _Frames(raw))
    return raw


class _Frames:
    """A zstd file, frame after frame; zstandard's own reader takes a cut one for a whole one.

    Args:
        raw: the file.
    """

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The file is its opener's to close."""

    def read(self, _size: int) -> bytes:
        """The next bytes, as many as are unpacked at once; none at the end.

        Raises:
            EOFError: the file ends within a frame.
            zstandard.ZstdError: it is damaged.
        """
        while not self._ready:
            packed = self._raw.read(_PACKED_CHUNK)
            if not packed:
                if self._begun:
                    raise EOFError("it ends half-way")
                return b""
            self._ready = self._unpack(packed)
        part, self._ready = self._ready, b""
        return part

    def _unpack(self, packed: bytes) -> bytes:
        parts = []
        while packed:
            self._begun = True
            parts.append(self._frame.decompress(packed))
            packed = self._frame.unused_data
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._begun = False
        return b"".join(parts)


def _file(path: Path, *, lines: bool) -> Iterator[Piece | Skipped]:
    date = path_date(path)
    written = path.stat().st_mtime_ns // 1000
    with path.open("rb") as raw, _opened(path, raw) as stream:

        def piece(line: int, data: bytes | None) -> Piece | Skipped:
            if data is None:
                reason = (
                    f"larger than {PIECE_LIMIT // 2**20} MiB: no document is, and it is not read"
                )
                return Skipped(place=place_of(path, line), reason=reason)
            return Piece(
                path=path,
                line=line,
                raw=data,
                path_date=date,
                file_date=written,
                read=raw.tell(),
            )

        if not lines:
            yield piece(0, _whole(stream))
            return
        for number, line in enumerate(_lines(stream), 1):
            if line is None:
                yield piece(number, None)
            elif line.strip():
                yield piece(number, line.rstrip(b"\r\n"))


def _whole(stream: IO[bytes]) -> bytes | None:
    """All of ``stream``; None if that is more than a piece may be."""
    parts: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > PIECE_LIMIT:
            return None
        parts.append(chunk)
    return b"".join(parts)


def _lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """The lines of ``stream``, None for one that is too long; zstd's reader knows none."""
    parts: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            size += len(end)
            yield None if size > PIECE_LIMIT else b"".join((*parts, end))
            parts, size = [], 0
        size += len(rest)
        parts = [] if size > PIECE_LIMIT else [*parts, rest]
    if size:
        yield None if size > PIECE_LIMIT else b"".join(parts)
