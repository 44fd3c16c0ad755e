"""A catalog that a simulated gateway filled, served on loopback, and a real browser for it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import uvicorn

from catalog.cli.main import run
from catalog.query.reader import Reader
from catalog.query.tour import most_changed
from catalog.settings import load_settings
from catalog.simulator import Population, running_gateway, write_ids
from catalog.times import DAY, HOUR, FixedClock, Micros
from catalog.web.app import make_app
from catalog.web.options import WebOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from starlette.applications import Starlette

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REQUIRED = "GPTS_CATALOG_BROWSER"
"""Set to ``required`` where a test without a browser is to fail, as in CI."""
_IS_REQUIRED = os.environ.get(REQUIRED) == "required"
KEY = "SIMULATED_KEY"
DAYS = 6

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "link": "javascript:alert(1)",
    "ansi": "\x1b[31mred\x1b[0m",
    "override": "\u202egnp.exe",
    "zalgo": "Z" + "\u0351\u036b\u0353\u036a" * 12 + "algo",
    "template": "{{ 7 * 7 }}{% raw %}",
    "long": "endless" * 120,
}
"""What strangers may write into every field of a document."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What is served.

    Attributes:
        url: where.
        folder: where the catalog is.
        app: what answers.
        now: the moment that its clock shows.
        gizmo_id: a GPT with much to show.
        user_id: an author of several.
        hostile: GPTs by what is wrong with their texts.
    """

    url: str
    folder: Path
    app: Any
    now: Micros
    gizmo_id: str
    user_id: str
    hostile: dict[str, str]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A catalog of a few days, with hostile documents in it, served."""
    folder = tmp_path_factory.mktemp("web")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        now = _fill(folder, patch)
    settings = load_settings(folder / "catalog.toml", {}, url=None)
    app = make_app(WebOptions(settings=settings, clock=FixedClock(now)))
    with Reader.open(settings.catalog.url) as reader:
        gizmo_id = reader.ask(most_changed)
        user_id = reader.authors(limit=1).items[0].user_id
    with _serving(app) as url:
        yield Site(
            url=url,
            folder=folder,
            app=app,
            now=now,
            gizmo_id=gizmo_id,
            user_id=user_id,
            hostile={name: _id_of(at) for at, name in enumerate(HOSTILE)},
        )


@pytest.fixture(scope="module")
def browser(site: Site) -> Iterator[Browser]:
    """A real Chromium; without one these tests are skipped, and fail where one is required."""
    del site  # filled before: while a browser is driven, no other loop can run in this thread
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        words = "no chromium is installed: the pages are not looked at in a browser"
        if _IS_REQUIRED:
            pytest.fail(f"{words}, and {REQUIRED}=required asks for it")
        pytest.skip(words)
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How a page is looked at."""

    name: str
    width: int
    height: int
    scheme: str


EVERY_LOOK = (
    Look(name="light", width=1280, height=900, scheme="light"),
    Look(name="dark", width=1280, height=900, scheme="dark"),
    Look(name="phone", width=360, height=780, scheme="light"),
    Look(name="dark-phone", width=360, height=780, scheme="dark"),
)
# Each scheme and each width once; a browser is slow, and the campaign takes all of them.
LOOKS = EVERY_LOOK if os.environ.get("GPTS_WEB_LOOKS") == "all" else EVERY_LOOK[::3]


class Eyes:
    """A page in a browser, and what its console said.

    Args:
        context: the browser's.
        url: where the site is.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._asked)
        self._url = url

    def open(self, path: str) -> Page:
        """Go to a page, and wait until it is there."""
        self.page.goto(self._url + path, wait_until="networkidle")
        return self.page

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(self._url):
            self.said.append(f"asked elsewhere: {request.url}")


@pytest.fixture
def eyes(browser: Browser, site: Site) -> Iterator[Eyes]:
    """A laptop's browser, in light; its console has to stay empty."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(30_000)
    found = Eyes(context, site.url)
    yield found
    context.close()
    assert found.said == []


@pytest.fixture
def plain(browser: Browser, site: Site) -> Iterator[Eyes]:
    """The same without JavaScript."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=False
    )
    found = Eyes(context, site.url)
    yield found
    context.close()
    assert found.said == []


def _fill(folder: Path, patch: pytest.MonkeyPatch) -> Micros:
    population = Population(7, 60, pace=25.0)
    with running_gateway(population) as gateway:
        lines = (
            "[catalog]",
            f'url = "sqlite:///{folder}/catalog.db"',
            "[sources.sim]",
            'dialect = "gpts-v2"',
            f'base_url = "{gateway.url("plain")}"',
            f'api_key_env = "{KEY}"',
            "requests_per_second = 1000",
            "requests_per_day = 5000",
            "backoff_base = 0.01",
            "price_per_request = 0.001",
            "",
        )
        (folder / "catalog.toml").write_text("\n".join(lines))
        write_ids(population, folder / "ids.txt")
        patch.setenv(KEY, gateway.key)
        patch.setenv("GPTS_CATALOG_CLOCK", gateway.clock_url)
        assert run(["init"]) == 0
        for day in range(DAYS):
            if day:
                gateway.clock.advance(DAY + HOUR)
            assert run(["harvest", "--refs", "ids.txt"]) == 0
        (folder / "hostile.ndjson").write_text(_hostile_lines())
        assert run(["import", "hostile.ndjson", "--source", "strangers"]) in {0, 1}
        return gateway.clock.now() + HOUR


def _id_of(number: int) -> str:
    return f"g-hostile{number:02d}"


def _hostile_lines() -> str:
    lines: list[Any] = []
    for number, text in enumerate(HOSTILE.values()):
        gizmo_id = _id_of(number)
        display = {
            "name": f"{text} {number}",
            "description": text,
            "welcome_message": text,
            "prompt_starters": [text],
            "categories": [text],
            "profile_picture_url": text,
        }
        author = {
            "user_id": f"user-{number}-{text[:20]}",
            "display_name": text,
            "link_to": text,
            "display_socials": [{"type": text, "display_name": text, "id": text}],
        }
        document = {
            "gizmo": {
                "id": gizmo_id,
                "short_url": f"{gizmo_id}-{text}",
                "author": author,
                "display": display,
                "tags": [text],
                "voice": {"id": text},
                "vanity_metrics": {"num_conversations_str": text[:30]},
            },
            "tools": [
                {"id": text, "type": text},
                {
                    "id": f"gzm_{number}",
                    "type": "plugins_prototype",
                    "metadata": {"domain": text, "privacy_policy_url": text},
                },
            ],
            "files": [{"id": f"gzm_file_{number}", "type": text, "name": text}],
        }
        lines.append({"observed_at": "2026-01-01T10:00:00Z", "gpt": document})
        # It changes, so that hostile words stand in changes and side by side, too.
        later = json.loads(json.dumps(document))
        later["gizmo"]["display"]["description"] = f"{text} and more {text}"
        lines.append({"observed_at": "2026-01-03T10:00:00Z", "gpt": later})
    return "".join(f"{json.dumps(line)}\n" for line in lines)


class _serving:  # noqa: N801  (a context manager that reads as one)
    """Serves an application on a free port of loopback, in a thread."""

    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)  # a port is there within milliseconds, and tells nobody
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
