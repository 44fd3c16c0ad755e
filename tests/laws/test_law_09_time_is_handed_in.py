from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLOCKS = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
"""What tells the time of day, by the name it is called on."""

TIMERS = {"time": {"monotonic", "monotonic_ns", "perf_counter", "sleep"}, "asyncio": {"sleep"}}
"""What measures or waits: it says nothing of when anything was."""

CLOCK_OWNERS = {"catalog/times.py": "SystemClock, the one that is handed to everybody else"}
TIMER_OWNERS = {
    "catalog/fetch/remote_clock.py": "how old the simulator's time is; the default of an argument",
    "catalog/fetch/limits.py": "the timer of the pace, handed to the client",
    "catalog/health/serving.py": "how old a look is that a scrape is shown; an argument's default",
    "catalog/harvest/asking.py": "how often it is looked whether a thread told the work to stop",
    "catalog/harvest/desk.py": "the pause before a lost transaction is tried again; a default",
    "catalog/harvest/harvest.py": "the pace of writing; the default of an option",
    "catalog/harvest/store.py": "hands that pause on",
    "catalog/times.py": "how long something took; the wait for a server that restarts, handed on",
    "catalog/simulator/clock.py": "real seconds of a clock that runs faster; an argument's default",
    "catalog/simulator/misbehave.py": "a source that is slow is slow in real time",
    "catalog/simulator/server.py": "lets the loop go round once more; waits for nothing",
    "jobs/foreground.py": "how long a process that was told to end may still take is real time",
    "jobs/records.py": "whether a lock was renewed in real time; the default of an argument",
    "catalog/cli/progress.py": "the pace of what is shown; the default of an argument",
}
"""Modules that use a timer, with the reason. None of them is a rule's."""

PURE = ("decide", "normalize", "dialects", "query", "storage", "web", "export", "importing")
"""Packages that may use neither."""

SOURCES = sorted([*(ROOT / "catalog").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")])


def uses(path: Path, wanted: dict[str, set[str]]) -> Iterator[str]:
    """Where a module reads what is ``wanted``, by attribute or by imported name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
            if node.module in wanted:
                for alias in node.names:
                    if alias.name in wanted[node.module] and node.module != "datetime":
                        yield f"line {node.lineno}: from {node.module} import {alias.name}"
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        called = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if node.attr in wanted.get(names.get(called, called), ()):
            yield f"line {node.lineno}: {called}.{node.attr}"


def test_no_module_but_the_system_clock_reads_the_time() -> None:
    found = {str(path.relative_to(ROOT)): list(uses(path, CLOCKS)) for path in SOURCES}
    assert {path: lines for path, lines in found.items() if lines}.keys() == CLOCK_OWNERS.keys()
    assert len(found["catalog/times.py"]) == 1


def test_a_timer_is_used_by_the_listed_shells_alone() -> None:
    found = {str(path.relative_to(ROOT)) for path in SOURCES if any(uses(path, TIMERS))}
    assert found == TIMER_OWNERS.keys()
    assert not any(path.split("/")[1] in PURE for path in found)


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()",
        "import time as t\nt.time_ns()",
        "from time import time",
        "from datetime import datetime\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime as dt\ndt.utcnow()",
        "from datetime import date\ndate.today()",
        "import datetime as d\nd.date.today()",
    ],
)
def test_the_test_sees_a_clock_however_it_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert list(uses(path, CLOCKS))


def test_the_database_tells_no_time_either() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8").lower()
        for clock in ("current_timestamp", "func.now(", "strftime('%s", "statement_timestamp"):
            assert clock not in text, path
