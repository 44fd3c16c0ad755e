from __future__ import annotations

import socket
import subprocess
import sys

import psutil

from catalog.storage.owners import in_words, is_alive, this_process


def test_this_process_is_alive() -> None:
    assert is_alive(this_process())
    assert this_process() == this_process()


def test_process_is_told_in_words() -> None:
    assert in_words("vm:30720:1795251892.22") == "process 30720 on vm"
    assert in_words("fe80::1:7:1.00") == "process 7 on fe80::1"


def test_ended_process_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = psutil.Process(child.pid).create_time()
        owner = f"{socket.gethostname()}:{child.pid}:{started:.2f}"
        assert is_alive(owner)

    assert not is_alive(owner)


def test_process_that_ended_and_was_not_waited_for_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    owner = f"{socket.gethostname()}:{child.pid}:{process.create_time():.2f}"
    assert child.stdin is not None
    child.stdin.close()
    while process.status() != psutil.STATUS_ZOMBIE:
        pass

    assert not is_alive(owner)
    child.wait()


def test_reused_process_id_is_another() -> None:
    host, pid, started = this_process().rsplit(":", 2)

    assert not is_alive(f"{host}:{pid}:{float(started) - 60:.2f}")


def test_processes_of_other_hosts_may_be_alive() -> None:
    assert is_alive("elsewhere.example:1:1.00")
