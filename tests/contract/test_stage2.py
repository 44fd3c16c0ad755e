from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from catalog.derive import Derivation
from catalog.errors import CatalogBusy
from catalog.records import Observation
from catalog.storage import tables as t
from catalog.storage.dump import dump
from catalog.storage.engine import read, write
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.sources import add_source
from catalog.storage.stage2 import Settled, settle
from catalog.times import DAY, HOUR, Micros, from_iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine

START = from_iso("2026-03-01T09:00:00Z")
SOURCE = "here"
DERIVATION = Derivation()


def gpt(number: int) -> str:
    return f"g-{number:09d}"


def said(number: int, at: Micros, *, source: str = SOURCE, **members: Any) -> Observation:
    """A source's document of a GPT: its id, and what is given."""
    payload = json.dumps({"gizmo": {"id": gpt(number), **members}}).encode()
    return Observation(
        gizmo_id=gpt(number),
        source=source,
        observed_at=at,
        recorded_at=at,
        digest=hashlib.sha256(payload).digest(),
        payload=payload,
        wrapping="gizmo",
        document=DERIVATION.document(payload, "gizmo"),
    )


def add(conn: Connection, batch: Sequence[Observation]) -> None:
    for source in sorted({observation.source for observation in batch}):
        add_source(conn, source, "recorded", START)
    observe(conn, DERIVATION, batch)


def settled(engine: Engine, *batches: Sequence[Observation]) -> Settled:
    """Add batches, each in a transaction of its own, and settle once."""
    for batch in batches:
        with write(engine) as conn:
            add(conn, batch)
    with write(engine) as conn:
        return settle(conn, DERIVATION)


def rows(engine: Engine, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    with read(engine) as conn:
        found = conn.execute(select(*(table.c[name] for name in columns))).all()
    return sorted(tuple(row) for row in found)


# Authors (rule 11).


def author(user_id: str | None, name: str | None, **more: Any) -> dict[str, Any]:
    return {"user_id": user_id, "display_name": name, **more}


AUTHOR = ("user_id", "display_name", "name_key", "gpt_count", "gizmo_id", "first_seen_at")


def test_an_author_is_quoted_from_the_latest_document_with_a_name(engine: Engine) -> None:
    settled(
        engine,
        [
            said(1, START, author=author("user-a", "Old")),
            said(2, START + DAY, author=author("user-a", "\ufb01rst NAME")),
            said(3, START + 2 * DAY, author=author("user-a", None)),
        ],
    )
    assert rows(engine, t.authors, *AUTHOR) == [
        ("user-a", "\ufb01rst NAME", "first name", 3, gpt(2), START)
    ]


def test_of_equally_late_documents_the_smallest_id_is_quoted(engine: Engine) -> None:
    settled(engine, [said(n, START, author=author("user-a", f"Name {n}")) for n in (3, 2)])
    assert rows(engine, t.authors, "display_name", "gizmo_id") == [("Name 2", gpt(2))]


def test_an_author_without_a_name_is_an_author(engine: Engine) -> None:
    settled(engine, [said(1, START, author=author("user-a", None))])
    assert rows(engine, t.authors, *AUTHOR) == [("user-a", None, None, 1, gpt(1), START)]


def test_no_user_id_makes_no_author(engine: Engine) -> None:
    settled(engine, [said(1, START, author=author(None, "Name")), said(2, START)])
    assert rows(engine, t.authors, "user_id") == []


def test_an_author_goes_with_the_last_gpt_that_names_it(engine: Engine) -> None:
    settled(engine, [said(1, START, author=author("user-a", "Name"))])
    settled(engine, [said(1, START + DAY, author=author("user-b", "Name"))])
    assert rows(engine, t.authors, "user_id", "first_seen_at") == [("user-b", START + DAY)]


def test_an_author_is_first_seen_where_any_document_ever_named_it(engine: Engine) -> None:
    settled(
        engine,
        [
            said(1, START, author=author("user-a", "Name")),
            said(1, START + DAY, author=author("user-b", "Name")),
            said(2, START + 2 * DAY, author=author("user-a", "Name")),
        ],
    )
    assert ("user-a", START, gpt(2)) in rows(
        engine, t.authors, "user_id", "first_seen_at", "gizmo_id"
    )


def test_an_older_document_moves_when_an_author_was_first_seen(engine: Engine) -> None:
    settled(engine, [said(1, START, author=author("user-a", "Name"))])
    settled(engine, [said(1, START - DAY, author=author("user-a", "Name"))])
    assert rows(engine, t.authors, "first_seen_at") == [(START - DAY,)]


# Mass events (rule 9).

EVENT = ("field", "added", "removed", "first_day", "last_day", "gpts", "compared")


def tagged(numbers: range, day: int, *tags: str) -> list[Observation]:
    return [said(n, START + day * DAY, tags=["public", *tags]) for n in numbers]


def linked(engine: Engine) -> list[tuple[str, int]]:
    """How many changes name each event."""
    c = t.changes.c
    with read(engine) as conn:
        found = conn.execute(
            select(c.event_id, func.count())
            .where(c.event_id.is_not(None))
            .group_by(c.event_id)
            .order_by(c.event_id)
        )
        return [(event_id, count) for event_id, count in found]


def test_changes_of_many_gpts_are_linked_to_one_event(engine: Engine) -> None:
    done = settled(
        engine,
        tagged(range(30), 0),
        tagged(range(25), 1, "marked"),
        # Another difference, one GPT unchanged, and one whose first document it is.
        tagged(range(25, 28), 1, "noted"),
        tagged(range(28, 29), 1),
        tagged(range(40, 41), 1, "marked"),
    )
    expected = ("gizmo.tags", '["marked"]', "[]", "2026-03-02", "2026-03-02", 25, 29)
    assert rows(engine, t.mass_events, *EVENT) == [expected]
    (new,) = done.events
    assert tuple(new[name] for name in EVENT) == expected
    assert linked(engine) == [(new["event_id"], 25)]


def test_an_event_is_reported_once(engine: Engine) -> None:
    settled(engine, tagged(range(20), 0), tagged(range(20), 1, "marked"))
    again = settled(engine, tagged(range(20, 22), 0), tagged(range(20, 22), 1, "marked"))
    assert again.events == ()
    assert again.days == 2
    assert rows(engine, t.mass_events, "gpts") == [(22,)]


def test_an_event_that_older_documents_disprove_is_taken_back(engine: Engine) -> None:
    settled(engine, tagged(range(20), 0), tagged(range(20), 2, "marked"))
    assert len(linked(engine)) == 1
    # One of them had the tag a day before: neither day has twenty any more.
    settled(engine, tagged(range(1), 1, "marked"))
    assert rows(engine, t.mass_events, *EVENT) == []
    assert linked(engine) == []


def test_events_grow_together_whatever_the_order_of_their_days(engine: Engine) -> None:
    settled(engine, tagged(range(60), -1))
    settled(engine, tagged(range(20), 0, "marked"))
    settled(engine, tagged(range(40, 60), 6, "marked"))
    days = [("2026-03-01", "2026-03-01"), ("2026-03-07", "2026-03-07")]
    assert rows(engine, t.mass_events, "first_day", "last_day") == days
    settled(engine, tagged(range(20, 40), 3, "marked"))
    assert rows(engine, t.mass_events, "first_day", "last_day", "gpts") == [
        ("2026-03-01", "2026-03-07", 60)
    ]
    ((_, count),) = linked(engine)
    assert count == 60


def test_an_event_falls_apart_when_a_day_of_it_goes(engine: Engine) -> None:
    settled(
        engine,
        tagged(range(80), -1),
        tagged(range(20), 0, "marked"),
        tagged(range(20, 40), 3, "marked"),
        tagged(range(40, 60), 6, "marked"),
        tagged(range(60, 80), 9, "marked"),
    )
    assert rows(engine, t.mass_events, "gpts") == [(80,)]
    settled(engine, tagged(range(20, 21), 2, "marked"))
    assert rows(engine, t.mass_events, "first_day", "last_day", "gpts") == [
        ("2026-03-01", "2026-03-01", 20),
        ("2026-03-07", "2026-03-10", 40),
    ]
    assert sorted(count for _, count in linked(engine)) == [20, 40]


# Drift (rule 10).

DRIFT = ("path", "kind", "at", "first_seen_at", "last_seen_at", "example")


def hourly(first: int, count: int, **members: Any) -> list[Observation]:
    return [said(n % 40, START + n * HOUR, **members) for n in range(first, first + count)]


def test_drift_is_written_with_an_example_and_reported_once(engine: Engine) -> None:
    done = settled(
        engine,
        hourly(0, 120, display={"name": "A", "welcome_message": "Hello"}),
        hourly(120, 100, display={"name": "A", "emoji": "\U0001f600", "theme": None}),
    )
    expected = [
        (
            "gizmo.display.emoji",
            "appeared",
            START + 120 * HOUR,
            START + 120 * HOUR,
            START + 219 * HOUR,
            '"\U0001f600"',
        ),
        (
            "gizmo.display.theme",
            "appeared",
            START + 120 * HOUR,
            START + 120 * HOUR,
            START + 219 * HOUR,
            "null",
        ),
        (
            "gizmo.display.welcome_message",
            "vanished",
            START + 119 * HOUR,
            START,
            START + 119 * HOUR,
            '"Hello"',
        ),
    ]
    assert rows(engine, t.drift, *DRIFT) == expected
    assert sorted(tuple(row[name] for name in DRIFT) for row in done.drift) == expected
    assert {row["source"] for row in done.drift} == {SOURCE}
    again = settled(engine, hourly(220, 5, display={"name": "A", "emoji": "B"}))
    assert again.drift == ()
    assert again.shapes == 1


def test_a_new_type_is_drift(engine: Engine) -> None:
    settled(engine, hourly(0, 110, voice={"id": "ember"}), hourly(110, 1, voice={"id": 7}))
    assert rows(engine, t.drift, "path", "kind", "example") == [
        ("gizmo.voice.id:integer", "type", "7")
    ]


def test_each_source_drifts_by_itself(engine: Engine) -> None:
    settled(engine, hourly(0, 110), [said(1, START, source="there", tags=[])])
    assert rows(engine, t.drift, "path") == []


def test_the_example_is_of_the_smallest_digest_of_one_moment(engine: Engine) -> None:
    late = [said(1, START + 200 * HOUR, tags=[tag]) for tag in ("one", "two", "three")]
    first = min(late, key=lambda observation: observation.digest)
    settled(engine, hourly(0, 110), *([each] for each in late))
    tags = json.loads(first.payload)["gizmo"]["tags"]
    assert rows(engine, t.drift, "path", "example") == [
        ("gizmo.tags", json.dumps(tags, separators=(",", ":")))
    ]


# Laws.


def test_settling_empties_the_queue(engine: Engine) -> None:
    settled(engine, tagged(range(3), 0))
    assert rows(engine, t.stage_queue, "kind", "key") == []
    assert settled(engine) == Settled(0, 0, 0, (), ())


def everything() -> list[Observation]:
    """What makes authors, events and drift of every kind."""
    said_all: list[Observation] = []
    for day in range(9):
        for n in range(44):
            at = START + day * DAY + n
            display: dict[str, Any] = {"name": f"GPT {n}"}
            if day < 4:
                display["welcome_message"] = "Hello"
            if day > 5:
                display["emoji"] = "\U0001f600"
            tags = ["public"] + ["marked"] * (day > 1 + n % 2 * 3) + ["noted"] * (day > 6)
            maker = author(f"user-{(n + day // 5) % 5}", f"Name {day // 3}" if n % 3 else None)
            said_all.append(said(n, at, display=display, tags=tags, author=maker))
            said_all.append(said(n, at, display=display, source="there", tags=tags))
    return said_all


@pytest.mark.parametrize("seed", [1, 2])
def test_settling_after_every_batch_ends_where_settling_once_does(
    engine: Engine, seed: int
) -> None:
    observations = everything()
    random.Random(seed).shuffle(observations)
    for start in range(0, len(observations), 150):
        settled(engine, observations[start : start + 150])
    with read(engine) as conn:
        after_every_batch = list(dump(conn))
    events = rows(engine, t.mass_events, "field", "first_day", "gpts")
    assert [event for event in events if event[0] == "gizmo.tags"] == [
        ("gizmo.tags", "2026-03-03", 44),
        ("gizmo.tags", "2026-03-08", 44),
    ]
    assert len(rows(engine, t.drift, "path")) == 4
    assert len(rows(engine, t.authors, "user_id")) == 5
    with write(engine) as conn:
        rebuild(conn, DERIVATION)
        assert list(dump(conn)) == after_every_batch


def test_settling_waits_for_who_still_derives(engine: Engine) -> None:
    with write(engine) as writer:
        add(writer, tagged(range(1), 0))
        with pytest.raises(CatalogBusy), write(engine) as conn:
            settle(conn, DERIVATION)
    assert settled(engine).days == 1
