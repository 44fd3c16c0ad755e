"""The pager: output that is longer than the screen, shown a screen at a time.

Whoever writes never waits for the reader: what the pager does not take yet lies in a temporary
file. So a transaction that is read from is over long before a person has read to the end.
"""

from __future__ import annotations

import fcntl
import io
import os
import select
import shlex
import shutil
import struct
import subprocess
import tempfile
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TextIO

PAGERS = (("less",), ("more",))
"""What is taken where ``PAGER`` names none."""
SETTINGS = {"LESS": "FRX", "LESSCHARSET": "utf-8", "LV": "-c"}
"""As git has them: end at once where all fits, show colours, leave the screen as it is."""
CHUNK = 65_536
"""Bytes that the pager is offered at once."""
IN_MEMORY = 2**20
"""Bytes of output that need no file."""
TICK = 0.05
"""Seconds between two looks at whether the pager has read what lies ready, or has ended."""
_COUNT = struct.Struct("i")


class PagerQuit(Exception):
    """The reader left the pager before all was printed."""


def pager_command(environ: Mapping[str, str]) -> Sequence[str] | None:
    """The words that start the pager; None where there is none, or none is wanted.

    Args:
        environ: ``PAGER`` there names one; empty or ``cat``, none is wanted.
    """
    path = environ.get("PATH")
    if "PAGER" not in environ:
        return next((each for each in PAGERS if shutil.which(each[0], path=path)), None)
    try:
        words = shlex.split(environ["PAGER"])
    except ValueError:  # an open quote
        words = []
    if not words or words == ["cat"] or shutil.which(words[0], path=path) is None:
        return None
    return words


class Pager(io.TextIOBase):
    """A file that starts the pager once more is written than the screen can hold.

    Args:
        command: starts the pager.
        environ: its environment, but for :data:`SETTINGS` that are not in it.
        plain: where what fits on the screen goes.
        lines: of the screen.
        width: cells of a line.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        *,
        plain: TextIO,
        lines: int,
        width: int,
    ) -> None:
        self._command = list(command)
        self._environ = {**SETTINGS, **environ}
        self._plain = plain
        self._lines = lines
        self._width = width
        self._waiting: list[str] = []
        self._used = 0
        self._feed: _Feed | None = None

    def write(self, text: str) -> int:
        """Take text.

        Raises:
            PagerQuit: the reader has left.
        """
        held = text
        if self._feed is None:
            self._waiting.append(text)
            # Escapes count as text here: too early a pager ends by itself where all fits.
            self._used += sum(1 + len(line) // self._width for line in text.splitlines())
            if self._used < self._lines:
                return len(text)
            self._feed = _Feed(self._command, self._environ)
            held, self._waiting = "".join(self._waiting), []
        # Taken first, so that what nobody reads any more counts as left.
        self._feed.take(held.encode(self._plain.encoding or "utf-8", "replace"))
        if self._feed.has_ended:
            raise PagerQuit
        return len(text)

    def finish(self) -> bool:
        """Print what waits, or wait until the reader has left.

        Returns:
            Whether all was printed, or read to its end.
        """
        if self._feed is not None:
            return self._feed.finish()
        self._plain.write("".join(self._waiting))
        self._plain.flush()
        return True


class _Feed:
    """A pager that runs, and what it has not taken yet.

    The last byte is sent when all before it was read, so only who reads to the end reads it: one
    who takes a block and leaves, as ``head`` does, would else seem to have read what is short.

    Args:
        command: starts the pager.
        environ: its environment.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        # Kept open here, the reading end tells what was not read.
        self._reading, writing = os.pipe()
        os.set_blocking(writing, False)
        self._writing: int | None = writing
        self._kept = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  (finish closes it)
        self._length = 0
        self._sent = 0
        self._next = b""
        self._process = subprocess.Popen(  # noqa: S603  (what the person's own PAGER says)
            command, stdin=self._reading, env=dict(environ)
        )

    @property
    def has_ended(self) -> bool:
        """Whether the pager has ended."""
        return self._process.poll() is not None

    def take(self, data: bytes) -> None:
        """Keep ``data``, and send what the pipe has room for."""
        self._kept.seek(0, io.SEEK_END)
        self._kept.write(data)
        self._length += len(data)
        self._send(self._length - 1)

    def finish(self) -> bool:
        """Send the rest as the pager takes it, and wait for its end.

        Returns:
            Whether it has read all.
        """
        while True:
            try:
                self._offer_all()
                self._process.wait()
            except KeyboardInterrupt:  # meant for the pager, which knows what to do with it
                continue
            break
        read_all = self._sent == self._length and not self._unread()
        os.close(self._reading)
        self._kept.close()
        return read_all

    def _offer_all(self) -> None:
        """Send the rest, and then the end of the file; a second time does nothing."""
        if self._writing is None:
            return
        while not self.has_ended:
            if not self._send(self._length - 1):
                select.select([], [self._writing], [], TICK)
            elif self._unread():
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(TICK)
            else:
                self._send(self._length)
                break
        writing, self._writing = self._writing, None
        os.close(writing)

    def _send(self, until: int) -> bool:
        """Send what the pipe has room for; whether all ``until`` there was sent."""
        while self._writing is not None and self._sent < until:
            if not self._next:
                self._kept.seek(self._sent)
                self._next = self._kept.read(min(CHUNK, until - self._sent))
            try:
                sent = os.write(self._writing, self._next)
            except BlockingIOError:
                return False
            self._next = self._next[sent:]
            self._sent += sent
        return True

    def _unread(self) -> int:
        """Bytes that were sent and not read yet."""
        found: tuple[int] = _COUNT.unpack(
            fcntl.ioctl(self._reading, termios.FIONREAD, bytes(_COUNT.size))
        )
        return found[0]
