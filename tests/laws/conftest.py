"""The laws hold on both engines, always (law 12); what fired is reported at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.databases import (
    catalog_url,
    empty_url,
    engine,
    engine_name,
    postgres,
    sqlite_template,
)
from tests.laws.firing import FIRED

if TYPE_CHECKING:
    from typing import Any

__all__ = ["catalog_url", "empty_url", "engine", "engine_name", "postgres", "sqlite_template"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what fired in a worker process to the process that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        # Plain types alone travel between the processes.
        output["fired"] = {test: (count, dict(fired)) for test, (count, fired) in FIRED.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what fired in a worker process, where tests run in several."""
    for test, (examples, fired) in getattr(node, "workeroutput", {}).get("fired", {}).items():
        FIRED[test] = examples, Counter(fired)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how often each rule fired."""
    for title, (examples, fired) in FIRED.items():
        terminalreporter.section(f"rules that fired in {examples} examples: {title}")
        for rule, count in sorted(fired.items()):
            terminalreporter.write_line(f"{count:8,}  {rule}")
