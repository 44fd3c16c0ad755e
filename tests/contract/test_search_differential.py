"""SQLite, PostgreSQL and a look at every GPT give the same rows in the same order."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import func, select

from catalog.errors import InvalidFilter, InvalidQuery
from catalog.query import candidates, orders, selecting, sets
from catalog.query.counting import count
from catalog.query.facets import FACETS, facets
from catalog.query.naming import with_known_authors
from catalog.query.search import search
from catalog.search.filters import SORTS, Filter, check
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.facet_sets import count_facets
from catalog.storage.relisting import clear_listings, refresh
from catalog.storage.search_index import Limits
from catalog.times import DAY, from_iso
from tests.contract import searching

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from catalog.search.filters import Sort
    from catalog.search.listing import Listing
    from tests.databases import Postgres

FILTERS = int(os.environ.get("GPTS_SEARCH_FILTERS", "80"))
GPTS = 600
SEED = 20260203
PAGES = 3


@pytest.fixture(scope="module")
def readers(
    sqlite_template: Path, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Connection, Connection]]:
    """The same GPTs on SQLite and on PostgreSQL."""
    path = tmp_path_factory.mktemp("differential") / "catalog.db"
    shutil.copyfile(sqlite_template, path)
    name = postgres.lend()
    one, other = open_engine(f"sqlite:///{path}"), open_engine(postgres.url(name))
    for engine in (one, other):
        searching.fill(engine, SEED, GPTS)
    with read(one) as first, read(other) as second:
        yield first, second
    one.dispose()
    other.dispose()
    postgres.take_back(name)


class Asker:
    """Makes filters up."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._maker = searching.Maker(seed)

    def filter(self) -> Filter:
        """A filter that makes sense."""
        chosen = self._random
        wanted = Filter(**self._conditions(chosen.choice((0, 0, 1, 1, 2))))
        if chosen.random() < 0.75:
            wanted = msgspec.structs.replace(wanted, text=self._text())
        try:
            check(wanted)
        except (InvalidFilter, InvalidQuery):
            return self.filter()
        return wanted

    def sort(self, wanted: Filter) -> Sort:
        """An order for it."""
        if wanted.text is not None and self._random.random() < 0.6:
            return "relevance"
        return self._random.choice(SORTS)

    def limit(self) -> int:
        """The length of a page."""
        return self._random.choice((1, 3, 10, 50, 200))

    def _text(self) -> str:
        chosen = self._random
        made = [self._term() for _ in range(chosen.choice((0, 1, 1, 1, 1, 2, 2, 2, 3)))]
        if not made or chosen.random() < 0.2:
            made.append("-" + self._term())
        chosen.shuffle(made)
        return " ".join(made)

    def _term(self) -> str:
        chosen = self._random
        text = self._maker.text(1, 2)
        if chosen.random() < 0.3:
            start = chosen.randrange(len(text))
            text = text[start : start + chosen.randint(1, 6)]
        if chosen.random() < 0.25:
            return '"' + text.replace('"', "") + '"'
        return text + ("*" if chosen.random() < 0.2 else "")

    def _conditions(self, number: int) -> dict[str, Any]:
        chosen = self._random
        moment = from_iso("2023-11-10") + chosen.randrange(800) * DAY
        known: dict[str, Any] = {
            "categories": chosen.sample(searching.CATEGORIES, chosen.choice((1, 1, 2))),
            "tools": chosen.sample(searching.TOOLS, chosen.choice((1, 1, 2))),
            "tags": chosen.sample(searching.TAGS, chosen.choice((1, 2))),
            "authors": [chosen.choice(("user-3", "user-17", "ANN writer", "王小明", "nobody"))],
            "statuses": chosen.sample(("listed", "missing", "gone"), chosen.choice((1, 2))),
            "voices": ["Ember"],
            "scripts": chosen.sample(("Latin", "Han", "Cyrillic", "Japanese"), 2),
            "years": chosen.sample((2023, 2024, 2025), chosen.choice((1, 2))),
            "min_conversations": chosen.choice((0, 1, 50, 1000)),
            "max_conversations": chosen.choice((0, 3, 1000)),
            "min_reviews": chosen.choice((0, 1, 8)),
            "min_rating": chosen.choice((1.0, 1.5, 2.75)),
            "created_since": moment,
            "created_until": moment,
            "updated_since": moment,
            "updated_until": moment,
            "changed_since": from_iso("2026-02-05"),
            "changed_until": from_iso("2026-02-05"),
            "seen_since": from_iso("2026-02-03"),
            "seen_until": from_iso("2026-02-03"),
        }
        named = chosen.sample(sorted(known), number)
        return {
            name: tuple(known[name]) if isinstance(known[name], list) else known[name]
            for name in named
        }


def _id(listing: Listing) -> str:
    return listing.gizmo_id


def _pages(conn: Connection, wanted: Filter, sort: Sort, limit: int) -> list[list[str]]:
    pages: list[list[str]] = []
    after = None
    while len(pages) < PAGES:
        page = search(conn, wanted, sort=sort, limit=limit, after=after)
        pages.append(searching.ids(page.items))
        after = page.after
        if after is None:
            break
    return pages


def _check(readers: tuple[Connection, Connection], asker: Asker, filters: int) -> None:
    """Compare both engines with the definition."""
    listings = searching.listings_of(readers[0])
    assert sorted(listings, key=_id) == sorted(searching.listings_of(readers[1]), key=_id)
    hits = 0
    for number in range(filters):
        wanted = asker.filter()
        sort, limit = asker.sort(wanted), asker.limit()
        known = with_known_authors(readers[0], wanted)
        all_of_them = searching.expected(listings, known, sort)
        hits += bool(all_of_them)
        pages = [all_of_them[n * limit : (n + 1) * limit] for n in range(PAGES)]
        pages = [page for page in pages if page] or [[]]
        for conn in readers:
            engine = conn.dialect.name
            assert _pages(conn, wanted, sort, limit) == pages, (number, engine, wanted, sort)
            found = count(conn, wanted, limit=None)
            assert (found.number, found.exact) == (len(all_of_them), True), (engine, wanted)
    # Filters that find nothing would show nothing.
    assert hits > filters / 2


def _check_facets(readers: tuple[Connection, Connection], asker: Asker, filters: int) -> None:
    """Compare both engines with a look at every GPT."""
    first, _ = readers
    now = from_iso("2026-03-01")
    for _ in range(filters):
        wanted = msgspec.structs.replace(asker.filter(), updated_since=None, updated_until=None)
        brute = facets(first, with_known_authors(first, wanted), at=now)
        for conn in readers:
            found = facets(conn, wanted)
            assert found.count == brute.count, (conn.dialect.name, wanted)
            assert found.values == brute.values, (conn.dialect.name, wanted)
            assert set(found.values) == set(FACETS)


def test_search_gives_the_same_rows_in_the_same_order_everywhere(
    readers: tuple[Connection, Connection],
) -> None:
    _check(readers, Asker(SEED), FILTERS)


def test_the_ways_of_large_catalogs_lead_to_the_same_rows(
    readers: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With limits so low that a few hundred GPTs are many."""
    monkeypatch.setattr(candidates, "SORTED", 5)
    monkeypatch.setattr(candidates, "SORTED_BEGINNINGS", 7)
    monkeypatch.setattr(orders, "FEW", 4)
    monkeypatch.setattr(selecting, "CAPPED", 20)
    monkeypatch.setattr(candidates, "GATHERED", 20)
    monkeypatch.setattr(candidates, "STRETCH", 16)
    monkeypatch.setattr(candidates, "LONGEST", 128)
    monkeypatch.setattr(candidates, "CAPPED", 20)
    monkeypatch.setattr(candidates, "MOST", 3)
    monkeypatch.setattr(candidates, "SPELLED_OUT", 2)
    monkeypatch.setattr(candidates, "FEW_HELD", 1)
    monkeypatch.setattr(selecting, "REMEMBERED", 5)
    monkeypatch.setattr(sets, "HELD", 3)
    _check(readers, Asker(SEED + 2), max(1, FILTERS // 3))
    _check_facets(readers, Asker(SEED + 5), max(1, FILTERS // 10))


@pytest.mark.parametrize("terms", [0, 40])
def test_what_is_too_much_for_the_index_is_found_as_well(engine: Engine, terms: int) -> None:
    searching.fill(engine, SEED, 60)
    with write(engine) as conn:
        gizmo_ids = conn.execute(select(t.gizmos.c.gizmo_id)).scalars().all()
        clear_listings(conn)
        count_facets(conn, refresh(conn, gizmo_ids, Limits(terms=terms)))
        unindexed = conn.execute(select(func.count()).where(t.listings.c.unindexed)).scalar_one()
        assert unindexed > len(gizmo_ids) / 4
        _check((conn, conn), Asker(SEED + 3), max(1, FILTERS // 5))
        _check_facets((conn, conn), Asker(SEED + 4), max(1, FILTERS // 5))


def test_facets_are_the_same_everywhere(readers: tuple[Connection, Connection]) -> None:
    _check_facets(readers, Asker(SEED + 1), max(1, FILTERS // 5))
