"""Erasing what tombstones cover, where it is less than whole GPTs, and what is counted anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, update

from catalog.query import gizmos
from catalog.storage import runs
from catalog.storage import tables as t
from catalog.storage.codec import compress
from catalog.storage.dump import dump
from catalog.storage.engine import read, write
from catalog.storage.erasing import count_covered, erase_covered, find_covered
from catalog.storage.failures import Failure, add_failures, failures
from catalog.storage.mentions import Named, add_named
from catalog.storage.probes import add_probe
from catalog.storage.sources import add_source
from catalog.storage.tombstones import FORGOTTEN, add_tombstones, graves_of
from catalog.storage.unmapped import uncount_unmapped
from catalog.times import DAY
from tests.contract.telling import DERIVER, ID, day, document, probed_gpt, said, tell
from tests.contract.test_forgetting import home

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from catalog.storage.ledger import Kind

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

OTHER = "g-Other0000"
THEIRS = {"user_id": "user-two", "display_name": "Somebody Else", "display_socials": []}


def erased(engine: Engine, kind: Kind, name: str) -> dict[str, int]:
    """Erase what a tombstone covers; the rows that went, which were counted before."""
    with write(engine) as conn:
        add_tombstones(conn, kind, [name], day(28))
        graves = graves_of(conn)
        assert graves is not None
        counted = count_covered(conn, find_covered(conn, DERIVER, graves))
        done = erase_covered(conn, DERIVER).rows
    assert counted.items() <= done.items()
    return done


def told_of(conn: Connection) -> list[bytes]:
    """All that is kept and derived but the tombstones."""
    return [line for line in dump(conn) if not line.startswith(b'["tombstones"')]


def test_documents_that_name_a_forgotten_author_go_and_the_others_of_the_gpt_stay(
    engine: Engine,
) -> None:
    """A wish that came while the GPT was another's: as a merge may bring it."""
    tell(engine, said(day(1), document()), said(day(1), document(OTHER)))
    with read(engine) as conn:
        before = told_of(conn)
    tell(
        engine,
        said(day(2), document(author=THEIRS, surprise="theirs")),
        said(day(3), document(name="Another name", author=THEIRS)),
    )
    done = erased(engine, "author", "user-two")
    with read(engine) as conn:
        assert told_of(conn) == before
        assert gizmos.get(conn, ID).name == "A name"
    assert (done["observations"], done["payloads"]) == (2, 2)


def test_user_id_that_cannot_be_read_hides_no_other(engine: Engine) -> None:
    item = rb'{"user_id":"\x","other":{"user_id" : "user-two"}}'
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        named = Named(gizmo_id=ID, query="q", at=day(1), rank=1, title="T", payload=item)
        add_named(conn, number, [named])
    assert erased(engine, "author", "user-two")["discoveries"] == 1


def test_author_whom_items_alone_name_is_blanked_elsewhere_too(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    item = b'{"author":{"user_id":"user-two"}}'
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        named = Named(gizmo_id=ID, query="q", at=day(1), rank=1, title="T", payload=item)
        add_named(conn, number, [named])
        add_probe(conn, probed_gpt(ID, number, day(1), answer="by user-two"))
    erased(engine, "author", "user-two")
    with read(engine) as conn:
        assert "user-two" not in (conn.execute(select(t.probes.c.answer)).scalar_one() or "")


def test_mention_of_a_forgotten_gpt_is_not_taken_whatever_its_item_says(engine: Engine) -> None:
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        add_tombstones(conn, "gpt", [ID], day(1))
        named = [
            Named(gizmo_id=each, query="q", at=day(1), rank=1, title="T", payload=b'{"n":1}')
            for each in (ID, OTHER)
        ]
        assert add_named(conn, number, named) == 1
        assert conn.execute(select(t.discoveries.c.gizmo_id)).scalars().all() == [OTHER]


@pytest.mark.parametrize(
    ("gone", "count", "first", "last", "example"),
    [
        (0, 2, 2, 3, '"from day 2"'),
        (1, 2, 1, 3, '"from day 1"'),
        (2, 2, 1, 2, '"from day 1"'),
    ],
)
def test_unmapped_path_is_counted_by_what_is_left(
    engine: Engine, gone: int, count: int, first: int, last: int, example: str
) -> None:
    ids = [f"g-Surprise{number}" for number in range(3)]
    for place, gizmo_id in enumerate(ids):
        at = place + 1
        tell(engine, said(day(at), document(gizmo_id, surprise=f"from day {at}")))
    tell(engine, said(day(9), document("g-Ordinary0")))
    erased(engine, "gpt", ids[gone])
    with read(engine) as conn:
        row = dict(conn.execute(select(t.unmapped_fields)).mappings().one())
    assert (row["path"], row["count"]) == ("gizmo.surprise", count)
    assert (row["first_seen_at"], row["last_seen_at"]) == (day(first), day(last))
    assert row["example"] == example


def test_unmapped_path_goes_with_the_last_that_had_it(engine: Engine) -> None:
    tell(engine, said(day(1), document(surprise=1)), said(day(2), document(OTHER)))
    erased(engine, "gpt", ID)
    with read(engine) as conn:
        assert conn.execute(select(t.unmapped_fields)).all() == []


def test_what_is_damaged_and_cannot_be_searched_is_left_as_it_is(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(1), document(OTHER)))
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        usual = {
            "run_id": "r",
            "source_id": number,
            "verdict": "throttled",
            "status": 429,
            "detail": "slow",
            "at": day(1),
            "redacted": False,
        }
        damaged = {"asked_id": OTHER, "body": b"no compressed bytes"}
        naming = {"asked_id": OTHER, "body": compress(f"not {ID}".encode())}
        conn.execute(insert(t.fetch_failures), [usual | damaged, usual | naming])
        add_probe(conn, probed_gpt(OTHER, number, day(1), answer=f"ask {ID}"))
    erased(engine, "gpt", ID)
    with read(engine) as conn:
        f = t.fetch_failures.c
        bodies = conn.execute(select(f.body).order_by(f.failure_id)).scalars().all()
        answer = conn.execute(select(t.probes.c.answer)).scalar_one()
    assert bodies == [b"no compressed bytes", None]
    assert ID not in (answer or "")


def test_failure_that_names_a_forgotten_gpt_is_kept_without_its_words(engine: Engine) -> None:
    key = runs.RunKey(command="harvest", source="one", ids_digest="x")
    with write(engine) as conn:
        number = add_source(conn, "one", "recorded", day(1))
        add_tombstones(conn, "gpt", [ID], day(1))

        def failure(asked_id: str, detail: str, body: bytes | None) -> Failure:
            return Failure(
                run_id=key.source,
                source_id=number,
                asked_id=asked_id,
                verdict="broken",
                status=200,
                detail=detail,
                at=day(1) + DAY,
                redacted=False,
                body=body,
            )

        items = [
            failure(ID, "theirs", b"theirs"),
            failure("g-Aaaa00000", "of nobody", b"of nobody"),
            failure("g-Bbbb00000", "of nobody", f"of {ID}".encode()),
            failure("g-Cccc00000", f"of {ID}", None),
        ]
        add_failures(conn, items[:1])
        add_failures(conn, items)
        found = failures(conn, key.source, 9)
    assert [(each.asked_id[:6], each.detail, each.body) for each in found] == [
        ("g-Aaaa", "of nobody", b"of nobody"),
        ("g-Bbbb", "of nobody", None),
        ("g-Cccc", FORGOTTEN, None),
    ]


def test_gpt_whose_author_is_unknown_is_erased(engine: Engine) -> None:
    with read(engine) as conn:
        before = told_of(conn)
    tell(engine, said(day(1), document(author={})))
    with write(engine) as conn:
        # So a merge leaves it until it is derived: the number is the other catalog's.
        conn.execute(update(t.observations).values(shape_id=None))
    assert erased(engine, "gpt", ID)["observations"] == 1
    with read(engine) as conn:
        assert [line for line in told_of(conn) if ID.encode() in line] == []
        assert len(told_of(conn)) == len(before) + 1, "its source stays"


def test_document_that_only_mentions_a_forgotten_author_stays(engine: Engine) -> None:
    """Its author is another one."""
    mentioned = document(author=THEIRS | {"seen_by": {"user_id": "user-three"}})
    tell(engine, said(day(1), mentioned))
    assert "observations" not in erased(engine, "author", "user-three")
    with read(engine) as conn:
        assert gizmos.get(conn, ID).name == "A name"


@pytest.mark.parametrize("count", [None, 3])
def test_count_of_a_path_that_nothing_shows_any_more_is_lowered_alone(
    engine: Engine, count: int | None
) -> None:
    """Where no document is left, nothing better is known of what was said first and last."""
    row = {"path": "gizmo.surprise", "first_seen_at": day(1), "last_seen_at": day(3)}
    lost = {"gizmo.surprise": [(day(1), '"theirs"'), (day(3), '"ours"')]}
    with write(engine) as conn:
        if count is not None:
            conn.execute(insert(t.unmapped_fields), row | {"count": count, "example": '"theirs"'})
        uncount_unmapped(conn, DERIVER, lost)
        found = conn.execute(select(t.unmapped_fields)).mappings().all()
    assert [dict(each) for each in found] == (
        [row | {"count": 1, "example": '"theirs"'}] if count else []
    )
