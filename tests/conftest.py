"""What holds for every test: a clean environment, no network but loopback, a run that ran."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.databases import (
    catalog_url,
    empty_url,
    engine,
    engine_name,
    postgres,
    sqlite_template,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["catalog_url", "empty_url", "engine", "engine_name", "postgres", "sqlite_template"]

ROOT = Path(__file__).resolve().parents[1]

# The machines that run tests are shared and slow at times: a deadline would only measure that.
hypothesis.settings.register_profile("dev", max_examples=50, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=30, deadline=None, print_blob=True)
hypothesis.settings.register_profile("deep", max_examples=10_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def _is_near(host: object) -> bool:
    """Whether ``host``, as Python's socket calls take it, is this machine."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: it cannot be taken off, and sees look-ups of names as well."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
        if not isinstance(address, tuple):  # a path: a Unix socket
            return
        host = address[0]
    else:
        return
    if not _is_near(host):
        raise RuntimeError(f"a test may not leave loopback, and asked for {host!r}")


sys.addaudithook(_refuse_the_network)


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in os.environ:
        if name.startswith("GPTS_CATALOG_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real documents beside the checkout; tests that need it skip without it."""
    path = ROOT.parent / "shared"
    if not (path / "examples").is_dir():
        pytest.skip("there is no ../shared with real documents")
    return path


class _Ran:
    """Fails a run in which no test was carried out: it has shown nothing."""

    def __init__(self) -> None:
        self._ran = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test ran, however it ended."""
        self._ran = self._ran or (report.when == "call" and not report.skipped)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Turn success without a test into failure."""
        yield
        if session.exitstatus == 0 and not self._ran and not session.config.option.collectonly:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


def pytest_configure(config: pytest.Config) -> None:
    """Watch whether tests run."""
    config.pluginmanager.register(_Ran())
