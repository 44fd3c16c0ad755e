from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from catalog.cli.main import run
from catalog.cli.text import width_of
from catalog.references import read_references
from tests.contract.telling import changed, document

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.conftest import Cli
    from tests.databases import Postgres

DAYS = ("2026-02-01T09:00:00Z", "2026-02-02T09:00:00Z")
EVIL = "\x1b]0;owned\x07\u202eevil"
GPTS = [
    # id, name, category, conversations, author
    ("g-AAAAAAAA1", "海龟汤", "other", "1K+", "甲"),
    ("g-AAAAAAAA2", "Contract Lawyer", "writing", "500+", "Olga"),
    ("g-AAAAAAAA3", "The Poet", "writing", "25K+", "Olga"),
    ("g-AAAAAAAA4", "شاعر", "research", "10+", "Sami"),
    ("g-AAAAAAAA5", EVIL, "=SUM(1)", "5", "Olga"),
]
KEYS = [
    "gizmo_id",
    "name",
    "description",
    "author",
    "user_id",
    "categories",
    "tools",
    "tags",
    "status",
    "voice",
    "conversations",
    "conversations_text",
    "reviews",
    "average",
    "rating",
    "created_at",
    "updated_at",
    "changed_at",
    "first_seen_at",
    "last_seen_at",
    "confirmed_at",
]


def _line(at: str, gizmo_id: str, name: str, category: str, talks: str, author: str) -> str:
    value = document(
        gizmo_id,
        author={"user_id": f"user-{author}", "display_name": author},
        vanity_metrics={"num_conversations_str": talks},
    )
    described = changed(value, name=name, categories=[category], description=f"It is {name}")
    return json.dumps({"observed_at": at, "gpt": described})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalog of a few GPTs; one was renamed on the second day."""
    folder = tmp_path_factory.mktemp("shelf")
    lines = [_line(DAYS[0], *each) for each in GPTS]
    lines.append(_line(DAYS[1], "g-AAAAAAAA3", "The Novelist", "writing", "30K+", "Olga"))
    (folder / "days.jsonl").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run(["init"]) == 0
        assert run(["import", "days.jsonl", "--source", "archive"]) == 0
    return folder


@pytest.fixture
def shelf(cli: Cli, made: Path) -> Cli:
    """The command line in a copy of that folder."""
    shutil.copytree(made, cli.folder, dirs_exist_ok=True)
    return cli


def _ids(cli: Cli, *words: str) -> list[str]:
    ran = cli("search", *words)
    assert ran.status == 0, ran.err
    return [each[-1] for each in ran.out.split()]


def test_search_without_words_browses_all_by_conversations(shelf: Cli) -> None:
    assert _ids(shelf, "--ids") == ["3", "1", "2", "4", "5"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["龟汤"], "1"),
        (["contr"], "2"),
        (["Olga"], "325"),
        (["olga -lawyer"], "35"),
        (["--", "olga", "-lawyer"], "35"),
        (["--category", "writing"], "32"),
        (["--category", "writing", "--", "-lawyer"], "3"),
        (["--author", "olga", "--max-conversations", "500"], "25"),
        (["--category", "writing", "--sort", "name"], "23"),
        (["--script", "Han", "--script", "Arabic"], "14"),
        (["--changed-since", "2026-02-02", "--status", "listed"], "3"),
        (["poet", "--at", "2026-02-01"], "3"),
    ],
    ids=str,
)
def test_search_finds_by_words_and_by_what_gpts_are(
    shelf: Cli, words: list[str], found: str
) -> None:
    at = words.index("--") if "--" in words else len(words)
    assert _ids(shelf, *words[:at], "--ids", *words[at:]) == list(found)


def test_an_excluded_word_by_itself_is_an_option_to_the_shell(shelf: Cli) -> None:
    assert shelf("search", "olga", "-lawyer").status == 2


def test_search_with_json_are_lines_that_begin_with_id_and_name(shelf: Cli) -> None:
    lines = shelf("search", "--json").lines
    assert all(list(line) == KEYS for line in lines)
    assert (lines[0]["name"], lines[0]["conversations_text"]) == ("The Novelist", "30K+")
    assert lines[0]["changed_at"] == DAYS[1]
    assert lines[-1]["name"] == EVIL


def test_search_with_csv_has_the_same_columns_and_runs_no_formula(shelf: Cli) -> None:
    """Law 11."""
    ran = shelf("search", "--csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert list(rows[0]) == KEYS
    assert rows[-1]["categories"] == "'=sum(1)"
    assert not set(ran.out) & set("\x1b\x07\u202e")


def test_search_names_the_command_of_the_next_page(shelf: Cli) -> None:
    seen, words = [], ["search", "--author", "Olga", "--limit", "1", "--ids"]
    while words:
        ran = shelf(*words)
        seen += ran.out.split()
        following = re.search(r"^next page: gpts-catalog (.*)$", ran.err, re.MULTILINE)
        words = shlex.split(following[1]) if following else []
    assert seen == ["g-AAAAAAAA3", "g-AAAAAAAA2", "g-AAAAAAAA5"]


@pytest.mark.parametrize("words", [["search"], ["authors"]], ids=lambda words: words[0])
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_the_command_of_the_next_page_holds_no_password(
    shelf: Cli, postgres: Postgres, words: list[str], *, first: bool
) -> None:
    """Law 10."""
    name = postgres.lend()
    try:
        url = postgres.url(name).replace("//postgres:@", "//postgres:s3cret@")
        assert "s3cret" in url
        place = ["--catalog", url]
        assert shelf("merge", "data/catalog.db", *place).status == 0
        ran = shelf(*(place + words if first else words + place), "--limit", "1")
        assert ran.status == 0
        assert f"next page: gpts-catalog {words[0] if not first else '--catalog'}" in ran.err
        assert "//postgres@" in ran.err
        assert "export PGPASSWORD=" in ran.err
        assert "s3cret" not in ran.out + ran.err
    finally:
        postgres.take_back(name)


def test_search_refuses_the_mark_of_another_search(shelf: Cli) -> None:
    mark = shelf("search", "--limit", "1").err.split("--after ")[1].split()[0]
    ran = shelf("search", "Olga", "--after", mark)
    assert ran.status == 2
    assert "without a cursor" in ran.err


def test_ids_are_what_harvest_takes(shelf: Cli) -> None:
    found = read_references(shelf("search", "--ids").out.splitlines())
    assert len(found.ids) == len(GPTS)
    assert not found.refused


def test_search_all_takes_every_gpt_whatever_the_limit(shelf: Cli) -> None:
    assert len(shelf("search", "--all", "--json").lines) == len(GPTS)


def test_search_says_what_an_upgrade_that_was_cut_off_left(shelf: Cli) -> None:
    with closing(sqlite3.connect(shelf.folder / "data" / "catalog.db")) as catalog, catalog:
        catalog.execute("INSERT INTO stage_queue VALUES ('listing', 'g-AAAAAAAA3')")
    ran = shelf("search", "Olga", "--count", "--json")
    assert ran.json == {"count": 3, "exact": False}
    assert "1 GPT is not listed yet: gpts-catalog upgrade" in ran.err
    assert "not listed yet" in shelf("search", "--ids").err
    # The past is read from the rows themselves.
    assert "not listed yet" not in shelf("search", "--ids", "--at", "2026-02-01").err
    assert "1 GPT: gpts-catalog upgrade goes on with it" in shelf("status").out
    assert shelf("status", "--json").json["unlisted"] == 1
    assert shelf("upgrade").status == 0
    assert "not listed yet" not in shelf("search", "--ids").err
    assert "not listed yet" not in shelf("status").out


def test_count_is_the_number_alone(shelf: Cli) -> None:
    assert shelf("search", "Olga", "--count").out == "3\n"
    assert shelf("search", "Olga", "--count", "--json").json == {"count": 3, "exact": True}
    assert shelf("search", "Olga", "--count", "--at", "2026-01-01").out == "0\n"


def test_facets_are_beside_the_gpts_and_alone_for_programs(shelf: Cli) -> None:
    ran = shelf("search", "Olga", "--facets")
    assert "The Novelist" in ran.out
    assert re.search(r"^writing +2  █", ran.out, re.MULTILINE)
    found = shelf("search", "Olga", "--facets", "--json").json
    assert (found["count"], found["exact"]) == (3, True)
    assert found["facets"]["category"][0] == {"value": "writing", "label": None, "count": 2}
    rows = list(csv.DictReader(io.StringIO(shelf("search", "--facets", "--csv").out)))
    assert {"facet": "script", "value": "Han", "label": "", "count": "1"} in rows


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["zebra"], "“zebra…” finds nothing by itself"),
        (["olga zebra"], "“zebra…” finds nothing by itself"),
        (["--category", "writng"], "did you mean writing?"),
        (["--script", "Klingon"], "known are Latin, "),
        (["lawyer", "--category", "other"], "without --category other: 1 GPT"),
        (["--tool", "browser", "--min-reviews", "5"], "--min-reviews 5 finds nothing by itself"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_nothing_found_is_explained(shelf: Cli, words: list[str], why: str) -> None:
    ran = shelf("search", *words)
    assert (ran.status, ran.out) == (0, "")
    assert "no GPT is found" in ran.err
    assert why in ran.err


def test_an_empty_catalog_says_how_to_fill_it(cli: Cli) -> None:
    cli("init")
    assert "gpts-catalog import" in cli("search").err
    assert "gpts-catalog import" in cli("authors").err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["law AND order"], "cannot be understood"),
        (["--status", "alive"], "--status: 'alive' is no status"),
        (["--min-rating", "9"], "--min-rating: expected a number from 1 to 5"),
        (["--created-since", "soon"], "--created-since 'soon' is no time"),
        (["--count", "--ids"], "--count and --ids ask two things"),
        (["--all", "--after", "x"], "leave --after out"),
        (
            ["--min-conversations", "5", "--max-conversations", "3"],
            "--min-conversations: 5 is more than --max-conversations, 3",
        ),
        (
            ["--created-since", "2026-02-02", "--created-until", "2026-01-01"],
            "lies after --created-until, 2026-01-01",
        ),
        (["--limit"], "See gpts-catalog search --help"),
        (["--all", "--limit", "3", "--ids"], "leave --limit out"),
        (["--json", "--csv"], "two forms of one output"),
        (["--limit", "0"], "expected at least 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_are_status_2_and_explained(shelf: Cli, words: list[str], says: str) -> None:
    ran = shelf("search", *words)
    assert (ran.status, ran.out) == (2, "")
    assert says in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("width", ["40", "60", "120"])
def test_tables_fit_the_terminal(shelf: Cli, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # told to rich: take stdout for a terminal
    for words in (["search", "--facets"], ["authors"], ["stats"], ["authors", "--id", "Olga"]):
        out = re.sub("\x1b\\[[0-9;]*m", "", shelf(*words).out)
        assert max(width_of(line) for line in out.splitlines()) <= int(width), words


def test_authors_are_found_by_words_of_their_names(shelf: Cli) -> None:
    lines = shelf("authors", "olg", "--json").lines
    assert [(each["user_id"], each["gpts"]) for each in lines] == [("user-Olga", 3)]
    assert "Olga" in shelf("authors", "--sort", "name").out
    assert "no author's name has all of: zebra" in shelf("authors", "zebra").err


def test_authors_name_the_command_of_the_next_page(shelf: Cli) -> None:
    ran = shelf("authors", "--limit", "2", "--json")
    following = re.search(r"^next page: gpts-catalog (.*)$", ran.err, re.MULTILINE)
    assert following
    more = shelf(*shlex.split(following[1]))
    assert len({each["user_id"] for each in ran.lines + more.lines}) == 3


def test_one_author_is_shown_with_gpts_and_recent_changes(
    shelf: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPTS_CATALOG_CLOCK", "2026-02-03T00:00:00Z")
    ran = shelf("authors", "--id", "olga")
    assert "The Novelist" in ran.out
    assert "The Poet → The Novelist" in ran.out
    found: dict[str, Any] = shelf("authors", "--id", "user-Olga", "--json").json
    assert [each["gizmo_id"][-1] for each in found["works"]] == ["3", "2", "5"]
    assert found["statuses"] == {"listed": 3}
    assert (
        len(list(csv.DictReader(io.StringIO(shelf("authors", "--id", "olga", "--csv").out)))) == 3
    )
    assert shelf("authors", "--id", "nobody").status == 1


def test_stats_tell_what_the_catalog_holds(shelf: Cli) -> None:
    found = shelf("stats", "--json").json
    assert found["holdings"]["gpts"] == {"listed": 5}
    assert found["coverage"] == {"known": 5, "with_document": 5, "never_asked": 5}
    assert {each["month"]: each["first_seen"] for each in found["months"]}["2026-02"] == 5
    assert list(found["seconds_since_seen"]) == ["10%", "25%", "50%", "75%", "90%", "100%"]
    name = {"class": "content", "field": "gizmo.display.name", "changes": 1, "noise": 0}
    assert name in found["changes"]
    assert found["facets"]["status"] == [{"value": "listed", "label": None, "count": 5}]
    out = shelf("stats").out
    for word in (
        "growth by month",
        "changes by class and field",
        "last seen",
        "script of the name",
    ):
        assert word in out


def test_stats_of_an_empty_catalog_are_nothing_and_no_fault(cli: Cli) -> None:
    cli("init")
    ran = cli("stats")
    assert ran.status == 0
    assert "none yet" in ran.out


def test_stats_with_csv_are_numbers_by_section(shelf: Cli) -> None:
    rows = list(csv.reader(io.StringIO(shelf("stats", "--csv").out)))
    assert rows[0] == ["section", "name", "of", "number"]
    assert ["holdings", "gpts", "listed", "5"] in rows
    assert ["facets", "writing", "category", "2"] in rows


@pytest.mark.parametrize(
    "words",
    [
        ["search"],
        ["search", "--json"],
        ["search", "--csv"],
        ["search", "--facets"],
        ["authors", "--id", "Olga"],
        ["changes", "--csv"],
        ["changes", "--movers", "conversations", "--since", "2026-02-01"],
    ],
    ids=" ".join,
)
def test_strangers_text_steers_no_terminal(shelf: Cli, words: list[str]) -> None:
    """Law 11."""
    ran = shelf(*words)
    assert ran.status == 0
    assert not set(ran.out + ran.err) & set("\x1b\x07\u202e")
