"""A file that is damaged where it says what its tables are: all catalogs say the same there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.care.recovering import recover
from tests.databases import NOW
from tests.faults.test_recover import RULES, lines_of, whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["whole"]


@pytest.mark.parametrize("name", ["sources", "payloads", "observations", "discoveries", "frontier"])
@pytest.mark.parametrize("words", ["CREATE TABLE {}", "gizmo_id", "NULL", "PRIMARY KEY"])
def test_damage_where_a_table_is_described_costs_none_of_its_rows(
    whole: Path, tmp_path: Path, name: str, words: str
) -> None:
    """A byte there would else cost all of them: it is known how every catalog's are made."""
    data = bytearray(whole.read_bytes())
    # A table that a migration made anew has its name in quotes.
    quoted = f'"{name}"' if f'CREATE TABLE "{name}"'.encode() in data else name
    begin = data.index(f"CREATE TABLE {quoted} (".encode())
    place = data.find(words.format(quoted).encode(), begin, begin + 1200)
    if place < 0:
        pytest.skip(f"{name} has no {words}")
    data[place + 1] ^= 0x40
    (tmp_path / "damaged.db").write_bytes(data)
    done = recover(tmp_path / "damaged.db", tmp_path / "new.db", RULES, NOW)
    assert not done.is_short
    assert lines_of(tmp_path / "new.db") == lines_of(whole)
