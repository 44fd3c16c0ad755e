"""Nothing brings back who was forgotten: not what is said again, nor an older copy."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from catalog.importing import Importer
from catalog.secrets import Redactor
from catalog.storage import tables as t
from catalog.storage.backup import back_up, restore
from catalog.storage.dump import digest, dump
from catalog.storage.engine import ledger_of, open_engine, read, write
from catalog.storage.frontier import add_ids
from catalog.storage.ledger import Ledger
from catalog.storage.merge import merge
from catalog.storage.moving import move
from catalog.storage.tombstones import forgotten_among, standing_tombstones
from tests.contract.test_forgetting import (
    GPT,
    OTHER,
    RULES,
    forgotten,
    full,
    gone,
    home,
    in_files,
    left,
    saying,
    world,
)
from tests.databases import NOW
from tests.laws.worlds import START, keep, state_document

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.times import Micros

__all__ = ["full", "home"]


def test_observing_again_keeps_nothing(full: Engine, tmp_path: Path) -> None:
    forgotten(full, tmp_path)
    with write(full) as conn:
        keep(conn, world())
        # A GPT of theirs that nobody knew.
        keep(conn, [state_document(gone("g-Later0001"), at=START)])
        assert add_ids(conn, [GPT, "g-Fresh0001"], NOW) == 1
    assert left(full) == set()


def forgotten_after_a_backup(full: Engine, tmp_path: Path) -> tuple[Path, str]:
    """A copy of before somebody was forgotten, and the digest of what is left since."""
    older = tmp_path / "backups" / "older.db"
    back_up(full.url.render_as_string(hide_password=False), older, NOW)
    forgotten(full, tmp_path)
    with read(full) as conn:
        return older, digest(conn)


def test_merging_an_older_copy_does_not_bring_it_back(full: Engine, tmp_path: Path) -> None:
    older, before = forgotten_after_a_backup(full, tmp_path)
    theirs = open_engine(f"sqlite:///{older}", read_only=True)
    done = merge(full, theirs, RULES)
    theirs.dispose()
    assert (done.forgotten, done.new) == (4, 0)
    assert left(full) == set()
    with read(full) as conn:
        assert digest(conn) == before
    older.unlink()
    full.dispose()
    assert in_files(tmp_path) == set()


def test_merging_the_one_that_forgot_makes_the_other_forget(full: Engine, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "older.db"
    back_up(full.url.render_as_string(hide_password=False), place, NOW)
    forgotten(full, tmp_path)
    other = open_engine(f"sqlite:///{place}")
    done = merge(other, full, RULES)
    assert done.erased == 2
    with read(other) as mine, read(full) as theirs:
        assert list(dump(mine)) == list(dump(theirs))
    # A backup of before the merge, put back later, is told by the ledger.
    with read(other) as mine:
        standing = standing_tombstones(mine)
    assert len(standing) == 3
    repeated = {(each.kind, each.hash) for each in Ledger(place.parent).tombstones()}
    assert repeated == {(each.kind, each.hash) for each in standing}
    other.dispose()


def test_a_moved_catalog_knows_whom_it_forgot(full: Engine, tmp_path: Path) -> None:
    forgotten(full, tmp_path)
    place = tmp_path / "elsewhere" / "moved.db"
    place.parent.mkdir()
    move(full, f"sqlite:///{place}", NOW)
    there = open_engine(f"sqlite:///{place}")
    with write(there) as conn:
        assert forgotten_among(conn, [GPT, OTHER]) == {GPT}
    there.dispose()


def test_restoring_an_older_copy_does_not_bring_it_back(full: Engine, tmp_path: Path) -> None:
    older, before = forgotten_after_a_backup(full, tmp_path)
    again = ledger_of(full).path.parent / "again.db"
    restore(older, f"sqlite:///{again}", NOW, RULES)
    back = open_engine(f"sqlite:///{again}")
    assert left(back) == set()
    with read(back) as conn:
        assert digest(conn) == before
    back.dispose()
    older.unlink()
    full.dispose()
    assert in_files(tmp_path) == set()


def test_importing_an_older_file_leaves_it_out_and_keeps_nothing(
    full: Engine, tmp_path: Path
) -> None:
    forgotten(full, tmp_path)
    path = tmp_path.parent / f"{tmp_path.name}.jsonl"
    lines = [gone(), gone("g-Later0001"), saying(OTHER, "Stays 9"), {"odd": GPT}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = Importer(
        full,
        "alpha",
        "recorded",
        deriver=RULES,
        redactor=Redactor(()),
        clock=_Clock(),
        rng=random.Random(1),
        observed_at=START + 9,
    ).run([path])
    path.unlink()
    assert done.documents == 3
    assert done.observations == 1
    assert (done.forgotten, done.set_aside[0].place[-2:]) == (2, ":4")
    with read(full) as conn:
        # Nobody knew before that it is theirs; its id would be asked for, and say so.
        assert "g-Later0001" not in conn.execute(select(t.frontier.c.gizmo_id)).scalars().all()
    assert left(full) == set()


class _Clock:
    def now(self) -> Micros:
        return NOW
