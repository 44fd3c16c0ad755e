"""Windows, the days that are owed, watches as they are read, and files."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest

from catalog.report.model import Report, Window, day_window
from catalog.report.watches import read_watch
from catalog.report.work import owed_days
from catalog.report.writing import (
    lacking_days,
    last_reported,
    put,
    remove_other_feeds,
    remove_written,
    watch_file,
    write_report,
)
from catalog.search.filters import Filter
from catalog.settings import WatchSettings
from catalog.times import DAY, HOUR, from_iso
from tests.unit.report.samples import report

NOW = from_iso("2026-02-05T06:00:00Z")


def test_window_of_a_day_knows_whether_it_is_over() -> None:
    whole, part = day_window("2026-02-03"), day_window("2026-02-05", NOW)
    assert (whole.day, whole.is_over, whole.name) == ("2026-02-03", True, "2026-02-03")
    assert (part.day, part.is_over, part.until) == ("2026-02-05", False, NOW)
    assert day_window("2026-02-03", NOW) == whole


def test_names_of_windows_are_harmless_as_files() -> None:
    windows = (
        Window(since=NOW - DAY, until=NOW),
        Window(since=NOW - DAY, until=NOW, run_id="../x y:z"),
        day_window("2026-02-03"),
    )
    names = [window.name for window in windows]
    assert names == [
        "2026-02-04T060000Z-2026-02-05T060000Z",
        "run----x-y-z",
        "2026-02-03",
    ]


@pytest.mark.parametrize(
    ("last", "days"),
    [
        (None, ["2026-02-04", "2026-02-05"]),
        (NOW - HOUR, ["2026-02-05"]),
        (NOW, ["2026-02-05"]),
        (from_iso("2026-02-04T06:00:00Z"), ["2026-02-04", "2026-02-05"]),
        (from_iso("2026-02-05T00:00:00Z") - 1, ["2026-02-05"]),
        (
            from_iso("2026-02-02T23:59:59Z"),
            [f"2026-02-0{day}" for day in range(2, 6)],
        ),
        (NOW + 3 * DAY, ["2026-02-05"]),
    ],
)
def test_every_day_since_the_last_report_is_owed(last: int | None, days: list[str]) -> None:
    found = owed_days(last, NOW)
    assert [window.day for window in found] == days
    assert [window.is_over for window in found] == [True] * (len(days) - 1) + [False]


def test_gap_of_151_days_is_caught_up_on_day_by_day() -> None:
    found = owed_days(NOW - 151 * DAY, NOW)
    assert len(found) == 152
    assert all(after.since == before.until + 1 for before, after in pairwise(found))


def test_report_is_written_in_each_form_and_the_same_each_time(tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in write_report(tmp_path, report("x"))}
    second = {path.name: path.read_bytes() for path in write_report(tmp_path, report("x"))}
    assert first == second
    assert sorted(first) == ["2026-02-03.html", "2026-02-03.json", "2026-02-03.md"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(first)


def test_last_report_says_until_when_days_are_reported(tmp_path: Path) -> None:
    assert last_reported(tmp_path) is None
    assert last_reported(tmp_path / "none") is None
    write_report(tmp_path, Report(window=day_window("2026-02-03")))
    write_report(tmp_path, Report(window=day_window("2026-02-05", NOW)))
    write_report(tmp_path, Report(window=Window(since=NOW - DAY, until=NOW + DAY)))
    assert last_reported(tmp_path) == NOW


@pytest.mark.parametrize("text", ["", "{", '{"window": {}}', '{"window": {"until": "soon"}}', "[]"])
def test_report_that_cannot_be_read_counts_as_not_there(tmp_path: Path, text: str) -> None:
    write_report(tmp_path, Report(window=day_window("2026-02-03")))
    (tmp_path / "2026-02-04.json").write_text(text)
    assert last_reported(tmp_path) == day_window("2026-02-03").until


def test_day_that_is_not_whole_is_lacking_and_so_is_a_gap_since_reports_are_written(
    tmp_path: Path,
) -> None:
    assert lacking_days(tmp_path, NOW - 9 * DAY, NOW) == []
    for day in ("2026-01-30", "2026-02-01", "2026-02-03", "2026-02-04"):
        write_report(tmp_path, Report(window=day_window(day)))
    write_report(tmp_path, Report(window=day_window("2026-02-05", NOW)))
    (tmp_path / "2026-02-99.json").write_text("{}")
    since = day_window("2026-02-01").since + HOUR
    assert lacking_days(tmp_path, None, NOW) == []
    assert lacking_days(tmp_path, since, NOW) == ["2026-02-02"]
    # What is older than all that is there was pruned.
    assert lacking_days(tmp_path, since - 99 * DAY, NOW) == ["2026-01-31", "2026-02-02"]
    (tmp_path / "2026-02-03.md").unlink()
    for form in ("md", "html", "json"):
        remove_written(tmp_path / f"2026-01-30.{form}")
    assert lacking_days(tmp_path, since, NOW) == ["2026-01-30", "2026-02-02", "2026-02-03"]
    assert [path.name for path in tmp_path.glob("2026-01-30.*")] == ["2026-01-30.json"]
    write_report(tmp_path, Report(window=day_window("2026-02-02", day_window("2026-02-02").since)))
    assert "2026-02-02" in lacking_days(tmp_path, since, NOW)


def test_reader_never_meets_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    texts = {each * 200_000 for each in "ab"}
    put(path, "a" * 200_000)
    met: set[str] = set()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            met.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        for text in texts:
            put(path, text)
    over.set()
    reader.join()
    assert met <= texts
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_file_that_cannot_be_put_in_place_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    (tmp_path / "page.html" / "inside").touch()
    with pytest.raises(OSError, match=r"page\.html"):
        put(tmp_path / "page.html", "text")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_feeds_of_watches_that_are_no_more_are_removed(tmp_path: Path) -> None:
    for name in ("watch-a.atom", "watch-a.json", "watch-b.atom", "changes.atom", "watch-mine.txt"):
        (tmp_path / name).touch()
    remove_other_feeds(tmp_path, {"b"})
    kept = {"watch-b.atom", "changes.atom", "watch-mine.txt"}
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert watch_file("b") == "watch-b"


def test_watch_is_a_filter_with_all_its_keys() -> None:
    given = WatchSettings(
        search="two words",
        category="dalle",
        tool="browser",
        tag="public",
        author="An Author",
        status="listed",
        min_conversations=5,
        field="name",
        notify=True,
    )
    found = read_watch("rivals", given)
    assert found.wanted == Filter(
        text="two words",
        categories=("dalle",),
        tools=("browser",),
        tags=("public",),
        authors=("An Author",),
        statuses=("listed",),
        min_conversations=5,
    )
    assert (found.field, found.notify) == ("gizmo.display.name", True)
    assert found.words.startswith("search two words, category dalle, tool browser")
    assert found.search == (
        "'two words' --category dalle --tool browser --tag public --author 'An Author'"
        " --status listed --min-conversations 5"
    )
