"""Under which name an author's GPTs stand, where some of their documents do not show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from catalog.query import changes, naming
from catalog.query.counting import count
from catalog.query.facets import facets
from catalog.query.gizmos import get
from catalog.query.movers import movers
from catalog.query.search import iterate, search
from catalog.query.wanted import Wanted
from catalog.query.windows import gpts
from catalog.search.filters import Filter
from catalog.storage.engine import read
from tests.contract import searching
from tests.contract.telling import day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

SHOWS, SILENT, OTHER, NOBODYS = "g-Shows0000", "g-Silent000", "g-OtherName", "g-Nobodys00"


def _gpt(
    gizmo_id: str, user_id: str | None, name: str | None, used: str = "90", title: str = "A name"
) -> dict[str, Any]:
    return document(
        gizmo_id,
        title,
        author={"user_id": user_id, "display_name": name, "display_socials": []},
        vanity_metrics={"num_conversations_str": used},
    )


@pytest.fixture
def named(engine: Engine) -> Engine:
    """One author with a GPT that shows the name and one that shows none; two who are others."""
    tell(
        engine,
        said(day(1), _gpt(SHOWS, "user-ann", " Ann Ｗriter")),
        said(day(1), _gpt(SILENT, "user-ann", None)),
        said(day(1), _gpt(OTHER, "user-bob", "Bob")),
        said(day(1), _gpt(NOBODYS, "user-nil", None)),
        said(day(2), _gpt(SILENT, "user-ann", None, used="500", title="Another")),
    )
    return engine


@pytest.mark.parametrize("name", ["ann writer", " Ann Writer ", "ANN WRITER"])
def test_gpts_that_show_no_name_are_found_by_their_authors(named: Engine, name: str) -> None:
    wanted = Filter(authors=(name,))
    with read(named) as conn:
        found = search(conn, wanted)
        assert set(searching.ids(found.items)) == {SHOWS, SILENT}
        assert set(searching.ids(iterate(conn, wanted))) == {SHOWS, SILENT}
        assert count(conn, wanted).number == 2
        (value,) = facets(conn, wanted).values["author"]
        assert (value.value, value.count) == ("user-ann", 2)
        assert facets(conn, wanted).count.number == 2


def test_pages_of_an_author_join(named: Engine) -> None:
    wanted = Filter(authors=("ann writer",))
    with read(named) as conn:
        first = search(conn, wanted, limit=1)
        second = search(conn, wanted, limit=1, after=first.after)
    assert {*searching.ids(first.items), *searching.ids(second.items)} == {SHOWS, SILENT}


def test_past_moments_know_only_what_documents_showed(named: Engine) -> None:
    wanted = Filter(authors=(" ann writer",))
    with read(named) as conn:
        assert searching.ids(search(conn, wanted, at=day(2)).items) == [SHOWS]
        assert count(conn, wanted, at=day(2)).number == 1
        assert facets(conn, wanted, at=day(2)).count.number == 1


@pytest.mark.parametrize(("few", "some"), searching.WAYS)
def test_changes_of_an_author_are_those_of_all_his_gpts(
    named: Engine, monkeypatch: pytest.MonkeyPatch, few: int, some: int
) -> None:
    monkeypatch.setattr("catalog.query.changes.FEW", few)
    monkeypatch.setattr("catalog.query.wanted.SOME", some)
    with read(named) as conn:
        found = changes.iterate(conn, Wanted(author="ann writer"))
        assert {each.gizmo_id for each in found} == {SHOWS, SILENT}


def test_every_list_names_the_author_alike(named: Engine) -> None:
    """What the document shows; else what the author is known by; else nothing."""
    with read(named) as conn:
        found = {each.gizmo_id: each.author for each in search(conn, Filter()).items}
        shown = {gizmo_id: get(conn, gizmo_id).author for gizmo_id in found}
        seen: dict[str, str | None] = dict(
            conn.execute(text("SELECT gizmo_id, author FROM v_gpts")).all()
        )
        told = {each.gizmo_id: each.author for each in gpts(conn, sorted(found))}
        (mover,) = movers(conn, day(1), day(3))
    assert found == {SHOWS: " Ann Ｗriter", SILENT: " Ann Ｗriter", OTHER: "Bob", NOBODYS: None}
    assert shown == found
    assert seen == found
    assert told == found
    assert (mover.gizmo_id, mover.author) == (SILENT, " Ann Ｗriter")


def test_a_name_of_a_gpts_own_stands_before_that_of_its_author(engine: Engine) -> None:
    """Authors are called as their latest document says; an older one may say otherwise."""
    tell(
        engine,
        said(day(1), _gpt(SHOWS, "user-ann", "Old", used="90")),
        said(day(2), _gpt(OTHER, "user-ann", "New", used="5")),
        said(day(3), _gpt(SHOWS, "user-ann", "Old", used="100")),
    )
    with read(engine) as conn:
        found = {each.gizmo_id: each.author for each in search(conn, Filter()).items}
        assert found == {SHOWS: "Old", OTHER: "New"}
        assert dict(conn.execute(text("SELECT gizmo_id, author FROM v_gpts")).all()) == found
        assert get(conn, SHOWS).author == "Old"
        assert [each.author for each in movers(conn, day(1), day(4))] == ["Old"]


def test_a_name_that_very_many_share_stays_a_search_of_bounded_length(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "MOST_VALUES", 2)
    tell(
        engine,
        *(
            said(day(1), _gpt(f"g-{kind}{number:08d}", f"user-{number}", name))
            for number in range(3)
            for kind, name in (("a", "Ann"), ("b", None))
        ),
    )
    with read(engine) as conn:
        wanted = naming.with_known_authors(conn, Filter(authors=("ann",)))
    assert wanted.authors == ("ann", "user-0", "user-1")
