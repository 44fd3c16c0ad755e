from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.cli.output import Output
from catalog.cli.table import Column, cell, fit, print_csv, print_table, table_lines
from catalog.cli.text import cut, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPTS = [
    "海龟汤",
    "ソクラテス",
    "번역기",
    "ที่นี่",
    "مرحبا",
    "Ололба",
    "e\u0301",
    "👩‍💻",
    "हिन्दी",
    "abc",
]


def _lines(columns: Sequence[Column], rows: list[list[str]], room: int | None) -> list[str]:
    wanted = [Column(each.title, bool(each.right), each.least, each.drop) for each in columns]
    return [line.plain for line in table_lines(wanted, rows, room)[0]]


def test_width_counts_cells_and_no_marks() -> None:
    assert [width_of(each) for each in SCRIPTS] == [6, 10, 6, 2, 5, 6, 1, 2, 3, 3]


def test_cut_says_so_by_a_sign_and_splits_no_letter() -> None:
    assert cut("海龟汤汤", 6) == "海龟…"
    assert cut("e\u0301e\u0301e\u0301", 2) == "e\u0301…"
    assert cut("👩‍💻👩‍💻👩‍💻", 4) == "👩‍💻…"
    assert cut("abc", 3) == "abc"
    assert cut("abc", 1) == "…"


@given(st.text(st.sampled_from("ab 海é\u0301ท\u0e35👩\u200d💻م"), max_size=30), st.integers(2, 30))
def test_cut_text_fits(text: str, cells: int) -> None:
    assert width_of(cut(text, cells)) <= cells


def test_table_in_a_pipe_is_aligned_and_whole() -> None:
    rows = [["海龟汤", "1"], ["a name that is as long as names may be", "200"]]
    lines = _lines([Column("name"), Column("n", right=True)], rows, None)
    assert len({width_of(line) for line in lines}) == 1
    assert rows[1][0] in lines[2]


def test_table_cuts_the_widest_column_and_never_a_number() -> None:
    columns = [Column("name"), Column("more"), Column("n", right=True)]
    lines = _lines(columns, [["x" * 50, "y" * 12, "1,234,567"]], 40)
    assert lines[1].split() == ["x" * 14 + "…", "y" * 12, "1,234,567"]
    assert all(width_of(line) <= 40 for line in lines)


def test_table_leaves_out_the_columns_that_may_go_the_highest_first() -> None:
    columns = [Column("id", least=40), Column("a", drop=1), Column("b", drop=2)]
    natural = [12, 8, 8]
    assert fit(columns, natural, 40) == [12, 8, 8]
    assert fit(columns, natural, 24) == [12, 8, None]
    assert fit(columns, natural, 14) == [12, None, None]
    assert fit(columns, natural, 10) is None


def test_table_with_no_room_at_all_becomes_blocks() -> None:
    columns = [Column(name, right=True) for name in ("first", "second")]
    lines = _lines(columns, [["1" * 8, "2" * 8], ["3", "4"]], 16)
    assert lines == ["first   11111111", "second  22222222", "", "first   3", "second  4"]


@given(
    st.lists(st.lists(st.sampled_from([*SCRIPTS, "x" * 40, ""]), min_size=4, max_size=4)),
    st.integers(30, 120),
)
def test_no_line_of_a_table_is_longer_than_the_terminal(rows: list[list[str]], room: int) -> None:
    columns = [Column("a"), Column("b", right=True), Column("c", drop=1), Column("d", least=4)]
    for line in _lines(columns, rows, room):
        assert width_of(line.replace("\u200e", "")) <= room or not any(
            width_of(row[1]) > 10 for row in rows
        )


def test_text_from_right_to_left_is_ended_on_a_terminal_alone() -> None:
    rows = [["مرحبا", "12"]]
    columns = [Column("name"), Column("n", right=True)]
    assert "مرحبا\u200e  12" in _lines(columns, rows, 40)[1]
    assert "\u200e" not in _lines(columns, rows, None)[1]


def test_columns_of_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_table(Output(), ["n", "text"], [[5, "a"], [50, None], [None, "c"]]) == 3
    assert capsys.readouterr().out.splitlines() == [" n  text", " 5  a", "50", "    c"]


def test_cells_are_harmless_and_on_one_line() -> None:
    assert cell("a\n\x1b[31m\u202eb") == "a␊␛[31m\\u202eb"
    assert [cell(each) for each in (None, True, 5, 2.5, ["a", "b"])] == [
        "",
        "yes",
        "5",
        "2.5",
        "a, b",
    ]


def test_titles_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Law 11: those of a query are whatever it says."""
    print_table(Output(), ["\x1b[2J", Column("a\nb\u202e")], [[1, "x"]])
    assert capsys.readouterr().out.splitlines()[0].split() == ["␛[2J", "a␊b\\u202e"]


def _csv(rows: list[list[Any]], capsys: pytest.CaptureFixture[str]) -> str:
    out = Output(as_csv=True)
    out.line("for people")
    assert print_csv(out, ["a", "b"], rows) == len(rows)
    return capsys.readouterr().out


def test_csv_is_that_of_rfc_4180(capsys: pytest.CaptureFixture[str]) -> None:
    text = _csv([["x,y", 'say "hi"'], ["two\nlines", None], [1, 2.5], [True, ["p", "q"]]], capsys)
    assert text == ('a,b\r\n"x,y","say ""hi"""\r\n"two\nlines",\r\n1,2.5\r\ntrue,p; q\r\n')


@pytest.mark.parametrize(
    "sign",
    [*"=+-@", *"＝＋－＠", "\n=", "\n", "\t", "\t=", " =", "\n\u3000＝", "﹣", "\r\n@"],
)
def test_csv_runs_no_formula(capsys: pytest.CaptureFixture[str], sign: str) -> None:
    """Law 11."""
    rows = list(csv.reader(io.StringIO(_csv([[f"{sign}1+1", -1]], capsys))))
    assert rows[1] == ["'" + f"{sign}1+1".replace("\r", ""), "-1"]


def test_csv_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Law 11."""
    text = _csv([["\x1b]0;owned\x07", "a\r\nb\u202e"]], capsys)
    assert text == 'a,b\r\n␛]0;owned␇,"a\nb\\u202e"\r\n'


def test_csv_prints_nothing_where_it_is_not_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_csv(Output(), ["a"], [[1]]) == 1
    assert capsys.readouterr().out == ""
