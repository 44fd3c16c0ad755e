"""``forget`` and ``recover`` as a person meets them, and what comes after."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import write_settings
from tests.acceptance.test_cli_discover import a_word

if TYPE_CHECKING:
    from catalog.simulator import RunningGateway
    from tests.acceptance.conftest import Cli

DB = "data/catalog.db"
ELSEWHERE = (
    "exports, backups and copies in other places may hold it still, and are yours to find: the"
    " catalog does not know where they are"
)


@pytest.fixture
def ids(sim: Cli, gateway: RunningGateway) -> list[str]:
    """GPTs that exist, all of them harvested."""
    assert sim("harvest", "--refs", "ids.txt").status == 0
    population, now = gateway.gateway.population, gateway.clock.now()
    return [each for each in population.ids() if population.document(each, now)]


def _count(sim: Cli, query: str) -> int:
    (row,) = sim("sql", query, "--json").lines
    return int(next(iter(row.values())))


def _kept(sim: Cli, gizmo_id: str) -> int:
    return sum(
        _count(sim, f"SELECT count(*) AS n FROM {table} WHERE gizmo_id = '{gizmo_id}'")  # noqa: S608
        for table in ("gizmos", "observations", "frontier", "discoveries", "probes")
    )


def test_without_yes_it_is_only_said(sim: Cli, ids: list[str]) -> None:
    before = sim("digest").out
    ran = sim("forget", "gpt", ids[0])
    assert ran.status == 0, ran.err
    assert [" ".join(line.split()) for line in ran.out.splitlines()] == [
        f"would go: gpt {ids[0]}",
        "1 frontier",
        "1 observations",
        "1 outcomes",
        "1 payloads",
    ]
    assert ran.err.splitlines() == [
        ELSEWHERE,
        "nothing was erased: give the same command with --yes",
    ]
    assert sim("digest").out == before
    assert not (sim.folder / "data" / "tombstones.key").exists()


def test_with_yes_it_goes_and_what_is_not_reached_is_named(sim: Cli, ids: list[str]) -> None:
    (sim.folder / "data" / "reports").mkdir()
    (sim.folder / "data" / "reports" / "2026-01-01.md").write_text(f"{ids[0]} changed\n")
    assert sim("backup", "data/older.db").status == 0
    ran = sim("forget", "gpt", ids[0], "--yes")
    assert ran.status == 0, ran.err
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[0] == f"erased: gpt {ids[0]}"
    assert "1 observations" in lines
    assert "1 reports, feeds and pages" in lines
    assert lines[-2:] == [
        "not reached, and may hold it still",
        str((sim.folder / "data" / "older.db").resolve()),
    ]
    assert ran.err.splitlines() == [
        "writing the tombstone",
        "erasing",
        "writing the catalog's files anew",
        "remove them, or make them again",
        ELSEWHERE,
    ]
    assert _kept(sim, ids[0]) == 0
    assert sim("show", ids[0]).status == 1
    assert ids[0].encode() not in (sim.folder / DB).read_bytes()
    key = sim.folder / "data" / "tombstones.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sim("verify").status == 0


def test_again_it_finds_nothing_more(sim: Cli, ids: list[str]) -> None:
    assert sim("forget", "gpt", ids[0], "--yes", "--json").json["gpts"] == 1
    ran = sim("forget", "gpt", ids[0], "--yes", "--json")
    assert (ran.status, ran.json["gpts"], ran.json["rows"]) == (0, 0, {})


def test_who_asks_for_one_who_was_forgotten_is_told_so(sim: Cli, ids: list[str]) -> None:
    """It read as if it were taken in still, and could be harvested again."""
    assert sim("forget", "gpt", ids[0], "--yes").status == 0
    said = f"nothing is kept of gpt {ids[0]}: this catalog was told to forget it before\n"
    for words in ([], ["--yes"]):
        ran = sim("forget", "gpt", ids[0], *words)
        assert ran.out == said
        assert "from now on" not in ran.err
    shown = sim("show", ids[0])
    assert shown.status == 1
    assert "was told to forget it" in shown.err
    assert "harvest" not in shown.err
    priced = sim("harvest", *ids[:3], "--dry-run", "--json")
    assert priced.json["requested"] == 2
    assert "left out: 1 GPT that this catalog was told to forget" in priced.err


def test_what_files_alone_still_tell_goes_too(sim: Cli, ids: list[str]) -> None:
    assert sim("forget", "gpt", ids[0], "--yes").status == 0
    (sim.folder / "data" / "reports").mkdir()
    report = sim.folder / "data" / "reports" / "2026-01-01.md"
    report.write_text(f"{ids[0]} changed\n")
    ran = sim("forget", "gpt", ids[0])
    assert ran.out.startswith(f"would go: gpt {ids[0]}\n")
    assert ran.err.endswith("give the same command with --yes\n")
    assert sim("forget", "gpt", ids[0], "--yes").out.startswith("erased: ")
    assert not report.exists()


def test_name_of_which_nothing_is_kept_is_questioned(sim: Cli, ids: list[str]) -> None:
    """A slip of the pen must not read as if somebody had been taken out."""
    assert ids
    ran = sim("forget", "author", "user-MadeUpByNobody")
    assert ran.status == 0
    assert ran.out == "nothing is kept of author user-MadeUpByNobody: is that the right name?\n"
    assert ran.err.splitlines() == ["with --yes it would not be taken in from now on", ELSEWHERE]
    ran = sim("forget", "author", "user-MadeUpByNobody", "--yes")
    assert ran.out.startswith("nothing is kept of author user-MadeUpByNobody")
    assert "it is not taken in from now on" in ran.err


def test_an_author_goes_with_all_of_theirs(sim: Cli, ids: list[str]) -> None:
    author = sim("sql", "SELECT user_id FROM authors ORDER BY user_id LIMIT 1", "--json").lines[0]
    user_id = author["user_id"]
    query = f"SELECT gizmo_id FROM gizmo_authors WHERE user_id = '{user_id}'"  # noqa: S608
    theirs = sim("sql", query, "--json").lines
    done = sim("forget", "author", user_id, "--yes", "--json").json
    assert done["kind"] == "author"
    assert done["gpts"] == len({each["gizmo_id"] for each in theirs}) > 0
    assert all(_kept(sim, each["gizmo_id"]) == 0 for each in theirs)
    assert _count(sim, "SELECT count(*) AS n FROM gizmos") == len(ids) - done["gpts"]
    ran = sim("forget", "author", "Nobody of that name")
    assert ran.status == 1
    assert "name one by user_id" in ran.err


def test_harvest_and_probe_do_not_ask_for_them(
    sim: Cli, ids: list[str], gateway: RunningGateway
) -> None:
    write_settings(sim.folder, gateway, probes_per_day=50, tokens_per_day=1_000_000)
    sim("forget", "gpt", ids[0], "--yes")
    before = gateway.gateway.requests
    ran = sim("harvest", ids[0])
    assert ran.status == 0
    assert "left out: 1 GPT that this catalog was told to forget" in ran.err
    ran = sim("probe", ids[0])
    assert ran.status == 0
    assert "not asked: 1 GPT that this catalog was told to forget" in ran.err
    assert gateway.gateway.requests == before
    assert _kept(sim, ids[0]) == 0


def test_discover_does_not_keep_them_and_says_so(sim: Cli, gateway: RunningGateway) -> None:
    word = a_word(gateway)
    sim("discover", word)
    found = [
        each["gizmo_id"]
        for each in sim("sql", "SELECT DISTINCT gizmo_id FROM discoveries", "--json").lines
    ]
    sim("forget", "gpt", found[0], "--yes")
    ran = sim("discover", word)
    assert "not kept: 1 GPT that this catalog was told to forget" in ran.err
    assert sim("discover", word, "--json").lines[0]["forgotten"] == 1
    (sim.folder / "list.txt").write_text(f"{found[0]}\n")
    ran = sim("discover", "--refs", "list.txt")
    assert "1 id, 0 new; 1 to be forgotten" in ran.out
    assert _kept(sim, found[0]) == 0


def test_a_rebuild_erases_what_a_tombstone_covers(sim: Cli, ids: list[str]) -> None:
    """A file that was copied back over the catalog by hand, and knows no tombstone."""
    assert sim("backup", "older.db").status == 0
    assert sim("forget", "gpt", ids[0], "--yes").status == 0
    with closing(sqlite3.connect(sim.folder / DB)) as there:
        rows = there.execute("SELECT * FROM tombstones").fetchall()
    (sim.folder / DB).write_bytes((sim.folder / "older.db").read_bytes())
    with closing(sqlite3.connect(sim.folder / DB)) as here, here:
        here.executemany("INSERT INTO tombstones VALUES (?, ?, ?)", rows)
    ran = sim("rebuild")
    assert ran.status == 0, ran.err
    assert "rows of whom is to be forgotten" in ran.out
    assert _kept(sim, ids[0]) == 0
    assert ids[0].encode() not in (sim.folder / DB).read_bytes()


@pytest.mark.usefixtures("ids")
def test_thinning_is_said_before_and_written_down(sim: Cli) -> None:
    plain = sim("prune", "--dry-run", "--json").json["rules"]
    thin = sim("prune", "--dry-run", "--thin", "--json").json["rules"]
    assert [each["what"] for each in thin[len(plain) :]] == ["observations that say nothing new"]
    ran = sim("prune", "--thin")
    assert ran.status == 0, ran.err
    assert "observations that say nothing new" in ran.out


# recover


def test_recover_says_what_was_saved(sim: Cli, ids: list[str]) -> None:
    digest = sim("digest").out
    ran = sim("recover", DB)
    assert ran.status == 0, ran.err
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert lines[0] == f"saved into {DB}.recovered"
    assert f"{len(ids)} payloads" in lines
    assert lines[-1].startswith("nothing was lost: ")
    assert sim("digest", "--catalog", f"{DB}.recovered").out == digest


def test_recover_of_a_damaged_file_names_what_was_lost(sim: Cli, ids: list[str]) -> None:
    path = sim.folder / DB
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        digest = connection.execute("SELECT digest FROM payloads WHERE size > 0").fetchone()[0]
    data = bytearray(path.read_bytes())
    for at in _all(bytes(data), digest):
        data[at] ^= 0xFF
    damaged = sim.folder / "damaged.db"
    damaged.write_bytes(data)
    ran = sim("recover", "damaged.db", "--to", "new.db")
    assert ran.status == 1
    assert "lost rows" in ran.out
    assert "places that cannot be read" not in ran.out
    assert (
        "a backup may have them: gpts-catalog merge BACKUP --catalog new.db brings back what it"
        " holds"
    ) in " ".join(ran.err.split())
    assert damaged.read_bytes() == data
    assert _count_in(sim, "new.db") == len(ids) - 1
    again = sim("recover", "damaged.db", "--to", "new.db")
    assert again.status == 2
    assert "there already" in again.err


def test_recover_of_no_catalog_says_so(sim: Cli) -> None:
    (sim.folder / "noise.db").write_bytes(os.urandom(20_000))
    ran = sim("recover", "noise.db", "--to", "new.db")
    assert ran.status == 4
    assert "restore a backup" in ran.err
    assert not (sim.folder / "new.db").exists()
    assert sim("recover", "nowhere.db").status == 2
    (sim.folder / "notes.txt").write_text("no catalog\n" * 2000)
    ran = sim("recover", "notes.txt")
    assert ran.status == 4
    assert ran.err.startswith("error: notes.txt is no catalog, or is damaged where it says")
    assert len(ran.err.splitlines()) == 1


def _count_in(sim: Cli, name: str) -> int:
    words = ("sql", "SELECT count(*) AS n FROM gizmos", "--json", "--catalog", name)
    return int(sim(*words).lines[0]["n"])


def _all(data: bytes, needle: bytes) -> list[int]:
    found, at = [], data.find(needle)
    while at >= 0:
        found.append(at)
        at = data.find(needle, at + 1)
    return found
