"""Takes an answer's body in, chunk by chunk, within a limit.

Only gzip is offered to sources, and decoded here: its decoder can be told how much to give at most.
A body that decompresses to gigabytes, or never ends, is let go as soon as it passes the limit.
"""

from __future__ import annotations

import zlib

from catalog.errors import FetchTerminal, FetchTransient

ACCEPT_ENCODING = "gzip"
_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


class Body:
    """One body while it arrives.

    Args:
        encoding: the answer's ``Content-Encoding``.
        limit: bytes it may have, as sent and as decoded.

    Raises:
        FetchTerminal: it is encoded in a way that was not offered.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        encoding = encoding.strip().lower()
        if encoding not in _GZIP | {"", "identity"}:
            raise FetchTerminal("its answer is compressed in a way that we did not offer to read")
        self._gzip = zlib.decompressobj(_GZIP_WINDOW) if encoding in _GZIP else None
        self._limit = limit
        self._arrived = 0
        self._size = 0
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes as they were sent.

        Raises:
            FetchTerminal: the body is larger than the limit.
            FetchTransient: the bytes are not what they are said to be.
        """
        self._arrived += len(chunk)
        if self._arrived > self._limit:  # also a stream that decompresses to nothing, for ever
            raise self._too_large()
        if self._gzip is None:
            self._parts.append(chunk)
            return
        while chunk:
            chunk = self._inflate(chunk)

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            FetchTransient: its end is missing.
        """
        if self._gzip is not None and self._arrived and not self._gzip.eof:
            raise FetchTransient("its answer was cut in the middle")
        return self.arrived

    @property
    def arrived(self) -> bytes:
        """What has come so far, decoded: all there is of a body that is cut."""
        return b"".join(self._parts)

    def _inflate(self, chunk: bytes) -> bytes:
        """Decode some of ``chunk``; what is left of it."""
        if self._gzip is None or self._gzip.eof:
            if not chunk.startswith(_GZIP_MAGIC):
                return b""  # padding behind the last member, as gzip itself ignores it
            self._gzip = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = self._gzip.decompress(chunk, self._limit - self._size + 1)
        except zlib.error:
            raise FetchTransient("its answer is damaged: no readable gzip") from None
        self._size += len(part)
        if self._size > self._limit:
            raise self._too_large()
        self._parts.append(part)
        return self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail

    def _too_large(self) -> FetchTerminal:
        return FetchTerminal(
            f"its answer is larger than max_body_bytes ({self._limit}): no GPT's document is"
        )
