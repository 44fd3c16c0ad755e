"""The job ``export``: releases that are whole, gated, and no more than wanted."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import delete, insert, literal, select

from catalog.errors import ExpectationFailed, SettingsError
from catalog.export.manifest import read_manifest
from catalog.export.verifying import verify_export
from catalog.export.work import next_version, release_path, releases, work
from catalog.settings import (
    CatalogSettings,
    ExpectSettings,
    ExportSettings,
    JobSettings,
    Settings,
)
from catalog.storage import tables as t
from catalog.storage.engine import read, write
from catalog.storage.stage2 import is_unsettled
from catalog.times import DAY, HOUR, FixedClock, Micros
from catalog.working import JobContext, JobRan
from jobs.records import Pace, World
from jobs.registry import JOBS
from jobs.runner import Runner
from tests.contract.handing import handed
from tests.contract.telling import changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOW = day(10)
GPTS = [f"g-Made{number}UpId" for number in range(4)]


@pytest.fixture
def told(engine: Engine) -> Engine:
    tell(engine, *(said(day(1), document(each)) for each in GPTS))
    return engine


def news(engine: Engine, at: Micros) -> None:
    tell(engine, said(at, changed(document(GPTS[0]), name=f"A name of {at}")))


def a_context(
    url: str,
    folder: Path,
    clock: FixedClock,
    *,
    about: ExportSettings | None = None,
    **options: Any,
) -> JobContext:
    settings = Settings(
        catalog=CatalogSettings(url=url, folder=str(folder)), export=about or ExportSettings()
    )
    told = {"format": "csv", "profile": "public"} | options
    return handed("export", url, clock=clock, settings=settings, options=told)


def expecting(**more: Any) -> ExportSettings:
    return ExportSettings(expect=ExpectSettings(**more))


def state(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.usefixtures("told")
def test_job_makes_a_release_that_is_whole(catalog_url: str, tmp_path: Path) -> None:
    result = work(a_context(catalog_url, tmp_path, FixedClock(NOW)))
    assert result.status == "done"
    path = release_path(tmp_path, NOW)
    assert verify_export(path).findings == ()
    assert str(path) in result.message
    manifest = read_manifest(path)
    assert result.numbers["rows"] == sum(manifest.release.rows().values()) > 0
    assert (result.numbers["made"], result.numbers["removed"]) == (1, 0)
    described = {file.path for file in manifest.descriptions}
    assert {"README.md", "croissant.json", "datapackage.json", "pictures/growth.svg"} <= described


def test_what_a_harvest_left_unsettled_is_settled_before_a_release(
    told: Engine, catalog_url: str, tmp_path: Path
) -> None:
    with write(told) as conn:
        conn.execute(delete(t.authors))
        conn.execute(
            insert(t.stage_queue).from_select(
                ["kind", "key"],
                select(literal("author"), t.gizmos.c.user_id)
                .where(t.gizmos.c.user_id.is_not(None))
                .distinct(),
            )
        )
    work(a_context(catalog_url, tmp_path, FixedClock(NOW)))
    assert read_manifest(release_path(tmp_path, NOW)).release.rows()["authors"] > 0
    with read(told) as conn:
        assert not is_unsettled(conn)


@pytest.mark.usefixtures("told")
def test_the_same_catalog_gives_the_same_bytes(catalog_url: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        work(a_context(catalog_url, tmp_path / "key", FixedClock(NOW)))
        release_path(tmp_path / "key", NOW).rename(tmp_path / name)
    assert state(tmp_path / "one") == state(tmp_path / "two")


def test_nothing_new_makes_no_release(told: Engine, catalog_url: str, tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    context = a_context(catalog_url, tmp_path, clock)
    first = work(context)
    clock.at += DAY
    again = work(context)
    assert again.numbers == {"rows": first.numbers["rows"], "bytes": 0, "made": 0, "removed": 0}
    assert "nothing is new" in again.message
    news(told, day(11))
    clock.at += DAY
    assert work(context).numbers["made"] == 1
    assert len(releases(tmp_path)) == 2


@pytest.mark.usefixtures("told")
def test_another_profile_is_a_release_of_its_own(catalog_url: str, tmp_path: Path) -> None:
    work(a_context(catalog_url, tmp_path, FixedClock(NOW)))
    result = work(a_context(catalog_url, tmp_path, FixedClock(NOW + HOUR), profile="research"))
    assert result.numbers["made"] == 1
    versions = [each.manifest.release.version for each in releases(tmp_path)]
    assert versions == ["2026-02-01.2", "2026-02-01"]


def test_job_keeps_as_many_releases_as_wanted(
    told: Engine, catalog_url: str, tmp_path: Path
) -> None:
    clock = FixedClock(NOW)
    removed = []
    for number in range(4):
        clock.at = NOW + number * DAY
        news(told, clock.at)
        removed.append(work(a_context(catalog_url, tmp_path, clock, keep=2)).numbers["removed"])
    assert removed == [0, 0, 1, 1]
    names = sorted(path.name for path in (tmp_path / "exports").iterdir())
    assert names == ["release-20260212T090000Z", "release-20260213T090000Z"]


def test_releases_of_a_clock_that_was_ahead_displace_none(
    told: Engine, catalog_url: str, tmp_path: Path
) -> None:
    clock = FixedClock(NOW + 3650 * DAY)
    for number in range(2):
        news(told, day(2 + number))
        work(a_context(catalog_url, tmp_path, clock, keep=2))
        clock.at += DAY
    for number in range(2):
        clock.at = NOW + number * DAY
        news(told, clock.at)
        work(a_context(catalog_url, tmp_path, clock, keep=2))
    names = sorted(path.name for path in (tmp_path / "exports").iterdir())
    assert names == ["release-20260210T090000Z", "release-20260211T090000Z"]


@pytest.mark.usefixtures("told")
def test_a_bad_release_is_not_published_and_the_others_stand(
    catalog_url: str, tmp_path: Path
) -> None:
    clock = FixedClock(NOW)
    work(a_context(catalog_url, tmp_path, clock, keep=1))
    before = state(tmp_path)
    clock.at += DAY
    about = msgspec.structs.replace(expecting(least_rows={"gizmos": 5}), licence="CC0-1.0")
    with pytest.raises(ExpectationFailed, match=r"least_rows\.gizmos: 4 rows, where 5 are"):
        work(a_context(catalog_url, tmp_path, clock, about=about, keep=1))
    assert state(tmp_path) == before
    assert [path.name for path in (tmp_path / "exports").iterdir()] == ["release-20260210T090000Z"]


def test_gpts_that_are_gone_since_the_last_release_stop_the_next(
    told: Engine, catalog_url: str, tmp_path: Path
) -> None:
    clock = FixedClock(NOW)
    work(a_context(catalog_url, tmp_path, clock))
    tell(
        told,
        *(said(day(n), None, gizmo_id=each) for n in (11, 12) for each in GPTS[:2]),
    )
    clock.at = day(13)
    with pytest.raises(ExpectationFailed, match=r"most_gone: 50\.00% of the GPTs .*2026-02-01"):
        work(a_context(catalog_url, tmp_path, clock))
    result = work(a_context(catalog_url, tmp_path, clock, about=expecting(most_gone=0.5)))
    assert result.numbers["made"] == 1


@pytest.mark.usefixtures("told")
def test_expectations_of_what_is_null_are_met_by_the_rows(catalog_url: str, tmp_path: Path) -> None:
    about = expecting(most_null={"gizmos.welcome_message": 0.5})
    with pytest.raises(ExpectationFailed, match=r"null in 100\.00% of the rows"):
        work(a_context(catalog_url, tmp_path, FixedClock(NOW), about=about))
    wrong = expecting(most_null={"gizmos.wellcome_message": 0.5})
    with pytest.raises(SettingsError, match="no export has such a column"):
        work(a_context(catalog_url, tmp_path, FixedClock(NOW), about=wrong))


def test_freshness_is_counted_from_the_moment_that_the_release_speaks_of(
    told: Engine, catalog_url: str, tmp_path: Path
) -> None:
    about = expecting(least_fresh={"7": 0.5})
    assert work(a_context(catalog_url, tmp_path, FixedClock(NOW), about=about)).status == "done"
    news(told, day(20))
    with pytest.raises(ExpectationFailed, match=r"least_fresh\.7: 25\.00% of the listed GPTs"):
        work(a_context(catalog_url, tmp_path, FixedClock(day(21)), about=about))


@pytest.mark.usefixtures("told")
def test_job_that_is_told_to_stop_leaves_nothing_half_done(
    catalog_url: str, tmp_path: Path
) -> None:
    context = a_context(catalog_url, tmp_path, FixedClock(NOW))
    context.stopping.set()
    assert work(context).status == "stopped"
    assert list((tmp_path / "exports").iterdir()) == []


@pytest.mark.usefixtures("told")
def test_what_a_killed_job_left_is_removed_and_what_is_not_its_own_stays(
    catalog_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "exports"
    for name in (".release-20260101T000000Z.partial", ".release-20260101T000000Z.old", "mine"):
        (folder / name).mkdir(parents=True)
        (folder / name / "half").write_text("x")
    odd = folder / "release-20250101T000000Z"
    odd.mkdir()
    (odd / "notes.txt").write_text("no release")
    work(a_context(catalog_url, tmp_path, FixedClock(NOW), keep=1))
    assert sorted(path.name for path in folder.iterdir()) == [
        "mine",
        "release-20250101T000000Z",
        "release-20260210T090000Z",
    ]


@pytest.mark.parametrize(
    ("taken", "version"),
    [
        ([], "2026-02-10"),
        (["2026-02-09"], "2026-02-10"),
        (["2026-02-10"], "2026-02-10.2"),
        (["2026-02-10", "2026-02-10.2"], "2026-02-10.3"),
    ],
)
def test_no_two_releases_have_one_version(taken: list[str], version: str) -> None:
    assert next_version(NOW, taken) == version


class Place:
    """A catalog whose scheduler's clock is turned by hand."""

    def __init__(self, url: str, folder: Path) -> None:
        self.clock = FixedClock(NOW)
        self.lines: list[str] = []
        self.folder = folder
        self.settings = Settings(
            catalog=CatalogSettings(url=url, folder=str(folder)),
            jobs={"export": JobSettings(schedule="0 6 * * *", format="csv", keep=2)},
        )

    def pass_to(self, at: Micros) -> list[JobRan]:
        self.clock.at = at
        world = World(
            settings=self.settings,
            environ={},
            clock=self.clock,
            rng=random.Random(1),
            out=self.lines.append,
        )
        with Runner(world, {"export": JOBS["export"]}, pace=Pace(beat=3600)) as runner:
            found = [runner.run_owed(each) for each in runner.look()]
        return [each for each in found if isinstance(each, JobRan)]


def test_the_scheduler_makes_and_rotates_releases(
    told: Engine, catalog_url: str, tmp_path: Path
) -> None:
    place = Place(catalog_url, tmp_path)
    assert place.pass_to(NOW) == []
    made = []
    for number in range(11, 15):
        news(told, day(number) - 4 * HOUR)
        made += place.pass_to(day(number))
    assert [each.result.status for each in made] == ["done"] * 4
    assert all(each.unmet == () for each in made)
    assert [each.path.name for each in releases(tmp_path)] == [
        "release-20260214T090000Z",
        "release-20260213T090000Z",
    ]
    assert [verify_export(each.path).findings for each in releases(tmp_path)] == [(), ()]


def test_the_scheduler_records_why_a_release_was_stopped(
    told: Engine, catalog_url: str, tmp_path: Path
) -> None:
    place = Place(catalog_url, tmp_path)
    place.pass_to(NOW)
    news(told, day(10))
    place.settings = msgspec.structs.replace(
        place.settings, export=expecting(least_rows={"gizmos": 99})
    )
    (ran,) = place.pass_to(day(11))
    assert ran.result.status == "failed"
    assert "least_rows.gizmos: 4 rows, where 99 are expected at least" in ran.result.message
    assert releases(tmp_path) == []
