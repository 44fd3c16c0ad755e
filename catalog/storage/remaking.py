"""Views that stand in a catalog: made, dropped, and set aside while a migration alters tables.

SQLite changes a table by copying it, and refuses to rename the copy while a view names the table;
PostgreSQL refuses to change the type of a column that a view shows. So a migration that alters a
table does it ``with views_set_aside(op.get_bind()):``, which drops all views and makes them again
as they stood, with what people hung on them: triggers, rules, options, owners, rights. It knows no
declaration: a migration that uses it stays what it was.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import text

from catalog.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from catalog.storage.view_sql import EngineName, View

_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid"
_SQLITE_TRIGGERS = """
SELECT v.name, t.sql FROM sqlite_master AS t
JOIN sqlite_master AS v ON v.type = 'view' AND lower(v.name) = lower(t.tbl_name)
WHERE t.type = 'trigger' ORDER BY t.rowid
"""
# The older first: a view is never made before what it shows.
_POSTGRES = """
SELECT quote_ident(c.relname), array_remove(
  ARRAY['CREATE VIEW ' || quote_ident(c.relname)
    || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '')
    || ' AS ' || pg_get_viewdef(c.oid)]
  || (SELECT array_agg(
        'COMMENT ON ' || CASE WHEN d.objsubid = 0 THEN 'VIEW ' || quote_ident(c.relname)
          ELSE 'COLUMN ' || quote_ident(c.relname) || '.' || quote_ident(a.attname) END
        || ' IS ' || quote_literal(d.description) ORDER BY d.objsubid)
      FROM pg_description AS d
      LEFT JOIN pg_attribute AS a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
      WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass)
  || (SELECT array_agg(
        'ALTER VIEW ' || quote_ident(c.relname) || ' ALTER COLUMN ' || quote_ident(a.attname)
        || ' SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
      WHERE d.adrelid = c.oid)
  || (SELECT array_agg(pg_get_ruledef(r.oid) ORDER BY r.rulename)
      FROM pg_rewrite AS r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
  || (SELECT array_agg(pg_get_triggerdef(g.oid) ORDER BY g.tgname)
      FROM pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)
  || CASE WHEN pg_get_userbyid(c.relowner) <> current_user THEN
      'ALTER VIEW ' || quote_ident(c.relname) || ' OWNER TO ' || c.relowner::regrole::text END
  || (SELECT array_agg(
        'GRANT ' || g.privilege_type
        || coalesce(' (' || quote_ident(g.attname) || ')', '')
        || ' ON ' || quote_ident(c.relname) || ' TO '
        || CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END
        || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM (
        SELECT NULL AS attname, e.* FROM aclexplode(c.relacl) AS e
        UNION ALL
        SELECT a.attname, e.* FROM pg_attribute AS a, aclexplode(a.attacl) AS e
        WHERE a.attrelid = c.oid) AS g
      WHERE g.grantee <> c.relowner),
  NULL)
FROM pg_class AS c
WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.oid
"""
# What shows a view of the catalog and is none itself, or stands elsewhere: it would be in the way.
_POSTGRES_OUTSIDE = """
SELECT DISTINCT
  CASE WHEN outside.relkind = 'm' THEN 'materialized view ' ELSE 'view ' END
    || outside.oid::regclass::text AS what,
  inside.relname
FROM pg_class AS inside
JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = inside.oid
  AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite AS r ON r.oid = d.objid
JOIN pg_class AS outside ON outside.oid = r.ev_class
WHERE inside.relkind = 'v' AND inside.relnamespace = current_schema()::regnamespace
  AND (outside.relkind <> 'v' OR outside.relnamespace <> inside.relnamespace)
ORDER BY 1, 2
"""


class Standing(msgspec.Struct, frozen=True):
    """A view as it stands.

    Attributes:
        name: its name, quoted where it has to be.
        statements: what makes it again, with its comments, triggers, owner and who may read it.
    """

    name: str
    statements: tuple[str, ...]


def engine_of(connection: Connection) -> EngineName:
    """Which engine is behind ``connection``."""
    return "postgresql" if connection.dialect.name == "postgresql" else "sqlite"


def run_plain(connection: Connection, statement: str) -> None:
    """Run a statement as it is written: no sign in it stands for a parameter."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def make_views(connection: Connection, views: Iterable[View]) -> None:
    """Make ``views``, of which none stands yet."""
    for view in views:
        for statement in view.statements(engine_of(connection)):
            run_plain(connection, statement)


def standing_views(connection: Connection) -> list[Standing]:
    """The views that stand, those made by people included, each before what is made of it."""
    if connection.dialect.name == "postgresql":
        rows = connection.execute(text(_POSTGRES))
        return [Standing(name, tuple(statements)) for name, statements in rows]
    triggers: dict[str, list[str]] = defaultdict(list)
    for name, sql in connection.execute(text(_SQLITE_TRIGGERS)):
        triggers[name].append(sql)
    rows = connection.execute(text(_SQLITE))
    return [
        Standing('"' + name.replace('"', '""') + '"', (sql, *triggers[name])) for name, sql in rows
    ]


def drop_views(connection: Connection) -> list[Standing]:
    """Drop all views; what they were.

    Raises:
        StorageError: something shows one of them that cannot be set aside here.
    """
    _refuse_outside(connection)
    standing = standing_views(connection)
    for view in reversed(standing):
        run_plain(connection, f"DROP VIEW {view.name}")
    return standing


def _refuse_outside(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    found = connection.execute(text(_POSTGRES_OUTSIDE)).all()
    if found:
        named = "; ".join(f"{what} shows {view}" for what, view in found)
        raise StorageError(
            f"{named}: the catalog's views cannot be set aside meanwhile, and nothing was changed;"
            " keep its definition, drop it, run gpts-catalog upgrade, and make it again"
        )


@contextmanager
def views_set_aside(
    connection: Connection, changed: Mapping[str, Mapping[str, Sequence[str]]] | None = None
) -> Iterator[None]:
    """Drop all views, and make them again at the end: as they stood, or as they are now to be.

    Where something fails in between, the transaction is to be undone, and they with it.

    Args:
        connection: the catalog, in a transaction.
        changed: what makes the views that change, by engine and name; of one that goes, nothing.
            What hangs on a view stays: its rights, its owner.
    """
    new = dict((changed or {}).get(engine_of(connection), {}))
    standing = drop_views(connection)
    yield
    for view in standing:
        name = view.name.strip('"')
        made = _remade(view, new.pop(name)) if name in new else view.statements
        for statement in made:
            run_plain(connection, statement)
    for statements in new.values():
        for statement in statements:
            run_plain(connection, statement)


def _remade(view: Standing, statements: Sequence[str]) -> Sequence[str]:
    """What makes a view as it is now to be, and hangs on it what hung there."""
    if not statements:
        return ()
    hung = [each for each in view.statements[1:] if not each.startswith("COMMENT ON ")]
    return (*statements, *hung)
