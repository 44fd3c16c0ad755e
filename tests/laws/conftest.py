"""The laws hold on both engines, always (law 12); what fired is reported at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    import pytest

__all__ = ["catalog_url", "empty_url", "engine", "engine_name", "postgres", "sqlite_template"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how often each rule fired."""
    for title, (examples, fired) in FIRED.items():
        terminalreporter.section(f"rules that fired in {examples} examples: {title}")
        for rule, count in sorted(fired.items()):
            terminalreporter.write_line(f"{count:8,}  {rule}")
