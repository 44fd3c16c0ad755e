"""The work of the job ``verify``: whether the catalog is whole."""

from __future__ import annotations

from catalog.storage.engine import read
from catalog.storage.verify import verify
from catalog.working import JobContext, JobResult


def work(context: JobContext) -> JobResult:
    """Check all of a catalog; it is told what is not as it must be.

    Args:
        context: see :class:`~catalog.working.JobContext`.

    Returns:
        ``looked_at`` and ``findings``; ``partly`` where something is wrong.

    Raises:
        StorageError: the catalog cannot be used.
    """
    looked_at = findings = 0
    first = ""
    stopped = False
    with context.catalog() as engine, read(engine) as conn:
        for check in verify(conn):
            looked_at += check.looked_at
            findings += len(check.findings)
            for found in check.findings:
                context.out(f"{found.check}: {found.what} → {found.do}")
                first = first or f"{found.what} → {found.do}"
            if context.stopping.is_set():
                stopped = True
                break
    numbers = {"looked_at": looked_at, "findings": findings}
    if findings:
        return JobResult(numbers=numbers, status="partly", message=first)
    return JobResult(
        numbers=numbers,
        status="stopped" if stopped else "done",
        message=f"{looked_at:,} things checked, "
        + ("and then it was told to stop" if stopped else "all well"),
    )
