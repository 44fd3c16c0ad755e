from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.acceptance.conftest import Cli


def test_backup_put_back_is_the_same_catalog(sim: Cli) -> None:
    sim("harvest", "--refs", "ids.txt")
    before = sim("digest").out
    made = sim("backup", "copies/one.db", "--json").json
    assert made["bytes"] == (sim.folder / "copies" / "one.db").stat().st_size
    assert sim("show", "--catalog", "copies/one.db", first_id(sim)).status == 0
    ran = sim("restore", "copies/one.db", "--catalog", "again.db")
    assert ran.status == 0, ran.err
    assert sim("digest", "--catalog", "again.db").out == before
    assert sim("verify", "--catalog", "again.db").status == 0


def first_id(sim: Cli) -> str:
    return sim("search", "--ids", "--limit", "1").out.split()[0]


def test_nothing_is_replaced_unasked(sim: Cli) -> None:
    assert sim("backup", "one.db").status == 0
    ran = sim("backup", "one.db")
    assert ran.status == 2
    assert "is there already" in ran.err
    assert sim("backup", "one.db", "--replace").status == 0
    ran = sim("restore", "one.db")
    assert ran.status == 2
    assert "already" in ran.err


def test_what_is_no_backup_is_explained(sim: Cli) -> None:
    (sim.folder / "notes.txt").write_text("no catalog at all, but words " * 100)
    ran = sim("restore", "notes.txt", "--catalog", "new.db")
    assert ran.status == 4
    assert "cannot be read" in ran.err
    assert not (sim.folder / "new.db").exists()


def test_prune_says_what_would_go_and_then_removes_it(sim: Cli) -> None:
    reports = sim.folder / "data" / "reports"
    reports.mkdir(parents=True)
    (reports / "2024-01-01.md").write_text("old")
    said = sim("prune", "--dry-run", "--json").json
    assert said["dry_run"] is True
    assert (reports / "2024-01-01.md").exists()
    done = sim("prune", "--json").json
    assert done["rules"] == said["rules"]
    assert {rule["what"]: rule["removed"] for rule in done["rules"]}["reports"] == 1
    assert not (reports / "2024-01-01.md").exists()


def test_days_to_keep_come_from_the_settings(sim: Cli) -> None:
    path = sim.folder / "catalog.toml"
    path.write_text(path.read_text() + "\n[jobs.prune]\nkeep_days = 100000\n")
    reports = sim.folder / "data" / "reports"
    reports.mkdir(parents=True)
    (reports / "2024-01-01.md").write_text("kept")
    assert sim("prune").status == 0
    assert (reports / "2024-01-01.md").exists()
    assert sim("prune", "--keep-days", "30").status == 0
    assert not (reports / "2024-01-01.md").exists()


def test_an_export_goes_back_in_without_a_word_of_whose_it_is(sim: Cli) -> None:
    """It names the sources itself."""
    sim("harvest", "--refs", "ids.txt")
    sim("export", "release", "--profile", "full", "--format", "csv")
    again = ("--catalog", "data/again.db")
    sim("init", *again)
    ran = sim("import", "release", *again)
    assert ran.status == 0
    assert "took the export" in ran.out
    assert "taken as recorded" not in ran.err
    digests = [sim("digest", "--kept", *place).out for place in ((), again)]
    assert digests[0] == digests[1]
    # One without documents brings the ids alone, and they must be somebody's.
    sim("export", "ids", "--format", "csv")
    third = ("--catalog", "data/third.db")
    sim("init", *third)
    refused = sim("import", "ids", *third)
    assert refused.status == 2
    assert "name the source that they are filed under" in refused.err
    assert sim("import", "ids", "--source", "theirs", *third).status == 0
    named = sim("sql", "SELECT count(*) FROM frontier", "--csv", *third).out.split()[-1]
    known = sim("sql", "SELECT count(*) FROM gizmos", "--csv").out.split()[-1]
    assert named == known != "0"


@pytest.mark.parametrize("name", ["b%41", "p%20q", "a b+c", "r#?x", "\u4f60 %zz"])
def test_any_name_of_a_file_is_that_file(sim: Cli, name: str) -> None:
    """A URL reads some characters in another way."""
    sim("harvest", "--refs", "ids.txt")
    before = sim("digest").out
    for words in (
        ("backup", f"{name}.db"),
        ("restore", f"{name}.db", "--catalog", f"{name} again.db"),
        ("export", name, "--format", "sqlite", "--profile", "full"),
        ("export", "--verify", name),
        ("init", "--catalog", f"{name} new.db"),
        ("import", name, "--catalog", f"{name} new.db"),
        ("merge", f"{name}.db", "--catalog", f"{name} new.db"),
        ("recover", f"{name}.db", "--to", f"{name} saved.db"),
        ("move", "--to", f"{name} moved.db"),
    ):
        ran = sim(*words)
        assert ran.status == 0, (words, ran.err)
    for place in (".db", " again.db", " saved.db", " moved.db"):
        assert sim("digest", "--catalog", f"{name}{place}").out == before, place
    made = {path.name for path in sim.folder.iterdir()}
    assert {f"{name}{end}" for end in ("", ".db", " again.db", " new.db", " saved.db")} <= made
    assert not [path for path in made if path.startswith(("bA", "p q")) or "partial" in path]
