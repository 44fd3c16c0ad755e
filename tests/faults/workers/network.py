"""A machine for each worker: a namespace with one cable to the hub, or an address of loopback.

In the hub are the server and the gateway. A cable can be pulled out and put back. Where namespaces
are not allowed, as for most users, every worker has an address of its own on loopback, and nothing
can be cut off.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

_NEW_NETWORK = 0x40000000
"""CLONE_NEWNET: the kind of namespace that setns enters."""
_PLACES = Path("/var/run/netns")


class Network:
    """Machines on loopback: the hub answers to one address of each.

    Attributes:
        cuts: whether machines can be cut off.
    """

    cuts = False

    def __init__(self, machines: int) -> None:
        self.machines = machines

    def address(self, machine: int) -> str:
        """Where a machine finds the hub: the hub sees by it who asks."""
        return f"127.77.{machine}.1"

    def at_hub(self, work: Callable[[], T]) -> T:
        """Do something as the hub: sockets and processes that it makes are there."""
        return work()

    def at(self, machine: int, work: Callable[[], T]) -> T:
        """Do something as a machine."""
        del machine
        return work()

    def cut(self, machine: int) -> None:
        """Pull the cable out."""
        raise NotImplementedError

    def mend(self, machine: int) -> None:
        """Put it back."""
        raise NotImplementedError


class Namespaces(Network):
    """Machines in namespaces.

    Args:
        machines: how many, beside the hub.
        command: where ``ip`` is.
    """

    cuts = True

    def __init__(self, machines: int, command: str) -> None:
        super().__init__(machines)
        self._command = command
        self._name = f"gpts{os.getpid()}"
        self._libc = ctypes.CDLL(None, use_errno=True)

    def make(self) -> None:
        """Make the namespaces and the cables."""
        hub = self._of("hub")
        self._ip("netns", "add", hub)
        self._ip("-n", hub, "link", "set", "lo", "up")
        for machine in range(self.machines):
            there = self._of(machine)
            self._ip("netns", "add", there)
            self._ip("-n", there, "link", "set", "lo", "up")
            cable = ("type", "veth", "peer", "name", "up0", "netns", there)
            self._ip("-n", hub, "link", "add", f"m{machine}", *cable)
            self._ip("-n", hub, "addr", "add", f"{self.address(machine)}/30", "dev", f"m{machine}")
            self._ip("-n", hub, "link", "set", f"m{machine}", "up")
            self._ip("-n", there, "addr", "add", f"10.77.{machine}.2/30", "dev", "up0")
            self._ip("-n", there, "link", "set", "up0", "up")

    def remove(self) -> None:
        """Remove them, whoever is still in them."""
        for place in ("hub", *range(self.machines)):
            with suppress(subprocess.CalledProcessError):
                self._ip("netns", "del", self._of(place))

    def address(self, machine: int) -> str:
        """Where a machine finds the hub."""
        return f"10.77.{machine}.1"

    def at_hub(self, work: Callable[[], T]) -> T:
        """Do something as the hub."""
        return self._within(self._of("hub"), work)

    def at(self, machine: int, work: Callable[[], T]) -> T:
        """Do something as a machine."""
        return self._within(self._of(machine), work)

    def cut(self, machine: int) -> None:
        """Pull the cable out."""
        self._ip("-n", self._of("hub"), "link", "set", f"m{machine}", "down")

    def mend(self, machine: int) -> None:
        """Put it back."""
        self._ip("-n", self._of("hub"), "link", "set", f"m{machine}", "up")

    def _of(self, place: str | int) -> str:
        return f"{self._name}-{place}"

    def _ip(self, *words: str) -> None:
        subprocess.run([self._command, *words], check=True, capture_output=True)

    def _within(self, name: str, work: Callable[[], T]) -> T:
        """Do something in a thread that is in a namespace: what it starts is there too."""
        found: list[T] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                self._enter(name)
                found.append(work())
            except BaseException as error:  # noqa: BLE001  (raised again where it is asked for)
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return found[0]

    def _enter(self, name: str) -> None:
        """Put this thread into a namespace."""
        with (_PLACES / name).open("rb") as place:
            if self._libc.setns(place.fileno(), _NEW_NETWORK):
                raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def networked(machines: int) -> Iterator[Network]:
    """A network for so many machines: of namespaces where they are allowed, else of loopback."""
    command = shutil.which("ip")
    if os.geteuid() or command is None:
        yield Network(machines)
        return
    spaces = Namespaces(machines, command)
    try:
        try:
            spaces.make()
        except subprocess.CalledProcessError:
            yield Network(machines)
        else:
            yield spaces
    finally:
        spaces.remove()
