from __future__ import annotations

import random
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from catalog.care.backups import backups, name_of, work
from catalog.derive import Derivation
from catalog.errors import CatalogBusy, CatalogCorrupt, CatalogMissing, UsageError
from catalog.settings import CatalogSettings, Settings
from catalog.storage import tables as t
from catalog.storage.backup import back_up, restore
from catalog.storage.dump import digest
from catalog.storage.engine import open_engine, read, write
from catalog.storage.frontier import Lease, add_ids, claim, count_frontier
from catalog.storage.migrate import init
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.stage2 import settle
from catalog.storage.verify import verify
from catalog.times import DAY, FixedClock
from catalog.working import JobContext
from tests.contract.handing import handed
from tests.contract.telling import DERIVER, changed, day, document, said, tell
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from tests.databases import Postgres

IDS = [f"g-Made{number:05}" for number in range(40)]


@pytest.fixture
def told(engine: Engine) -> Engine:
    """A catalog with documents, deltas of them, changes, metrics and a frontier."""
    for number in range(1, 5):
        tell(
            engine,
            *(
                said(day(number), changed(document(each), description=f"{each} on day {number}"))
                for each in IDS
            ),
        )
    tell(engine, said(day(6), None, gizmo_id=IDS[0]))
    with write(engine) as conn:
        add_ids(conn, IDS, NOW)
    return engine


@pytest.fixture
def told_url(told: Engine) -> str:
    """Where that catalog is."""
    return told.url.render_as_string(hide_password=False)


@pytest.fixture
def other_url(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A place on the other engine than the test's."""
    if request.getfixturevalue("engine_name") == "postgres":
        yield f"sqlite:///{tmp_path / 'other' / 'catalog.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


def state(url: str) -> str:
    """The digest of a catalog that passes all checks."""
    opened = open_engine(url)
    try:
        with read(opened) as conn:
            assert [finding for check in verify(conn) for finding in check.findings] == []
            return digest(conn)
    finally:
        opened.dispose()


def test_backup_is_a_catalog_with_the_same_contents(told_url: str, tmp_path: Path) -> None:
    before = state(told_url)
    made = back_up(told_url, tmp_path / "backups" / "one.db", NOW)
    assert made.size == made.path.stat().st_size
    assert made.checked > len(IDS)
    assert state(f"sqlite:///{made.path}") == before == state(told_url)
    assert [each.name for each in made.path.parent.iterdir()] == ["one.db"]


def test_two_backups_into_one_folder_do_not_meet(told_url: str, tmp_path: Path) -> None:
    def another(_: str) -> None:
        with pytest.raises(CatalogBusy, match="wait until it has finished"):
            back_up(told_url, tmp_path / "one.db", NOW)

    made = back_up(told_url, tmp_path / "one.db", NOW, another)
    assert state(f"sqlite:///{made.path}") == state(told_url)


def test_restored_catalog_equals_the_one_backed_up(
    told_url: str, empty_url: str, tmp_path: Path
) -> None:
    made = back_up(told_url, tmp_path / "one.backup", NOW)
    before = state(told_url)
    target = empty_url.replace("catalog.db", "again.db")
    assert restore(made.path, target, NOW, Derivation())[0] is not None
    assert state(target) == before


def test_backup_goes_into_the_other_engine_too(
    told_url: str, other_url: str, tmp_path: Path
) -> None:
    made = back_up(told_url, tmp_path / "one.backup", NOW)
    restore(made.path, other_url, NOW, Derivation())
    assert state(other_url) == state(told_url)


def test_restored_catalog_goes_on_as_the_first_one_does(
    told: Engine, catalog_url: str, other_url: str, tmp_path: Path
) -> None:
    """Its numbers go on after those that came, and it derives from what it has."""
    made = back_up(catalog_url, tmp_path / "one.backup", NOW)
    restore(made.path, other_url, NOW, Derivation())
    second = open_engine(other_url)
    for each in (told, second):
        tell(
            each,
            said(day(8), changed(document(IDS[1]), name="翻译 once more")),
            said(day(8), document("g-NewOneHer")),
        )
    second.dispose()
    assert state(other_url) == state(catalog_url)


def test_restored_catalog_derives_the_same_again(
    told_url: str, other_url: str, tmp_path: Path
) -> None:
    made = back_up(told_url, tmp_path / "one.backup", NOW)
    restore(made.path, other_url, NOW, Derivation())
    second = open_engine(other_url)
    with write(second) as conn:
        rebuild(conn, DERIVER)
    second.dispose()
    assert state(other_url) == state(told_url)


def test_claims_of_the_backups_moment_are_dropped(
    told: Engine, catalog_url: str, other_url: str, tmp_path: Path
) -> None:
    with write(told) as conn:
        claim(conn, Lease("a:1:2", NOW + DAY), ids=None, limit=7, now=NOW)
    made = back_up(catalog_url, tmp_path / "one.backup", NOW)
    restore(made.path, other_url, NOW, Derivation())
    second = open_engine(other_url)
    with read(told) as mine, read(second) as theirs:
        assert count_frontier(mine, NOW).leased == 7
        assert count_frontier(theirs, NOW).leased == 0
        assert count_frontier(theirs, NOW).known == len(IDS)
    second.dispose()


def test_backup_during_a_harvest_is_one_moment_of_it(told_url: str, tmp_path: Path) -> None:
    """Of transactions that are written meanwhile it holds each whole, or not at all."""
    pair = ("g-TwinOne00", "g-TwinTwo00")
    began, enough = threading.Event(), threading.Event()
    numbers = iter(range(1, 10**6))

    def harvest() -> None:
        own = open_engine(told_url)
        while not enough.is_set():
            at = NOW + next(numbers)
            with write(own) as conn:
                observe(conn, DERIVER, [said(at, document(each, name=str(at))) for each in pair])
            began.set()
        own.dispose()

    worker = threading.Thread(target=harvest)
    worker.start()
    try:
        assert began.wait(30)
        made = back_up(told_url, tmp_path / "one.backup", NOW)
    finally:
        enough.set()
        worker.join(30)
    copy = open_engine(f"sqlite:///{made.path}")
    with write(copy) as conn:
        settle(conn, DERIVER)
        o = t.observations.c
        counts = conn.execute(
            select(func.count()).where(o.gizmo_id.in_(pair)).group_by(o.gizmo_id)
        ).scalars()
        found = list(counts)
        was = digest(conn)
        rebuild(conn, DERIVER)
        assert digest(conn) == was
    copy.dispose()
    assert len(set(found)) == 1
    assert len(found) == len(pair)


def test_backup_replaces_no_file_unasked(told_url: str, tmp_path: Path) -> None:
    target = tmp_path / "one.db"
    target.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        back_up(told_url, target, NOW)
    assert target.read_text() == "mine"
    back_up(told_url, target, NOW, replace=True)
    assert state(f"sqlite:///{target}") == state(told_url)


def test_restore_replaces_no_catalog(told_url: str, tmp_path: Path) -> None:
    before = state(told_url)
    made = back_up(told_url, tmp_path / "one.backup", NOW)
    with pytest.raises(UsageError, match="already"):
        restore(made.path, told_url, NOW, Derivation())
    assert state(told_url) == before


def test_damaged_backup_is_refused_and_nothing_is_left(told_url: str, tmp_path: Path) -> None:
    made = back_up(told_url, tmp_path / "one.backup", NOW)
    size = made.path.stat().st_size
    with made.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(random.Random(1).randbytes(9000))
    target = tmp_path / "again" / "catalog.db"
    with pytest.raises(CatalogCorrupt):
        restore(made.path, f"sqlite:///{target}", NOW, Derivation())
    assert list(target.parent.iterdir()) == []


def test_what_is_no_catalog_is_not_restored(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        restore(tmp_path / "nothing", f"sqlite:///{tmp_path / 'c.db'}", NOW, Derivation())
    (tmp_path / "text").write_text("no database at all, but text " * 50)
    with pytest.raises(CatalogCorrupt, match="cannot be read"):
        restore(tmp_path / "text", f"sqlite:///{tmp_path / 'c.db'}", NOW, Derivation())
    with pytest.raises(CatalogMissing):
        back_up(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "b.db", NOW)
    assert not (tmp_path / "c.db").exists()


def test_damaged_catalog_makes_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    init(f"sqlite:///{path}", NOW)
    damaged = tmp_path / "damaged.db"
    shutil.copyfile(path, damaged)
    with damaged.open("r+b") as file:
        file.seek(8192)
        file.write(random.Random(2).randbytes(50_000))
    with pytest.raises(CatalogCorrupt):
        back_up(f"sqlite:///{damaged}", tmp_path / "backup.db", NOW)
    assert not (tmp_path / "backup.db").exists()


def test_failed_restore_leaves_room_for_the_next(
    told_url: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(told_url, tmp_path / "one.backup", NOW)
    target = empty_url.replace("catalog.db", "again.db")

    def fails(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("catalog.storage.backup._fill", fails)
        patched.setattr("catalog.storage.backup._fold_log", fails)
        with pytest.raises(KeyboardInterrupt):
            restore(made.path, target, NOW, Derivation())
    restore(made.path, target, NOW, Derivation())
    assert state(target) == state(told_url)


def a_context(catalog_url: str, folder: Path, clock: FixedClock, **options: object) -> JobContext:
    settings = Settings(catalog=CatalogSettings(folder=str(folder)))
    return handed("backup", catalog_url, clock=clock, settings=settings, options=options)


def test_job_says_nothing_of_each_thing_it_checks(told_url: str, tmp_path: Path) -> None:
    said: list[str] = []
    context = a_context(told_url, tmp_path, FixedClock(NOW))
    result = work(replace(context, out=said.append))
    assert result.status == "done"
    assert said == []


def test_job_that_is_told_to_stop_leaves_nothing_half_done(told_url: str, tmp_path: Path) -> None:
    context = a_context(told_url, tmp_path, FixedClock(NOW))
    context.stopping.set()
    assert work(context).status == "stopped"
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_a_killed_job_left_is_removed(told_url: str, tmp_path: Path) -> None:
    left = tmp_path / "backups" / f"{name_of(told_url)}-20250101T000000Z.db.partial"
    left.parent.mkdir()
    left.write_text("half")
    assert work(a_context(told_url, tmp_path, FixedClock(NOW))).status == "done"
    assert not left.exists()


def test_backups_of_a_clock_that_was_ahead_displace_none(told_url: str, tmp_path: Path) -> None:
    clock = FixedClock(NOW + 3650 * DAY)
    for _ in range(2):
        work(a_context(told_url, tmp_path, clock, keep=2))
        clock.at += DAY
    clock.at = NOW
    for number in range(3):
        clock.at = NOW + number * DAY
        work(a_context(told_url, tmp_path, clock, keep=2))
    names = sorted(path.name for path in (tmp_path / "backups").iterdir())
    name = name_of(told_url)
    assert names == [f"{name}-20260204T040506Z.db", f"{name}-20260205T040506Z.db"]


def test_job_keeps_as_many_backups_as_wanted(told_url: str, tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    context = a_context(told_url, tmp_path, clock, keep=2)
    made = []
    for number in range(4):
        clock.at = NOW + number * DAY
        result = work(context)
        assert result.status == "done"
        made.append(backups(tmp_path, name_of(told_url))[0])
    assert backups(tmp_path, name_of(told_url)) == made[:1:-1]
    assert state(f"sqlite:///{made[-1]}") == state(told_url)


def test_job_leaves_the_backups_of_another_catalog_alone(told_url: str, tmp_path: Path) -> None:
    """Two catalogs of one folder of settings, at one moment."""
    init(f"sqlite:///{tmp_path / 'other.db'}", NOW)
    first = work(a_context(told_url, tmp_path, FixedClock(NOW), keep=1))
    second = work(
        a_context(f"sqlite:///{tmp_path / 'other.db'}", tmp_path, FixedClock(NOW), keep=1)
    )
    assert (first.status, second.status) == ("done", "done")
    (mine,) = backups(tmp_path, name_of(told_url))
    (its,) = backups(tmp_path, "other")
    assert its.name == "other-20260203T040506Z.db"
    assert state(f"sqlite:///{mine}") == state(told_url) != state(f"sqlite:///{its}")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("sqlite:///data/catalog.db", "catalog"),
        ("sqlite:///a%20b%2A.db", "a_b_"),
        ("postgresql://me@host/gpts", "gpts"),
    ],
)
def test_backups_are_named_by_their_catalog(url: str, name: str) -> None:
    assert name_of(url) == name


def test_the_catalogs_own_file_is_no_place_for_its_backup(told_url: str, tmp_path: Path) -> None:
    if not told_url.startswith("sqlite"):
        pytest.skip("another engine's catalog is no file")
    own = Path(told_url.removeprefix("sqlite:///"))
    link = tmp_path / "link.db"
    link.symlink_to(own)
    before = state(told_url)
    for target in (own, link, Path(f"{own}-wal")):
        with pytest.raises(UsageError, match="own file"):
            back_up(told_url, target, NOW, replace=True)
    assert state(told_url) == before
