"""What is read of a damaged file: around the damage, and nothing twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from catalog.storage import tables as t
from catalog.storage.salvage import Wreck
from tests.contract.telling import day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

TAGS = t.metadata.tables["tags"]

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


class Torn:
    """A connection to a file that is damaged where some statements look.

    Args:
        whole: what reads the file.
        words: of a statement that meets the damage.
        after: so many rows.
    """

    def __init__(self, whole: sqlite3.Connection, words: str, after: int) -> None:
        self._whole = whole
        self._words = words
        self._after = after

    def execute(self, query: str, given: tuple[Any, ...] = ()) -> Any:
        """What a cursor would give, up to the damage."""
        found = self._whole.execute(query, given)
        return self._until_damage(found) if self._words in query else found

    def _until_damage(self, rows: Iterator[Any]) -> Iterator[Any]:
        for _, row in zip(range(self._after), rows, strict=False):
            yield row
        raise sqlite3.DatabaseError("database disk image is malformed")

    def close(self) -> None:
        """Let go."""
        self._whole.close()


@pytest.fixture
def path(engine: Engine) -> Path:
    """A catalog of two sources and three tags."""
    told = document(tags=["a", "b", "c"])
    tell(engine, said(day(1), told), said(day(2), told, source="two"))
    engine.dispose()
    return Path(engine.url.database or "")


@pytest.fixture
def wreck(path: Path, tmp_path: Path) -> Iterator[Wreck]:
    with closing(Wreck(path, tmp_path / "copy.db")) as found:
        yield found


def tear(wreck: Wreck, words: str, after: int) -> None:
    wreck._connection = Torn(wreck._connection, words, after)  # type: ignore[assignment]  # noqa: SLF001


def test_rows_beyond_the_damage_come_from_the_other_end(wreck: Wreck) -> None:
    tear(wreck, "ORDER BY", 2)
    assert [row["element"] for row in wreck.rows(TAGS)] == ["a", "b", "c"]
    assert wreck.torn == {"tags": 2}


def test_damage_behind_the_last_row_costs_nothing(wreck: Wreck) -> None:
    tear(wreck, "DESC", 0)
    assert [row["element"] for row in wreck.rows(TAGS)] == ["a", "b", "c"]
    assert not wreck.torn


@pytest.mark.parametrize("words", ["no such words", "INDEXED BY"])
def test_last_number_that_is_not_believed_is_looked_up_in_an_index(
    wreck: Wreck, words: str
) -> None:
    """It may be damaged, too: then as many numbers are tried as the file has room for."""
    wreck._most = 0  # noqa: SLF001
    tear(wreck, words, 0)
    names = [row["name"] for row in wreck.rows(t.sources)]
    assert names == (["one", "two"] if words == "no such words" else [])


def test_text_that_is_none_makes_its_row_unfit(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE sources SET name = CAST(x'ff' AS TEXT) WHERE name = 'two'")
    with closing(Wreck(path, tmp_path / "copy.db")) as wreck:
        assert [row["name"] for row in wreck.rows(t.sources)] == ["one"]
    assert wreck.unfit == {"sources": 1}
