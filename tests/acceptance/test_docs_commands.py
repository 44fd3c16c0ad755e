"""Every command block of README and docs runs, and prints what the page says.

As a new user runs it: in a shell of its own, without a terminal, in another time zone, with a home
that is empty. Nothing is changed in a block but the simulated gateway's address and its key.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from catalog.cli.main import make_app, run
from catalog.simulator import Population, running_gateway, write_ids
from catalog.times import DAY, HOUR
from tests.acceptance.blocks import Block, blocks, commands_named, fits, folder_wanted, pages

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = pages(ROOT)
ELSEWHERE = {
    "docs/datasets.md": "tests/acceptance/test_docs_datasets.py",
    "docs/spark.md": "tests/spark",
}
"""Pages whose blocks other tests run, beside the libraries that they need."""
SERVED = {"docs/json-api.md"}
"""Pages that ask a server which stands already."""
SERVER = "127.0.0.1:8000"
"""Where `serve` is, on pages."""
ADDRESS = "127.0.0.1:8765"
KEY = "simulated-gateway-key"
GPTS, SEED, PACE = 200, 7, 12.0
"""The population of the tutorial."""
SECONDS = 600


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _run(page: Path) -> list[Block]:
    """The blocks of a page that are run."""
    return [
        block
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.language in {"sh", "console"} and block.reason is None
    ]


RUN = [page for page in PAGES if _name(page) not in ELSEWHERE and _run(page)]


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Path], str]]:
    """The folders that the tutorial leaves, by what pages call them, and the gateway's address."""
    third = tmp_path_factory.mktemp("third")
    settings = next(
        block.text
        for block in blocks((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
        if "catalog.toml" in block.text and block.language == "sh"
    )
    told = re.search(r"<<'END'\n(.*)END\n", settings, re.DOTALL)
    assert told
    population = Population(SEED, GPTS, pace=PACE)
    with running_gateway(population) as gateway, pytest.MonkeyPatch.context() as patch:
        address = gateway.root.removeprefix("http://")
        patch.chdir(third)
        patch.setenv("MY_GATEWAY_KEY", gateway.key)
        patch.setenv("GPTS_CATALOG_CLOCK", gateway.clock_url)
        write_ids(population, third / "ids.txt")
        assert run(["init"]) == 0
        with (third / "catalog.toml").open("a", encoding="utf-8") as file:
            file.write(told[1].replace(ADDRESS, address))
            file.write('\n[watch.rivals]\nsearch = "translation"\n')
        assert run(["harvest", "--refs", "ids.txt"]) == 0
        gateway.clock.advance(DAY + HOUR)
        assert run(["harvest", "--due"]) == 0
        gateway.clock.advance(DAY + HOUR)
        whole = tmp_path_factory.mktemp("whole")
        shutil.copytree(third, whole, dirs_exist_ok=True)
        patch.chdir(whole)
        assert run(["harvest", "--due"]) == 0
        yield {"third day": third, "tutorial": whole}, address


@pytest.fixture(scope="session")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH that holds the command, and the Python that the pages speak of."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "gpts-catalog"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m catalog "$@"\n')
    command.chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(words: list[str], folder: Path, environ: dict[str, str]) -> Iterator[str]:
    """A command that is left running; gives the first line that it prints."""
    process = subprocess.Popen(
        words, cwd=folder, env=environ, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    try:
        yield process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.parametrize("page", RUN, ids=_name)
def test_blocks_of_a_page_do_what_it_says(
    page: Path, tutorial: tuple[dict[str, Path], str], bin_folder: Path, tmp_path: Path
) -> None:
    folders, address = tutorial
    text = page.read_text(encoding="utf-8")
    folder = tmp_path / "work"
    wanted = folder_wanted(text) or ("tutorial" if _name(page) in SERVED else None)
    if wanted is None:
        folder.mkdir()
        address = f"127.0.0.1:{_free_port()}"
    else:
        shutil.copytree(folders[wanted], folder)
    environ = {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "PAGER": "cat",
    }
    if wanted is not None:
        environ |= {"MY_GATEWAY_KEY": KEY, "GPTS_CATALOG_CLOCK": f"http://{address}/_sim/clock"}
    with ExitStack() as stack:
        if _name(page) in SERVED:
            address = f"127.0.0.1:{_free_port()}"
            words = ["gpts-catalog", "serve", "--port", address.partition(":")[2]]
            assert address in stack.enter_context(_running(words, folder, environ))
        script, compared = _script(page, address, folder, environ, stack)
        if _name(page) in SERVED:
            script = script.replace(SERVER, address)
        ran = subprocess.run(
            ["bash", "-c", script],  # noqa: S607
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    last = max(folder.glob(".said*"), key=lambda path: int(path.name.removeprefix(".said")))
    assert ran.returncode == 0, f"{ran.stderr[-2000:]}\n{last.read_text()[-2000:]}"
    for number, expected in compared.items():
        printed = (folder / f".printed{number}").read_text(encoding="utf-8")
        said = (folder / f".said{number}").read_text(encoding="utf-8")
        # A terminal shows both; of progress a page need say nothing.
        assert fits(printed, expected) or fits(printed + said, expected), (
            f"expected:\n{expected}\nprinted:\n{printed}\nsaid beside:\n{said}"
        )


def _script(
    page: Path, address: str, folder: Path, environ: dict[str, str], stack: ExitStack
) -> tuple[str, dict[int, str]]:
    """What the shell is to run, and what each piece of it is to print."""
    lines = ["set -euo pipefail"]
    compared: dict[int, str] = {}
    for block in _run(page):
        for command in block.commands:
            words = _here(command.words, address)
            if block.stays:
                first = stack.enter_context(_running(shlex.split(words), folder, environ))
                assert fits(first, _here(command.printed or "", address)), first
                continue
            number = len(lines)
            lines.append(
                f"echo {shlex.quote(f'{_name(page)}, line {block.line}')} >&2\n"
                f"{{\n{words.rstrip()}\n}} > .printed{number} 2> .said{number}"
            )
            if command.printed is not None:
                compared[number] = _here(command.printed, address)
    return "\n".join(lines), compared


def _here(text: str, address: str) -> str:
    """A page's text with the gateway's address and key in it."""
    port = address.partition(":")[2]
    text = text.replace(ADDRESS, address).replace("--port 8765", f"--port {port}")
    return text.replace("MY_GATEWAY_KEY=...", f"MY_GATEWAY_KEY={KEY}")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_that_a_page_names_are_commands_with_these_options(page: Path) -> None:
    root = get_command(make_app())
    wrong = [
        f"gpts-catalog {words}"
        for words in commands_named(page.read_text(encoding="utf-8"))
        if not _known(root, words)
    ]
    assert wrong == []


def _known(root: Any, text: str) -> bool:
    """Whether the parser knows the command and the options that are named."""
    try:
        words = shlex.split(text, comments=True)
    except ValueError:  # a line of a block that goes on in the next
        words = text.split()
    command, options = root, _options(root)
    while words and words[0].startswith("--"):
        name, equals, _ = words.pop(0).partition("=")
        if name not in options:
            return False
        if name in {"--catalog", "--config"} and not equals and words:
            words.pop(0)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name in {"COMMAND", "…"}:
            return True
        if name not in command.commands:
            return False
        command = command.commands[name]
        options |= _options(command)
    given = {re.split(r"[=,.:)]", word)[0] for word in words if re.match(r"--[a-z]", word)}
    return given <= options


def _options(command: Any) -> set[str]:
    return {"--help"}.union(*(parameter.opts for parameter in command.params))


def test_a_block_that_is_not_run_says_why() -> None:
    told = [
        (_name(page), block.reason)
        for page in PAGES
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.reason is not None
    ]
    assert told
    assert [name for name, reason in told if len(reason.split()) < 2] == []


@pytest.mark.parametrize(
    ("printed", "expected", "well"),
    [
        ("one\ntwo\n", "one\ntwo\n", True),
        ("one\ntwo\nthree\n", "one\n…\nthree\n", True),
        ("one\nthree\n", "one\n…\nthree\n", True),
        ("in 3 s\n", "in … s\n", True),
        ("one  \n\n", "one\n", True),
        ("one\ntwo\n", "one\n", False),
        ("one\n", "…\ntwo\n", False),
        ("a+b\n", "aab\n", False),
    ],
)
def test_what_is_printed_is_compared(printed: str, expected: str, *, well: bool) -> None:
    assert fits(printed, expected) is well


def test_what_runs_elsewhere_runs_there() -> None:
    assert [place for place in ELSEWHERE.values() if not (ROOT / place).exists()] == []
