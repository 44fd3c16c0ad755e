"""Roles of PostgreSQL: statements that make a reader and a writer, and what a role could do.

Nothing here makes a role: that is for whoever looks after the database.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.errors import UsageError

if TYPE_CHECKING:
    import psycopg

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)

_DANGEROUS_FUNCTIONS = (
    "dblink",
    "dblink_connect",
    "dblink_exec",
    "lo_export",
    "lo_import",
    "pg_file_write",
    "pg_ls_dir",
    "pg_read_binary_file",
    "pg_read_file",
)
"""Functions that read or write files of the server, or open connections from it."""

_FAULTS = """
-- Every role that the login role is, or can become with SET ROLE; for a superuser that is all.
WITH mine AS (SELECT oid, rolname FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')),
tables AS (
  SELECT c.oid, c.relname, c.relowner FROM pg_class AS c
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'alembic_version'::regclass)
)
SELECT 1, 'is a superuser'
FROM pg_roles WHERE rolname = session_user AND rolsuper
UNION ALL
SELECT 2, 'can become ' || r.rolname || ', a superuser'
FROM pg_roles AS r JOIN mine USING (oid) WHERE r.rolsuper AND r.rolname <> session_user
UNION ALL
SELECT 3, 'is a member of ' || rolname
FROM mine WHERE rolname IN (
  'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files',
  'pg_write_all_data', 'pg_maintain', 'pg_signal_backend', 'pg_checkpoint',
  'pg_create_subscription', 'pg_database_owner')
UNION ALL
SELECT 4, 'may ' || CASE
    WHEN r.rolreplication THEN 'replicate' WHEN r.rolcreaterole THEN 'make roles'
    ELSE 'make databases' END
FROM pg_roles AS r JOIN mine USING (oid)
WHERE r.rolreplication OR r.rolcreaterole OR r.rolcreatedb
UNION ALL
SELECT 5, 'owns ' || min(t.relname) || CASE WHEN count(*) > 1 THEN ' and more' ELSE '' END
FROM tables AS t WHERE t.relowner IN (SELECT oid FROM mine) HAVING count(*) > 0
UNION ALL
SELECT 6, 'may write to ' || min(t.relname) || CASE WHEN count(*) > 1 THEN ' and more' ELSE '' END
FROM tables AS t
WHERE EXISTS (
  SELECT FROM mine AS m
  WHERE has_table_privilege(m.oid, t.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')
    OR has_any_column_privilege(m.oid, t.oid, 'INSERT, UPDATE'))
HAVING count(*) > 0
UNION ALL
SELECT 7, 'may call ' || min(p.proname) || '()'
FROM pg_proc AS p
WHERE p.proname = ANY(%s)
  AND EXISTS (SELECT FROM mine AS m WHERE has_function_privilege(m.oid, p.oid, 'EXECUTE'))
HAVING count(*) > 0
ORDER BY 1, 2
"""


class Faults(msgspec.Struct, frozen=True):
    """Why SQL that people write is not run as a role; false where there is no reason.

    Attributes:
        role: the role that logged in.
        found: what it could do, each as a sentence without its subject.
    """

    role: str
    found: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.found)


def faults_of(connection: psycopg.Connection[Any]) -> Faults:
    """What the role that logged in could do beyond reading, itself or as a role it can become.

    Args:
        connection: to a database that holds a catalog.
    """
    name = connection.execute("SELECT session_user").fetchone()
    rows = connection.execute(_FAULTS, (list(_DANGEROUS_FUNCTIONS),)).fetchall()
    numbers = [row[0] for row in rows]
    if 1 in numbers:
        # It can do all the rest, which need not be told.
        rows = rows[:1]
    return Faults(role="" if name is None else str(name[0]), found=tuple(row[1] for row in rows))


def reader_role_sql(name: str, database: str, *, schema: str = "public") -> str:
    """The statements that make a role which can read the catalog and nothing else.

    To be run by whoever may make roles, connected to the catalog's database as the owner of its
    tables: what the role may read later follows from who makes it. Running them again, as after
    an upgrade, does no harm.

    Args:
        name: of the role.
        database: the catalog's.
        schema: where its tables are.

    Raises:
        UsageError: ``name`` is none that needs no quotes.
    """
    area = _identifier(schema)
    head = _role_sql(
        "--reader-role",
        name,
        database,
        schema,
        can="can read the catalog and nothing else",
        key="reader_url",
        limits=" CONNECTION LIMIT 8",
    )
    return f"""\
{head}\
ALTER ROLE {name} SET default_transaction_read_only = on;
GRANT SELECT ON ALL TABLES IN SCHEMA {area} TO {name};
-- Tables and views that a later version makes are readable too.
ALTER DEFAULT PRIVILEGES IN SCHEMA {area} GRANT SELECT ON TABLES TO {name};
"""


def writer_role_sql(name: str, database: str, *, schema: str = "public") -> str:
    """The statements that make a role which harvests, and can change rows alone.

    It makes, alters and drops nothing: ``init``, ``upgrade`` and ``forget``, which writes tables
    anew, are the owner's. To be run as :func:`reader_role_sql`'s.

    Args:
        name: of the role.
        database: the catalog's.
        schema: where its tables are.

    Raises:
        UsageError: ``name`` is none that needs no quotes.
    """
    area = _identifier(schema)
    head = _role_sql(
        "--writer-role",
        name,
        database,
        schema,
        can="can write rows of the catalog and nothing else: for workers and the scheduler",
        key="url",
    )
    return f"""\
{head}\
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {area} TO {name};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {area} TO {name};
-- Which schema it is says whoever upgrades.
REVOKE INSERT, UPDATE, DELETE ON {area}.alembic_version FROM {name};
-- The same for what a later version makes.
ALTER DEFAULT PRIVILEGES IN SCHEMA {area} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name};
ALTER DEFAULT PRIVILEGES IN SCHEMA {area} GRANT USAGE, SELECT ON SEQUENCES TO {name};
"""  # noqa: S608  (the names are checked, or quoted)


def _role_sql(
    option: str, name: str, database: str, schema: str, *, can: str, key: str, limits: str = ""
) -> str:
    """How a role is made that can come in, and what a person does with it.

    Args:
        option: by which the role was asked for.
        name: of the role.
        database: the catalog's.
        schema: where its tables are.
        can: what it can do, in words.
        key: what names its URL in ``catalog.toml``.
        limits: of the role, in SQL.

    Raises:
        UsageError: ``name`` is none that needs no quotes.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{option} {name}: a role's name is made of small letters, digits and _,"
            " and begins with no digit"
        )
    return f"""\
-- A role that {can}.
-- Run these as the owner of its tables, as with
--   gpts-catalog sql {option} {name} | psql postgresql://OWNER@HOST/DATABASE
-- If the owner may not make roles, let an administrator give this first:
--   CREATE ROLE {name} LOGIN NOINHERIT{limits};
-- Then give it a password in psql, with \\password {name}, and name it in catalog.toml:
--   [catalog]
--   {key} = "postgresql://{name}@HOST/DATABASE"
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
    CREATE ROLE {name} LOGIN NOINHERIT{limits};
  END IF;
END $$;
GRANT CONNECT ON DATABASE {_identifier(database)} TO {name};
GRANT USAGE ON SCHEMA {_identifier(schema)} TO {name};
"""


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
