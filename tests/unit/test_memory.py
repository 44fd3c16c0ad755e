from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytest.importorskip("pyarrow")
_ASKED = """
from catalog.__main__ import tune_memory
tune_memory()
import gc, pyarrow
print(gc.get_threshold()[0], pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize("said", [None, "mimalloc"])
def test_the_command_leaves_arrow_to_the_c_library_unless_told_otherwise(said: str | None) -> None:
    environ = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    if said is not None:
        environ["ARROW_DEFAULT_MEMORY_POOL"] = said

    done = subprocess.run(
        [sys.executable, "-c", _ASKED],
        cwd=ROOT,
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.split() == ["50000", said or "system"]
