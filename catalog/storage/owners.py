"""Who holds a lease: a process, named so that others can see whether it is still there."""

from __future__ import annotations

import socket

import psutil

_SLACK = 2.0
"""Seconds by which a process's start may seem to move when the machine's clock is set."""


def this_process() -> str:
    """The name of this process: host, process id and start, so that a reused id is another."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def in_words(owner: str) -> str:
    """A process, as people are told of it."""
    host, pid, _ = owner.rsplit(":", 2)
    return f"process {pid} on {host}"


def is_at_work_here(owner: str) -> bool:
    """Whether ``owner`` is a process of this very host that is there."""
    return owner.rsplit(":", 2)[0] == socket.gethostname() and is_alive(owner)


def is_alive(owner: str) -> bool:
    """Whether the process that ``owner`` names may still be at work.

    Of other hosts nothing is known, so theirs may: their leases end by themselves.
    """
    host, pid, started = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        process = psutil.Process(int(pid))
        return (
            abs(process.create_time() - float(started)) <= _SLACK
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False
