"""Work of jobs that tests declare: what each does is its name."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from catalog.errors import BudgetUsedUp, SourceRefused
from catalog.working import JobResult

if TYPE_CHECKING:
    from catalog.working import JobContext

began: queue.SimpleQueue[JobContext] = queue.SimpleQueue()
"""The contexts of work that began."""
may_end = threading.Semaphore(0)
"""Lets one work that waits go on, each time it is released."""


def at_once(context: JobContext) -> JobResult:
    began.put(context)
    return JobResult(numbers={"documents": 3, "requested": 4}, message="well")


def nothing(context: JobContext) -> JobResult:
    began.put(context)
    return JobResult(numbers={"documents": 0, "requested": 4})


def nothing_asked(context: JobContext) -> JobResult:
    began.put(context)
    return JobResult(numbers={"documents": 0, "requested": 0})


def when_let(context: JobContext) -> JobResult:
    began.put(context)
    may_end.acquire()
    return JobResult(numbers={"documents": 1, "requested": 1})


def until_told(context: JobContext) -> JobResult:
    began.put(context)
    context.out("at work")
    context.stopping.wait()
    return JobResult(status="stopped", message="half of it")


def for_ever(context: JobContext) -> JobResult:
    began.put(context)
    context.out("at work")
    threading.Event().wait()
    raise AssertionError


def refused(context: JobContext) -> JobResult:
    began.put(context)
    raise SourceRefused(f"the key {context.environ['EXAMPLE_API_KEY']} is refused")


def spent(context: JobContext) -> JobResult:
    began.put(context)
    raise BudgetUsedUp("the day's requests are spent")


def broken(context: JobContext) -> JobResult:
    began.put(context)
    raise KeyError("no such thing")
