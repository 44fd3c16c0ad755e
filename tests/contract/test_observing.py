"""Which observations are known already, and what is derived of those that hold no document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.storage.dump import digest
from catalog.storage.engine import read, write
from catalog.storage.observe import standing
from catalog.storage.rebuild import rebuild
from tests.contract.telling import DERIVER, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Engine

OTHER = "g-Other0000"


def test_moments_of_others_do_not_stand_for_ones_own(engine: Engine) -> None:
    """GPTs and times are asked for together, and fit each other by chance."""
    tell(engine, said(day(1), document(OTHER)), said(day(2), document()))
    asked = [said(day(1), document()), said(day(2), document(OTHER))]
    with read(engine) as conn:
        assert standing(conn, asked) == {}
        assert len(standing(conn, [asked[0], said(day(2), document())])) == 1


def test_catalog_of_not_founds_alone_is_rebuilt(engine: Engine) -> None:
    tell(engine, said(day(1), None), said(day(2), None))
    with write(engine) as conn:
        before = digest(conn)
        rebuild(conn, DERIVER)
        assert digest(conn) == before
