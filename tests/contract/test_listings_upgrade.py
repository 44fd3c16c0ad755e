"""Listings of a catalog that is brought up to date."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import create_engine, delete, insert, inspect, select

from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.migrate import config_for, upgrade
from catalog.storage.relisting import (
    clear_listings,
    is_outdated,
    make_listings,
    queue_listings,
    waiting,
)
from catalog.storage.search_index import (
    write_index,
)
from catalog.storage.urls import parse_url
from catalog.storage.verify import verify
from tests.contract.browsing import browsed, finds, row_of
from tests.contract.telling import day, document, said, tell
from tests.contract.test_listings import other_entry, visits
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.databases import Postgres

# Upgrades.


@pytest.fixture
def first_url(
    engine: Engine, engine_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """A catalog as the first version of this program made it, with the rows of ``engine``."""
    for batch in visits(random.Random(3)):
        tell(engine, *batch)
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path / 'first.db'}"
        _make_first(url, engine)
        yield url
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    _make_first(server.url(name), engine)
    yield server.url(name)
    server.drop(name)


def _make_first(url: str, filled: Engine) -> None:
    old = create_engine(parse_url(url))
    with old.connect() as conn:
        command.upgrade(config_for(conn), "0001")
    with old.begin() as conn, read(filled) as source:
        known = inspect(conn)
        tables = [table for table in t.metadata.sorted_tables if known.has_table(table.name)]
        for table in reversed(tables):
            conn.execute(delete(table))
        for table in tables:
            names = {column["name"] for column in known.get_columns(table.name)}
            columns = [column for column in table.columns if column.name in names]
            rows = source.execute(select(*columns)).all()
            if rows:
                keys = [column.key for column in columns]
                conn.execute(insert(table), [dict(zip(keys, row, strict=True)) for row in rows])
    old.dispose()


def test_an_upgrade_lists_what_is_there(engine: Engine, first_url: str) -> None:
    assert upgrade(first_url, NOW).before == "0001"
    upgraded = open_engine(first_url)
    with read(engine) as mine, read(upgraded) as theirs:
        assert browsed(theirs) == browsed(mine)
        assert len(browsed(theirs).listings) == 5
        assert not theirs.execute(select(t.stage_queue)).all()
        assert not [each for check in verify(theirs) for each in check.findings]
    upgraded.dispose()


def test_an_upgrade_that_was_cut_off_goes_on(engine: Engine) -> None:
    """Listings are made part by part, and their facets counted behind the last."""
    for batch in visits(random.Random(4)):
        tell(engine, *batch)
    with write(engine) as conn:
        before = browsed(conn)
        clear_listings(conn)
        ids = conn.execute(select(t.gizmos.c.gizmo_id)).scalars().all()
        conn.execute(insert(t.stage_queue), [{"kind": "listing", "key": each} for each in ids])
        assert make_listings(conn, 2)
        assert len(browsed(conn).listings) == 2
    upgrade(engine.url.render_as_string(hide_password=False), NOW)
    with read(engine) as conn:
        assert browsed(conn) == before


def test_an_upgrade_that_was_cut_off_is_known_of(engine: Engine) -> None:
    tell(engine, said(day(1), document()))
    with write(engine) as conn:
        assert waiting(conn) == 0
        clear_listings(conn)
        queue_listings(conn)
        assert waiting(conn) == 1
        (finding,) = [each for check in verify(conn) for each in check.findings]
        assert finding.what == "1 GPTs are not listed yet"
        assert "gpts-catalog upgrade" in finding.do
        assert not make_listings(conn) or not make_listings(conn)
        assert waiting(conn) == 0
        assert not [each for check in verify(conn) for each in check.findings]


def test_terms_of_another_unicode_are_made_again_by_an_upgrade(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer one knows more letters: what a text was cut into is no longer what is asked for."""
    for batch in visits(random.Random(5)):
        tell(engine, *batch)
    url = engine.url.render_as_string(hide_password=False)
    assert not upgrade(url, NOW).changed
    with write(engine) as conn:
        before = browsed(conn)
        assert not is_outdated(conn)
        # Terms as another version would have made them.
        rows = [row_of(conn, each) for each in before.listings]
        numbers = [row["doc_id"] for row in rows]
        write_index(conn, numbers, [other_entry(row) for row in rows])
    upgrade(url, NOW)
    with read(engine) as conn:
        assert finds(conn, "1other") == set(before.listings)
    monkeypatch.setattr("catalog.storage.relisting.terms_version", lambda: "a newer one")
    with read(engine) as conn:
        assert is_outdated(conn)
        (finding,) = [each for check in verify(conn) for each in check.findings]
        assert finding.what == (
            "its terms were made by another version of this program, or of Unicode"
        )
        assert "gpts-catalog upgrade" in finding.do
    upgrade(url, NOW)
    with read(engine) as conn:
        assert browsed(conn) == before
        assert not [each for check in verify(conn) for each in check.findings]
        assert not conn.execute(select(t.stage_queue)).all()
