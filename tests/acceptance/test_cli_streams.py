"""Streams that are closed or take few characters, and Ctrl-C at any moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from catalog import __main__ as entry
from catalog.cli.context import App
from tests.acceptance.conftest import ROOT
from tests.contract.telling import ID, document

if TYPE_CHECKING:
    from tests.acceptance.conftest import Cli

SHELL = "/bin/sh"


def _shell(
    cli: Cli, words: str, *, before: str = "", **environ: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [SHELL, "-c", f'{before}"$0" -m catalog {words}', sys.executable],
        cwd=cli.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def named(cli: Cli) -> Cli:
    """A catalog with a GPT whose name no narrow encoding has."""
    cli("init")
    (cli.folder / "one.json").write_text(json.dumps(document(name="海龟汤 👩‍💻")))
    assert cli("import", "one.json", "--source", "archive").status == 0
    return cli


@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "latin-1", "C"],
)
def test_a_narrow_stream_gets_escapes_and_no_traceback(named: Cli, environ: dict[str, str]) -> None:
    ran = _shell(named, f"show {ID}", **environ)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert rb"\u6d77" in ran.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_fault(cli: Cli, closed: str) -> None:
    cli("init")
    ran = _shell(cli, f"status {closed}")
    assert (ran.returncode, ran.stderr) == (0, b"")


MANY_ROWS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)"
    " SELECT i FROM n"
)


@pytest.mark.parametrize("form", ["", "--csv", "--json", "--format parquet"])
def test_a_reader_that_goes_away_is_no_fault(cli: Cli, form: str) -> None:
    """Some forms ended as if they had failed: Typer takes errors with a number for its own."""
    cli("init")
    words = f'sql "{MANY_ROWS}" --limit 0 {form}; echo $? >&2'
    ran = _shell(cli, f"{words}) | head -c 1", before="(")
    assert (len(ran.stdout), ran.stderr.splitlines()[-1]) == (1, b"141"), ran.stderr
    assert b"rror" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("words", ["--version", "status", "sql --list --csv"])
def test_standard_output_that_is_full_is_named(cli: Cli, words: str) -> None:
    cli("init")
    ran = _shell(cli, f"{words} > /dev/full")
    full = b"error: standard output: No space left on device: make room, or name another place"
    assert (ran.returncode, ran.stderr.splitlines()[-1:]) == (1, [full])


class _Interrupted(types.ModuleType):
    """A module during whose loading Ctrl-C is pressed."""

    def __getattr__(self, name: str) -> NoReturn:
        raise KeyboardInterrupt


def test_ctrl_c_while_the_program_loads_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "catalog.cli.main", _Interrupted("catalog.cli.main"))
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["digest"], "stopped\n"),
        (["export", "out"], "stopped\n"),
        (["merge", "other.db"], "stopped; what was written until now stays\n"),
    ],
)
def test_ctrl_c_in_a_command_is_one_line_which_is_true_of_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    """Of commands that write nothing it was said that what they wrote stays."""

    def interrupted(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    cli("init")
    monkeypatch.setattr(App, "catalog", interrupted)
    ran = cli(*words)
    assert (ran.status, ran.out, ran.err) == (130, "", said)
