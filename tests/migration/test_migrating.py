"""The next migration, written from the declarations."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import inspect

from catalog.storage.engine import open_engine, read
from catalog.storage.migrate import migrations_folder, upgrade
from catalog.storage.schema import HEAD
from catalog.storage.view_sql import ViewColumn
from catalog.storage.views import VIEWS
from tests import migrating
from tests.databases import NOW

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def folder(tmp_path: Path) -> Path:
    """A copy of the migrations, to write into."""
    copied = tmp_path / "migrations"
    shutil.copytree(
        migrations_folder(), copied, ignore=shutil.ignore_patterns("__pycache__"), symlinks=True
    )
    return copied


def test_written_migration_makes_the_views_as_they_are_declared_now(
    catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, *_, last = VIEWS
    colour = ViewColumn(name="colour", sql="'100% of \"it''s\" :blue'", comment="it's invented")
    wider = msgspec.structs.replace(last, columns=(*last.columns, colour))
    new = msgspec.structs.replace(last, name="v_new")
    declared = (*(view for view in VIEWS if view not in {gone, last}), wider, new)
    monkeypatch.setattr(migrating, "VIEWS", declared)
    copied = folder(tmp_path)
    written = migrating.write_migration("Colours of GPTs", copied)
    done = upgrade(catalog_url, NOW, folder=copied)

    assert written.name == f"{int(HEAD) + 1:04}_colours_of_gpts.py"
    assert (done.before, done.after) == (HEAD, written.name[:4])
    engine = open_engine(catalog_url)
    with read(engine) as conn:
        found = {name: inspect(conn).get_columns(name) for name in inspect(conn).get_view_names()}
        told = conn.exec_driver_sql(f"SELECT colour FROM {last.name}").fetchall()  # noqa: S608
    engine.dispose()
    assert found.keys() == {view.name for view in declared}
    assert [each["name"] for each in found[last.name]] == [each.name for each in wider.columns]
    assert {colour for (colour,) in told} <= {'100% of "it\'s" :blue'}


def test_migration_of_nothing_changes_nothing(tmp_path: Path) -> None:
    written = migrating.write_migration("Nothing", folder(tmp_path)).read_text(encoding="utf-8")
    _, _, body = written.partition("def upgrade")

    assert "VIEWS" not in written
    assert "pass" in body
    assert "op.create" not in body
    assert "batch_op" not in body
