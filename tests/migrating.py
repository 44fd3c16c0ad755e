"""``make migration WHAT="what it changes"``: write the next migration from the declarations.

Alembic compares the declared tables with a catalog that all migrations so far have made; views are
compared here. What comes out is to be read: Alembic guesses, and SQLite keeps no comments, so that
a comment of a table that was there is nowhere compared but by the tests, on PostgreSQL.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from sqlalchemy import create_engine

from catalog.storage import schema
from catalog.storage.migrate import config_for, migrations_folder
from catalog.storage.remaking import standing_views
from catalog.storage.views import VIEWS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from catalog.storage.view_sql import EngineName

_HEAD = re.compile(r'^HEAD = "\d{4}"$', re.MULTILINE)


def changed_views(connection: Connection) -> dict[EngineName, dict[str, list[str]]]:
    """What makes the views that are declared otherwise than they stand; of one that goes, nothing.

    Args:
        connection: an SQLite catalog.
    """
    stand = {view.name.strip('"'): list(view.statements) for view in standing_views(connection)}
    declared = {view.name: view for view in VIEWS}
    changed = [
        name
        for name in {**stand, **declared}
        if name not in declared or stand.get(name) != declared[name].statements("sqlite")
    ]
    engines: tuple[EngineName, ...] = ("sqlite", "postgresql")
    return {
        engine: {
            name: declared[name].statements(engine) if name in declared else [] for name in changed
        }
        for engine in engines
    }


def write_migration(what: str, folder: Path) -> Path:
    """Write the next migration.

    Args:
        what: what it changes, its docstring's first line.
        folder: where the migrations are.

    Returns:
        Its file.
    """
    with tempfile.TemporaryDirectory() as place:
        engine = create_engine(f"sqlite:///{place}/catalog.db")
        with engine.connect() as connection:
            config = config_for(connection, folder)
            command.upgrade(config, "head")
            views = changed_views(connection)
            config.attributes["views"] = views if views["sqlite"] else None
            number = f"{int(schema.HEAD) + 1:04}"
            command.revision(config, what.rstrip("."), autogenerate=True, rev_id=number)
        engine.dispose()
    (path,) = (folder / "versions").glob(f"{number}_*.py")
    return path


def main() -> None:
    """Write it, and let the program need it."""
    what = " ".join(sys.argv[1:])
    if not what:
        sys.exit('say what it changes: make migration WHAT="samples of GPTs"')
    path = write_migration(what, migrations_folder())
    place = Path(str(schema.__file__))
    code = place.read_text(encoding="utf-8")
    place.write_text(_HEAD.sub(f'HEAD = "{path.name[:4]}"', code), encoding="utf-8")
    sys.stdout.write(
        f"wrote {path}; read it: Alembic guesses\n"
        "then keep a catalog of the schema until now: python -m tests.migration.kept\n"
    )


if __name__ == "__main__":
    main()
