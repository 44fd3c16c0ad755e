"""How a harvest or an import goes on: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from catalog.cli.output import Output
from catalog.cli.text import count, duration, harmless, number, size
from catalog.records import Verdict

if TYPE_CHECKING:
    from catalog.export.exporting import ExportProgress
    from catalog.harvest import Progress as Standing
    from catalog.importing.importer import ImportProgress

EVERY = 5.0
"""Seconds between two lines in a log."""
WINDOW = 10.0
"""Seconds over which a rate is taken."""
LEAST = 2
"""Points that have a slope."""


class Rate:
    """How fast a number grows, over the last seconds.

    Args:
        monotonic: seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._points: deque[tuple[float, int]] = deque([(monotonic(), 0)])

    def take(self, value: int) -> float:
        """Note where the number stands; its growth a second."""
        now = self._monotonic()
        self._points.append((now, value))
        while len(self._points) > LEAST and self._points[1][0] <= now - WINDOW:
            self._points.popleft()
        then, before = self._points[0]
        return (value - before) / (now - then) if now > then else 0.0


class NowAndThen:
    """Says how a long work goes on, every few seconds; a short one ends without a word.

    Args:
        out: where it prints.
        monotonic: seconds.
    """

    def __init__(self, out: Output, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._monotonic = monotonic
        self._next = monotonic() + EVERY

    def say(self, words: str) -> None:
        """Say where the work stands, if it is time."""
        if self._monotonic() >= self._next:
            self._next = self._monotonic() + EVERY
            self._out.note(words)


class _Display:
    """What both displays share: a bar where stderr is a terminal, else lines now and then.

    Args:
        out: where it prints.
        monotonic: seconds.
    """

    def __init__(self, out: Output, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = Rate(monotonic)
        self._log = NowAndThen(out, monotonic)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        if out.stderr.is_terminal:
            self._bar = Progress(
                BarColumn(bar_width=24),
                TextColumn("{task.fields[words]}", markup=False),
                console=out.stderr,
                transient=True,
            )

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("", total=None, words="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _show(self, done: int, total: int, words: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=max(total, 1), words=words)
        else:
            self._log.say(words)


class HarvestDisplay(_Display):
    """Shows how a harvest goes on: rate, outcomes, time left, budget left."""

    last: Standing | None = None

    def show(self, standing: Standing) -> None:
        """Show where the run stands."""
        self.last = standing
        rate = self._rate.take(standing.ended - standing.resumed)
        self._show(standing.ended, standing.requested, harvest_words(standing, rate))


def harvest_words(standing: Standing, rate: float) -> str:
    """Where a run stands, on one line.

    Args:
        standing: where it stands.
        rate: ids a second.
    """
    parts = [f"{number(standing.ended)} of {count(standing.requested, 'id')}"]
    if standing.resumed:
        parts[0] += f" ({number(standing.resumed)} before)"
    if rate:
        parts.append(f"{rate:,.1f}/s")
    parts += [
        f"{number(standing.verdicts[verdict])} {_words(verdict)}"
        for verdict in Verdict
        if standing.verdicts.get(verdict)
    ]
    moved = [
        f"{number(standing.effects[effect])} {effect}"
        for effect in ("new", "changed")
        if standing.effects.get(effect)
    ]
    if moved:
        parts.append(f"({', '.join(moved)})")
    left = standing.requested - standing.ended
    if standing.stopping is not None:
        parts.append("stopping: what is in flight ends")
    elif rate and left:
        parts.append(f"{duration(left / rate)} left")
    if standing.budget_left is not None:
        parts.append(f"budget {number(standing.budget_left)} left")
    return "  ".join(parts)


def _words(verdict: Verdict) -> str:
    return "documents" if verdict is Verdict.DOCUMENT else verdict.replace("_", " ")


class ImportDisplay(_Display):
    """Shows how an import goes on: bytes, documents, the file."""

    def show(self, standing: ImportProgress) -> None:
        """Show where the import stands."""
        rate = self._rate.take(standing.documents)
        share = standing.read / standing.size if standing.size else 1.0
        words = "  ".join(
            [
                f"{share:4.0%} of {size(standing.size)}",
                f"{count(standing.documents, 'document')}, {rate:,.0f}/s",
                harmless(standing.file),
            ]
        )
        self._show(standing.read, standing.size, words)

    def say(self, words: str) -> None:
        """Say what an export's import is at."""
        self._show(0, 1, harmless(words))


class ExportDisplay(_Display):
    """Shows how an export goes on: share, table, rows."""

    def show(self, standing: ExportProgress) -> None:
        """Show where the export stands."""
        rate = self._rate.take(standing.rows)
        parts = [f"{standing.share:4.0%}", harmless(standing.words)]
        if standing.rows:
            parts.insert(1, f"{count(standing.rows, 'row')}, {rate:,.0f}/s")
        self._show(round(standing.share * 1000), 1000, "  ".join(parts))

    def say(self, words: str) -> None:
        """Say what is looked at."""
        self._show(0, 1, harmless(words))
