from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine as AnyEngine
from sqlalchemy import event, insert, select

from catalog.errors import InvalidQuery
from catalog.query import counting
from catalog.query.counting import count
from catalog.query.facets import FACETS, FacetValue, facets
from catalog.query.found import Count
from catalog.query.naming import with_known_authors
from catalog.query.reader import Reader
from catalog.query.state import State
from catalog.search.conditions import Matching
from catalog.search.filters import Filter
from catalog.search.listing import facets_of
from catalog.storage import tables as t
from catalog.storage.engine import read, write
from catalog.storage.observe import observe
from catalog.storage.relisting import clear_listings, refresh
from catalog.storage.search_index import Limits
from tests.contract import searching
from tests.contract.telling import DERIVER, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from catalog.search.listing import Listing

GPTS = 150


@pytest.fixture
def filled(engine: Engine) -> Engine:
    searching.fill(engine, 3, GPTS)
    return engine


def _expected(listings: list[Listing], wanted: Filter) -> dict[str, Counter[str]]:
    matching = Matching(wanted)
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    for listing in listings:
        if matching.tier(listing) is not None:
            for name, values in facets_of(listing).items():
                counts[name].update(values)
    return counts


def _told(conn: Connection, wanted: Filter) -> dict[str, Counter[str]]:
    values = facets(conn, wanted, exact=True).values
    return {
        name: Counter({each.value: each.count for each in found}) for name, found in values.items()
    }


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(categories=("writing",)),
        Filter(tools=("browser", "dalle"), statuses=("listed",)),
        Filter(years=(2024, 2025), scripts=("Latin",)),
        Filter(authors=("user-3", "Борис")),
        Filter(min_conversations=50),
        Filter(text="writing"),
        Filter(text="图像"),
        Filter(text='"image generator"'),
        Filter(text="a -writing", tags=("public",)),
        Filter(text="nowhere"),
    ],
    ids=repr,
)
def test_facets_count_what_a_look_at_every_gpt_counts(filled: Engine, wanted: Filter) -> None:
    with read(filled) as conn:
        listings = searching.listings_of(conn)
        known = with_known_authors(conn, wanted)
        assert _told(conn, wanted) == _expected(listings, known)
        number = len(searching.expected(listings, known, "name"))
        assert facets(conn, wanted).count == count(conn, wanted) == Count(number, exact=True)


def test_values_come_most_frequent_first_with_the_names_of_authors(engine: Engine) -> None:
    someone, other = (
        {"user_id": f"user-{n}", "display_name": name} for n, name in enumerate(("Ann", "Bob"))
    )
    tell(
        engine,
        said(day(1), document("g-Number000", author=someone, tags=["b", "a"])),
        said(day(1), document("g-Number001", author=someone, tags=["b"])),
        said(day(1), document("g-Number002", author=other, tags=["c"])),
    )
    with read(engine) as conn:
        found = facets(conn, Filter(), names=("tag", "author")).values
    assert found == {
        "tag": (
            FacetValue(value="b", count=2),
            FacetValue(value="a", count=1),
            FacetValue(value="c", count=1),
        ),
        "author": (
            FacetValue(value="user-0", count=2, label="Ann"),
            FacetValue(value="user-1", count=1, label="Bob"),
        ),
    }


def test_counting_stops_where_nobody_waits_and_says_so(filled: Engine) -> None:
    wanted = Filter(text="a*", min_conversations=0)
    with read(filled) as conn:
        everything = count(conn, wanted, limit=None)
        assert everything.exact
        assert count(conn, wanted, limit=2) == Count(2, exact=False)
        assert count(conn, Filter(text="a*"), limit=2) == Count(2, exact=False)
        assert count(conn, wanted, limit=everything.number) == everything
    assert str(Count(20_000, exact=False)) == "20,000+"
    assert str(Count(1234, exact=True)) == "1,234"


def test_facets_of_many_hits_say_that_they_are_partial(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.query.facets.LIMIT", 5)
    with read(filled) as conn:
        first = facets(conn, Filter(text="a*"))
        exact = facets(conn, Filter(text="a*"), exact=True)
        of_status = facets(conn, Filter(statuses=("listed",)))
    assert first.count == Count(5, exact=False)
    assert first.partial == set(FACETS)
    assert sum(each.count for each in first.values["status"]) == 5
    assert exact.count.number > 5
    assert exact.partial == frozenset()
    # Sets of facets tell all but the authors, and tell them of every GPT.
    assert of_status.count.exact
    assert of_status.partial == {"author"}


def test_authors_of_few_gpts_are_told_whole(filled: Engine) -> None:
    with read(filled) as conn:
        for wanted in FACETS_ALONE:
            assert facets(conn, wanted).partial == frozenset()


def test_one_text_at_least_is_looked_at(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the share of the limit is that verifying may take."""
    tell(engine, *(said(day(1), document(f"g-Phrase00{number}")) for number in range(2)))
    monkeypatch.setattr(counting, "VERIFIED", 1)
    monkeypatch.setattr(counting, "LIMIT", 100)
    with read(engine) as conn:
        assert count(conn, Filter(text='"a name"'), limit=10) == Count(1, exact=False)


def test_texts_are_looked_at_up_to_a_limit(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A phrase has to be verified: that takes ten times as long as counting."""
    wanted = Filter(text='"image a"*')
    with read(filled) as conn:
        everything = count(conn, wanted, limit=None)
        monkeypatch.setattr(counting, "VERIFIED", 1)
        monkeypatch.setattr(counting, "LIMIT", 10)
        some = count(conn, wanted, limit=10)
    assert everything.number > some.number
    assert everything.exact
    assert not some.exact


def _observe(engine: Engine, *documents: dict[str, Any]) -> None:
    """Documents of a batch whose stage 2 has not been settled."""
    with write(engine) as conn:
        observe(conn, DERIVER, [said(day(20), each) for each in documents])


FACETS_ALONE = [Filter(), Filter(categories=("writing",)), Filter(statuses=("listed",))]


@pytest.mark.parametrize("wanted", [*FACETS_ALONE, Filter(text="writing")], ids=repr)
def test_counts_are_of_now_while_stage_2_has_not_settled(engine: Engine, wanted: Filter) -> None:
    """As during every harvest, and after one that was killed."""
    searching.fill(engine, 3, 20)
    with read(engine) as conn:
        known = [each.gizmo_id for each in searching.listings_of(conn)]
    maker = searching.Maker(8)
    _observe(
        engine,
        *(maker.document(each) for each in known[::2]),
        *(maker.document(categories=["writing", "new"]) for _ in range(20)),
    )
    with read(engine) as conn:
        assert conn.execute(select(t.stage_queue)).first() is not None
        listings = searching.listings_of(conn)
        number = Count(len(searching.expected(listings, wanted, "name")), exact=True)
        assert number.number
        assert count(conn, wanted) == facets(conn, wanted).count == number
        assert _told(conn, wanted) == _expected(listings, wanted)


@pytest.mark.parametrize("wanted", [*FACETS_ALONE, Filter(text="name")], ids=repr)
def test_counts_are_not_exact_while_gpts_wait_to_be_listed(engine: Engine, wanted: Filter) -> None:
    listed = changed(document(), categories=["writing"])
    tell(engine, said(day(1), listed))
    with write(engine) as conn:
        conn.execute(insert(t.stage_queue), [{"kind": "listing", "key": "g-Waiting00"}])
    with read(engine) as conn:
        assert count(conn, wanted) == facets(conn, wanted).count == Count(1, exact=False)
        assert count(conn, wanted, at=day(2)) == Count(1, exact=True)


def test_counting_stops_at_once_behind_more_than_was_asked_for(engine: Engine) -> None:
    """What the index does not hold is counted first: it may be all there was to be counted."""
    documents = [document(f"g-Apart000{number}") for number in range(6)]
    tell(engine, *(said(day(1), each) for each in documents))
    with write(engine) as conn:
        clear_listings(conn)
        refresh(conn, [each["gizmo"]["id"] for each in documents[:3]], Limits(terms=3))
        refresh(conn, [each["gizmo"]["id"] for each in documents[3:]])
        wanted = Filter(text="name", min_conversations=1)
        assert count(conn, wanted, limit=2) == Count(3, exact=False)
        assert count(conn, wanted, limit=None) == Count(6, exact=True)


ASKED = [*FACETS_ALONE, Filter(text="writing"), Filter(text="a*", tools=("browser",))]


def _all_told(reader: Reader) -> list[Any]:
    author = reader.authors(limit=1).items[0].user_id
    return [reader.author(author, works=False), *map(reader.facets, ASKED)]


def test_what_is_remembered_of_sets_is_of_the_catalog_as_it_is(
    engine: Engine, catalog_url: str
) -> None:
    searching.fill(engine, 3, 40)
    with Reader.open(catalog_url) as reader:
        first = _all_told(reader)
        assert _all_told(reader) == first
        maker = searching.Maker(9)
        author = {"user_id": reader.authors(limit=1).items[0].user_id, "display_name": "Ann"}
        _observe(
            engine,
            *(maker.document(categories=["writing", "new"]) for _ in range(20)),
            document("g-Another00", author=author, tags=["new"]),
        )
        changed_since = _all_told(reader)
        assert all(new != old for new, old in zip(changed_since, first, strict=True))
    with Reader.open(catalog_url) as reader:
        assert _all_told(reader) == changed_since


def test_all_sets_are_read_once_as_long_as_nobody_writes(engine: Engine, catalog_url: str) -> None:
    searching.fill(engine, 3, 20)
    asked: list[str] = []

    def hear(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    def times() -> int:
        """Questions about sets since the last call."""
        told = sum("FROM facet_sets" in each for each in asked)
        asked.clear()
        return told

    event.listen(AnyEngine, "before_cursor_execute", hear)
    try:
        with Reader.open(catalog_url) as reader:
            _all_told(reader)
            assert times()
            _all_told(reader)
            assert not times()
            _observe(engine, searching.Maker(9).document())
            _all_told(reader)
            assert times()
    finally:
        event.remove(AnyEngine, "before_cursor_execute", hear)


def test_a_state_has_no_name_for_those_who_begin_while_others_write(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they see may be the state before or the one after."""
    tell(engine, said(day(1), document()))
    state = State(engine)
    with state.reading() as (_, name), state.reading() as (_, again):
        assert name == again is not None
    names = iter(("before", "after"))
    monkeypatch.setattr(State, "name", lambda _: next(names))
    with state.reading() as (_, name):
        # PostgreSQL names what the transaction itself sees.
        assert (name is None) == (engine.dialect.name == "sqlite")
    state.close()


def test_a_text_that_cannot_be_understood_is_explained(engine: Engine) -> None:
    with read(engine) as conn:
        for ask in (count, facets):
            with pytest.raises(InvalidQuery, match="quote"):
                ask(conn, Filter(text='"open'))
