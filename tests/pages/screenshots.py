"""``docs/screenshots/*.png``: the pages as they are, of a catalog that a simulated gateway filled.

``python -m tests.pages.screenshots`` takes them all anew, with Chromium and Playwright; with names
after it those alone. ``--dir DIR`` keeps the catalog there, and takes it from there the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from catalog.cli.main import run
from catalog.query.reader import Reader
from catalog.query.tour import most_moved
from catalog.settings import CLOCK_VARIABLE
from catalog.simulator import Population, running_gateway, write_ids
from catalog.times import DAY, HOUR, to_iso
from tests.acceptance.web.conftest import FLAGS, KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"
GPTS, SEED, PACE = 300, 7, 12.0
DAYS = 24
FIRST, NEW = 185, 5
"""GPTs that are known on the first day, and those that each later day brings."""
SETTINGS = """\
[catalog]
url = "sqlite:///catalog.db"

[sources.demo]
dialect = "gpts-v2"
base_url = "{url}"
api_key_env = "{key}"
requests_per_second = 1000
requests_per_day = 900
price_per_request = 0.001

[jobs.refresh]
schedule = "0 12 * * *"
"""


class View(NamedTuple):
    """A picture: what it shows, and how it is looked at."""

    address: str
    scheme: str = "light"
    width: int = 1120
    height: int = 900


VIEWS = {
    "overview": View("/"),
    "gpts": View("/gpts"),
    "gpts-cards-dark": View("/gpts?q=poet&view=cards", "dark"),
    "gpt": View("/gpts/{gizmo_id}", height=1000),
    "compare": View("/gpts/{gizmo_id}/compare"),
    "author": View("/authors/{user_id}"),
    "changes-dark": View("/changes", "dark"),
    "trends": View("/trends"),
    "runs": View("/runs", height=1000),
    "sql-dark": View("/sql?named=tool-adoption", "dark", height=1000),
    "phone": View("/gpts?q=poet", width=360, height=760),
    "phone-gpt-dark": View("/gpts/{gizmo_id}", "dark", 360, 760),
}


def fill(folder: Path) -> None:
    """A catalog of some weeks in a folder, with the moment at which it is looked at beside it."""
    population = Population(SEED, GPTS, pace=PACE)
    with running_gateway(population) as gateway, chdir(folder):
        settings = SETTINGS.format(url=gateway.url("plain"), key=KEY)
        Path("catalog.toml").write_text(settings, encoding="utf-8")
        write_ids(population, Path("ids.txt"))
        known = Path("ids.txt").read_text(encoding="utf-8").splitlines()
        os.environ |= {KEY: gateway.key, CLOCK_VARIABLE: gateway.clock_url}
        _do("init")
        gateway.clock.advance(12 * HOUR)
        for day in range(DAYS):
            # Some are known from the first day, and every day brings a few others.
            part = known[:FIRST] if not day else known[FIRST + (day - 1) * NEW :][:NEW]
            Path("part.txt").write_text("\n".join(part), encoding="utf-8")
            _do("harvest", "--refs", "part.txt")
            if day:
                _do("jobs", "run", "refresh")
            gateway.clock.advance(DAY)
        Path("now.txt").write_text(to_iso(gateway.clock.now() - DAY + HOUR), encoding="utf-8")


def _do(*words: str) -> None:
    if run(list(words)):
        raise RuntimeError(f"gpts-catalog {' '.join(words)} failed")


def shoot(folder: Path, now: str, names: Sequence[str]) -> None:
    """Take pictures of the pages of a catalog.

    Args:
        folder: where it is.
        now: the moment that its clock shows.
        names: which pictures.
    """
    with chdir(folder):
        with Reader.open("catalog.db") as reader:
            gizmo_id = reader.ask(most_moved)
            user_id = reader.authors(limit=1).items[0].user_id
        with _serving(now) as home, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=list(FLAGS)
            )
            for name in names:
                view = VIEWS[name]
                page = browser.new_page(
                    viewport={"width": view.width, "height": view.height},
                    color_scheme="dark" if view.scheme == "dark" else "light",
                    locale="en-GB",
                )
                address = view.address.format(gizmo_id=gizmo_id, user_id=user_id)
                page.goto(home + address, wait_until="networkidle")
                page.screenshot(path=FOLDER / f"{name}.png")
                page.close()
            browser.close()


@contextmanager
def _serving(now: str) -> Iterator[str]:
    """The address of ``serve`` in the folder where this is called."""
    environ = {**os.environ, KEY: "none", CLOCK_VARIABLE: now, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "catalog", "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as running:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())["url"].rstrip("/")
        running.send_signal(signal.SIGINT)


def main(words: Sequence[str]) -> None:
    """Take the pictures that are named; none: all.

    Args:
        words: see above.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(VIEWS))
    parser.add_argument("--dir", type=Path, help="where the catalog is kept")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="pages") as temporary:
        folder = (given.dir or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "now.txt").is_file():
            fill(folder)
        now = (folder / "now.txt").read_text(encoding="utf-8")
        shoot(folder, now, given.names or list(VIEWS))


if __name__ == "__main__":
    main(sys.argv[1:])
