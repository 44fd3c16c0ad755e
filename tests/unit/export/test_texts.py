"""CSV and NDJSON: what is written is read back, whatever it is."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import UsageError
from catalog.export.release import Column, ColumnType
from catalog.export.texts import (
    csv_head,
    csv_lines,
    iso,
    json_lines,
    read_csv,
    read_json,
    safe,
    unsafe,
)

KINDS: tuple[ColumnType, ...] = ("string", "integer", "number", "boolean", "timestamp", "json")
COLUMNS = tuple(
    Column(name=name, type=kind, description="", nullable=True)
    for name, kind in zip("abcdef", KINDS, strict=True)
)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ROWS = st.lists(
    st.tuples(
        TEXTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.booleans(),
        st.none() | st.integers(0, 4 * 10**15),
        TEXTS,
    ),
    min_size=1,
)


@given(ROWS, st.booleans(), st.booleans())
def test_csv_is_read_as_it_was_written(rows: list[Any], bom: bool, safe_cells: bool) -> None:  # noqa: FBT001
    columns = list(zip(*rows, strict=True))
    text = csv_head(COLUMNS, bom=bom) + csv_lines(COLUMNS, columns, safe_cells=safe_cells)
    file = io.StringIO(text, newline="")
    found = [tuple(row.values()) for row in read_csv(file, COLUMNS, safe_cells=safe_cells)]
    assert found == rows


@given(ROWS)
def test_csv_is_what_others_read(rows: list[Any]) -> None:
    columns = list(zip(*rows, strict=True))
    text = csv_head(COLUMNS, bom=False) + csv_lines(COLUMNS, columns, safe_cells=False)
    found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [row[0] for row in found[1:]] == [row[0] or "" for row in rows]


@given(ROWS)
def test_ndjson_is_read_as_it_was_written(rows: list[Any]) -> None:
    columns = list(zip(*rows, strict=True))
    lines = json_lines(COLUMNS, columns).encode().split(b"\n")[:-1]
    assert [tuple(row.values()) for row in read_json(lines, COLUMNS)] == rows


@given(st.text())
def test_safe_cells_begin_no_formula_and_lead_back(text: str) -> None:
    told = safe(text)
    assert unsafe(told) == text
    assert not told.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_null_and_empty_are_two_things() -> None:
    text = csv_lines(COLUMNS[:1], [["", None, "x"]], safe_cells=False)
    assert text == '""\r\n\r\n"x"\r\n'


def test_moments_have_one_width() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000000Z"
    assert iso(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"


@pytest.mark.parametrize("text", ['"a"\r\n"x"y\r\n', '"b"\r\n"x"\r\n', '"a"\r\n"x","y"\r\n'])
def test_what_is_no_such_csv_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        list(read_csv(io.StringIO(text, newline=""), COLUMNS[:1], safe_cells=False))
