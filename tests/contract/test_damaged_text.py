from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from catalog.errors import CatalogCorrupt
from catalog.storage import tables as t
from catalog.storage.dialects import raw_rows
from catalog.storage.engine import read

if TYPE_CHECKING:
    from sqlalchemy import Engine

STRANGER = b"\xff\xfeof a stranger"


@pytest.fixture
def damaged(engine: Engine) -> Engine:
    """A catalog with a text that is no UTF-8."""
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL checks its pages itself")
    with sqlite3.connect(str(engine.url.database)) as connection:
        connection.execute(
            "INSERT INTO catalog_info VALUES (CAST(? AS TEXT), 'something')", (STRANGER,)
        )
    connection.close()
    return engine


@pytest.mark.parametrize("how", ["sqlalchemy", "raw"])
def test_text_that_is_none_is_damage_and_is_not_quoted(damaged: Engine, how: str) -> None:
    query = select(t.catalog_info.c.key)
    with pytest.raises(CatalogCorrupt, match="gpts-catalog recover") as caught, read(damaged) as c:
        c.execute(query).all() if how == "sqlalchemy" else raw_rows(c, query, {})
    assert "stranger" not in str(caught.value)
