from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.contract.telling import ID, changed, document

if TYPE_CHECKING:
    from tests.acceptance.conftest import Cli

DAYS = tuple(f"2026-02-0{day}T09:00:00Z" for day in range(1, 5))
SETTINGS = """
[watch.mine]
search = "another"
notify = true
"""


def _tell(cli: Cli, day: int, **display: Any) -> None:
    path = cli.folder / f"day{day}.jsonl"
    path.write_text(json.dumps({"observed_at": DAYS[day], "gpt": changed(document(), **display)}))
    assert cli("import", path.name, "--source", "archive").status == 0


@pytest.fixture
def told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A catalog with three days of a GPT, and a watch, on the morning of the fourth."""
    cli("init")
    for day, name in enumerate(("First name", "Another <b>name</b>", "Another name \x1b[31m")):
        monkeypatch.setenv("GPTS_CATALOG_CLOCK", DAYS[day])
        _tell(cli, day, name=name)
    with (cli.folder / "catalog.toml").open("a") as settings:
        settings.write(SETTINGS)
    monkeypatch.setenv("GPTS_CATALOG_CLOCK", "2026-02-03T18:00:00Z")
    return cli


def test_report_is_markdown_of_the_last_day_with_what_runs_next(told: Cli) -> None:
    ran = told("report")
    assert ran.status == 0
    assert ran.out.startswith("# GPTs catalog: 2026-02-02 18:00 to 2026-02-03 18:00\n\n0 GPTs are")
    assert "## Changed: 1" in ran.out
    assert r"Another \<b\>name\</b\> → Another name ␛\[31m" in ran.out
    assert "- 2026-02-04 03:00 **refresh**" in ran.out
    assert "\x1b" not in ran.out


def test_report_of_a_day_in_each_form(told: Cli) -> None:
    assert told("report", "--day", "2026-02-01").out.startswith("# GPTs catalog: 2026-02-01\n")
    page = told("report", "--day", "2026-02-02", "--format", "html").out
    assert page.startswith("<!doctype html>")
    assert "Another &lt;b&gt;name&lt;/b&gt;" in page
    for words in (["--json"], ["--format", "json"]):
        found = told("report", "--day", "2026-02-02", *words).json
        assert found["window"] == {
            "since": "2026-02-02T00:00:00Z",
            "until": "2026-02-02T23:59:59.999999Z",
            "run_id": None,
        }
        (gpt,) = found["brought"]["changed"]["items"]
        assert gpt["gpt"]["gizmo_id"] == ID
    feed = ET.fromstring(told("report", "--day", "2026-02-02", "--format", "atom").out)  # noqa: S314
    titles = [each.text for each in feed.iter("{http://www.w3.org/2005/Atom}title")]
    assert titles[1:] == [
        "2026-02-02: 1 changed",
        "Another name ␛[31m: name changed",
        "2026-02-01: 1 new",
    ]


def test_report_of_a_watch_alone(told: Cli) -> None:
    ran = told("report", "--day", "2026-02-02", "--watch", "mine")
    assert ran.out.startswith("# Watch mine: 2026-02-02\n\nLooks for search another.\n")
    assert "## " in ran.out
    assert "Matches now: 1" in ran.out
    feed = told("report", "--watch", "mine", "--format", "atom").out
    assert "GPTs catalog: watch mine" in feed
    found = told("report", "--watch", "mine", "--json").json
    assert found["watches"][0]["name"] == "mine"


def test_report_of_a_run_has_what_it_brought(told: Cli) -> None:
    run = told("status", "--json").json["runs"][0]["run_id"]
    ran = told("report", "--run", run)
    assert ran.out.startswith(f"# GPTs catalog: run {run}\n")
    assert "## Changed: 1" in ran.out
    assert told("report", "--run", "none").status == 1


def test_report_goes_into_a_folder(told: Cli) -> None:
    ran = told("report", "--day", "2026-02-02", "--output", "out", "--json")
    assert ran.json == {"files": ["out/2026-02-02.json"]}
    told("report", "--day", "2026-02-02", "--output", "out")
    told("report", "--day", "2026-02-02", "--output", "out", "--watch", "mine", "--format", "md")
    assert sorted(path.name for path in (told.folder / "out").iterdir()) == [
        *("2026-02-02-watch-mine.md", "2026-02-02.html", "2026-02-02.json", "2026-02-02.md"),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--day", "soon"], "is no day"),
        (["--day", "2026-02-01", "--since", "2026-02-01"], "name one"),
        (["--since", "2026-02-03", "--until", "2026-02-01"], "ends before it begins"),
        (["--watch", "yours"], "there are: mine"),
        (["--json", "--format", "md"], "two forms"),
    ],
)
def test_report_that_is_not_clear_is_refused(told: Cli, words: list[str], says: str) -> None:
    ran = told("report", *words)
    assert (ran.status, says in ran.err) == (2, True)


def test_job_writes_what_the_command_prints(told: Cli) -> None:
    ran = told("jobs", "run", "report")
    assert ran.status == 0
    written = (told.folder / "data" / "reports" / "2026-02-02.md").read_text()
    assert written == told("report", "--day", "2026-02-02").out
    assert (told.folder / "data" / "feeds" / "watch-mine.json").is_file()


def test_report_of_a_day_to_come_is_refused(told: Cli) -> None:
    ran = told("report", "--day", "2026-02-05")
    assert ran.status == 2
    assert "has not begun: today is 2026-02-03" in ran.err
