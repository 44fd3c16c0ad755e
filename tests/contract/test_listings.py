from __future__ import annotations

import itertools
import random
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import delete, event, insert, select, update

from catalog.storage import tables as t
from catalog.storage.engine import lock_of, open_engine, read, write
from catalog.storage.listings import load_listings
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.relisting import (
    clear_listings,
    refresh,
    settle_listings,
)
from catalog.storage.search_index import (
    OVERFLOW,
    Entry,
    Limits,
    clear_index,
    order_range,
    write_index,
)
from catalog.storage.sources import add_source
from catalog.storage.stage1 import set_verdicts
from catalog.storage.stage2 import settle
from catalog.storage.verify import verify
from catalog.times import from_iso
from tests.contract.browsing import Browsed, browsed, finds, row_of
from tests.contract.telling import DERIVER, ID, changed, day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from catalog.records import Observation
    from catalog.search.listing import Listing
    from tests.databases import Postgres

NAMES = ("Tide tables", "翻译 helper", "Große Übersetzung", "", "tide")


def gpt(number: int) -> str:
    return f"g-List{number:05d}"


def some_document(rng: random.Random, gizmo_id: str) -> dict[str, Any]:
    """A document of a few words, categories, tools and numbers, so that sets of facets repeat."""
    found = document(
        gizmo_id,
        rng.choice(NAMES),
        tags=rng.sample(["public", "reportable"], rng.randint(0, 2)),
        updated_at=f"2026-01-{rng.randint(1, 31):02d}T00:00:00+00:00",
        created_at=rng.choice([None, "2023-12-01T00:00:00+00:00", "2025-05-05T00:00:00+00:00"]),
        vanity_metrics={
            "num_conversations_str": rng.choice(["", "3", "90", "100", "25K+"]),
            "review_stats": {"total": rng.randint(4, 20), "count": 4},
        },
    )
    found["gizmo"]["display"]["categories"] = rng.sample(["other", "writing"], rng.randint(0, 2))
    found["gizmo"]["display"]["prompt_starters"] = rng.sample(["Hi", "Go on", "Why"], 2)
    found["gizmo"]["author"]["display_name"] = rng.choice(["An Author", "Another", None])
    return found


def visits(rng: random.Random) -> list[list[Observation]]:
    """Batches of several visits to a few GPTs, some of them told late, some of them not found."""
    batches = []
    for number in range(8):
        batch = []
        for gizmo_id in map(gpt, rng.sample(range(5), 3)):
            at = day(rng.randint(1, 20)) + number
            value = some_document(rng, gizmo_id) if rng.random() < 0.85 else None
            batch.append(said(at, value, gizmo_id=gizmo_id))
        batches.append(batch)
    return batches


def made_anew(engine: Engine) -> Browsed:
    """What follows from the rows of all GPTs, made from nothing and then undone."""
    with write(engine) as conn:
        undone = conn.begin_nested()
        clear_listings(conn)
        settle_listings(conn, conn.execute(select(t.gizmos.c.gizmo_id)).scalars().all(), ())
        found = browsed(conn)
        undone.rollback()
    return found


@pytest.mark.parametrize("seed", range(4))
def test_refreshed_listings_are_those_made_from_nothing(engine: Engine, seed: int) -> None:
    for batch in visits(random.Random(seed)):
        tell(engine, *batch)
        with read(engine) as conn:
            found = browsed(conn)
        assert found == made_anew(engine)
    assert len(found.listings) == 5
    assert sum(found.sets.values()) == 5
    assert found.terms.keys() == found.listings.keys()


@pytest.mark.parametrize("seed", range(2))
def test_rebuilt_listings_are_those_that_stood(engine: Engine, seed: int) -> None:
    for batch in visits(random.Random(seed)):
        tell(engine, *batch)
    with read(engine) as conn:
        before = browsed(conn)
    with write(engine) as conn:
        rebuild(conn, DERIVER)
    with read(engine) as conn:
        assert browsed(conn) == before


def test_a_listing_says_what_its_document_says(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with read(engine) as conn:
        row = row_of(conn, ID)
        (listing,) = load_listings(conn, [ID, "g-NotThere0"]).values()
        ranks = conn.execute(select(t.category_ranks)).all()
        sets = conn.execute(select(t.facet_sets)).all()
    assert (row["bucket"], row["by_conversations"], row["conversations"]) == (7, -90, 90)
    assert (row["conversations_exact"], row["first_seen_at"]) == (True, day(1))
    assert (row["name_key"], row["author_key"], row["user_id"]) == (
        "a name",
        "an author",
        "user-one",
    )
    assert (row["by_updated"], row["by_created"]) == (-(listing.updated_at or 0), 0)
    assert listing.updated_at == from_iso("2026-01-31T00:00:00Z")
    low, high = order_range(7, ID)
    assert low <= row["doc_id"] <= high
    assert listing.starters == ("Second things", "First things")
    assert (listing.categories, listing.tools, listing.tags) == (
        ("other",),
        ("browser",),
        ("public",),
    )
    assert [tuple(rank) for rank in ranks] == [("other", -90, ID, row["doc_id"])]
    assert [(each.facet_id, each.gpts) for each in sets] == [(row["facet_id"], 1)]
    assert '"category":["other"]' in sets[0].facets
    assert "user-one" not in sets[0].facets


def test_numbers_that_move_a_bucket_move_the_listing(engine: Engine) -> None:
    numbers = [{"num_conversations_str": each} for each in ("90", "100", "3K+", "", "90")]
    rows = []
    for number, each in enumerate(numbers):
        tell(engine, said(day(1 + number), document(vanity_metrics=each)))
        with read(engine) as conn:
            rows.append(row_of(conn, ID))
            assert finds(conn, "1name") == {ID}
            (rank,) = conn.execute(select(t.category_ranks)).all()
            assert (rank.by_conversations, rank.doc_id) == (
                -rows[-1]["conversations"],
                rows[-1]["doc_id"],
            )
    # An empty text is no number: the last known stands.
    assert [row["bucket"] for row in rows] == [7, 7, 12, 12, 7]
    assert rows[0]["doc_id"] == rows[1]["doc_id"] == rows[4]["doc_id"]
    assert rows[2]["doc_id"] < rows[0]["doc_id"]


def test_a_change_of_starters_is_indexed(engine: Engine) -> None:
    first = document()
    tell(engine, said(day(1), first))
    with read(engine) as conn:
        assert finds(conn, "4second") == {ID}
    tell(engine, said(day(2), changed(first, prompt_starters=["Third things"])))
    with read(engine) as conn:
        assert finds(conn, "4second") == set()
        assert finds(conn, "4third") == {ID}


def _statements(engine: Engine, *observations: Observation) -> list[str]:
    """What observing a batch says to the tables to browse by."""
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        if words[0] != "SELECT" and ("listings" in statement or "search_index" in statement):
            statements.append(" ".join(words[:4]))

    event.listen(engine, "before_cursor_execute", note)
    with write(engine) as conn:
        observe(conn, DERIVER, observations)
    event.remove(engine, "before_cursor_execute", note)
    return statements


def test_a_later_update_alone_touches_one_column(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with read(engine) as conn:
        before = row_of(conn, ID)
    later = said(day(2), document(updated_at="2026-02-02T00:00:00+00:00"))
    (statement,) = _statements(engine, later)
    assert statement.startswith("UPDATE listings SET by_updated=")
    with read(engine) as conn:
        after = row_of(conn, ID)
        assert before | {"by_updated": after["by_updated"]} == after
        assert after["by_updated"] < before["by_updated"]
        queued = select(t.stage_queue).where(t.stage_queue.c.kind == "facets")
        assert not conn.execute(queued).first()


def test_a_visit_that_says_nothing_new_reads_no_listing_again(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with read(engine) as conn:
        before = browsed(conn)
    held = msgspec.structs.replace(said(day(3), None), verdict="held")
    (statement,) = _statements(engine, said(day(2), document()), held)
    assert statement.startswith("UPDATE listings SET by_updated=")
    with read(engine) as conn:
        assert browsed(conn) == before


def test_a_gpt_without_rows_loses_its_listing(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(1), document("g-Other0001", "Other one")))
    with write(engine) as conn:
        conn.execute(delete(t.gizmos).where(t.gizmos.c.gizmo_id == ID))
        settle_listings(conn, (), [str(number) for number in refresh(conn, [ID])])
    with read(engine) as conn:
        found = browsed(conn)
        assert finds(conn, "1name") == set()
    assert found.listings.keys() == found.terms.keys() == {"g-Other0001"}
    assert {rank[2] for rank in found.ranks} == {"g-Other0001"}
    assert list(found.sets.values()) == [1]


def test_a_judged_absence_is_listed(engine: Engine) -> None:
    """The status of a GPT is a facet: it moves when the run's verdict is written."""
    absence = msgspec.structs.replace(said(day(2), None), verdict="")
    tell(engine, said(day(1), document()), absence)
    with write(engine) as conn:
        number = conn.execute(
            select(t.observations.c.observation_id).where(
                t.observations.c.payload_id == t.NOT_FOUND_PAYLOAD
            )
        ).scalar_one()
        set_verdicts(conn, DERIVER, {number: "counted"})
    with read(engine) as conn:
        (facets,) = {row["facets"] for row in browsed(conn).listings.values()}
    assert '"status":["missing"]' in facets


def _neighbours(count: int) -> list[str]:
    """Ids of one group and one stripe."""
    stripe = lock_of("g-Near00000")
    ids = (f"g-Near{number:05d}" for number in itertools.count())
    return list(itertools.islice((each for each in ids if lock_of(each) == stripe), count))


def test_what_a_group_has_no_slot_for_is_not_indexed(engine: Engine) -> None:
    ids = _neighbours(5)
    tell(engine, *(said(day(1), document(each)) for each in ids))
    limits = Limits(slots=3)
    with write(engine) as conn:
        clear_listings(conn)
        refresh(conn, ids[:4], limits)
        refresh(conn, ids, limits)
        rows = {each: row_of(conn, each) for each in ids}
        indexed = {each for each in ids if not rows[each]["unindexed"]}
        assert len(indexed) == 3
        assert {each for each in ids if rows[each]["doc_id"] < OVERFLOW} == indexed
        assert len({row["doc_id"] for row in rows.values()}) == 5
        assert finds(conn, "1name") == indexed
        # One leaves; who is outside stays there while it says the same.
        conn.execute(delete(t.gizmos).where(t.gizmos.c.gizmo_id == min(indexed)))
        refresh(conn, ids, limits)
        assert finds(conn, "1name") == indexed - {min(indexed)}
        outside = max(set(ids) - indexed)
        conn.execute(update(t.gizmos).where(t.gizmos.c.gizmo_id == outside).values(name="Moved"))
        refresh(conn, ids, limits)
        assert finds(conn, "1moved") == {outside}
        assert not row_of(conn, outside)["unindexed"]
        assert row_of(conn, outside)["doc_id"] < OVERFLOW
        conn.execute(update(t.gizmos).where(t.gizmos.c.gizmo_id == outside).values(name="A name"))
    with write(engine) as conn:
        rebuild(conn, DERIVER)
        assert finds(conn, "1name") == set(ids)


@pytest.mark.parametrize("limits", [Limits(terms=3), Limits(size=20)])
def test_what_has_too_many_terms_is_not_indexed(engine: Engine, limits: Limits) -> None:
    tell(engine, said(day(1), document()))
    with write(engine) as conn:
        clear_listings(conn)
        refresh(conn, [ID], limits)
        assert row_of(conn, ID)["unindexed"]
        assert finds(conn, "1name") == set()
        assert row_of(conn, ID)["doc_id"] < OVERFLOW
    # It is indexed once it has fewer.
    tell(engine, said(day(2), document(name="Other name")))
    with read(engine) as conn:
        assert not row_of(conn, ID)["unindexed"]
        assert finds(conn, "1name") == {ID}


def test_no_text_is_too_long_for_an_index(engine: Engine) -> None:
    rng = random.Random(1)
    long = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(30_000))
    found = document(name=long)
    found["gizmo"]["author"]["display_name"] = long
    found["gizmo"]["display"] |= {"categories": [long], "description": long}
    tell(engine, said(day(1), found))
    with read(engine) as conn:
        row = row_of(conn, ID)
        assert row["unindexed"]
        assert row["name_key"] == row["author_key"] == long[:200]
        assert not [each for check in verify(conn) for each in check.findings]


def _lasting(listings: dict[str, Listing]) -> dict[str, Listing]:
    """Listings without what the latest value alone is kept of."""
    return {
        gizmo_id: msgspec.structs.replace(
            each, starters=tuple(sorted(each.starters)), updated_at=None, last_seen_at=None
        )
        for gizmo_id, each in listings.items()
    }


def test_listings_of_a_moment_are_those_that_were_read_then(engine: Engine) -> None:
    ids = [gpt(number) for number in range(5)]
    observations = sorted(
        itertools.chain(*visits(random.Random(7))), key=lambda each: each.observed_at
    )
    then = {}
    for observation in observations:
        tell(engine, observation)
        with read(engine) as conn:
            then[observation.observed_at] = load_listings(conn, ids)
    with read(engine) as conn:
        assert load_listings(conn, ids, day(1) - 1) == {}
        for at, listings in then.items():
            found = load_listings(conn, ids, at)
            assert _lasting(found) == _lasting(listings)
            assert not any(each.updated_at or each.last_seen_at for each in found.values())


def test_settling_makes_the_listings_that_are_asked_for(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with write(engine) as conn:
        before = browsed(conn)
        clear_listings(conn)
        conn.execute(insert(t.stage_queue), [{"kind": "listing", "key": ID}])
        settle(conn, DERIVER)
        assert browsed(conn) == before


# What verification finds.


def other_entry(row: dict[str, Any]) -> Entry:
    """A listing with a term that is not its own."""
    return Entry(row["doc_id"], "1other", (), row["gizmo_id"], row["facet_id"], row["user_id"])


def _clear_engine(conn: Connection) -> None:
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("INSERT INTO search_index (search_index) VALUES ('delete-all')")
    else:
        conn.exec_driver_sql("UPDATE search_index SET lexemes = array_to_tsvector('{1odd}')")


def _in_hits(sql: str) -> Callable[[Connection], Any]:
    """Damages what is read of a hit without its listing."""

    def damage(conn: Connection) -> None:
        is_sqlite = conn.dialect.name == "sqlite"
        conn.exec_driver_sql(sql.format("search_index_hits" if is_sqlite else "search_index"))

    return damage


DAMAGE: dict[str, Callable[[Connection], Any]] = {
    "no row": lambda conn: conn.execute(delete(t.listings)),
    "a column": lambda conn: conn.execute(update(t.listings).values(by_changed=-7)),
    "a number": lambda conn: conn.execute(
        update(t.listings).values(doc_id=t.listings.c.doc_id + (1 << 20))
    ),
    "a set": lambda conn: conn.execute(update(t.facet_sets).values(facets="{}")),
    "a count": lambda conn: conn.execute(update(t.facet_sets).values(gpts=9)),
    "a rank": lambda conn: conn.execute(update(t.category_ranks).values(by_conversations=-7)),
    "no rank": lambda conn: conn.execute(delete(t.category_ranks)),
    "no index": clear_index,
    "other terms": lambda conn: write_index(
        conn,
        [row_of(conn, ID)["doc_id"]],
        [other_entry(row_of(conn, ID))],
    ),
    "the engine's own": _clear_engine,
    "no hit": _in_hits("DELETE FROM {}"),
    "a hit's set": _in_hits("UPDATE {} SET facet_id = facet_id + 1"),
    "a hit's author": _in_hits("UPDATE {} SET user_id = 'user-odd'"),
    "a hit's id": _in_hits("UPDATE {} SET gizmo_id = 'g-odd'"),
    "a hit's number": _in_hits("UPDATE {} SET doc_id = doc_id + 1"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_a_rebuild_heals_it(engine: Engine, what: str) -> None:
    tell(engine, said(day(1), document()))
    with read(engine) as conn:
        before = browsed(conn)
        assert not [each for check in verify(conn) for each in check.findings]
    with write(engine) as conn:
        DAMAGE[what](conn)
    with read(engine) as conn:
        found = [each for check in verify(conn) for each in check.findings]
    assert found
    assert {each.check for each in found} <= {"listings", "search index", "facets"}
    assert all("gpts-catalog rebuild" in each.do for each in found)
    with write(engine) as conn:
        rebuild(conn, DERIVER)
    with read(engine) as conn:
        assert browsed(conn) == before
        assert finds(conn, "1name") == {ID}


# Writers at once.


def test_writers_of_neighbours_with_one_set_of_facets_do_not_meet(postgres: Postgres) -> None:
    """They wait for each other's sets in one order, and never choose the same number."""
    name = postgres.lend()
    engines = [open_engine(postgres.url(name), busy_timeout=20) for _ in range(3)]
    with write(engines[0]) as conn:
        add_source(conn, "one", "recorded", day(1))
    failed: list[BaseException] = []
    together = threading.Barrier(len(engines))

    def work(number: int) -> None:
        rng = random.Random(number)
        try:
            for part in range(6):
                ids = [gpt(part * 300 + number * 100 + each) for each in range(12)]
                batch = [said(day(1), some_document(rng, each)) for each in ids]
                together.wait(20)
                with write(engines[number]) as conn:
                    observe(conn, DERIVER, batch)
        except BaseException as error:  # noqa: BLE001 -- told by the test's own thread
            failed.append(error)
            together.abort()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(engines))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with write(engines[0]) as conn:
        settle(conn, DERIVER)
    with read(engines[0]) as conn:
        assert len(browsed(conn).listings) == 216
        assert not [each for check in verify(conn) for each in check.findings]
    for each in engines:
        each.dispose()
    postgres.take_back(name)
