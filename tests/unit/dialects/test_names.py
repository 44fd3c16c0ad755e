"""A dialect that is there can be named, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from catalog.dialects import DIALECTS
from catalog.settings.sections import DialectName

ROOT = Path(__file__).resolve().parents[3]


def test_settings_know_the_dialects_that_there_are() -> None:
    assert get_args(DialectName) == tuple(DIALECTS)


def test_the_guide_names_the_dialects_that_there_are() -> None:
    page = (ROOT / "docs" / "howto" / "source.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == list(DIALECTS)
