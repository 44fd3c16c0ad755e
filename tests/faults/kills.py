"""SIGKILL from outside to the real command, at uniform moments, resumed each time.

The process is stopped for an instant before it dies, so that it can be seen whether it held
SQLite's write lock then: a campaign that never hits an open transaction has shown little.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WRITE_LOCK = 120
"""The byte of the -shm file that a writer of SQLite's WAL holds locked (SQLite's wal.c)."""


@dataclass
class Kills:
    """What a campaign did.

    Attributes:
        killed: processes that were killed at work.
        in_transaction: of those, how many held the write lock when they were.
        totals: what the run that was left alone at last printed.
    """

    killed: int = 0
    in_transaction: int = 0
    totals: dict[str, Any] = field(default_factory=dict)


def command(*words: str) -> list[str]:
    """The real command in a process of its own."""
    return [sys.executable, "-m", "catalog", *words]


def holds_write_lock(pid: int, catalog: Path) -> bool:
    """Whether process ``pid`` is writing to the SQLite file ``catalog`` right now."""
    shm = catalog.with_name(catalog.name + "-shm")
    if not shm.exists():
        return False
    inode = str(shm.stat().st_ino)
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        # 1: POSIX  ADVISORY  WRITE 4321 fe:00:1234567 120 120
        words = line.split()
        if words[1] != "POSIX" or words[3] != "WRITE" or words[4] != str(pid):
            continue
        first, last = int(words[6]), words[7]
        covers = first <= WRITE_LOCK and (last == "EOF" or int(last) >= WRITE_LOCK)
        if words[5].rsplit(":", 1)[1] == inode and covers:
            return True
    return False


def kill_and_resume(
    words: list[str],
    catalog: Path,
    *,
    kills: int,
    window: tuple[float, float],
    rng: random.Random,
    environ: dict[str, str],
) -> Kills:
    """Run the command, kill it, run it again, and leave it alone after ``kills`` deaths.

    Args:
        words: the command's words; ``--json`` among them.
        catalog: the SQLite file it writes.
        kills: how often it is killed; fewer if it ends before.
        window: seconds after a start between which it is killed.
        rng: says when.
        environ: its environment.
    """
    done = Kills()
    for _ in range(kills):
        process = subprocess.Popen(
            command(*words),
            env=os.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(rng.uniform(*window))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGSTOP)
            _await_stop(process.pid)
            done.in_transaction += holds_write_lock(process.pid, catalog)
            process.kill()
            process.wait()
            done.killed += 1
        else:
            break
        finally:
            if process.stdout:
                process.stdout.close()
    last = subprocess.run(
        command(*words), env=os.environ | environ, capture_output=True, check=False, timeout=600
    )
    if last.returncode not in (0, 1):
        raise AssertionError(last.stderr.decode())
    done.totals = json.loads(last.stdout)
    return done


def _await_stop(pid: int) -> None:
    """Wait until the kernel has stopped the process: its locks hold still from then on."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
        if state in "TtZ":
            return
