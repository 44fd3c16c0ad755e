"""Libraries that some tests want beside what the project itself needs."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

REQUIRED = "GPTS_DATASETS_REQUIRED"
"""Set where they are to be there: their absence is then a failure."""


def library(name: str, *, word: str = "datasets") -> Any:
    """A library that reads or checks datasets; without it the test is skipped, and says so.

    Args:
        name: of its module.
        word: the task of the Makefile that gets it.
    """
    if find_spec(name) is None:
        words = f"{name} is not installed, so nothing of it was tested; get it with: make {word}"
        if os.environ.get(REQUIRED) and word == "datasets":
            pytest.fail(words)
        pytest.skip(words)
    return import_module(name)
