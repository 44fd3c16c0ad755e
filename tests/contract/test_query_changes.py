from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import UsageError
from catalog.query import changes
from catalog.query.changes import Wanted, field_named
from catalog.query.history import history
from catalog.query.metrics import metrics
from catalog.storage.engine import read
from catalog.times import HOUR
from tests.contract.telling import ID, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.query.changes import Change

OTHER = "g-Other0000"


def _author(name: str) -> dict[str, Any]:
    return {"user_id": "user-one", "display_name": name}


@pytest.fixture
def told(engine: Engine) -> Engine:
    """A rename, an author's name that flaps, other MIME types, and another GPT."""
    renamed = document(name="Another name", author=_author("B"))
    types = renamed["product_features"]["attachments"]
    types["accepted_mime_types"] = ["a/b", "c/d"]
    tell(
        engine,
        said(day(1), document(author=_author("A"))),
        said(day(2), renamed),
        said(day(3), document(OTHER)),
        said(day(4), changed(document(author=_author("A")), name="Another name")),
    )
    return engine


def _fields(engine: Engine, wanted: Wanted) -> list[tuple[str, str, str]]:
    with read(engine) as conn:
        return [(each.gizmo_id, each.field, each.kind) for each in changes.iterate(conn, wanted)]


def _one(engine: Engine, field: str) -> Change:
    with read(engine) as conn:
        wanted = Wanted(gizmo_id=ID, field=field, everything=True)
        return changes.page(conn, wanted)[0]


def test_changes_hide_the_platform_and_what_flaps(told: Engine) -> None:
    assert _fields(told, Wanted()) == [
        (ID, "status", "added"),
        (ID, "gizmo.display.name", "changed"),
        (OTHER, "status", "added"),
    ]


def test_changes_show_everything_where_asked(told: Engine) -> None:
    found = _fields(told, Wanted(everything=True))
    hidden = {field for _, field, _ in found} - {"status", "gizmo.display.name"}
    assert hidden == {
        "gizmo.author.display_name",
        "product_features.attachments.accepted_mime_types",
    }
    assert found.count((ID, "gizmo.author.display_name", "changed")) == 2


def test_changes_of_a_class_that_is_named_are_shown(told: Engine) -> None:
    found = _fields(told, Wanted(cls="platform"))
    assert {field for _, field, _ in found} == {"product_features.attachments.accepted_mime_types"}


def test_changes_say_what_when_and_in_whose_words(told: Engine) -> None:
    change = _one(told, "gizmo.display.name")
    assert (change.old, change.new) == ("A name", "Another name")
    assert (change.not_before, change.observed_at) == (day(1), day(2))
    assert (change.source, change.name, change.cls) == ("one", "Another name", "content")


def test_changes_give_sets_of_mime_types_as_their_members(told: Engine) -> None:
    change = _one(told, "product_features.attachments.accepted_mime_types")
    assert (change.old, change.new) == (("a/b", "text/plain"), ("a/b", "c/d"))


def test_changes_are_filtered_by_gpt_and_time(told: Engine) -> None:
    assert _fields(told, Wanted(since=day(2) + 1)) == [(OTHER, "status", "added")]
    assert _fields(told, Wanted(until=day(2) - 1)) == [(ID, "status", "added")]
    assert _fields(told, Wanted(gizmo_id=OTHER)) == [(OTHER, "status", "added")]


def test_changes_come_page_by_page_each_once(told: Engine) -> None:
    wanted = Wanted(everything=True)
    with read(told) as conn:
        whole = list(changes.iterate(conn, wanted))
        pages: list[Change] = []
        while page := changes.page(conn, wanted, after=pages[-1].key if pages else None, limit=1):
            pages += page
    assert pages == whole
    assert len(whole) == len({each.key for each in whole})


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("name", "gizmo.display.name"),
        ("gizmo.display.name", "gizmo.display.name"),
        ("tools", "tools"),
        ("prompt_starters", "gizmo.display.prompt_starters"),
        ("status", "status"),
    ],
)
def test_field_is_named_by_its_path_or_its_last_part(text: str, path: str) -> None:
    assert field_named(text) == path


def test_field_that_is_misspelt_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'description'"):
        field_named("descripton")


def test_field_whose_changes_are_noise_says_so() -> None:
    with pytest.raises(UsageError, match="noise"):
        field_named("updated_at")


def test_mass_event_is_told_once_with_its_count(engine: Engine) -> None:
    tell(
        engine,
        *(said(day(1) + n, document(f"g-Many{n:05d}")) for n in range(25)),
        *(said(day(2) + n, document(f"g-Many{n:05d}", tags=["public", "new"])) for n in range(25)),
    )
    with read(engine) as conn:
        found = [each for each in changes.iterate(conn, Wanted()) if each.field == "gizmo.tags"]
        assert len(found) == 25
        (event_id,) = {each.event_id for each in found}
        event = changes.events(conn, [event_id or ""])[event_id or ""]
    assert (event.gpts, event.compared, event.first_day) == (25, 25, "2026-02-02")
    assert event.added == ["new"]


def test_history_tells_statuses_revisions_and_every_change(told: Engine) -> None:
    tell(told, said(day(5), None))
    with read(told) as conn:
        past = history(conn, ID)
    assert [(each.status, each.valid_from, each.valid_to) for each in past.statuses] == [
        ("listed", day(1), day(5)),
        ("missing", day(5), None),
    ]
    assert [each.valid_from for each in past.revisions] == [day(1), day(2)]
    assert past.revisions[0].valid_to == day(2)
    assert [each.observed_at for each in past.changes] == sorted(
        each.observed_at for each in past.changes
    )
    assert sum(each.field == "gizmo.author.display_name" for each in past.changes) == 2


def test_metrics_tell_points_and_what_moved(engine: Engine) -> None:
    def numbered(text: str, pins: int) -> dict[str, Any]:
        return document(vanity_metrics={"num_conversations_str": text, "num_pins": pins})

    tell(
        engine,
        said(day(1), numbered("90", 2)),
        said(day(1) + HOUR, numbered("90", 2)),
        said(day(2), numbered("25K+", 5)),
    )
    with read(engine) as conn:
        found = metrics(conn, ID)
    assert [point.numbers.at for point in found.points] == [day(1), day(2)]
    assert found.points[0].moved == {}
    assert found.points[1].moved == {"num_pins": 3, "conversations_at_least": 24910}


def test_metrics_of_a_gpt_without_numbers_are_empty(engine: Engine) -> None:
    tell(engine, said(day(2), document(vanity_metrics={})))
    with read(engine) as conn:
        assert metrics(conn, ID).points == ()
        assert metrics(conn, ID, day(1)).points == ()
