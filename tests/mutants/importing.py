"""Tells which functions run while the modules of a package are imported.

Run as ``python -m tests.mutants.importing PACKAGE`` where mutmut put the changed code. While tests
run, mutmut learns which of them reach a function; of what is made at import, and asked by every
test, it learns nothing.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pkgutil import walk_packages


def main() -> None:
    """Import a module, or a package with all that is in it, and print what ran, as JSON."""
    # What mutmut calls the process in which it notes every function that runs.
    os.environ["MUTANT_UNDER_TEST"] = "stats"
    state = import_module("mutmut.state").state
    module = import_module(sys.argv[1])
    for found in walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
        import_module(found.name)
    print(json.dumps(sorted(state()._stats)))  # noqa: SLF001 - mutmut has no other name for it


if __name__ == "__main__":
    main()
