"""The views: as they are declared, equal on both engines, and true to the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, inspect, select, text

from catalog.errors import StorageError
from catalog.storage import tables as t
from catalog.storage.engine import open_engine, read, write
from catalog.storage.remaking import (
    drop_views,
    engine_of,
    make_views,
    standing_views,
    views_set_aside,
)
from catalog.storage.view_sql import expand
from catalog.storage.views import VIEWS
from catalog.times import from_iso
from tests.contract.telling import ID, changed, day, document, said, tell

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tests.databases import Postgres


def _rows(conn: Connection, query: str) -> list[dict[str, Any]]:
    return [dict(row) for row in conn.execute(text(query)).mappings()]


def test_migrated_views_are_those_declared(engine: Engine) -> None:
    with write(engine) as conn:
        migrated = drop_views(conn)
        make_views(conn, VIEWS)
        made = standing_views(conn)
    # In whatever order: one that a migration adds is made last, wherever it is declared.
    assert sorted(made, key=lambda view: view.name) == sorted(migrated, key=lambda view: view.name)


def test_views_have_the_declared_columns_and_comments(engine: Engine) -> None:
    with read(engine) as conn:
        found = {name: inspect(conn).get_columns(name) for name in inspect(conn).get_view_names()}
        if conn.dialect.name == "postgresql":
            for view in VIEWS:
                comment = inspect(conn).get_table_comment(view.name)["text"]
                assert comment == view.comment
                assert [c["comment"] for c in found[view.name]] == [
                    column.comment for column in view.columns
                ]
    assert {name: [c["name"] for c in columns] for name, columns in found.items()} == {
        view.name: [column.name for column in view.columns] for view in VIEWS
    }


def test_every_view_and_column_says_what_it_is() -> None:
    for view in VIEWS:
        assert view.comment.endswith((".", "bytes.", "texts."))
        assert [column.name for column in view.columns if not column.comment] == []
        names = [column.name for column in view.columns]
        assert len(set(names)) == len(names)


def test_views_can_all_be_read_and_show_the_rows_of_their_tables(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(2), changed(document(), name="Another")))
    same = {
        "v_gpts": t.gizmos,
        "v_revisions": t.gizmo_revisions,
        "v_tools": t.CHILDREN["tools"],
        "v_starters": t.CHILDREN["prompt_starters"],
        "v_metrics": t.vanity_metrics,
        "v_changes": t.changes,
        "v_observations": t.observations,
        "v_authors": t.authors,
        "v_statuses": t.statuses,
        "v_frontier": t.frontier,
    }
    with read(engine) as conn:
        counts = {v.name: len(_rows(conn, f"SELECT * FROM {v.name}")) for v in VIEWS}  # noqa: S608
        for name, table in same.items():
            assert counts[name] == conn.execute(select(func.count()).select_from(table)).scalar()


def test_gpts_show_the_current_state(engine: Engine) -> None:
    value = document(
        created_at="2025-02-03T04:05:06.000007+00:00",
        tags=["public", "first_party"],
        vanity_metrics={
            "num_conversations_str": "25K+",
            "review_stats": {"total": 9, "count": 2, "by_rating": {}},
        },
    )
    tell(engine, said(day(1), document()), said(day(2), value))
    with read(engine) as conn:
        (row,) = _rows(conn, "SELECT * FROM v_gpts")
    assert (row["gizmo_id"], row["name"], row["author"]) == (ID, "A name", "An Author")
    assert (row["tags"], row["tools"]) == ("first_party, public", "browser")
    assert (row["conversations"], row["conversations_text"]) == (25_000, "25K+")
    assert not row["conversations_exact"]
    assert (row["reviews"], row["stars"], row["stars_average"]) == (2, 9, 4.5)
    assert (row["starters"], row["files"]) == (2, 0)
    assert (row["created_day"], row["created_month"], row["created_year"]) == (
        "2025-02-03",
        "2025-02",
        2025,
    )
    assert row["age_days"] == 364
    assert row["unchanged_days"] == 0
    created = row["created_at"]
    if conn.dialect.name == "sqlite":
        assert created == "2025-02-03T04:05:06.000007Z"
    else:
        assert created.isoformat() == "2025-02-03T04:05:06.000007+00:00"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("1969-12-31T23:59:59.999999Z", ("1969-12-31", "1969-12", 1969, -1)),
        ("1970-01-01T00:00:00Z", ("1970-01-01", "1970-01", 1970, 0)),
        ("0001-01-01T00:00:00Z", ("0001-01-01", "0001-01", 1, -719162)),
        ("9999-12-31T23:59:59.000001Z", ("9999-12-31", "9999-12", 9999, 2932896)),
    ],
)
def test_times_of_all_years_are_shown(
    engine: Engine, moment: str, expected: tuple[Any, ...]
) -> None:
    at = from_iso(moment)
    with read(engine) as conn:
        name = engine_of(conn)
    query = expand(f"SELECT @day({at}), @month({at}), @year({at}), @daynum({at})", name)
    iso = expand(f"SELECT CAST(@moment({at}) AS TEXT)", name)
    with read(engine) as conn:
        plain = {"no_parameters": True}
        row = conn.exec_driver_sql(query, execution_options=plain).one()
        shown = conn.exec_driver_sql(iso, execution_options=plain).scalar()
    assert tuple(row) == expected
    if name == "sqlite":
        whole, _, fraction = moment.removesuffix("Z").partition(".")
        assert shown == f"{whole}.{fraction or '000000'}Z"


def test_metrics_are_paired_with_the_point_before(engine: Engine) -> None:
    def numbers(conversations: str) -> dict[str, Any]:
        return document(vanity_metrics={"num_conversations_str": conversations})

    tell(engine, said(day(1), numbers("90")), said(day(4), numbers("150")))
    with read(engine) as conn:
        first, second = _rows(conn, "SELECT * FROM v_metrics ORDER BY observed_at")
    assert (first["conversations_moved"], first["days"], bool(first["is_latest"])) == (
        None,
        None,
        False,
    )
    assert (second["conversations_moved"], second["days"]) == (60, 3.0)
    assert second["is_latest"]
    assert second["source"] == "one"


def test_changes_of_a_gpts_own_are_news(engine: Engine) -> None:
    tell(engine, said(day(1), document()), said(day(3), changed(document(), name="Another")))
    with read(engine) as conn:
        (row,) = _rows(conn, "SELECT * FROM v_changes WHERE class = 'content'")
    assert (row["field"], row["old"], row["new"]) == ("gizmo.display.name", '"A name"', '"Another"')
    assert (row["day"], row["window_days"], row["user_id"]) == ("2026-02-03", 2.0, "user-one")
    assert row["is_news"]


def test_no_view_shows_an_authors_mail_or_bytes(engine: Engine) -> None:
    value = document(author={"user_id": "user-one", "user_email": "somebody@example.org"})
    tell(engine, said(day(1), value))
    with read(engine) as conn:
        shown = [_rows(conn, f"SELECT * FROM {view.name}") for view in VIEWS]  # noqa: S608
    assert "somebody@example.org" not in repr(shown)
    assert not [row for rows in shown for row in rows if bytes in map(type, row.values())]


def test_table_is_altered_with_the_views_set_aside(engine: Engine) -> None:
    with write(engine) as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("GRANT SELECT ON v_gpts TO PUBLIC"))
        before = standing_views(conn)
        with views_set_aside(conn):
            assert standing_views(conn) == []
            # What SQLite's copying of a table ends with; it looks at every view.
            conn.execute(text("ALTER TABLE frontier RENAME TO frontier_before"))
            conn.execute(text("ALTER TABLE frontier_before RENAME TO frontier"))
        assert standing_views(conn) == before


def test_view_that_changes_keeps_its_place_and_who_may_read_it(engine: Engine) -> None:
    with write(engine) as conn:
        undone = conn.begin_nested()
        postgres = conn.dialect.name == "postgresql"
        if postgres:
            conn.execute(text("GRANT SELECT ON v_tags TO PUBLIC"))
            conn.execute(text("COMMENT ON VIEW v_tags IS 'as it was'"))
        before = [view.name for view in standing_views(conn)]
        made = {"v_tags": ["CREATE VIEW v_tags AS SELECT 7 AS number"], "v_files": []}
        with views_set_aside(conn, {engine_of(conn): made, "another": {"v_tools": []}}):
            pass
        after = standing_views(conn)
        assert [view.name for view in after] == [n for n in before if n.strip('"') != "v_files"]
        assert _rows(conn, "SELECT * FROM v_tags") == [{"number": 7}]
        if postgres:
            assert inspect(conn).get_table_comment("v_tags")["text"] is None
            (tags,) = [view for view in after if view.name == "v_tags"]
            assert "GRANT SELECT ON v_tags TO PUBLIC" in tags.statements
        undone.rollback()


SQLITE_OWN = (
    'CREATE VIEW "my ""view" AS SELECT gizmo_id, name FROM v_gpts',
    """CREATE TRIGGER "my trigger" INSTEAD OF INSERT ON "MY ""view"
    BEGIN INSERT INTO catalog_info VALUES (new.gizmo_id, new.name); END""",
)
POSTGRES_OWN = """
CREATE ROLE "odd ""role";
CREATE VIEW my_view WITH (security_barrier, security_invoker=true)
  AS SELECT gizmo_id, name FROM v_gpts;
ALTER VIEW my_view ALTER COLUMN name SET DEFAULT 'none';
COMMENT ON VIEW my_view IS 'its owner''s';
CREATE FUNCTION my_function() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO catalog_info VALUES (new.gizmo_id, new.name); RETURN new; END $$;
CREATE TRIGGER my_trigger INSTEAD OF INSERT ON my_view
  FOR EACH ROW EXECUTE FUNCTION my_function();
CREATE RULE my_rule AS ON DELETE TO my_view DO INSTEAD NOTHING;
GRANT UPDATE (name) ON my_view TO "odd ""role";
GRANT SELECT ON my_view TO "odd ""role" WITH GRANT OPTION;
GRANT SELECT ON v_gpts TO "odd ""role";
CREATE VIEW their_view AS SELECT gizmo_id FROM my_view;
GRANT CREATE ON SCHEMA public TO "odd ""role";
ALTER VIEW their_view OWNER TO "odd ""role";
"""


def _own(conn: Connection) -> str:
    """Views as people make them, with what they hang on them; one that takes rows is named."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(POSTGRES_OWN, execution_options={"no_parameters": True})
        return "my_view"
    for statement in SQLITE_OWN:
        conn.exec_driver_sql(statement)
    return '"my ""view"'


def test_peoples_own_views_come_back_with_all_that_was_hung_on_them(engine: Engine) -> None:
    with write(engine) as conn:
        undone = conn.begin_nested()
        name = _own(conn)
        before = standing_views(conn)
        with views_set_aside(conn):
            assert standing_views(conn) == []
        assert standing_views(conn) == before
        conn.exec_driver_sql(f"INSERT INTO {name} (gizmo_id, name) VALUES ('mine', 'kept')")  # noqa: S608
        assert ("mine", "kept") in conn.execute(select(t.catalog_info)).all()
        if conn.dialect.name == "postgresql":
            assert _hung(conn) == HUNG
        undone.rollback()


HUNG = {
    ("my_view", "options", "security_barrier=true,security_invoker=true"),
    ("my_view", "default", "'none'::text"),
    ("my_view", "comment", "its owner's"),
    ("my_view", "rule", "my_rule"),
    ("my_view", "column", '"odd ""role" UPDATE'),
    ("my_view", "right", '"odd ""role" SELECT *'),
    ("their_view", "owner", 'odd "role'),
}


def _hung(conn: Connection) -> set[tuple[str, str, str]]:
    """What hangs on people's own views on PostgreSQL, asked for in other words."""
    found = conn.exec_driver_sql(
        """
        WITH mine AS (SELECT * FROM pg_class WHERE relname IN ('my_view', 'their_view'))
        SELECT relname, 'options', array_to_string(reloptions, ',') FROM mine
          WHERE reloptions IS NOT NULL
        UNION ALL SELECT table_name, 'default', column_default FROM information_schema.columns
          WHERE table_name = 'my_view' AND column_default IS NOT NULL
        UNION ALL SELECT relname, 'comment', obj_description(oid) FROM mine
          WHERE obj_description(oid) IS NOT NULL
        UNION ALL SELECT tablename, 'rule', rulename FROM pg_rules WHERE tablename = 'my_view'
        UNION ALL SELECT 'my_view', 'column', x.grantee::regrole || ' ' || x.privilege_type
          FROM pg_attribute AS a, aclexplode(a.attacl) AS x
          WHERE a.attrelid = 'my_view'::regclass
        UNION ALL SELECT relname, 'right', x.grantee::regrole || ' ' || x.privilege_type
            || CASE WHEN x.is_grantable THEN ' *' ELSE '' END
          FROM mine, aclexplode(relacl) AS x WHERE x.grantee <> relowner
        UNION ALL SELECT relname, 'owner', pg_get_userbyid(relowner) FROM mine
          WHERE pg_get_userbyid(relowner) <> current_user
        """
    )
    return {tuple(map(str, row)) for row in found}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "CREATE MATERIALIZED VIEW slow AS SELECT gizmo_id FROM v_gpts",
            "materialized view slow shows v_gpts",
        ),
        (
            "CREATE SCHEMA apart; CREATE VIEW apart.mine AS SELECT gizmo_id FROM v_gpts",
            "view apart.mine shows v_gpts",
        ),
    ],
)
def test_what_cannot_be_set_aside_is_named_before_anything_is_dropped(
    postgres: Postgres, statement: str, named: str
) -> None:
    """SQLite has neither: nothing but views of the same file shows a view."""
    name = postgres.lend()
    engine = open_engine(postgres.url(name))
    with write(engine) as conn:
        undone = conn.begin_nested()
        before = standing_views(conn)
        conn.exec_driver_sql(statement)
        with pytest.raises(StorageError, match=rf"^{named}.*gpts-catalog upgrade, and make it"):
            drop_views(conn)
        assert standing_views(conn) == before
        undone.rollback()
    engine.dispose()
    postgres.take_back(name)


@pytest.mark.parametrize("name", ["v_gpts", "v_metrics", "v_changes", "v_tools", "v_revisions"])
def test_rows_of_one_gpt_are_found_by_an_index(engine: Engine, name: str) -> None:
    query = f"SELECT * FROM {name} WHERE gizmo_id = 'g-1'"  # noqa: S608
    with read(engine) as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SET LOCAL enable_seqscan = off"))
            plan = [str(row[0]) for row in conn.execute(text(f"EXPLAIN {query}"))]
            read_whole = [line for line in plan if "Seq Scan" in line]
        else:
            plan = [row["detail"] for row in _rows(conn, f"EXPLAIN QUERY PLAN {query}")]
            results = ("SCAN (subquery", f"SCAN {name}")
            read_whole = [
                line for line in plan if line.startswith("SCAN") and not line.startswith(results)
            ]
    assert read_whole == []


def test_opening_for_reading_needs_no_right_to_write(catalog_url: str) -> None:
    engine = open_engine(catalog_url, read_only=True)
    with read(engine) as conn:
        assert _rows(conn, "SELECT * FROM v_gpts") == []
    engine.dispose()
