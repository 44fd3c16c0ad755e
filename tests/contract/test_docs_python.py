"""The blocks of docs/python.md run, one after the other, on a small catalog."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from catalog import Catalog
from tests.contract.telling import changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_blocks_run_as_they_stand(
    engine: Engine, catalog_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        found = document(f"g-Made{number}UpId", "A contract reader")
        tell(engine, said(day(1), found), said(day(2), changed(found, name="Contract reader")))
    assert len(BLOCKS) == 3
    names: dict[str, Any] = {}
    for block in BLOCKS:
        text = block.replace('Catalog.open("data/catalog.db")', f"Catalog.open({catalog_url!r})")
        assert text != block
        exec(text, names)  # noqa: S102  (the page's own words)
    printed = capsys.readouterr().out
    assert "Contract reader listed" in printed
    assert "gizmo.display.name changed" in printed


def test_what_help_promises_is_there() -> None:
    for name in ("import_files", "harvest", "rebuild", "merge", "upgrade", "create"):
        assert name in PAGE.read_text(encoding="utf-8")
        assert hasattr(Catalog, name)
