"""The job that reports every day, keeps the feeds, and tells people of their watches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from catalog import notify
from catalog.alarms import make_alarm
from catalog.care.forgetting import forget
from catalog.health import look_at
from catalog.report.work import after_run, work
from catalog.settings import CatalogSettings, Settings, SourceSettings, WatchSettings
from catalog.storage import frontier
from catalog.storage.alarms import update_alarms
from catalog.storage.engine import read, write
from catalog.times import DAY, HOUR, FixedClock
from catalog.working import JobContext, JobRan, JobResult
from tests.contract.handing import handed
from tests.contract.looking import Refresh
from tests.contract.telling import DERIVER, day, document, said, tell
from tests.contract.test_report import world

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from catalog.times import Micros


class _Told:
    """Takes messages, as a service would."""

    def __init__(self) -> None:
        self.messages: list[notify.Message] = []

    def __call__(self, message: notify.Message) -> notify.Sent:
        self.messages.append(message)
        return notify.Sent()


def _context(
    catalog_url: str, folder: Path, now: Micros, watches: dict[str, WatchSettings] | None = None
) -> JobContext:
    return handed(
        "report",
        catalog_url,
        clock=FixedClock(now),
        settings=Settings(
            catalog=CatalogSettings(url=catalog_url, folder=str(folder)),
            watch=watches or {},
            sources={"one": SourceSettings(name="one", dialect="gpts-v2")},
        ),
        jobs=[Refresh("report", "0 6 * * *")],
    )


def _ran(finished_at: Micros, requests: int = 3) -> JobRan:
    return JobRan(
        job="refresh",
        job_run_id="x",
        slot_at=None,
        started_at=finished_at - HOUR,
        finished_at=finished_at,
        result=JobResult(numbers={"requests": requests}),
    )


def _reports(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "reports").glob("*.json"))


def test_job_writes_days_feeds_and_the_page_of_the_morning(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    tell(engine, *world(5))
    watches = {"mine": WatchSettings(search="name"), "quiet": WatchSettings(search="nothing")}
    result = work(_context(catalog_url, tmp_path, day(5), watches), _Told())
    assert result.status == "done"
    assert sorted(path.name for path in (tmp_path / "feeds").iterdir()) == [
        *("changes.atom", "changes.json", "watch-mine.atom", "watch-mine.json"),
        *("watch-quiet.atom", "watch-quiet.json"),
    ]
    made = [path for part in ("reports", "feeds") for path in (tmp_path / part).iterdir()]
    assert result.numbers == {"files": len(made), "days": 2}
    assert _reports(tmp_path) == ["2026-02-04.json", "2026-02-05.json"]
    page = (tmp_path / "reports" / "latest.html").read_text()
    assert "2026-02-04 09:00 to 2026-02-05 09:00" in page
    assert "2026-02-06 06:00" in page


def test_job_catches_up_on_days_that_were_missed_and_reports_a_day_again_once_it_is_over(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    tell(
        engine, said(day(1), document()), said(day(1) + 10 * HOUR, document(name="In the evening"))
    )
    work(_context(catalog_url, tmp_path, day(1) + HOUR), _Told())
    before = json.loads((tmp_path / "reports" / "2026-02-01.json").read_text())
    tell(engine, said(day(4), document(name="On day 4")))
    result = work(_context(catalog_url, tmp_path, day(6)), _Told())
    assert _reports(tmp_path) == ["2026-01-31.json", *(f"2026-02-0{n}.json" for n in range(1, 7))]
    assert result.numbers["days"] == 6
    after = json.loads((tmp_path / "reports" / "2026-02-01.json").read_text())
    assert [each["brought"]["changed"]["total"] for each in (before, after)] == [0, 1]
    fourth = json.loads((tmp_path / "reports" / "2026-02-04.json").read_text())
    assert fourth["brought"]["changed"]["total"] == 1
    assert "2026-02-01 10:00" in (tmp_path / "reports" / "latest.html").read_text()


@pytest.mark.parametrize("number", [1, 3, 6], ids=["the first", "one between", "the last"])
def test_day_whose_report_named_who_was_forgotten_is_written_again(
    engine: Engine,
    catalog_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    # Where PostgreSQL looks for the ledger.
    monkeypatch.chdir(tmp_path)
    gone, stays = "g-World0001", "g-World0002"
    tell(
        engine,
        *(
            said(day(number) - HOUR, document(each, "Of a day"), gizmo_id=each)
            for each in (gone, stays)
        ),
    )
    for at in (2, 6):
        work(_context(catalog_url, tmp_path, day(at)), _Told())
    reports = tmp_path / "reports"
    days = sorted(path.name for path in reports.glob("2026-*"))
    # As the first of them is long known, and the others are there: prune removed what is older.
    for path in [*reports.glob("2026-01-31.*"), *reports.glob("last*")]:
        path.unlink()
    done = forget(engine, DERIVER, "gpt", gone, tmp_path, day(7))
    assert any(f"2026-02-0{number}" in path for path in done.files)
    assert not any(gone in path.read_text() for path in reports.iterdir())
    work(_context(catalog_url, tmp_path, day(7)), _Told())
    after = sorted(path.name for path in reports.glob("2026-*"))
    assert after[:-3] == [each for each in days if "01-31" not in each]
    again = json.loads((reports / f"2026-02-0{number}.json").read_text())
    assert [each["gizmo_id"] for each in again["brought"]["new"]["items"]] == [stays]


def test_alarms_of_a_report_that_ends_now_are_judged_anew_and_those_of_a_day_over_are_not(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    tell(engine, said(day(1), document()))
    old = make_alarm("stale", "", "as the last look had it")
    with write(engine) as conn:
        frontier.add_ids(conn, ["g-Made00000"], day(1))
        # The scheduler looked last on the second day, and wrote down what is not the case now.
        update_alarms(conn, [old], day(2), {})
    context = _context(catalog_url, tmp_path, day(5))
    work(context, _Told())
    after_run(context, _ran(day(5)))
    with read(engine) as conn:
        health = look_at(conn, context.settings, day(5), context.jobs)
    now = [[each.kind, each.message] for each in health.alarms]
    assert [kind for kind, _ in now if kind in {"quiet", "stale"}] == ["quiet"]

    def alarms(name: str) -> list[list[str]]:
        told = json.loads((tmp_path / "reports" / f"{name}.json").read_text())
        return [[each["kind"], each["message"]] for each in told["alarms"]]

    assert alarms("2026-02-05") == alarms("last-refresh") == now
    assert alarms("2026-02-04") == [["stale", "as the last look had it"]]
    page = (tmp_path / "reports" / "latest.html").read_text()
    assert "nothing was harvested" in page
    assert "as the last look had it" not in page


def test_job_that_is_told_to_stop_leaves_days_for_its_next_run(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    tell(engine, said(day(1), document()))
    context = _context(catalog_url, tmp_path, day(3))
    context.stopping.set()
    result = work(context, _Told())
    assert (result.status, result.numbers["days"]) == ("stopped", 0)
    assert work(_context(catalog_url, tmp_path, day(3)), _Told()).numbers["days"] == 2


def test_job_run_again_soon_leaves_the_page_of_the_morning_whole(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    tell(engine, said(day(1), document()))
    for later in (1, 2):
        work(_context(catalog_url, tmp_path, day(1) + later), _Told())
    assert "New: 1" in (tmp_path / "reports" / "latest.html").read_text()


def test_people_are_told_of_a_watch_once(engine: Engine, catalog_url: str, tmp_path: Path) -> None:
    loud = WatchSettings(search="name", notify=True)
    watches = {"loud": loud, "quiet": WatchSettings(search="name")}
    told = _Told()
    tell(engine, said(day(1), document(name="A <b>name</b> @all")))
    for at in (day(1) + HOUR, day(1) + 2 * HOUR):
        work(_context(catalog_url, tmp_path, at, watches), told)
    assert [each.kind for each in told.messages] == ["report", "watch", "report"]
    message = told.messages[1]
    assert message.title.startswith("Watch loud: ")
    assert "Matches now: 1" in message.text
    assert not {"<", ">", "@"} & set(message.text)


@pytest.mark.parametrize(("requests", "files"), [(3, 3), (0, 0)])
def test_last_run_of_a_job_that_asked_has_a_report(
    engine: Engine, catalog_url: str, tmp_path: Path, requests: int, files: int
) -> None:
    tell(engine, said(day(1), document()))
    context = _context(catalog_url, tmp_path, day(1) + HOUR)
    after_run(context, _ran(day(1) + HOUR, requests))
    found = sorted((tmp_path / "reports").glob("last-refresh.*"))
    assert len(found) == files
    assert all("New: 1" in path.read_text() for path in found if path.suffix != ".json")


def test_feed_of_a_watch_that_is_no_more_goes(
    engine: Engine, catalog_url: str, tmp_path: Path
) -> None:
    tell(engine, said(day(1), document()))
    work(_context(catalog_url, tmp_path, day(1), {"mine": WatchSettings(search="name")}), _Told())
    work(_context(catalog_url, tmp_path, day(1) + DAY), _Told())
    assert sorted(path.name for path in (tmp_path / "feeds").iterdir()) == [
        "changes.atom",
        "changes.json",
    ]
