from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from catalog.cli import text
from catalog.cli.output import Output, diff_text
from catalog.text import escape_text
from catalog.wording import text as wording

STEERING = ["\x1b[2J", "\x9b31m", "\x07", "\r", "\x08", "\u202e", "\u2066", "\u2028", "\x7f"]


@pytest.mark.parametrize("sign", STEERING)
def test_harmless_leaves_nothing_that_steers_a_terminal(sign: str) -> None:
    shown = text.harmless(f"a{sign}b")
    assert sign[0] not in shown
    assert shown.startswith("a")
    assert shown.endswith("b")


@given(st.text())
def test_harmless_text_is_printable_and_can_be_encoded(anything: str) -> None:
    shown = text.harmless(anything)
    shown.encode()
    assert not any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in shown)


def test_harmless_keeps_scripts_and_joined_emoji() -> None:
    for kept in ("Ололба", "海龟汤", "👩‍💻", "می‌خواهم", "é"):
        assert text.harmless(kept) == kept


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0.0, "0.00"),
        (0.2, "0.20"),
        (0.008, "0.0080"),
        (0.0123, "0.012"),
        (0.999, "1.00"),
        (1.0, "1.00"),
        (1234.5, "1,234.50"),
        (1e-7, "0.00000010"),
    ],
)
def test_small_amounts_are_not_rounded_away(amount: float, told: str) -> None:
    assert text.money(amount) == told


def test_harmless_keeps_lines_where_asked() -> None:
    assert text.harmless("a\n\tb\x1bc", lines=True) == "a\n\tb␛c"
    assert text.harmless("a\nb") == "a␊b"


def test_harmless_shows_what_a_table_holds_as_an_escape() -> None:
    assert text.harmless(escape_text("a\x00b\ud800")) == "a␀b\\ud800"


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_json_means_what_was_said_and_steers_nothing(value: Any) -> None:
    line = text.to_json({"value": value})
    line.encode()
    assert not any(sign[0] in line for sign in STEERING)
    assert "\n" not in line
    assert json.loads(line) == json.loads(json.dumps({"value": value}))


def test_json_says_the_original_of_an_escaped_text() -> None:
    assert json.loads(text.to_json(escape_text("a\x00\ud800\U000e0041"))) == "a\x00\ud800\U000e0041"


def test_output_makes_lines_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.line("name \x1b[31m [bold]")
    out.note("note \x1b]0;x\x07")
    captured = capsys.readouterr()
    assert captured.out == "name ␛[31m [bold]\n"
    assert captured.err == "note ␛]0;x␇\n"


def test_output_with_json_prints_nothing_else_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(as_json=True)
    out.line("for people")
    out.table([["a", "b"]])
    out.note("beside")
    out.json({"a": 1})
    captured = capsys.readouterr()
    assert captured.out == '{"a": 1}\n'
    assert captured.err == "beside\n"


def test_word_diff_says_what_went_and_what_came() -> None:
    parts = text.word_diff("An expert in essay writing", "An expert in good verse writing")
    assert parts == [
        ("same", "An expert in "),
        ("removed", "essay"),
        ("added", "good verse"),
        ("same", " writing"),
    ]


def test_word_diff_joins_differences_with_a_blank_between() -> None:
    assert text.word_diff("red wine", "white beer") == [
        ("removed", "red wine"),
        ("added", "white beer"),
    ]


def test_word_diff_compares_chinese_by_the_character() -> None:
    assert ("removed", "海") in text.word_diff("我爱海龟汤", "我爱龟汤")


@given(st.text("ab \n", max_size=12), st.text("ab \n", max_size=12))
def test_word_diff_of_short_texts_holds_both(old: str, new: str) -> None:
    parts = text.word_diff(old, new)
    assert "".join(words for kind, words in parts if kind != "added") == old
    assert "".join(words for kind, words in parts if kind != "removed") == new


def test_word_diff_leaves_out_the_middle_of_what_is_equal() -> None:
    same = " ".join(f"w{number}" for number in range(100))
    parts = text.word_diff(f"old {same} old", f"new {same} new")
    kept = next(words for kind, words in parts if kind == "same")
    assert " … " in kept
    assert len(kept) < len(same) / 3


def test_word_diff_of_very_long_texts_compares_no_words() -> None:
    old, new = "a " * wording.MOST_WORDS, "b " * wording.MOST_WORDS
    assert text.word_diff(old, new) == [("removed", old), ("added", new)]


def test_diff_text_is_readable_without_colours_and_harmless() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    console.print(diff_text([("same", "a "), ("removed", "\x1bb"), ("added", "c")]))
    assert stream.getvalue() == "a [-␛b-]{+c+}\n"


def test_columns_align_wide_letters_and_numbers() -> None:
    assert text.columns([["海", "1", "x"], ["ab", "20", "y"]], right=[1]) == [
        "海   1  x",
        "ab  20  y",
    ]


def test_columns_cut_the_last_to_the_width() -> None:
    rows = [["a", "some words, and more words"], ["bb", "few"]]
    assert text.columns(rows, width=25) == ["a   some words, and more", "    words", "bb  few"]


def test_columns_wrap_below_a_line_that_leaves_no_room() -> None:
    rows = [["a long first cell", "1234567890123456789012345678 ok"]]
    assert text.columns(rows, width=28) == [
        "a long first cell",
        "    123456789012345678901234",
        "    5678 ok",
    ]


@given(st.text(), st.integers(2, 30))
def test_wrapped_text_fits_and_loses_no_word(anything: str, cells: int) -> None:
    lines = text.wrap(anything, cells)
    assert all(text.width_of(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(anything.split())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.2, "under 1 s"), (59.6, "1 min"), (3_725, "1 h 2 min"), (90_000, "1 d 1 h")],
)
def test_duration_names_two_units(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "yes"),
        (1234567, "1,234,567"),
        ("", '""'),
        (" ", '" "'),
        (["a", "b\x1b"], "a, b␛"),
        ([], "[]"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_shown_values_read_well(value: Any, words: str) -> None:
    assert text.shown(value) == words


def test_numbers_differ_with_a_sign() -> None:
    assert text.difference(1200) == "+1,200"
    assert text.difference(-3) == "−3"
