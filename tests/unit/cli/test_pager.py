from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
from pathlib import Path

import pytest

from catalog.cli.pager import Pager, PagerQuit, pager_command

READS = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
QUITS = "import sys; sys.stdin.readline()"
WAITS = "import sys; open(sys.argv[2]).read(); " + READS
MUCH = 5 * 2**20
"""Far more than a pipe holds, and more than is kept in memory."""


def _pager(plain: io.StringIO, script: str, *words: str) -> Pager:
    command = [sys.executable, "-c", script, *words]
    return Pager(command, os.environ, plain=plain, lines=10, width=20)


def test_what_fits_on_the_screen_is_printed_without_a_pager(tmp_path: Path) -> None:
    plain = io.StringIO()
    pager = _pager(plain, READS, str(tmp_path / "read"))
    pager.write("a\nb\n")
    pager.finish()
    assert plain.getvalue() == "a\nb\n"
    assert not (tmp_path / "read").exists()


def test_what_is_longer_goes_to_the_pager_whole(tmp_path: Path) -> None:
    plain = io.StringIO()
    pager = _pager(plain, READS, str(tmp_path / "read"))
    text = [f"line {number} 海\n" for number in range(500)]
    for line in text:
        pager.write(line)
    pager.finish()
    assert plain.getvalue() == ""
    assert (tmp_path / "read").read_text() == "".join(text)


def test_a_long_line_counts_as_the_lines_it_takes(tmp_path: Path) -> None:
    pager = _pager(io.StringIO(), READS, str(tmp_path / "read"))
    pager.write("x" * 400 + "\n")
    pager.finish()
    assert (tmp_path / "read").exists()


def test_a_reader_who_leaves_ends_the_writing() -> None:
    pager = _pager(io.StringIO(), QUITS)
    with pytest.raises(PagerQuit):
        _write_without_end(pager)
    pager.finish()


def _write_without_end(pager: Pager) -> None:
    while True:
        pager.write("a line that fills the pipe in the end\n")


def test_who_writes_does_not_wait_for_the_reader(tmp_path: Path) -> None:
    """A transaction that is read from ends, however long a person reads (law 12)."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    pager = _pager(io.StringIO(), WAITS, str(tmp_path / "read"), str(gate))
    text = [f"{number:>79}\n" for number in range(MUCH // 80)]
    for line in text:
        pager.write(line)
    gate.open("w").close()
    assert pager.finish()
    assert (tmp_path / "read").read_text() == "".join(text)


@pytest.mark.parametrize("lines", [11, 100, 1000, 20_000])
@pytest.mark.parametrize("command", [["head", "-n", "1"], ["true"], [sys.executable, "-c", QUITS]])
def test_a_reader_who_leaves_is_noticed_however_short_it_is(
    command: list[str], lines: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """What fits into the pipe seemed to be read."""
    pager = Pager(command, os.environ, plain=io.StringIO(), lines=10, width=200)
    with contextlib.suppress(PagerQuit):
        for number in range(lines):
            pager.write(f"line {number}\n")
    assert not pager.finish()
    assert capfd.readouterr().out in {"", "line 0\n"}


@pytest.mark.parametrize("lines", [5, 11, 100, 1000, 20_000])
def test_a_reader_who_reads_to_the_end_is_known(
    lines: int, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = io.StringIO()
    pager = Pager(["cat"], os.environ, plain=plain, lines=10, width=200)
    for number in range(lines):
        pager.write(f"line {number}\n")
    assert pager.finish()
    found = plain.getvalue() + capfd.readouterr().out
    assert found.splitlines() == [f"line {number}" for number in range(lines)]


def test_pager_is_what_the_person_says(tmp_path: Path) -> None:
    program = tmp_path / "my pager"
    program.touch(mode=0o755)
    path = {"PATH": str(tmp_path)}
    assert pager_command({**path, "PAGER": f"{shlex.quote('my pager')} -S"}) == ["my pager", "-S"]
    for none in ("", "cat", "not-there", "'open"):
        assert pager_command({**path, "PAGER": none}) is None
    assert pager_command(path) is None
    (tmp_path / "less").touch(mode=0o755)
    assert pager_command(path) == ("less",)
