"""``gpts-catalog``, and ``python -m catalog``: the streams made safe, then the command line.

Nothing heavy is loaded before Ctrl-C is under control.
"""

from __future__ import annotations

import io
import os
import sys

INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""


def main() -> None:
    """Run the command line and end the process."""
    try:
        make_streams_safe()
        from catalog.cli.main import main as run  # noqa: PLC0415  (loading it takes a moment)

        run()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(INTERRUPTED)


def make_streams_safe() -> None:
    """Let no text fail for the encoding of a stream, nor for a stream that is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Opened low, as it was closed: no file of the catalog can take its place.
            null = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  (open to the end)
            setattr(sys, name, null)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
