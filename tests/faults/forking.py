"""The real command over and over, without the second that an interpreter takes to begin.

``python -m tests.faults.forking`` loads the program once and forks for every command it is told
on stdin: what runs then is the command's own ``main`` in a process of its own, as a person starts
it. :class:`Forge` is the other side of it.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from tests.faults.disturbing import Disturbance, arm

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
_NOT_LOADED = ("catalog.spark", "catalog.__main__")
_CRASHED = 70


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One command.

    Attributes:
        words: its words, without the program's name.
        folder: where it runs, and whose files are disturbed.
        environ: its environment, on top of this process's.
        said: the file that takes what it prints; ``.err`` beside it what it says of errors.
        disturbance: what goes wrong with its files, if anything.
        record: where that is told.
    """

    words: list[str]
    folder: str
    environ: dict[str, str]
    said: str
    disturbance: Disturbance | None = None
    record: str = ""


class Started(msgspec.Struct, frozen=True):
    """A command's process."""

    pid: int


class Ended(msgspec.Struct, frozen=True):
    """How a command ended: its exit status, or minus the signal's number."""

    status: int


class Forge:
    """A process that forks commands.

    Args:
        shim: the library of :mod:`tests.faults.disturbing`, where calls are to fail.
    """

    def __init__(self, shim: Path | None = None) -> None:
        environ = dict(os.environ)
        environ["PYTHONPATH"] = str(ROOT)
        if shim is not None:
            environ["LD_PRELOAD"] = str(shim)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def run(self, order: Order, meanwhile: Callable[[int], None] = lambda _: None) -> int:
        """Run a command to its end.

        Args:
            order: the command.
            meanwhile: called with its process's number while it runs; the process stays there, if
                as a corpse, until this returns.

        Returns:
            Its exit status, or minus the signal's number.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process has no pipes")
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        pid = msgspec.json.decode(self._process.stdout.readline(), type=Started).pid
        meanwhile(pid)
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Ended).status


def main() -> None:
    """Fork commands until stdin ends."""
    _load()
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        pid = os.fork()
        if pid == 0:
            _obey(order)
        _say(Started(pid))
        # Only when it is let go is it waited for: until then its number is no other's.
        sys.stdin.buffer.readline()
        _, status = os.waitpid(pid, 0)
        _say(Ended(os.waitstatus_to_exitcode(status)))


def _load() -> None:
    for package in ("catalog", "jobs"):
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if module.name not in _NOT_LOADED:
                importlib.import_module(module.name)


def _say(what: Started | Ended) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.flush()


def _obey(order: Order) -> None:
    """Be the command, and end as it does."""
    status = _CRASHED
    try:
        os.chdir(order.folder)
        os.environ.update(order.environ)
        for stream, path in ((1, order.said), (2, f"{order.said}.err")):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, stream)
            os.close(handle)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        sys.argv = ["gpts-catalog", *order.words]
        from catalog.__main__ import main as run  # noqa: PLC0415 - not before the fork

        if order.disturbance is not None:
            arm(order.disturbance, Path(order.folder), Path(order.record))
        run()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - the command's traceback is a finding
        traceback.print_exc()
    finally:
        for each in (sys.stdout, sys.stderr):
            each.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
