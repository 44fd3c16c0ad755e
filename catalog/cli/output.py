"""What a command prints: results on stdout, everything else on stderr.

With ``--json`` stdout holds JSON alone, with ``--csv`` CSV alone. All text passes through
:mod:`catalog.cli.text`, which makes it harmless; styles appear on a terminal only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, cast

from rich.console import Console
from rich.text import Text

from catalog.cli.pager import Pager, PagerQuit, pager_command
from catalog.cli.text import ROOM, Part, columns, harmless, to_json

_MARKS = {"removed": ("[-", "-]", "red"), "added": ("{+", "+}", "green"), "same": ("", "", "")}


class Output:
    """Where a command prints.

    Args:
        as_json: print JSON alone on stdout.
        as_csv: print CSV alone on stdout.
        pages: use a pager for what :meth:`paged` holds together.
    """

    def __init__(self, *, as_json: bool = False, as_csv: bool = False, pages: bool = True) -> None:
        self.as_json = as_json
        self.as_csv = as_csv
        self.was_left = False
        """Whether the reader left the pager before all was printed."""
        self._pages = pages
        self._held: list[tuple[str | Text, str]] | None = None
        self._stdout = _console()
        self._stderr = _console(stderr=True)

    @property
    def stderr(self) -> Console:
        """The console for progress."""
        return self._stderr

    @property
    def width(self) -> int | None:
        """Cells of a line where stdout is a terminal; None where lines may be of any length."""
        return self._stdout.width if self._stdout.is_terminal else None

    @property
    def for_people(self) -> bool:
        """Whether a person reads it: neither ``--json`` nor ``--csv``."""
        return not (self.as_json or self.as_csv)

    @contextmanager
    def paged(self) -> Iterator[None]:
        """Page what is printed inside, if a person reads it on a terminal that cannot hold it.

        A reader who leaves early ends the block, and :attr:`was_left` says so. Messages wait until
        the pager is gone. It is waited for at the end of the block: what is read from the catalog
        belongs inside, whole, for no transaction to sleep while a person reads.
        """
        command = pager_command(os.environ) if self._pages and self.for_people else None
        if command is None or not sys.stdout.isatty():
            yield
            return
        plain, self._held = self._stdout, []
        pager = Pager(command, os.environ, plain=sys.stdout, lines=plain.height, width=plain.width)
        self._stdout = _console(file=pager, width=plain.width)
        try:
            yield
        except PagerQuit:
            self.was_left = True
        finally:
            self._stdout = plain
            held, self._held = self._held, None
            if not pager.finish():
                self.was_left = True
            for text, style in held:
                self.note(text, style)

    def line(self, text: str | Text = "", style: str = "") -> None:
        """A line of the result; not with ``--json`` or ``--csv``."""
        if self.for_people:
            _print(self._stdout, text, style)

    def hanging(self, start: str | Text, text: Text, *, cells: int) -> None:
        """A line of the result, wrapped on a terminal, its later lines set in.

        Args:
            start: what stands before ``text`` on its first line, so many cells wide.
            text: what is wrapped between words; its own line breaks stay.
            cells: how far the later lines are set in.
        """
        room = None if self.width is None else max(ROOM, self.width - cells)
        lines = text.split("\n") if room is None else text.wrap(self._stdout, room)
        first = Text.assemble(start, *lines[:1])
        for line in (first, *(Text(" " * cells).append_text(line) for line in lines[1:])):
            line.rstrip()
            self.line(line)

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

    def whole(self, text: str) -> None:
        """A result that has a form of its own, with its line breaks: Markdown, HTML, XML, JSON."""
        self._stdout.file.write(text)

    def csv(self, text: str) -> None:
        """Lines of CSV, whole; only with ``--csv``. See :func:`catalog.cli.table.print_csv`."""
        if self.as_csv:
            self._stdout.file.write(text)

    def note(self, text: str | Text, style: str = "") -> None:
        """A message beside the result, on stderr."""
        if self._held is not None:
            self._held.append((text, style))
        else:
            _print(self._stderr, text, style)

    def flush(self) -> None:
        """Send what waits, so that a closed pipe is met here."""
        sys.stdout.flush()
        sys.stderr.flush()


def diff_text(parts: Iterable[Part]) -> Text:
    """A word diff: ``[-removed-]{+added+}``, coloured on a terminal.

    Args:
        parts: as :func:`catalog.wording.text.word_diff` makes them.
    """
    text = Text()
    for kind, words in parts:
        before, after, style = _MARKS[kind]
        text.append(f"{before}{harmless(words)}{after}", style or None)
    return text


class _Console(Console):
    """A console that lets the reader of a pipe go away; :func:`catalog.cli.main.main` ends it."""

    def on_broken_pipe(self) -> None:
        """Leave the error as it is, in place of ending the process here."""
        raise BrokenPipeError


def _console(
    *, stderr: bool = False, file: Pager | None = None, width: int | None = None
) -> Console:
    """A console; one for a pager takes colours, as the terminal behind it does."""
    return _Console(
        stderr=stderr,
        file=cast("IO[str] | None", file),
        width=width,
        force_terminal=None if file is None else True,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _print(console: Console, text: str | Text, style: str) -> None:
    if isinstance(text, str):
        text = Text(harmless(text, lines=True), style)
    console.print(text, soft_wrap=True)
