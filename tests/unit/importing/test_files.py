from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest
import zstandard

from catalog.importing import Piece, Skipped, files, pieces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = 1000
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit and a chunk that a test can reach."""
    monkeypatch.setattr(files, "PIECE_LIMIT", LIMIT)
    monkeypatch.setattr(files, "_CHUNK", 64)


def read(path: Path) -> list[tuple[str, bytes]]:
    """What a file gives: of each piece its place and bytes, of what is skipped the reason."""
    told = []
    for piece in pieces([path]):
        what = piece.raw if isinstance(piece, Piece) else piece.reason.encode()
        told.append((piece.place.removeprefix(str(path)), what))
    return told


@pytest.mark.parametrize("packing", PACKED)
def test_a_file_of_one_value_is_read_up_to_the_limit(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"a.json{packing}"
    path.write_bytes(PACKED[packing](b"x" * LIMIT))
    assert read(path) == [("", b"x" * LIMIT)]
    path.write_bytes(PACKED[packing](b"x" * (LIMIT + 1)))
    ((place, reason),) = read(path)
    assert not place
    assert reason.startswith(b"larger than")


@pytest.mark.parametrize("packing", PACKED)
def test_a_line_that_is_too_long_is_skipped_and_the_others_are_read(
    tmp_path: Path, packing: str
) -> None:
    path = tmp_path / f"a.jsonl{packing}"
    long, longer = b"y" * LIMIT, b"z" * (3 * LIMIT)
    path.write_bytes(PACKED[packing](b"\n".join((b"a", longer, b"", b"b\r", long, longer))))
    told = read(path)
    assert [place for place, _ in told] == [":1", ":2", ":4", ":5", ":6"]
    assert [what for _, what in told if not what.startswith(b"larger")] == [b"a", b"b", long]


def test_a_packed_bomb_is_not_unpacked_whole() -> None:
    """A few kilobytes on disk that would be gigabytes in memory."""
    taken = 0

    class Counting:
        def read(self, size: int) -> bytes:
            nonlocal taken
            taken += size
            return b"x" * size

    assert files._whole(Counting()) is None  # type: ignore[arg-type]  # noqa: SLF001
    assert taken <= LIMIT + 64


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b"x" * 100)[:-20])
    (skipped,) = pieces([path])
    assert isinstance(skipped, Skipped)
    assert "damaged" in skipped.reason


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_packed_file_that_ends_half_way_is_named_wherever_it_ends(
    tmp_path: Path, packing: str
) -> None:
    """A reader that takes a cut file for a whole one would lose lines without a word."""
    packed = PACKED[packing](b'{"a":1}\n' * 40) + PACKED[packing](b'{"b":2}\n' * 40)
    path = tmp_path / f"cut.jsonl{packing}"
    whole = len(PACKED[packing](b'{"a":1}\n' * 40))
    for end in range(1, len(packed)):
        if end == whole:
            continue
        path.write_bytes(packed[:end])
        assert any(isinstance(piece, Skipped) for piece in pieces([path])), end
    path.write_bytes(packed)
    assert len(read(path)) == 80


def test_what_is_no_regular_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "nowhere.json").symlink_to(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe.json")
    found = list(pieces(files.files_of([tmp_path])))
    assert [piece.reason for piece in found if isinstance(piece, Skipped)] == [
        "no regular file"
    ] * 2
