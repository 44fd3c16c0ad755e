from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from catalog.times import DAY
from tests.contract.telling import ID, changed, document

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli, Ran

EVIL = "\x1b]0;owned\x07\u202eevil"
CHANGE_KEYS = [
    "gizmo_id",
    "observed_at",
    "not_before",
    "class",
    "field",
    "kind",
    "old",
    "new",
    "source",
    "flap",
    "event",
]
DAYS = ("2026-02-01T09:00:00Z", "2026-02-02T09:00:00Z")


def _line(at: str, value: dict[str, Any]) -> str:
    return json.dumps({"observed_at": at, "gpt": value})


@pytest.fixture
def archive(cli: Cli) -> Cli:
    """A catalog, and a folder with two days of a GPT and things that are no documents."""
    cli("init")
    folder = cli.folder / "answers"
    folder.mkdir()
    renamed = changed(document(), name=EVIL, description="What it now says of itself, at length")
    (folder / "days.jsonl").write_text(
        "\n".join([_line(DAYS[0], document()), _line(DAYS[1], renamed), "{broken", ""])
    )
    (folder / "notes.txt").write_text("no document")
    return cli


def _import(cli: Cli, *more: str) -> Ran:
    return cli("import", "answers", "--source", "archive", *more)


def test_import_names_what_is_no_document_and_is_status_1(archive: Cli) -> None:
    ran = _import(archive)
    assert ran.status == 1
    assert "2 documents" in ran.out
    assert "answers/days.jsonl:3: " in ran.out
    assert "answers/notes.txt: not a kind that is read" in ran.out


def test_import_a_second_time_changes_nothing_and_says_so(archive: Cli) -> None:
    _import(archive)
    before = archive("digest", "--json").json
    again = _import(archive)
    assert again.status == 1
    assert "nothing changed" in again.out
    assert archive("digest", "--json").json == before


def test_import_of_documents_alone_is_status_0(archive: Cli) -> None:
    good = archive.folder / "good.json"
    good.write_text(json.dumps(document()))
    ran = archive("import", "good.json", "--source", "mine", "--observed-at", DAYS[0], "--json")
    assert ran.status == 0
    assert (ran.json["documents"], ran.json["new"], ran.json["set_aside"]) == (1, 1, [])
    assert "taken as recorded answers" in ran.err


def test_import_counts_what_only_a_file_dates(archive: Cli) -> None:
    good = archive.folder / "good.json"
    good.write_text(json.dumps(document()))
    ran = archive("import", "good.json", "--source", "archive")
    assert "warning: 1 document dated by its file alone: name the time" in ran.out


def test_metrics_until_a_day_without_numbers_say_so(archive: Cli) -> None:
    _import(archive)
    ran = archive("metrics", ID, "--until", "2025-01-01")
    assert ran.status == 0
    assert "no numbers were said until then" in ran.out
    assert archive("metrics", ID, "--until", "2025-01-01", "--json").out == ""


def test_status_counts_in_good_grammar(archive: Cli) -> None:
    good = archive.folder / "good.json"
    good.write_text(json.dumps(document(surprise="x")))
    archive("import", "good.json", "--source", "archive", "--observed-at", DAYS[0])
    assert "  1 time  " in archive("status").out


def test_show_tells_files_without_a_name_apart(archive: Cli) -> None:
    value = document()
    value["files"] = [
        {"id": f"gzm_cnf_x~gzm_file_{n}", "type": "application/pdf"} for n in ("one", "two")
    ]
    (archive.folder / "good.json").write_text(json.dumps(value))
    archive("import", "good.json", "--source", "archive", "--observed-at", DAYS[0])
    lines = [each for each in archive("show", ID).out.splitlines() if "application/pdf" in each]
    assert len({each.split("(since")[0] for each in lines}) == 2


def test_import_of_nothing_that_is_there_is_status_2(archive: Cli) -> None:
    ran = archive("import", "nowhere", "--source", "archive")
    assert ran.status == 2
    assert "nowhere" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["show", ID],
        ["show", ID, "--history"],
        ["show", ID, "--json"],
        ["changes"],
        ["changes", "--json"],
        ["metrics", ID],
    ],
    ids=" ".join,
)
def test_strangers_text_steers_no_terminal(archive: Cli, words: list[str]) -> None:
    """Law 11."""
    _import(archive)
    ran = archive(*words)
    assert ran.status == 0
    assert "owned" in ran.out
    assert not set(ran.out + ran.err) & set("\x1b\x07\u202e")


def test_changes_say_what_from_to_when_and_in_whose_words(archive: Cli) -> None:
    _import(archive)
    ran = archive("changes", ID)
    assert "2026-02-02T09:00:00Z (after 2026-02-01T09:00:00Z" in ran.out
    assert "(says archive)" in ran.out
    assert "name: A name → " in ran.out


def test_changes_with_json_are_lines_of_the_contract(archive: Cli) -> None:
    _import(archive)
    lines = archive("changes", "--json").lines
    assert all(list(line) == CHANGE_KEYS for line in lines)
    name = next(line for line in lines if line["field"] == "gizmo.display.name")
    assert (name["old"], name["new"]) == ("A name", EVIL)
    assert (name["not_before"], name["observed_at"]) == DAYS


def test_show_as_of_a_day_gives_what_was_true_then(archive: Cli) -> None:
    _import(archive)
    assert archive("show", ID, "--at", "2026-02-01", "--json").json["name"] == "A name"
    assert archive("show", ID, "--at", "2026-02-02", "--json").json["name"] == EVIL
    early = archive("show", ID, "--at", "2026-01-31")
    assert early.status == 1
    assert DAYS[0] in early.err


def test_show_as_known_before_the_import_knows_nothing(archive: Cli) -> None:
    _import(archive)
    ran = archive("show", ID, "--known-at", "2024-01-01")
    assert ran.status == 1
    assert "was recorded at" in ran.err


def test_show_raw_gives_the_bytes_as_they_came(archive: Cli) -> None:
    _import(archive)
    ran = archive("show", ID, "--raw", "--at", "2026-02-01")
    assert ran.out == json.dumps(document())
    assert "archive" in ran.err


def test_show_of_an_unknown_gpt_is_status_1_and_says_what_to_do(archive: Cli) -> None:
    ran = archive("show", "g-NotThere0")
    assert ran.status == 1
    assert "gpts-catalog harvest g-NotThere0" in ran.err


def test_first_sightings_of_a_day_are_one_line(sim: Cli) -> None:
    sim("harvest", "--refs", "ids.txt")
    lines = sim("changes").out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("2026-01-01  first seen  ")
    assert len(sim("changes", "--all").out.splitlines()) > 30


def test_rebuild_makes_the_same_rows_and_verify_is_content(archive: Cli) -> None:
    _import(archive)
    before = archive("digest", "--json").json["digest"]
    ran = archive("rebuild", "--json")
    assert ran.json["same"] is True
    assert ran.json["digest"] == before
    verified = archive("verify", "--json")
    assert (verified.status, verified.json["whole"]) == (0, True)


def test_status_check_fails_on_an_alarm(sim: Cli, gateway: RunningGateway) -> None:
    sim("harvest", "--refs", "ids.txt")
    assert sim("status", "--check").status == 0
    gateway.clock.advance(4 * DAY)
    ran = sim("status", "--check")
    assert ran.status == 1
    assert "harvest --due" in ran.out
    assert sim("status").status == 0


def test_status_with_json_tells_what_it_prints(sim: Cli) -> None:
    sim("harvest", "--refs", "ids.txt")
    found = sim("status", "--json").json
    assert found["now"] == "2026-01-01T00:00:00Z"
    assert found["frontier"]["known"] == 30
    assert found["runs"][0]["status"] == "finished"
    assert found["sources"][0]["name"] == "sim"
