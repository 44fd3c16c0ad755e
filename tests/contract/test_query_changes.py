from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from catalog.errors import InvalidCursor, UsageError
from catalog.fields import field_named
from catalog.query import changes
from catalog.query.changes import Wanted
from catalog.query.history import history
from catalog.query.metrics import metrics
from catalog.query.search import search
from catalog.search.filters import Filter
from catalog.storage.engine import read
from catalog.times import HOUR
from tests.contract.searching import WAYS
from tests.contract.telling import ID, changed, day, document, said, said_with_stat, tell

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


def test_changes_are_filtered_by_kind(told: Engine) -> None:
    assert _fields(told, Wanted(kind="changed")) == [(ID, "gizmo.display.name", "changed")]
    assert _fields(told, Wanted(kind="removed", everything=True)) == []


@pytest.fixture
def many(engine: Engine) -> Engine:
    """Five GPTs of two authors in two categories, all renamed on the second day."""

    def of(number: int, name: str) -> dict[str, Any]:
        author = {"user_id": f"user-{number % 2}", "display_name": f"Zoë {number % 2}"}
        found = document(f"g-Many{number:05d}", name, author=author)
        return changed(found, categories=["writing"] if number < 3 else ["Education"])

    tell(
        engine,
        *(said(day(1) + number, of(number, "A")) for number in range(5)),
        *(said(day(2) + number, of(number, "B")) for number in range(5)),
    )
    return engine


def _renamed(engine: Engine, wanted: Wanted) -> list[int]:
    found = _fields(engine, wanted)
    return [int(gizmo_id[-5:]) for gizmo_id, field, _ in found if field == "gizmo.display.name"]


@pytest.mark.parametrize(("few", "some"), WAYS)
@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(author="user-0"), [0, 2, 4]),
        (Wanted(author="ZOË 1"), [1, 3]),
        (Wanted(author="zoe 1"), []),
        (Wanted(author="user-7"), []),
        (Wanted(category=" Writing "), [0, 1, 2]),
        (Wanted(category="education"), [3, 4]),
        (Wanted(category="none"), []),
        (Wanted(author="user-0", category="education"), [4]),
        (Wanted(author="user-0", since=day(2) + 1, until=day(2) + 3), [2]),
        (Wanted(author="user-0", gizmo_id="g-Many00002"), [2]),
        (Wanted(author="user-1", gizmo_id="g-Many00002"), []),
        (Wanted(category="writing", kind="changed", field="gizmo.display.name"), [0, 1, 2]),
    ],
)
def test_changes_are_filtered_by_author_and_category(
    many: Engine,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    some: int,
    wanted: Wanted,
    numbers: list[int],
) -> None:
    """The same, whether the GPTs are looked up, held, or asked of each change."""
    monkeypatch.setattr("catalog.query.changes.FEW", few)
    monkeypatch.setattr("catalog.query.wanted.SOME", some)
    assert _renamed(many, wanted) == numbers


@pytest.mark.parametrize(("few", "some"), WAYS)
def test_authors_and_categories_are_compared_as_a_search_compares_them(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, few: int, some: int
) -> None:
    monkeypatch.setattr("catalog.query.changes.FEW", few)
    monkeypatch.setattr("catalog.query.wanted.SOME", some)
    author = {"user_id": "user-s", "display_name": "\u00a0Große Ｌiebe "}
    found = changed(document(OTHER, author=author), categories=["Ｗriting\u3000"])
    tell(engine, said(day(1), found), said(day(1), document()))
    for name in (" GROSSE liebe", "user-s ", "große Liebe"):
        with read(engine) as conn:
            (there,) = search(conn, Filter(authors=(name,))).items
        assert [each[0] for each in _fields(engine, Wanted(author=name))] == [there.gizmo_id]
    for name in ("WRITING", " ｗriting"):
        with read(engine) as conn:
            (there,) = search(conn, Filter(categories=(name,))).items
        assert [each[0] for each in _fields(engine, Wanted(category=name))] == [there.gizmo_id]


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_page_of_no_changes_or_of_too_many_is_refused(engine: Engine, limit: int) -> None:
    with read(engine) as conn, pytest.raises(UsageError, match=r"a page of .* ask for"):
        changes.read_page(conn, Wanted(), limit=limit)


def test_changes_of_an_author_come_page_by_page(many: Engine) -> None:
    wanted = Wanted(author="user-0", everything=True)
    with read(many) as conn:
        whole = list(changes.iterate(conn, wanted))
        pages: list[Change] = []
        after = None
        while (found := changes.read_page(conn, wanted, after=after, limit=2)).items:
            pages += found.items
            after = found.after
            if after is None:
                break
    assert pages == whole
    assert len(whole) == 6


def test_cursor_of_other_changes_is_refused(many: Engine) -> None:
    with read(many) as conn:
        page = changes.read_page(conn, Wanted(), limit=1)
        with pytest.raises(InvalidCursor, match="another question"):
            changes.read_page(conn, Wanted(category="writing"), after=page.after)
        with pytest.raises(InvalidCursor, match="damaged"):
            changes.read_page(conn, Wanted(), after="Zm9v")


def test_pages_of_changes_stay_in_place_while_others_are_added(many: Engine) -> None:
    with read(many) as conn:
        first = changes.read_page(conn, Wanted(), limit=3)
    tell(many, said(day(1) - 1, document(OTHER)), said(day(3), document(OTHER, "New")))
    with read(many) as conn:
        second = changes.read_page(conn, Wanted(), after=first.after, limit=100)
        whole = list(changes.iterate(conn, Wanted()))
    shown = [*first.items, *second.items]
    assert [each.key for each in shown] == [
        each.key for each in whole if each.observed_at >= day(1)
    ]


def _plans(engine: Engine, wanted: Wanted, after: changes.Key | None = None) -> list[str]:
    """How the engine finds a page of changes, a step a line."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _r: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM changes" in statement and "EXPLAIN" not in statement:
            statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with read(engine) as conn:
            changes.page(conn, wanted, after=after)
            lines: list[str] = []
            if engine.dialect.name == "postgresql":
                # Whatever it knows of a few rows: what it can do of many.
                conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
                conn.exec_driver_sql("SET LOCAL enable_sort = off")
            for statement, parameters in statements:
                how = "QUERY PLAN" if engine.dialect.name == "sqlite" else ""
                found = conn.exec_driver_sql(f"EXPLAIN {how} {statement}", parameters)
                lines += [str(row[-1]) for row in found]
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return lines


AFTER = (day(2), ID, "gizmo.display.name", "")


@pytest.mark.parametrize("after", [None, AFTER])
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(since=day(2), until=day(3)),
        Wanted(since=day(2), everything=True),
        Wanted(since=day(2), category="writing"),
        Wanted(since=day(2), field="tools"),
        Wanted(cls="lifecycle", kind="added"),
        Wanted(gizmo_id=ID),
        Wanted(author="user-one"),
    ],
)
def test_changes_are_found_by_an_index(
    many: Engine,
    monkeypatch: pytest.MonkeyPatch,
    wanted: Wanted,
    after: changes.Key | None,
) -> None:
    if wanted.category:
        monkeypatch.setattr("catalog.query.changes.FEW", 0)
        monkeypatch.setattr("catalog.query.wanted.SOME", 0)
    plan = _plans(many, wanted, after)
    assert plan
    scans = [line for line in plan if "SCAN changes" in line or "Seq Scan on changes" in line]
    assert scans == []
    if wanted.author is None and wanted.gizmo_id is None:
        # In the order of the index: nothing is sorted, however many there are.
        assert [line for line in plan if "TEMP B-TREE" in line or "Sort" in line] == []
        assert any("ix_changes_class_observed_at" in line for line in plan)


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


def test_metrics_tell_the_counters_of_each_source_apart(engine: Engine) -> None:
    tell(
        engine,
        said_with_stat(day(1), document(), {"read": 5, "use": 1}),
        said_with_stat(day(2), document(), {"read": 8, "use": 1}),
        said_with_stat(day(2) + HOUR, document(), {"read": 100}, source="two"),
    )
    with read(engine) as conn:
        stats = metrics(conn, ID).stats
        assert [len(points) for points in metrics(conn, ID, day(1)).stats.values()] == [1]
    assert {
        source: [(point.numbers.values, point.moved) for point in points]
        for source, points in stats.items()
    } == {
        "one": [
            ({"stat_read": 5, "stat_use": 1}, {}),
            ({"stat_read": 8, "stat_use": 1}, {"stat_read": 3}),
        ],
        "two": [({"stat_read": 100}, {})],
    }


def test_metrics_of_a_gpt_without_numbers_are_empty(engine: Engine) -> None:
    tell(engine, said(day(2), document(vanity_metrics={})))
    with read(engine) as conn:
        assert metrics(conn, ID).points == ()
        assert metrics(conn, ID, day(1)).points == ()
