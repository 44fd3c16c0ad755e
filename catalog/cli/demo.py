"""``demo``: a whole tour, with no key and no network."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import catalog
from catalog.cli.output import Output
from catalog.errors import CatalogError, UsageError
from catalog.query.tour import most_changed, most_moved
from catalog.settings import CLOCK_VARIABLE, URL_VARIABLE
from catalog.settings.urls import file_url
from catalog.storage.engine import open_engine, read
from catalog.times import DAY, HOUR, day_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.simulator import RunningGateway
    from catalog.storage.engine import Connection

GPTS = 120
SEED = 7
PACE = 12.0
"""GPTs of the demo change so many times faster than real ones, for three days to show much."""
KEY_VARIABLE = "DEMO_KEY"
_HOME = str(Path(catalog.__file__).parent.parent)
_SETTINGS = """\
[catalog]
url = "sqlite:///catalog.db"

[sources.demo]
dialect = "gpts-v2"
base_url = "{url}"
api_key_env = "{key}"
requests_per_second = 500
requests_per_day = 5000
price_per_request = 0.001
"""


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="Work in this folder and keep it; it must be empty."
        ),
    ] = None,
) -> None:
    """Take the whole tour: a simulated gateway, three days of harvest, what changed.

    Needs no key and no network. Each command is printed before it runs, and its output is its own.
    """
    # The simulator brings a web server along, which no other command needs.
    from catalog.simulator import Population, running_gateway, write_ids

    with ExitStack() as stack:
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="gpts-catalog-demo-")
            folder = Path(stack.enter_context(temporary))
        elif folder.exists() and any(folder.iterdir()):
            raise UsageError(f"--dir {folder} is not empty: name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        population = Population(SEED, GPTS, pace=PACE)
        gateway = stack.enter_context(running_gateway(population))
        write_ids(population, folder / "ids.txt")
        settings = _SETTINGS.format(url=gateway.url("plain"), key=KEY_VARIABLE)
        (folder / "catalog.toml").write_text(settings, encoding="utf-8")
        _Tour(folder, gateway).run()


class _Tour:
    """The commands of the tour, in order.

    Args:
        folder: where they run.
        gateway: whom they ask.
    """

    def __init__(self, folder: Path, gateway: RunningGateway) -> None:
        self._folder = folder
        self._gateway = gateway
        self._out = Output()
        self._environ = {
            **{name: value for name, value in os.environ.items() if name != URL_VARIABLE},
            KEY_VARIABLE: gateway.key,
            CLOCK_VARIABLE: gateway.clock_url,
            "PAGER": "cat",  # a tour goes on by itself
            # The commands are to be this program, wherever it was started from.
            "PYTHONPATH": os.pathsep.join([_HOME, *filter(None, [os.environ.get("PYTHONPATH")])]),
        }

    def run(self) -> None:
        """Run them all."""
        self._title("a catalog, and a gateway to fill it from")
        self._do("init")
        self._do("sources", "check")
        self._do("harvest", "--refs", "ids.txt", "--dry-run")
        for day in range(3):
            if day:
                self._gateway.clock.advance(DAY + HOUR)
            self._title(f"day {day + 1}: {day_of(self._gateway.clock.now())}")
            # An id that the gateway answers for no more ends a harvest with status 0, too.
            self._do("harvest", *(("--due",) if day else ("--refs", "ids.txt")))
        self._title("what changed")
        self._do("changes", "--since", day_of(self._gateway.clock.now()))
        gizmo_id = self._of_note(most_changed)
        self._title("one GPT: its past, and what it is now")
        self._do("changes", gizmo_id)
        self._do("show", gizmo_id)
        self._title("the numbers of another")
        self._do("metrics", self._of_note(most_moved))
        self._title("search: a beginning of a word, and a Chinese word of two signs")
        self._do("search", "poet", "--limit", "5", "--facets")
        self._do("search", "旅行", "--limit", "5")
        self._title("where the catalog stands")
        self._do("status")
        self._do("verify")
        self._do("digest")

    def _title(self, text: str) -> None:
        self._out.line(f"\n# {text}", "bold")
        self._out.flush()

    def _do(self, *words: str) -> None:
        """Print a command, and run it in a process of its own, as a person would."""
        self._out.line(f"\n$ gpts-catalog {shlex.join(words)}", "bold")
        self._out.flush()
        ended = subprocess.run(  # noqa: S603  (our own program, with words written above)
            [sys.executable, "-m", "catalog", *words],
            cwd=self._folder,
            env=self._environ,
            check=False,
        )
        if ended.returncode:
            raise CatalogError(
                f"the demo ends here: the command above ended with status {ended.returncode}"
            )

    def _of_note(self, which: Callable[[Connection], str]) -> str:
        """The GPT with the most to show."""
        engine = open_engine(file_url(self._folder / "catalog.db"), read_only=True)
        try:
            with read(engine) as conn:
                return which(conn)
        finally:
            engine.dispose()
