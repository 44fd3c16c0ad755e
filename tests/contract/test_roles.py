"""Roles of PostgreSQL that run SQL which people write: refused where they could do harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from catalog.cli.main import run
from catalog.errors import CatalogError, SettingsError, UsageError
from catalog.query.console import run_sql
from catalog.storage import frontier
from catalog.storage.engine import open_engine, read, write
from catalog.storage.locks import own_derivation
from catalog.storage.observe import observe
from catalog.storage.rebuild import rebuild
from catalog.storage.roles import reader_role_sql, writer_role_sql
from catalog.storage.verify import verify
from catalog.times import DAY
from tests.contract.reading import PASSWORD, reader_of, writer_of
from tests.contract.telling import DERIVER, ID, day, document, said, tell

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engine_name() -> str:
    """SQLite has no roles."""
    return "postgres"


@pytest.fixture
def url(catalog_url: str) -> Iterator[str]:
    """An empty catalog, as those open it who write SQL."""
    with reader_of(catalog_url) as found:
        yield found


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with run_sql(url, query) as result:
        return list(result)


READ_FILE = "EXECUTE ON FUNCTION pg_read_file(text)"
HARMS = (
    *(
        (f"GRANT {right} TO analyst", f"REVOKE {right} FROM analyst", words)
        for right, words in (
            ("pg_execute_server_program", "is a member of pg_execute_server_program"),
            ("pg_read_server_files", "is a member of pg_read_server_files"),
            ("pg_write_server_files", "is a member of pg_write_server_files"),
            ("INSERT ON gizmos", "may write to gizmos"),
            ("UPDATE (name) ON gizmos", "may write to gizmos"),
            (READ_FILE, r"may call pg_read_file\(\)"),
        )
    ),
    (
        "GRANT TRUNCATE ON changes TO PUBLIC",
        "REVOKE TRUNCATE ON changes FROM PUBLIC",
        "may write to changes",
    ),
    (
        "ALTER TABLE bookmarks OWNER TO analyst",
        "ALTER TABLE bookmarks OWNER TO postgres",
        "owns bookmarks",
    ),
    ("ALTER ROLE analyst CREATEROLE", "ALTER ROLE analyst NOCREATEROLE", "may make roles"),
    ("ALTER ROLE analyst REPLICATION", "ALTER ROLE analyst NOREPLICATION", "may replicate"),
)


def test_role_that_could_do_harm_is_refused(catalog_url: str, url: str) -> None:
    with pytest.raises(SettingsError, match=r"is a superuser.*--reader-role.*reader_url"):
        _rows(catalog_url, "SELECT 1")
    for grant, undo, words in HARMS:
        with psycopg.connect(catalog_url, autocommit=True) as owner:
            owner.execute(grant.encode())
            try:
                with pytest.raises(SettingsError, match=words):
                    _rows(url, "SELECT 1")
            finally:
                owner.execute(undo.encode())
    assert _rows(url, "SELECT 1") == [(1,)]


def test_role_is_judged_by_what_it_can_become(catalog_url: str, url: str) -> None:
    with psycopg.connect(catalog_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE stronger NOLOGIN")
        owner.execute("GRANT DELETE ON gizmos TO stronger")
        owner.execute("GRANT stronger TO analyst")
        try:
            with pytest.raises(SettingsError, match="may write to gizmos"):
                _rows(url, "SELECT 1")
        finally:
            owner.execute("DROP OWNED BY stronger")
            owner.execute("DROP ROLE stronger")


def test_role_that_may_not_read_is_told_what_to_do(catalog_url: str, url: str) -> None:
    with psycopg.connect(catalog_url, autocommit=True) as owner:
        owner.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM analyst")
    with pytest.raises(SettingsError, match=r"may not read the tables.*--reader-role"):
        _rows(url, "SELECT 1")


def test_reader_reads_what_a_later_version_makes(catalog_url: str, url: str) -> None:
    with psycopg.connect(catalog_url, autocommit=True) as owner:
        owner.execute("CREATE VIEW later AS SELECT 7 AS n")
        try:
            assert _rows(url, "SELECT n FROM later") == [(7,)]
        finally:
            owner.execute("DROP VIEW later")


def test_reader_cannot_hold_up_writers(catalog_url: str, url: str) -> None:
    """Whatever it locks: advisory locks are anybody's, those of a table are not."""
    with psycopg.connect(url, autocommit=True) as reader:
        reader.execute("SET default_transaction_read_only = off")
        for statement in (
            "LOCK TABLE write_locks IN ROW EXCLUSIVE MODE",
            "LOCK TABLE write_locks IN SHARE ROW EXCLUSIVE MODE",
            "LOCK TABLE write_locks IN ACCESS EXCLUSIVE MODE",
            "SELECT * FROM write_locks FOR UPDATE",
            "SELECT * FROM write_locks FOR KEY SHARE",
        ):
            reader.execute("BEGIN")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.encode())
            reader.execute("ROLLBACK")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM write_locks")
        # What stage 2 and the keys of GPTs were locked by before.
        reader.execute("SELECT pg_advisory_xact_lock(1735423091)")
        reader.execute(
            "SELECT pg_advisory_xact_lock(1735423083, n) FROM generate_series(0, 2047) n"
        )
        engine = open_engine(catalog_url, busy_timeout=0.5)
        tell(engine, said(day(1), document()))
        with write(engine) as conn:
            observe(conn, DERIVER, [said(day(2), document(name="Another"))])
            own_derivation(conn)
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = {}"
            pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
            assert reader.execute(query.format(pid).encode()).fetchone() == (0,)
        engine.dispose()


def test_wrong_password_is_not_told(url: str) -> None:
    unknown = make_url(url).set(username="nobody-there")
    with pytest.raises(CatalogError) as caught:
        _rows(unknown.render_as_string(hide_password=False), "SELECT 1")
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("name", ["", "A", "a b", 'a"; DROP ROLE b', "1a", "a" * 64, "ä"])
def test_role_with_a_name_that_needs_quotes_is_refused(name: str) -> None:
    for make in (reader_role_sql, writer_role_sql):
        with pytest.raises(UsageError, match="small letters"):
            make(name, "catalog")


def test_writer_does_all_that_a_worker_and_the_scheduler_do(catalog_url: str) -> None:
    with writer_of(catalog_url) as url:
        engine = open_engine(url)
        with write(engine) as conn:
            frontier.add_ids(conn, [ID], day(1))
            lease = frontier.Lease("a worker", day(1) + DAY)
            assert frontier.claim(conn, lease, ids=None, limit=5, now=day(1))
            frontier.drop(conn, lease.owner)
        tell(engine, said(day(1), document()), said(day(2), document(tags=["public", "new"])))
        with write(engine) as conn:
            rebuild(conn, DERIVER)
        with read(engine) as conn:
            assert not [each.findings for each in verify(conn) if each.findings]
            assert conn.execute(text("SELECT count(*) FROM changes")).scalar_one() > 1
        engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (x int)",
        "DROP TABLE gizmos",
        "ALTER TABLE gizmos ADD COLUMN x int",
        "TRUNCATE changes",
        "UPDATE alembic_version SET version_num = '9999'",
        "SELECT pg_read_file('postgresql.conf')",
        "COPY gizmos TO PROGRAM 'cat'",
        "CREATE ROLE other",
    ],
)
def test_writer_can_change_rows_alone(catalog_url: str, statement: str) -> None:
    with writer_of(catalog_url) as url, psycopg.connect(url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
        connection.execute("DELETE FROM changes")


def test_bookmark_of_a_reader_is_refused_before_anything_is_shown(
    catalog_url: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = open_engine(catalog_url)
    tell(owner, said(day(1), document()))
    owner.dispose()

    status = run(["changes", "--bookmark", "mine", "--catalog", url])

    out, told = capsys.readouterr()
    assert (status, out) == (4, "")
    assert told.startswith("error: the role may not do this to ")
    assert told.count("\n") == 1
    assert PASSWORD not in told
