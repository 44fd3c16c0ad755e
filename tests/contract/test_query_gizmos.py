from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from catalog.errors import CatalogCorrupt, NotFound
from catalog.query import gizmos
from catalog.query.raw import original
from catalog.query.told import Known
from catalog.storage import frontier
from catalog.storage.engine import read, write
from catalog.times import HOUR
from tests.contract.telling import (
    DERIVER,
    ID,
    NEVER,
    changed,
    day,
    document,
    said,
    said_with_stat,
    tell,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.query.gizmos import Gizmo
    from catalog.times import Micros

FIRST = document()
SECOND = changed(document(name="Another name"), prompt_starters=["Zero things", "First things"])


@pytest.fixture
def told(engine: Engine) -> Engine:
    """Two documents of one GPT, then twice no such GPT, by two sources."""
    tell(
        engine,
        said(day(1), FIRST),
        said(day(3), SECOND, source="two"),
        said(day(5), None),
        said(day(6), None),
    )
    return engine


def _get(engine: Engine, at: Micros | None = None, known_at: Micros | None = None) -> Gizmo:
    known = None if known_at is None else Known(at=known_at, deriver=DERIVER)
    with read(engine) as conn:
        return gizmos.get(conn, ID, at, known)


def _fact(gizmo: Gizmo, column: str) -> gizmos.Fact:
    return next(fact for fact in gizmo.facts if fact.field.column == column)


def _texts(gizmo: Gizmo, table: str, column: str) -> list[str] | None:
    listed = next(each for each in gizmo.lists if each.field.table == table)
    return None if listed.items is None else [item.values[column] for item in listed.items]


def test_get_names_every_facts_source_and_time(told: Engine) -> None:
    gizmo = _get(told)
    name, url = _fact(gizmo, "name"), _fact(gizmo, "short_url")
    assert (name.value, name.since, name.said.source) == ("Another name", day(3), "two")
    assert (url.since, url.said.source, url.said.at) == (day(1), "one", day(1))
    assert gizmo.name == "Another name"
    assert (gizmo.status, gizmo.status_since) == ("gone", day(6))
    assert (gizmo.first_seen_at, gizmo.last_seen_at, gizmo.last_asked_at) == (
        day(1),
        day(3),
        day(6),
    )


def test_get_names_who_brought_each_field_of_a_moment_of_several_sources(engine: Engine) -> None:
    ago = {"vanity_metrics": {"created_ago_str": "3 months ago"}}
    tell(
        engine,
        said(day(1), FIRST, source="one"),
        said(day(2), {"gizmo": {"id": ID, "display": {"name": "Of one"}, **ago}}, source="one"),
        said(day(2), {"gizmo": {"id": ID, "display": {"description": "Of two"}}}, source="two"),
        said(day(3), {"gizmo": {"id": ID, "live_version": 5}}, source="two"),
    )
    for gizmo in (_get(engine), _get(engine, known_at=day(28))):
        facts = {fact.field.column: fact for fact in gizmo.facts}
        for column, value, source, at in (
            ("name", "Of one", "one", day(2)),
            ("description", "Of two", "two", day(2)),
            ("created_ago_str", "3 months ago", "one", day(2)),
            ("live_version", 5, "two", day(3)),
            ("updated_at", facts["updated_at"].value, "one", day(1)),
        ):
            fact = facts[column]
            assert (fact.value, fact.said.source, fact.said.at) == (value, source, at)


def test_get_keeps_null_absent_and_empty_apart(told: Engine) -> None:
    gizmo = _get(told)
    assert _fact(gizmo, "welcome_message").value is None
    assert "instructions" not in {fact.field.column for fact in gizmo.facts}
    assert _texts(gizmo, "files", "name") == []


def test_get_gives_lists_in_their_own_order(told: Engine) -> None:
    assert _texts(_get(told), "prompt_starters", "text") == ["Zero things", "First things"]


def test_get_as_of_a_moment_gives_the_elements_of_then(told: Engine) -> None:
    then = _texts(_get(told, day(1)), "prompt_starters", "text") or []
    assert set(then) == {"First things", "Second things"}


def test_get_gives_sets_of_mime_types_as_their_members(told: Engine) -> None:
    assert _fact(_get(told), "accepted_mime_types").value == ("a/b", "text/plain")


@pytest.mark.parametrize(
    ("at", "name", "status"),
    [
        (day(1), "A name", "listed"),
        (day(3) - 1, "A name", "listed"),
        (day(3), "Another name", "listed"),
        (day(5), "Another name", "missing"),
        (day(6), "Another name", "gone"),
        (day(28), "Another name", "gone"),
    ],
)
def test_get_as_of_a_moment_is_half_open(told: Engine, at: Micros, name: str, status: str) -> None:
    gizmo = _get(told, at)
    assert (gizmo.name, gizmo.status) == (name, status)


def test_get_as_of_before_the_first_document_says_when_that_was(told: Engine) -> None:
    with pytest.raises(NotFound, match="2026-02-01T09:00:00Z"):
        _get(told, day(1) - 1)


def test_get_as_of_a_moment_leaves_out_what_only_its_latest_value_is_kept_of(
    told: Engine,
) -> None:
    columns = {fact.field.column for fact in _get(told, day(2)).facts}
    assert "updated_at" not in columns
    assert "updated_at" in {fact.field.column for fact in _get(told).facts}


def test_get_as_known_then_is_not_get_as_of_then(engine: Engine) -> None:
    late = day(10)
    tell(engine, said(day(2), FIRST))
    tell(engine, said(day(4), SECOND, recorded_at=late))
    assert _get(engine, at=day(5)).name == "Another name"
    assert _get(engine, at=day(5), known_at=late - 1).name == "A name"
    assert _get(engine, known_at=late).name == "Another name"
    with pytest.raises(NotFound, match="recorded at"):
        _get(engine, known_at=day(2) - 1)


def test_get_as_known_now_is_what_the_tables_say(told: Engine) -> None:
    tables, archive = _get(told), _get(told, known_at=day(28))
    assert archive.facts == tables.facts
    assert archive.lists == tables.lists
    assert archive.metrics == tables.metrics


def test_get_gives_the_latest_numbers(told: Engine) -> None:
    metrics = _get(told).metrics
    assert metrics is not None
    assert metrics.at == day(1)
    assert metrics.values["conversations_at_least"] == 90
    assert metrics.values["num_pins"] == 2


def test_get_of_an_unknown_id_says_what_to_do(engine: Engine) -> None:
    with read(engine) as conn, pytest.raises(NotFound, match=f"harvest {NEVER}"):
        gizmos.get(conn, NEVER)


def test_get_of_an_id_without_a_document_says_how_asking_ended(engine: Engine) -> None:
    with write(engine) as conn:
        frontier.add_ids(conn, [NEVER], day(1))
        lease = frontier.Lease("me", day(1) + HOUR)
        frontier.claim(conn, lease, ids=[NEVER], limit=1, now=day(1))
        move = frontier.Move(
            gizmo_id=NEVER, at=day(1), verdict="not_found", attempts=0, due_at=day(2)
        )
        frontier.release(conn, "me", [move])
    with read(engine) as conn, pytest.raises(NotFound, match="ended in not_found"):
        gizmos.get(conn, NEVER)


def test_get_of_a_name_that_was_never_asked_for_says_so(engine: Engine) -> None:
    with write(engine) as conn:
        frontier.add_ids(conn, [NEVER], day(1))
    with read(engine) as conn:
        for known in (None, Known(at=day(2), deriver=DERIVER)):
            with pytest.raises(NotFound, match="never asked for: ask with gpts-catalog harvest"):
                gizmos.get(conn, NEVER, known=known)


def test_get_as_known_before_the_first_word_says_when_that_was(told: Engine) -> None:
    with pytest.raises(NotFound, match="was recorded at 2026-02-01T09:00:00Z"):
        _get(told, known_at=day(1) - 1)


@pytest.fixture
def unsent(engine: Engine) -> Engine:
    """Rule 10: a field in all of 100 documents, then in none of 100 over three days."""
    _stop_sending(engine, "one", 0)
    return engine


def _stop_sending(engine: Engine, source: str, later: Micros) -> None:
    with_it, without = [], []
    for number in range(100):
        found = document(f"g-Many{number:05d}")
        with_it.append(said(day(1) + number + later, found, source=source))
        less = document(f"g-Many{number:05d}")
        del less["gizmo"]["vanity_metrics"]["num_pins"]
        del less["gizmo"]["display"]["welcome_message"]
        without.append(said(day(3) + number * HOUR + later, less, source=source))
    tell(engine, *with_it)
    tell(engine, *without)


def _unsent_since(engine: Engine, column: str = "welcome_message") -> Micros | None:
    with read(engine) as conn:
        return _fact(gizmos.get(conn, "g-Many00007"), column).unsent_since


def test_fields_that_no_source_sends_any_more_are_marked(unsent: Engine) -> None:
    assert _unsent_since(unsent) == day(1) + 99
    assert _unsent_since(unsent, "name") is None


def test_field_that_a_source_sends_again_of_others_is_not_marked(unsent: Engine) -> None:
    tell(unsent, said(day(9), document("g-Many00001")))
    assert _unsent_since(unsent) is None


def test_field_is_marked_by_another_source_that_stopped_sending_it(unsent: Engine) -> None:
    """The first is answered in another wrapping now, of which nothing is known."""
    _stop_sending(unsent, "two", HOUR)
    without = document("g-Many00007")
    del without["gizmo"]["display"]["welcome_message"]
    tell(unsent, said_with_stat(day(9), without, {"read": 1}))
    assert _unsent_since(unsent) == day(1) + 99 + HOUR


def test_field_that_went_out_of_a_wrapping_is_marked_while_it_is_the_latest(unsent: Engine) -> None:
    without = document("g-Many00007")
    del without["gizmo"]["display"]["welcome_message"]
    tell(unsent, said_with_stat(day(9), without, {"read": 1}))
    assert _unsent_since(unsent) is None
    tell(unsent, said(day(10), without))
    assert _unsent_since(unsent) == day(1) + 99


def test_original_gives_the_bytes_that_decided(told: Engine) -> None:
    first, second = said(day(1), FIRST), said(day(3), SECOND)
    with read(told) as conn:
        now = original(conn, ID, DERIVER)
        then = original(conn, ID, DERIVER, at=day(2))
    assert (now.payload, now.source, now.observed_at) == (second.payload, "two", day(3))
    assert (then.payload, then.source) == (first.payload, "one")


def test_original_of_before_the_first_document_is_not_found(told: Engine) -> None:
    with read(told) as conn, pytest.raises(NotFound, match="first document"):
        original(conn, ID, DERIVER, at=day(1) - 1)


def test_get_as_of_a_moment_gives_a_gateways_own_numbers_of_then(engine: Engine) -> None:
    tell(
        engine,
        said_with_stat(day(1), FIRST, {"read": 5}),
        said_with_stat(day(3), FIRST, {"read": 8}),
    )
    for at, number, moment in ((None, 8, day(3)), (day(2), 5, day(1))):
        (stats,) = _get(engine, at).stats
        assert (stats.at, stats.values["stat_read"]) == (moment, number)


def test_get_gives_values_of_no_fixed_form_as_they_were_said(engine: Engine) -> None:
    tell(engine, said(day(1), document(sharing={"recipient": "marketplace"})))
    assert _fact(_get(engine), "sharing").value == {"recipient": "marketplace"}


def test_original_that_is_not_there_says_what_to_do(told: Engine) -> None:
    if told.dialect.name != "sqlite":
        pytest.skip("PostgreSQL never lets a row name one that is not there")
    told.dispose()
    with closing(sqlite3.connect(told.url.database or "")) as connection:
        connection.execute("UPDATE gizmos SET observation_id = 999")
        connection.commit()
    message = f"{ID} names observation 999, which is not there: run gpts-catalog verify"
    with read(told) as conn, pytest.raises(CatalogCorrupt, match=message):
        original(conn, ID, DERIVER)
