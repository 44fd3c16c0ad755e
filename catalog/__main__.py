"""``gpts-catalog``, and ``python -m catalog``: the streams made safe, then the command line.

Nothing heavy is loaded before Ctrl-C is under control.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""
SELDOM = 50_000
"""Containers made until Python looks for cycles among them; 700 by default."""
TITLES = {"stdout": "standard output", "stderr": "standard error"}
"""What the streams are called in an error."""


def main() -> None:
    """Run the command line and end the process."""
    tune_memory()
    try:
        make_streams_safe()
        from catalog.cli.main import main as run  # noqa: PLC0415  (loading it takes a moment)

        run()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(INTERRUPTED)


def tune_memory() -> None:
    """Set the process up for much plain data; nothing that loads Arrow may run before.

    There are hardly any cycles: looking for some took a tenth of a start, and a twentieth of an
    import. Arrow's own allocator holds 30 MB more than the C library's.
    """
    gc.set_threshold(SELDOM)
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


class Stream(io.FileIO):
    """A standard stream whose errors say which it is.

    Args:
        number: its file descriptor, which stays open.
        title: what it is called.
    """

    def __init__(self, number: int, title: str) -> None:
        super().__init__(number, "w", closefd=False)
        self._title = title

    def write(self, data: ReadableBuffer, /) -> int:
        """Write some bytes."""
        try:
            return super().write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._title) from None


def make_streams_safe() -> None:
    """Let no text fail for the encoding of a stream, nor for a stream that is closed."""
    for name, title in TITLES.items():
        stream = getattr(sys, name)
        if stream is None:
            # Opened low, as it was closed: no file of the catalog can take its place.
            null = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  (open to the end)
            setattr(sys, name, null)
        elif isinstance(stream, io.TextIOWrapper):
            if isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
                stream = io.TextIOWrapper(
                    io.BufferedWriter(Stream(stream.fileno(), title)),
                    encoding=stream.encoding,
                    line_buffering=stream.line_buffering,
                    write_through=stream.write_through,
                )
                setattr(sys, name, stream)
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
