"""What a command prints: results on stdout, everything else on stderr.

With ``--json`` stdout holds JSON alone. All text passes through :mod:`catalog.cli.text`, which
makes it harmless; styles appear on a terminal only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from catalog.cli.text import Part, columns, harmless, to_json

_MARKS = {"removed": ("[-", "-]", "red"), "added": ("{+", "+}", "green"), "same": ("", "", "")}


class Output:
    """Where a command prints.

    Args:
        as_json: print JSON alone on stdout.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._stdout = _console(stderr=False)
        self._stderr = _console(stderr=True)

    @property
    def stderr(self) -> Console:
        """The console for progress."""
        return self._stderr

    @property
    def width(self) -> int | None:
        """Cells of a line where stdout is a terminal; None where lines may be of any length."""
        return self._stdout.width if self._stdout.is_terminal else None

    def line(self, text: str | Text = "", style: str = "") -> None:
        """A line of the result; not with ``--json``."""
        if not self.as_json:
            _print(self._stdout, text, style)

    def lines(self, texts: Iterable[str]) -> None:
        """Lines of the result."""
        for text in texts:
            self.line(text)

    def heading(self, text: str) -> None:
        """A heading, with a blank line before it."""
        self.line()
        self.line(text, "bold")

    def table(self, rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> None:
        """Aligned rows, indented."""
        width = None if self.width is None else self.width - 2
        self.lines(f"  {line}" for line in columns(rows, right=right, width=width))

    def json(self, value: Any) -> None:
        """One JSON object on a line of its own; only with ``--json``."""
        if self.as_json:
            self._stdout.file.write(to_json(value) + "\n")

    def note(self, text: str, style: str = "") -> None:
        """A message beside the result, on stderr."""
        _print(self._stderr, text, style)

    def flush(self) -> None:
        """Send what waits, so that a closed pipe is met here."""
        sys.stdout.flush()
        sys.stderr.flush()


def diff_text(parts: Iterable[Part], width: int | None = None) -> Text:
    """A word diff: ``[-removed-]{+added+}``, coloured on a terminal.

    Args:
        parts: as :func:`catalog.cli.text.word_diff` makes them.
        width: cut each part to so many characters.
    """
    text = Text()
    for kind, words in parts:
        before, after, style = _MARKS[kind]
        shown = harmless(words)
        if width is not None and len(shown) > width:
            shown = shown[: width - 1] + "…"
        text.append(f"{before}{shown}{after}", style or None)
    return text


class _Console(Console):
    """A console that lets the reader of a pipe go away; :func:`catalog.cli.main.main` ends it."""

    def on_broken_pipe(self) -> None:
        """Leave the error as it is, in place of ending the process here."""
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    return _Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def _print(console: Console, text: str | Text, style: str) -> None:
    if isinstance(text, str):
        text = Text(harmless(text, lines=True), style)
    console.print(text, soft_wrap=True)
