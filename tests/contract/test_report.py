"""A report says what the tables say, and feeds and watches what the report says."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from catalog.errors import NotFound
from catalog.query import changes as query
from catalog.query.scopes import Scope
from catalog.query.windows import mass
from catalog.records import Alarm
from catalog.report.compose import compose
from catalog.report.feeding import catalog_feed, watch_feed
from catalog.report.feeds import Feed, title, to_atom
from catalog.report.gather import CHANGES, GPTS, gather, gather_watch, run_window
from catalog.report.html import to_html
from catalog.report.markdown import to_markdown
from catalog.report.model import Entry, Report, Window, day_window
from catalog.report.tojson import to_json_report
from catalog.report.watches import read_watch
from catalog.settings import WatchSettings
from catalog.storage import runs
from catalog.storage.alarms import update_alarms
from catalog.storage.engine import read, write
from catalog.times import HOUR
from tests.contract.telling import DERIVER, ID, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.records import Observation
    from catalog.report.model import WatchNews
    from catalog.times import Micros

MANY = 30
TWO = "g-Second001"


def _window(number: int) -> Window:
    return day_window(f"2026-02-{number:02d}")


def _report(engine: Engine, window: Window, **watches: WatchSettings) -> Report:
    with read(engine) as conn:
        return gather(
            conn,
            DERIVER,
            window,
            watches=[read_watch(name, each) for name, each in watches.items()],
        )


def _news(engine: Engine, window: Window, **keys: Any) -> WatchNews:
    with read(engine) as conn:
        return gather_watch(conn, window, read_watch("mine", WatchSettings(**keys))).watches[0]


def world(seed: int) -> list[Observation]:
    """Thirty GPTs over six days: they come, are renamed, flap, grow, go, and are all tagged."""
    rng = random.Random(seed)
    told = []
    for number in range(MANY):
        gizmo_id = f"g-World{number:04d}"
        names = [f"Name {number}"]
        talks = number * 100
        for at in range(1 + rng.randrange(3), 7):
            if rng.random() < 0.3:
                names.append(f"Name {number} of day {at}")
            talks += rng.randrange(50)
            made = document(
                gizmo_id,
                names[-1],
                vanity_metrics={"num_conversations_str": str(talks)},
                tags=["public", "marked"] if at >= 5 else ["public"],
                author={
                    "user_id": "user-one",
                    "display_name": rng.choice(["An Author", "An Author", "Somebody"]),
                },
            )
            gone = number % 7 == 0 and at > 4
            told.append(said(day(at) + number, None if gone else made, gizmo_id=gizmo_id))
    return told


@pytest.mark.parametrize("number", range(1, 7))
def test_a_days_report_equals_what_the_tables_say(engine: Engine, number: int) -> None:
    tell(engine, *world(5))
    window = _window(number)
    found = _report(engine, window).brought
    with read(engine) as conn:
        wanted = query.Wanted(since=window.since, until=window.until)
        shown = list(query.iterate(conn, wanted))
        everything = list(query.iterate(conn, msgspec.structs.replace(wanted, everything=True)))
    by_gpt: dict[str, list[query.Change]] = defaultdict(list)
    for each in shown:
        if each.cls == "content" and each.event_id is None:
            by_gpt[each.gizmo_id].append(each)
    status = defaultdict(set)
    for each in shown:
        if each.cls == "lifecycle":
            status[each.kind, each.new].add(each.gizmo_id)
    assert found.new.total == len(status["added", "listed"])
    assert found.gone.total == len(status["changed", "gone"])
    assert found.missing.total == len(status["changed", "missing"])
    assert found.changed.total == len(by_gpt)
    assert found.changes == sum(map(len, by_gpt.values()))
    for item in found.changed.items:
        assert list(item.changes.items) == by_gpt[item.gpt.gizmo_id][:CHANGES]
        assert item.changes.total == len(by_gpt[item.gpt.gizmo_id])
    talks = [each.gpt.conversations or 0 for each in found.changed.items]
    assert talks == sorted(talks, reverse=True)
    assert len(found.new.items) == min(GPTS, found.new.total)
    of_events = [each.event_id for each in everything if each.event_id]
    assert {each.event.event_id: each.changes for each in found.mass} == {
        each: of_events.count(each) for each in of_events
    }
    assert _report(engine, window).flaps == len(everything) - len(shown) - sum(
        each.cls == "platform" for each in everything
    )


def test_world_of_that_test_has_something_of_everything(engine: Engine) -> None:
    tell(engine, *world(5))
    found = [_report(engine, _window(number)) for number in range(1, 7)]
    for name in ("new", "changed", "gone", "missing"):
        assert any(getattr(each.brought, name).total for each in found), name
    assert any(each.flaps for each in found)
    assert any(each.brought.mass for each in found)
    assert any(each.moved["conversations"] for each in found)


def test_report_is_the_same_each_time_in_every_form(engine: Engine) -> None:
    tell(engine, *world(6))
    made = [
        (to_markdown(compose(each)), to_html(compose(each)), to_json_report(each))
        for each in (_report(engine, _window(5), mine=WatchSettings(search="name")) for _ in "ab")
    ]
    assert made[0] == made[1]


def test_what_came_back_is_told(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(2), None),
        said(day(3), None),
        said(day(4), document()),
    )
    assert [each.gizmo_id for each in _report(engine, _window(4)).brought.back.items] == [ID]
    assert _report(engine, _window(3)).brought.gone.total == 1


def _open(engine: Engine, at: Micros, command: str = "harvest") -> str:
    with write(engine) as conn:
        key = runs.RunKey(command=command, source="one", ids_digest="")
        return runs.open_run(conn, key, now=at, rng=random.Random(at)).run_id


def _by(run_id: str, each: Observation) -> Observation:
    return msgspec.structs.replace(each, run_id=run_id)


def test_what_is_said_before_and_known_later_is_in_the_report_of_the_day_it_is_known(
    engine: Engine,
) -> None:
    tell(engine, said(day(1), document()))
    run_id = _open(engine, day(5))
    tell(engine, _by(run_id, said(day(2), document(name="Of a cache"), recorded_at=day(5) + 1)))
    late = _report(engine, _window(5)).late
    assert late is not None
    assert [each.gpt.gizmo_id for each in late.brought.changed.items] == [ID]
    assert (late.first_at, late.last_at) == (day(2), day(2))
    assert _report(engine, _window(5)).brought.changed.total == 0
    assert _report(engine, _window(6)).late is None
    assert _report(engine, _window(2)).late is None


def test_watch_is_told_of_what_is_known_late(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    run_id = _open(engine, day(5))
    tell(engine, _by(run_id, said(day(2), document(name="Of a cache"), recorded_at=day(5) + 1)))
    assert _news(engine, _window(5), search="cache").late.total == 1
    assert _news(engine, _window(5), search="nothing").late.total == 0
    assert _news(engine, _window(5), search="cache", field="tools").late.total == 0


def test_report_of_a_run_has_what_it_brought_and_nothing_else(engine: Engine) -> None:
    first, second = _open(engine, day(1)), _open(engine, day(2))
    tell(engine, _by(first, said(day(1), document())))
    tell(
        engine,
        _by(second, said(day(2), document(TWO))),
        _by(second, said(day(2), document(name="Another"))),
        said(day(2) + 1, document(TWO, "By nobody's run")),
    )
    with write(engine) as conn:
        runs.close_run(conn, second, now=day(2) + HOUR, status="finished")
    with read(engine) as conn:
        window = run_window(conn, second, day(9))
        with pytest.raises(NotFound):
            run_window(conn, "none", day(9))
    assert (window.since, window.until) == (day(2), day(2) + HOUR)
    found = _report(engine, window)
    assert [each.gizmo_id for each in found.brought.new.items] == [TWO]
    assert [each.gpt.gizmo_id for each in found.brought.changed.items] == [ID]
    assert [run.run_id for run in found.runs] == [second]
    assert found.late is None


def test_failures_and_what_was_spent_are_told(engine: Engine) -> None:
    run_id = _open(engine, day(1))
    tell(engine, said(day(1), document()))
    outcome = runs.Outcome(
        run_id=run_id,
        asked_id=ID,
        source_id=1,
        verdict="unavailable",
        attempts=3,
        requests=3,
        status=503,
        detail="down",
        at=day(1),
    )
    with write(engine) as conn:
        runs.add_outcomes(conn, [outcome])
        runs.update_totals(conn, run_id, requested=2, price=0.5)
    found = _report(engine, _window(1))
    (failed,) = found.failed_runs.items
    assert (failed.run.failed, failed.reasons[0].detail) == (1, "down")
    (spent,) = found.spent
    assert (spent.source, spent.requests, spent.cost) == ("one", 3, 1.5)
    assert _report(engine, _window(2)).runs == ()


def test_alarms_are_those_that_stood_at_the_end(engine: Engine) -> None:
    alarm = Alarm(kind="stale", subject="", severity="alarm", message="old")
    with write(engine) as conn:
        update_alarms(conn, [alarm], day(2), {"stale": 0})
        update_alarms(conn, [], day(4), {"stale": 0})
    assert [len(_report(engine, _window(number)).alarms) for number in (1, 2, 3, 4)] == [0, 1, 1, 0]


def test_sources_that_disagree_are_told(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(1) + HOUR, document(name="Otherwise"), source="two"),
    )
    (found,) = _report(engine, _window(1)).disagreements
    assert (found.sources, found.fields) == (("one", "two"), {"gizmo.display.name": 1})


# Watches.


def test_watch_tells_what_matches_now_and_what_no_more(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document(name="Translation help")),
        said(day(1), document(TWO, "Cooking")),
        said(day(2), document(name="Cooking help")),
        said(day(2), document(TWO, "Translation")),
        said(day(2), document("g-Third0001", "My translation")),
    )
    found = _news(engine, _window(2), search="translation")
    assert {each.gizmo_id for each in found.new.items} == {TWO, "g-Third0001"}
    assert [each.gizmo_id for each in found.left.items] == [ID]
    assert {each.gpt.gizmo_id for each in found.changed.items} == {ID, TWO}
    assert _news(engine, _window(3), search="translation").is_empty


def test_watch_of_an_author_has_the_gpts_that_show_no_name(engine: Engine) -> None:
    def by_ann(gizmo_id: str, name: str, shown: str | None) -> dict[str, Any]:
        author: dict[str, Any] = {
            "user_id": "user-ann",
            "display_name": shown,
            "display_socials": [],
        }
        return document(gizmo_id, name, author=author)

    tell(
        engine,
        said(day(1), by_ann(ID, "One", "Ann Writer")),
        said(day(1), by_ann(TWO, "Two", None)),
        said(day(2), by_ann(TWO, "Another", None)),
        said(day(2), by_ann("g-Third0001", "Three", None)),
    )
    found = _news(engine, _window(2), author="ann writer")
    assert [each.gizmo_id for each in found.new.items] == ["g-Third0001"]
    assert [each.gpt.gizmo_id for each in found.changed.items] == [TWO]
    assert found.left.total == 0


@pytest.mark.parametrize(
    ("field", "told"), [("name", 1), ("tools", 0), ("status", 0), ("accepted_mime_types", 1)]
)
def test_watch_of_a_field_tells_of_it_alone(engine: Engine, field: str, told: int) -> None:
    other = document(name="Another")
    other["product_features"]["attachments"]["accepted_mime_types"] = ["x/y"]
    tell(engine, said(day(1), document()), said(day(2), other))
    found = _news(engine, _window(2), field=field)
    assert found.changed.total == told
    assert (found.new.total, found.left.total) == (0, 0)
    assert [len(each.changes.items) for each in found.changed.items] == [1] * told


def test_watch_tells_who_came_to_have_so_many_conversations(engine: Engine) -> None:
    def talks(text: str) -> dict[str, Any]:
        return document(vanity_metrics={"num_conversations_str": text})

    tell(engine, *(said(day(at), talks(text)) for at, text in ((1, "90"), (2, "200"), (3, "300"))))
    assert [
        _news(engine, _window(number), min_conversations=100).new.total for number in (1, 2, 3)
    ] == [0, 1, 0]
    feed = _feed(engine, day(4), min_conversations=100)
    assert [title(each) for each in feed.entries] == ["A name: now matches", "A name: first seen"]
    assert feed.entries[0].updated_at == day(2)


# Feeds.


def _feed(engine: Engine, until: Micros, **keys: Any) -> Feed:
    with read(engine) as conn:
        if not keys:
            return catalog_feed(conn, until)
        return watch_feed(conn, read_watch("mine", WatchSettings(**keys)), until)


def test_feed_has_the_latest_first_and_days_by_number(engine: Engine) -> None:
    tell(
        engine,
        said(day(1), document()),
        said(day(2), document(name="Another")),
        said(day(3), changed(document(name="Another"), description="New words")),
    )
    assert [title(each) for each in _feed(engine, day(4)).entries] == [
        "2026-02-03: 1 changed",
        "Another: description changed",
        "2026-02-02: 1 changed",
        "Another: name changed",
        "2026-02-01: 1 new",
    ]


def test_entries_of_a_feed_stay_what_they_are(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(2), document(name="Another")))
    before = _feed(engine, day(2) + HOUR).entries
    tell(engine, said(day(3), document(name="A third")))
    after = {each.key: each for each in _feed(engine, day(3) + HOUR).entries}
    for each in before:
        assert _told(after[each.key]) == _told(each)


def _told(entry: Entry) -> Any:
    """What an entry says, but for the GPT's name, which is that of now."""
    said_then = [(each.field, each.old, each.new) for each in entry.changes.items]
    return entry.updated_at, said_then, entry.counts


def test_feed_is_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.report.feeding.ENTRIES", 3)
    tell(engine, *world(7))
    feed = _feed(engine, day(7))
    assert sum(each.gpt is not None for each in feed.entries) == 3
    assert len(_feed(engine, day(7), search="name").entries) == 3
    assert to_atom(feed) == to_atom(_feed(engine, day(7)))


# The job.


def test_mass_event_is_counted_where_it_shows(engine: Engine) -> None:
    tell(engine, *world(5))
    with read(engine) as conn:
        whole = mass(conn, Scope())
    shown = [
        news for number in range(1, 7) for news in _report(engine, _window(number)).brought.mass
    ]
    assert sum(news.changes for news in shown) == sum(news.changes for news in whole) > 0
