"""A damaged file: what is damaged is named, what is not is saved, and nothing wrong is."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import func, insert, select

from catalog.care.recovering import recover
from catalog.derive import Derivation
from catalog.errors import CatalogCorrupt, CatalogError, SettingsError, UsageError
from catalog.storage import runs
from catalog.storage import tables as t
from catalog.storage.dump import digest, dump
from catalog.storage.engine import open_engine, read, write
from catalog.storage.failures import Failure, add_failures, failures
from catalog.storage.frontier import Lease, add_ids, claim, count_frontier
from catalog.storage.ledger import Ledger, Tombstone
from catalog.storage.mentions import Named, add_named
from catalog.storage.tombstones import add_tombstones
from catalog.storage.verify import verify
from catalog.times import HOUR
from tests.databases import NOW
from tests.faults.pages import PAGE, leaves_of, said_in, undamaged
from tests.laws.worlds import START, document, keep, state_absence, state_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Table

RULES = Derivation()
MOST = 0.5
"""Of flipped bytes, the share that costs nothing, at least."""
FLIPS = int(os.environ.get("GPTS_RECOVER_FLIPS", "12"))
"""Bytes flipped, one after another; a long dose takes another seed for each."""
GPTS = [f"g-Recover{number:02}" for number in range(40)]

pytestmark = pytest.mark.usefixtures("_home")


@pytest.fixture
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    """A catalog of forty GPTs, several pages of each kept table."""
    path = tmp_path_factory.mktemp("whole") / "catalog.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    rng = random.Random(5)
    with write(engine) as conn:
        conn.execute(insert(t.sources), {"name": "alpha", "dialect": "recorded", "added_at": START})
        said = []
        for number, gizmo_id in enumerate(GPTS):
            for version in range(4):
                text = "".join(rng.choice("abcdefgh ") for _ in range(600))
                made = document(
                    gizmo_id,
                    name=f"GPT {number}",
                    description=f"{version} {text}",
                    user_id="user-one",
                )
                said.append(state_document(made, at=START + version))
            if number % 10 == 0:
                said.append(state_absence(gizmo_id, at=START + 9))
        keep(conn, said)
        add_ids(conn, GPTS, NOW)
    engine.dispose()
    return path


def lines_of(path: Path) -> tuple[set[bytes], str]:
    engine = open_engine(f"sqlite:///{path}", read_only=True)
    with read(engine) as conn:
        found = set(dump(conn)), digest(conn)
        assert [each.findings for each in verify(conn) if each.findings] == []
    engine.dispose()
    return found


def _kept(lines: set[bytes]) -> set[bytes]:
    return {
        line
        for line in lines
        if line.startswith((b'["observations"', b'["payloads"', b'["sources"'))
    }


def test_a_whole_catalog_is_saved_whole(whole: Path, tmp_path: Path) -> None:
    done = recover(whole, tmp_path / "new.db", RULES, NOW)
    assert not done.is_short
    assert lines_of(tmp_path / "new.db")[1] == lines_of(whole)[1]
    assert done.saved["frontier"] == len(GPTS)


@pytest.fixture
def worked(whole: Path, tmp_path: Path) -> Path:
    """The same after work on it: ids that were named, an answer that is no fact, a claimed GPT."""
    path = tmp_path / "worked.db"
    path.write_bytes(whole.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    key = runs.RunKey(command="harvest", source="alpha", ids_digest="some")
    with write(engine) as conn:
        named = [
            Named(gizmo_id=each, query="q", at=NOW, rank=1, title="T", payload=b'"%d"' % number)
            for number, each in enumerate(GPTS[:3])
        ]
        add_named(conn, 1, named)
        run = runs.open_run(conn, key, now=NOW, rng=random.Random(1))
        failure = Failure(
            run_id=run.run_id,
            source_id=1,
            asked_id=GPTS[0],
            verdict="throttled",
            status=429,
            detail="slow",
            at=NOW,
            redacted=True,
            body=b"too fast",
        )
        pruned = msgspec.structs.replace(failure, asked_id=GPTS[1], body=None)
        add_failures(conn, [failure, pruned])
        claim(conn, Lease("me", NOW + HOUR), ids=GPTS[:1], limit=1, now=NOW)
    engine.dispose()
    return path


def test_what_was_named_and_what_failed_is_saved(worked: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    done = recover(worked, new, RULES, NOW)
    engine = open_engine(f"sqlite:///{new}", read_only=True)
    with read(engine) as conn:
        run_id = conn.execute(select(t.runs.c.run_id)).scalar_one()
        kept = failures(conn, run_id, 9)
        leases = conn.execute(select(t.frontier.c.lease_owner).distinct()).scalars().all()
    engine.dispose()
    assert not done.is_short
    assert (done.saved["discoveries"], done.saved["fetch_failures"]) == (3, 2)
    assert lines_of(new) == lines_of(worked)
    assert [(each.body, each.redacted) for each in kept] == [(b"too fast", True), (None, True)]
    # Whose process it was has ended.
    assert leases == [None]


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        (
            "UPDATE discoveries SET gizmo_id = 'x' WHERE gizmo_id = 'g-Recover00'",
            {"discoveries": 1},
        ),
        ("UPDATE discoveries SET source_id = 9", {"discoveries": 3}),
        ("UPDATE discoveries SET payload_id = 99999", {"discoveries": 3}),
        ("UPDATE observations SET verdict = 'odd' WHERE observation_id = 1", {"observations": 1}),
        ("UPDATE observations SET gizmo_id = 'x' WHERE observation_id = 1", {"observations": 1}),
        ("UPDATE observations SET wrapping = 'data' WHERE observation_id = 1", {"observations": 1}),
        ("UPDATE observations SET gizmo_id = 'g-Recover39' WHERE rowid = 1", {"observations": 1}),
        ("UPDATE fetch_failures SET verdict = 'odd'", {"fetch_failures": 2}),
        ("UPDATE fetch_failures SET source_id = 9", {"fetch_failures": 2}),
        ("UPDATE fetch_failures SET body = x'00' WHERE body IS NOT NULL", {}),
        ("UPDATE frontier SET gizmo_id = 'nobody' WHERE gizmo_id = 'g-Recover39'", {"frontier": 1}),
        ("UPDATE payloads SET base_id = payload_id WHERE payload_id = 2", {}),
    ],
)
def test_what_contradicts_itself_is_counted_and_not_saved(
    worked: Path, tmp_path: Path, statement: str, lost: dict[str, int]
) -> None:
    new = tmp_path / "new.db"
    with closing(sqlite3.connect(worked)) as connection:
        truth = lines_of(worked)[0]
        assert connection.execute(statement).rowcount >= max(lost.values(), default=1)
        connection.commit()
    done = recover(worked, new, RULES, NOW)
    if "payloads" in statement:
        assert done.lost["payloads"] >= 1
    else:
        assert done.lost == lost
    assert _kept(lines_of(new)[0]) <= truth


def test_source_whose_name_is_damaged_takes_what_it_said_with_it(
    worked: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(worked)) as connection:
        connection.execute("UPDATE sources SET name = 'al' || char(7) || 'pha'")
        connection.commit()
    done = recover(worked, tmp_path / "new.db", RULES, NOW)
    assert done.lost["sources"] == 1
    assert done.lost["observations"] == len(said_in(worked))
    assert done.known_again == 0
    assert not said_in(tmp_path / "new.db")


def test_whom_the_ledger_knows_is_not_saved(whole: Path, tmp_path: Path) -> None:
    """The file is older than the wish to be forgotten, or cannot tell of it any more."""
    gone = GPTS[7]
    damaged, new = tmp_path / "damaged.db", tmp_path / "new" / "new.db"
    new.parent.mkdir()
    damaged.write_bytes(whole.read_bytes())
    ledger = Ledger(tmp_path)
    ledger.add([Tombstone("gpt", ledger.own_key().hash("gpt", gone), NOW)])
    done = recover(damaged, new, RULES, NOW)
    assert done.erased["frontier"] == 1
    assert done.saved["observations"] == len(said_in(whole)) - 4
    assert gone.encode() not in new.read_bytes()
    assert Ledger(new.parent).tombstones() == ledger.tombstones()
    engine = open_engine(f"sqlite:///{new}")
    with write(engine) as conn:
        add_ids(conn, [gone], NOW)
        found = select(t.frontier.c.gizmo_id).where(t.frontier.c.gizmo_id == gone)
        assert conn.execute(found).first() is None
    engine.dispose()


def _try(damaged: Path, new: Path) -> Any:
    """What was saved; None where nothing of the file can be read, and it is said so."""
    try:
        return recover(damaged, new, RULES, NOW)
    except CatalogError:
        assert not new.exists()
        return None


def _damages(size: int) -> Iterator[tuple[int, int]]:
    """Bytes flipped anywhere, from a seed: their places, and with what."""
    rng = random.Random(11)
    for _ in range(FLIPS):
        yield rng.randrange(size), rng.randrange(1, 256)


def test_flipped_bytes_cost_no_more_than_what_they_hit(whole: Path, tmp_path: Path) -> None:
    """Most bytes belong to what is derived, or to indexes: damage there costs nothing."""
    truth = _kept(lines_of(whole)[0])
    data = whole.read_bytes()
    complete = refused = 0
    damaged, new = tmp_path / "damaged.db", tmp_path / "new.db"
    for place, flip in _damages(len(data)):
        bytes_ = bytearray(data)
        bytes_[place] ^= flip
        damaged.write_bytes(bytes_)
        done = _try(damaged, new)
        assert damaged.read_bytes() == bytes_
        if done is None:
            refused += 1
            continue
        saved = _kept(lines_of(new)[0])
        assert saved <= truth, f"byte {place}: something wrong was saved"
        if saved != truth:
            assert done.is_short, f"byte {place}: lost in silence"
            # A payload, and those that build on it; or the page that it lies on.
            assert len(truth - saved) < len(truth) / 4, f"byte {place}"
        complete += saved == truth
        new.unlink()
    assert complete >= FLIPS * MOST
    assert refused <= FLIPS / 10


@pytest.mark.parametrize("share", [0.0, 0.2, 0.35, 0.6, 0.9, 0.999])
def test_a_cut_file_gives_what_is_left_of_it(whole: Path, tmp_path: Path, share: float) -> None:
    truth, _ = lines_of(whole)
    data = whole.read_bytes()
    damaged, new = tmp_path / "cut.db", tmp_path / "new.db"
    damaged.write_bytes(data[: int(len(data) * share)])
    done = _try(damaged, new)
    if done is not None:
        assert _kept(lines_of(new)[0]) <= _kept(truth)
    if share > 0.99:
        assert done is not None


@pytest.mark.parametrize("share", [0.75, 0.9, 0.99])
def test_of_a_cut_file_everything_undamaged_is_saved(
    whole: Path, tmp_path: Path, share: float
) -> None:
    data = whole.read_bytes()
    left = int(len(data) / PAGE * share)
    (tmp_path / "cut.db").write_bytes(data[: left * PAGE])
    kept = undamaged(whole, frozenset(range(left, len(data) // PAGE)))
    recover(tmp_path / "cut.db", tmp_path / "new.db", RULES, NOW)
    assert kept <= said_in(tmp_path / "new.db") <= said_in(whole)
    assert kept


def test_what_a_killed_writer_left_half_done_is_taken_back(whole: Path, tmp_path: Path) -> None:
    place, left = tmp_path / "place", tmp_path / "left"
    place.mkdir()
    shutil.copyfile(whole, place / "catalog.db")
    with closing(sqlite3.connect(place / "catalog.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("PRAGMA cache_size = 2")
        writer.execute("BEGIN")
        writer.execute("UPDATE observations SET observed_at = observed_at + 1")
        shutil.copytree(place, left)
    assert (left / "catalog.db-journal").stat().st_size
    recover(left / "catalog.db", tmp_path / "new.db", RULES, NOW)
    assert said_in(tmp_path / "new.db") == said_in(whole)


@pytest.mark.parametrize("table", [t.payloads, t.observations], ids=str)
@pytest.mark.parametrize("place", [0, 3, 100, 2000])
def test_of_a_damaged_page_everything_beside_it_is_saved(
    whole: Path, tmp_path: Path, table: Table, place: int
) -> None:
    """Its first bytes say what it is and how many rows it has; the others are rows."""
    data = bytearray(whole.read_bytes())
    leaves = leaves_of(whole, table)
    page = sorted(leaves)[len(leaves) // 2]
    for at in range(place, min(place + 64, PAGE)):
        data[page * PAGE + at] ^= 0x5A
    (tmp_path / "d.db").write_bytes(data)
    recover(tmp_path / "d.db", tmp_path / "new.db", RULES, NOW)
    kept = undamaged(whole, frozenset([page]))
    assert kept <= said_in(tmp_path / "new.db") <= said_in(whole)
    assert len(kept) > len(said_in(whole)) / 2


@pytest.mark.parametrize("start", [0, 16, 20, 28, 44, 56])
def test_a_damaged_header_costs_nothing(whole: Path, tmp_path: Path, start: int) -> None:
    data = bytearray(whole.read_bytes())
    data[start : start + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "d.db").write_bytes(data)
    done = recover(tmp_path / "d.db", tmp_path / "new.db", RULES, NOW)
    assert not done.is_short
    assert lines_of(tmp_path / "new.db")[1] == lines_of(whole)[1]


def test_a_torn_page_of_payloads_costs_those_on_it(whole: Path, tmp_path: Path) -> None:
    leaves = leaves_of(whole, t.payloads)
    page = sorted(leaves)[len(leaves) // 2]
    data = bytearray(whole.read_bytes())
    data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    (tmp_path / "d.db").write_bytes(data)
    done = recover(tmp_path / "d.db", tmp_path / "new.db", RULES, NOW)
    assert done.unreadable["payloads"]
    # Those are places; of observations it is known how many rows went with them.
    lost = len(said_in(whole)) - len(said_in(tmp_path / "new.db"))
    assert done.lost == {"observations": lost}
    assert said_in(tmp_path / "new.db") == undamaged(whole, frozenset([page])) < said_in(whole)


def _without_a_page_of_observations(whole: Path) -> tuple[bytearray, int]:
    """The file with one page of observations wiped out, and how many rows stood on it."""
    leaves = leaves_of(whole, t.observations)
    page = sorted(leaves)[len(leaves) // 2]
    data = bytearray(whole.read_bytes())
    data[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
    return data, len(leaves[page])


def test_observations_that_an_index_still_names_are_counted(whole: Path, tmp_path: Path) -> None:
    data, rows = _without_a_page_of_observations(whole)
    (tmp_path / "d.db").write_bytes(data)
    done = recover(tmp_path / "d.db", tmp_path / "new.db", RULES, NOW)
    assert rows
    assert done.lost == {"observations": rows}
    assert "observations" not in done.unreadable


def test_observations_that_nothing_names_any_more_are_places_that_cannot_be_read(
    whole: Path, tmp_path: Path
) -> None:
    data, rows = _without_a_page_of_observations(whole)
    with closing(sqlite3.connect(whole)) as connection:
        indexes = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'observations'"
        ).fetchall()
    for (root,) in indexes:
        data[(root - 1) * PAGE : root * PAGE] = bytes(PAGE)
    (tmp_path / "d.db").write_bytes(data)
    done = recover(tmp_path / "d.db", tmp_path / "new.db", RULES, NOW)
    assert len(said_in(whole)) - len(said_in(tmp_path / "new.db")) == rows
    assert done.unreadable["observations"]
    assert done.is_short


def test_gpts_whose_frontier_is_lost_are_known_again_and_due(whole: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    shutil.copyfile(whole, damaged)
    with closing(sqlite3.connect(damaged)) as connection:
        connection.execute("DELETE FROM frontier")
        connection.commit()
    done = recover(damaged, tmp_path / "saved.db", Derivation(), NOW)
    engine = open_engine(f"sqlite:///{tmp_path / 'saved.db'}", read_only=True)
    with read(engine) as conn:
        counts = count_frontier(conn, NOW)
        gpts = conn.execute(select(func.count()).select_from(t.gizmos)).scalar_one()
    engine.dispose()
    assert done.known_again == counts.known == counts.due >= gpts > 0


def test_missing_key_is_wanted_beside_the_damaged_file(whole: Path, tmp_path: Path) -> None:
    place = tmp_path / "old"
    place.mkdir()
    damaged = place / "damaged.db"
    shutil.copyfile(whole, damaged)
    engine = open_engine(f"sqlite:///{damaged}")
    with write(engine) as conn:
        add_tombstones(conn, "gpt", ["g-aaaaaaaaa"], NOW)
    engine.dispose()
    key = place / "tombstones.key"
    key.rename(tmp_path / "kept.key")
    with pytest.raises(SettingsError, match=str(key)):
        recover(damaged, tmp_path / "saved.db", Derivation(), NOW)
    (tmp_path / "kept.key").rename(key)
    recover(damaged, tmp_path / "saved.db", Derivation(), NOW)
    assert key.exists()


def test_recover_a_file_that_is_no_catalog_is_refused(tmp_path: Path) -> None:
    other, target = tmp_path / "other.db", tmp_path / "saved.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE notes (words TEXT)")
    with pytest.raises(CatalogCorrupt, match="is no catalog"):
        recover(other, target, RULES, NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["other.db"]


def test_recover_twice_at_once_leaves_the_first_alone(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "saved.db"
    refused: list[str] = []

    def again(_: str) -> None:
        if not refused:
            with pytest.raises(UsageError, match="another process recovers") as caught:
                recover(whole, target, RULES, NOW)
            refused.append(str(caught.value))

    done = recover(whole, target, RULES, NOW, again)
    assert refused
    assert not done.is_short
    assert lines_of(target) == lines_of(whole)


def test_recover_goes_on_where_one_was_killed(whole: Path, tmp_path: Path) -> None:
    left = tmp_path / "saved.db.recovering"
    (left / "made").mkdir(parents=True)
    (left / "damaged.db").write_bytes(b"half")
    (left / "made" / "catalog.db").write_bytes(b"half")
    recover(whole, tmp_path / "saved.db", RULES, NOW)
    assert not left.exists()
    assert lines_of(tmp_path / "saved.db") == lines_of(whole)
