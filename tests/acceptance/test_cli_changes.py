from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT
from tests.contract.telling import ID, changed, document

if TYPE_CHECKING:
    from tests.acceptance.conftest import Cli, Ran

DAYS = tuple(f"2026-02-0{day}T09:00:00Z" for day in range(1, 6))


def _tell(cli: Cli, day: int, **display: Any) -> None:
    """Let a source say something on a day."""
    talks = {"num_conversations_str": str(100 * (day + 1)), "review_stats": _stars(day)}
    value = changed(document(vanity_metrics=talks), **display)
    path = cli.folder / f"day{day}.jsonl"
    path.write_text(json.dumps({"observed_at": DAYS[day], "gpt": value}))
    assert cli("import", path.name, "--source", "archive").status == 0


def _stars(day: int) -> dict[str, Any]:
    return {"total": 5 * (day + 1), "count": day + 1}


def _news(cli: Cli) -> Ran:
    return cli("changes", "--bookmark", "mine", "--json")


@pytest.fixture
def told(cli: Cli) -> Cli:
    """A catalog with two days of a GPT."""
    cli("init")
    _tell(cli, 0)
    _tell(cli, 1, name="Another name")
    return cli


def test_a_bookmark_shows_all_at_first_and_says_so_then_only_news(told: Cli) -> None:
    first = _news(told)
    assert {each["field"] for each in first.lines} == {"status", "gizmo.display.name"}
    assert "bookmark mine is new" in first.err
    again = _news(told)
    assert (again.out, again.err) == ("", "")
    _tell(told, 2, name="A third name")
    assert [each["new"] for each in _news(told).lines] == ["A third name"]
    assert _news(told).out == ""


def test_bookmarks_of_two_names_know_nothing_of_each_other(told: Cli) -> None:
    _news(told)
    assert len(told("changes", "--bookmark", "yours", "--json").lines) == 2


def test_a_bookmark_takes_no_limit_and_no_end(told: Cli) -> None:
    for words in (["--limit", "1"], ["--until", "2026-02-02"]):
        ran = told("changes", "--bookmark", "mine", *words)
        assert (ran.status, f"leave {words[0]} out" in ran.err) == (2, True)
    assert "no bookmark" in told("changes", "--bookmark", "two words").err


def test_changes_are_narrowed_by_author_category_and_kind(told: Cli) -> None:
    for words in (["--author", "an author"], ["--category", "other"], ["--kind", "changed"]):
        lines = told("changes", "--json", "--field", "name", *words).lines
        assert [each["new"] for each in lines] == ["Another name"]
    for words in (["--author", "nobody"], ["--category", "dalle"], ["--kind", "removed"]):
        assert told("changes", "--json", "--field", "name", *words).out == ""


def test_changes_of_nothing_that_is_there_say_so(told: Cli) -> None:
    unknown = told("changes", "g-NotThere0")
    assert unknown.status == 1
    assert "the catalog holds nothing of g-NotThere0" in unknown.err
    assert told("changes", "--author", "Nobody").err.splitlines() == [
        "--author Nobody finds nothing by itself"
    ]
    assert (
        "--category othr finds nothing by itself: did you mean other?"
        in told("changes", "--category", "othr", "--json").err
    )
    quiet = told("changes", "--author", "an author", "--since", "2026-03-01")
    assert (quiet.out, quiet.err) == ("no changes\n", "")
    assert told("changes", ID, "--since", "2026-03-01").out == "no changes\n"


def test_a_limit_says_that_there_is_more(told: Cli) -> None:
    ran = told("changes", "--all", "--limit", "1", "--json")
    assert len(ran.lines) == 1
    assert "there are more than 1" in ran.err
    assert "more than" not in told("changes", "--all", "--limit", "9").err


def test_changes_with_csv_have_the_columns_of_the_lines(told: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(told("changes", "--csv").out)))
    (line,) = told("changes", "--json", "--field", "name").lines
    assert list(rows[0]) == list(line)
    assert [row["new"] for row in rows if row["field"] == line["field"]] == ["Another name"]


def test_movers_are_those_whose_number_grew_in_the_window(told: Cli) -> None:
    window = ["--since", DAYS[0], "--until", DAYS[1]]
    ran = told("changes", "--movers", "conversations", *window)
    assert "+100" in ran.out
    (line,) = told("changes", "--movers", "reviews", *window, "--json").lines
    assert (line["gizmo_id"], line["before"], line["after"], line["growth"]) == (ID, 1, 2, 1)
    rows = list(csv.DictReader(io.StringIO(told("changes", "--movers", "rating", "--csv").out)))
    assert rows == []  # none in the last seven days
    assert (
        f"document is of {DAYS[0]}\n"
        in told("changes", "--movers", "reviews", "--until", DAYS[0]).out
    )
    still = told("changes", "--movers", "reviews", "--since", DAYS[1])
    assert "none grew" in still.out


def test_movers_by_rating_show_two_decimals(told: Cli) -> None:
    """All reviews have five stars; the bound of one is 1.83, of two 2.37."""
    shown = told("changes", "--movers", "rating", "--since", DAYS[0], "--until", DAYS[1])
    assert "+0.54" in shown.out
    assert re.search(r"1\.83\s+2\.37", shown.out)


def test_movers_go_with_a_window_alone(told: Cli) -> None:
    ran = told("changes", ID, "--movers", "reviews")
    assert ran.status == 2
    assert "--since, --until and --limit alone" in ran.err


def test_metrics_draw_what_moved_and_give_differences(told: Cli) -> None:
    _tell(told, 3)
    ran = told("metrics", ID)
    assert "200 (+100)" in ran.out
    assert "5.00" in ran.out
    assert "400 ┤" in ran.out
    assert ran.out.rstrip().endswith("2026-02-04")
    rows = list(csv.DictReader(io.StringIO(told("metrics", ID, "--csv").out)))
    assert [row["review_count"] for row in rows] == ["1", "2", "4"]
    assert [row["review_count_moved"] for row in rows] == ["", "1", "2"]
    assert rows[0]["observed_at"] == DAYS[0]
    # What was never said has no column.
    numbers = {name for name in rows[0] if not name.endswith("_moved")} - {"counters_of"}
    assert all(any(row[name] for row in rows) for name in numbers)


def test_metrics_that_never_moved_are_not_drawn(cli: Cli) -> None:
    cli("init")
    _tell(cli, 0)
    assert "┤" not in cli("metrics", ID).out


@pytest.fixture
def long(cli: Cli) -> Cli:
    """A catalog whose changes fill more than a pipe holds."""
    cli("init")
    _tell(cli, 0)
    _tell(cli, 1, prompt_starters=[f"{number}: {'again and ' * 9}" for number in range(1500)])
    return cli


IMPATIENT = """
import sys
from catalog.storage import engine
engine.IDLE_TIMEOUT = 0.2
from catalog.cli.main import main
main(sys.argv[1:])
"""
"""The command, on whose transactions PostgreSQL waits less than a reader takes."""
SLOW = "sh -c 'sleep 1; exec cat'"
"""A reader who takes a second over the first page."""


def _on_a_terminal(
    cli: Cli, pager: str, *words: str, program: tuple[str, ...] = ("-m", "catalog")
) -> str:
    """What a command says beside its result, whose result goes to a terminal of three lines."""
    main, side = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, *program, *words],
            cwd=cli.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PAGER": pager, "LINES": "3"},
            stdin=subprocess.DEVNULL,
            stdout=side,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(side)
        threading.Thread(target=_drain, args=[main], daemon=True).start()
        said = process.communicate(timeout=60)[1]
    finally:
        os.close(main)
    assert process.returncode == 0, said
    return said


def _drain(terminal: int) -> None:
    """Read what a terminal is sent, so that it does not fill up."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 65_536):
            pass


def test_a_reader_who_leaves_early_leaves_the_bookmark_where_it_was(long: Cli) -> None:
    words = ["changes", "--bookmark", "mine"]
    assert "bookmark mine did not move" in _on_a_terminal(long, "true", *words)
    to_the_end = _on_a_terminal(long, "tee", *words)
    assert "bookmark mine is new" in to_the_end
    assert "did not move" not in to_the_end
    assert _news(long).out == ""


@pytest.fixture
def placed(catalog_url: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A catalog with two days of a GPT, on either engine."""
    monkeypatch.setenv("GPTS_CATALOG_URL", catalog_url)
    _tell(cli, 0)
    _tell(cli, 1, name="Another name")
    return cli


def test_a_reader_who_leaves_what_is_short_leaves_the_bookmark_too(placed: Cli) -> None:
    """It moved where all fitted into the pipe: past what nobody saw."""
    words = ["changes", "--bookmark", "mine"]
    assert "bookmark mine did not move" in _on_a_terminal(placed, "head -n 1", *words)
    assert len(_news(placed).lines) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["changes", "--bookmark", "mine"],
        ["changes"],
        ["search", "--facets"],
        ["authors", "--id", "an author"],
        ["show", ID],
        ["show", ID, "--history"],
    ],
    ids=" ".join,
)
def test_no_transaction_sleeps_while_a_person_reads(placed: Cli, words: list[str]) -> None:
    """PostgreSQL ends one that does, and the command failed after the reader's last page."""
    said = _on_a_terminal(placed, SLOW, *words, program=("-c", IMPATIENT))
    assert "error" not in said
    if "--bookmark" in words:
        assert _news(placed).out == ""
