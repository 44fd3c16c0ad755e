"""Forgetting leaves no byte behind, and nothing brings it back."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import zstandard
from psycopg import sql
from sqlalchemy import insert, select

from catalog.care.forgetting import forget
from catalog.derive import Derivation
from catalog.errors import SettingsError
from catalog.records import Verdict
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.bookmarks import Mark, set_bookmark
from catalog.storage.codec import compress, decompress
from catalog.storage.dump import digest
from catalog.storage.engine import read, write
from catalog.storage.frontier import add_ids
from catalog.storage.ledger import FILE, VARIABLE
from catalog.storage.mentions import Named, add_named, note_searched
from catalog.storage.rebuild import rebuild
from catalog.storage.verify import verify
from catalog.storage.work_tables import alarms, job_runs, prunings
from tests.databases import NOW
from tests.laws.worlds import START, document, keep, state_absence, state_document, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from tests.databases import Postgres

RULES = Derivation()
GPT, SIBLING, OTHER = "g-Forget001", "g-Forget002", "g-Staying01"
AUTHOR = "user-Vanishing1"
WORDS = ("zyxquokka", "vexillary", "Bartholomeus", "plumbago", "quagmire77")
"""Words of the forgotten that nobody else says."""


def saying(gizmo_id: str, name: str, **more: Any) -> dict[str, Any]:
    return document(gizmo_id, name=name, tags=["public"], **more)


def gone(gizmo_id: str = GPT, version: int = 1) -> dict[str, Any]:
    said = saying(
        gizmo_id,
        f"Zyxquokka {version}",
        description=f"a vexillary helper {version} " + "and more words " * 20,
        starters=["Plumbago?"],
        user_id=AUTHOR,
        author="Bartholomeus",
        categories=["quagmire77"],
        tools=[tool("plugins_prototype", domain="zyxquokka.test", json_schema={"vexillary": 1})],
        mime_types=["application/zyxquokka"],
        novelty={"plumbago": "quagmire77"},
    )
    said["gizmo"]["zyxquokka"] = 1
    return said


def world() -> list[Any]:
    said = [
        state_document(gone(version=1), at=START),
        state_document(gone(version=2), at=START + 1),
        state_document(gone(SIBLING), at=START + 2),
        state_absence(GPT, at=START + 3),
    ]
    said += [
        state_document(saying(OTHER, f"Stays {n}", user_id="user-other", novelty=n), at=START + n)
        for n in range(4)
    ]
    return said


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the catalog, also where PostgreSQL looks for the ledger."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def full(engine: Engine) -> Engine:
    """A catalog in which somebody stands in every place there is."""
    with write(engine) as conn:
        for source in ("alpha", "lists"):
            conn.execute(
                insert(t.sources), {"name": source, "dialect": "recorded", "added_at": START}
            )
        conn.execute(
            insert(t.runs),
            {"run_id": "r", "command": "harvest", "source": "alpha", "ids_digest": ""}
            | {"started_at": START, "status": "finished", "finished_at": START},
        )
        keep(conn, world())
        add_ids(conn, [GPT, SIBLING, OTHER], NOW)
        add_named(
            conn,
            2,
            [
                Named(
                    gizmo_id=gizmo_id,
                    query=query,
                    at=START,
                    rank=1,
                    title=title,
                    payload=json.dumps({"id": gizmo_id, "name": title, "author": author}).encode(),
                )
                for gizmo_id, query, title, author in (
                    (GPT, "words", "Zyxquokka", AUTHOR),
                    ("g-Unseen001", "words", "Plumbago", AUTHOR),
                    (OTHER, "Bartholomeus", "Stays", "user-other"),
                    (OTHER, "words", "Stays", "user-other"),
                )
            ],
        )
        body = compress(f"<p>{GPT} is Zyxquokka</p>".encode())
        conn.execute(
            insert(t.fetch_failures),
            [
                _failure(asked, detail, body)
                for asked, detail in ((GPT, "no"), (OTHER, f"not {GPT}"), (OTHER, "Bartholomeus"))
            ],
        )
        conn.execute(insert(t.outcomes), [_outcome(GPT, ""), _outcome(OTHER, f"came {GPT}")])
        conn.execute(insert(t.probes), [_probe(GPT), _probe(OTHER, "ask Zyxquokka 1 of it")])
        conn.execute(
            insert(alarms),
            {"kind": "drift", "subject": "", "raised_at": NOW, "severity": "alarm", "seen_at": NOW}
            | {"message": "gizmo.zyxquokka appeared in Zyxquokka 1"},
        )
        conn.execute(
            insert(job_runs),
            {"job_run_id": "1", "job": "report", "started_at": NOW, "status": "done", "owner": "me"}
            | {"numbers": "{}", "message": f"told of {GPT}, Zyxquokka 1"},
        )
        set_bookmark(conn, f"about-{GPT}", Mark(recorded_at=0, observation_id=0))
        set_bookmark(conn, "mine", Mark(recorded_at=0, observation_id=0))
        note_searched(conn, "Bartholomeus")
    return engine


def _failure(asked: str, detail: str, body: bytes) -> dict[str, Any]:
    return {
        "run_id": "r",
        "source_id": 1,
        "asked_id": asked,
        "verdict": Verdict.MALFORMED,
        "status": 200,
        "detail": detail,
        "at": START,
        "redacted": False,
        "body": body,
    }


def _outcome(asked: str, detail: str) -> dict[str, Any]:
    return {
        "run_id": "r",
        "asked_id": asked,
        "source_id": 1,
        "verdict": "document",
        "effect": "",
        "attempts": 1,
        "requests": 1,
        "status": 200,
        "detail": detail,
        "at": START,
    }


def _probe(gizmo_id: str, answer: str = "I am Zyxquokka") -> dict[str, Any]:
    return {
        "gizmo_id": gizmo_id,
        "source_id": 1,
        "run_id": "r",
        "at": START,
        "model": f"gpt-4-gizmo-{gizmo_id}",
        "question": "Who?",
        "verdict": "answered",
        "status": 200,
        "answer": answer,
        "body": compress(answer.encode()),
        "redacted": False,
        "seconds": 1.0,
        "streamed": False,
        "parameters": "{}",
    }


def _write_files(folder: Path) -> None:
    for name, text in (
        ("reports/2026-02-01.md", "Zyxquokka 1 changed"),
        ("reports/2026-02-02.md", "nothing of note"),
        ("reports/latest.html", f"<a href='/g/{SIBLING}'>it</a>"),
        ("feeds/changes.atom", f"<id>{GPT}</id>"),
        ("feeds/.changes.atom.7.part", "by Bartholomeus"),
    ):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def forgotten(engine: Engine, folder: Path, kind: Any = "author", name: str = AUTHOR) -> Any:
    return forget(engine, RULES, kind, name, folder, NOW)


# That it is gone.


def _needles() -> list[bytes]:
    words = [GPT, SIBLING, AUTHOR, "g-Unseen001", *WORDS]
    return [form.encode() for word in words for form in {word, word.lower(), word.capitalize()}]


def _values(engine: Engine) -> Iterator[tuple[str, bytes]]:
    """Every stored value of every table, as bytes, and unpacked where it is packed."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(engine.url.database or "")) as connection:
            names = [
                row[0]
                for row in connection.execute("SELECT name FROM sqlite_master WHERE sql > ''")
            ]
            for name in names:
                try:
                    rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
                except sqlite3.OperationalError:
                    continue
                yield from ((name, value) for row in rows for value in map(_bytes, row))
    else:
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public'"
                " OR tablename = 'pg_statistic'"
            ).fetchall()
            for schema, name in tables:
                query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, name))
                yield from ((name, row[0].encode()) for row in connection.execute(query))
                columns = connection.execute(
                    "SELECT column_name FROM information_schema.columns WHERE data_type = 'bytea'"
                    " AND table_name = %s",
                    (name,),
                ).fetchall()
                for (column,) in columns:
                    query = sql.SQL("SELECT {} FROM {} WHERE {} IS NOT NULL").format(
                        sql.Identifier(column), sql.Identifier(name), sql.Identifier(column)
                    )
                    yield from ((name, bytes(row[0])) for row in connection.execute(query))
    for name in ("fetch_failures", "probes"):
        with read(engine) as conn:
            for body in conn.execute(select(t.metadata.tables[name].c.body)).scalars():
                if body is not None:
                    yield name, zstandard.ZstdDecompressor().decompress(body)
    with read(engine) as conn:
        ids = [n for n in conn.execute(select(t.payloads.c.payload_id)).scalars() if n]
        yield from (("payload", payload) for payload in get_payloads(conn, ids).values())
        states = conn.execute(select(t.fold_states.c.state)).scalars()
        yield from (("fold_states", decompress(state)) for state in states)
        if engine.dialect.name == "sqlite":
            packed = conn.exec_driver_sql("SELECT terms FROM search_index_terms").scalars()
            yield from (("terms", zstandard.ZstdDecompressor().decompress(p)) for p in packed)
            terms = conn.exec_driver_sql("SELECT term FROM search_index_counts").scalars()
            yield from (("index", term.encode()) for term in terms)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def left(engine: Engine) -> set[tuple[str, bytes]]:
    needles = _needles()
    return {
        (place, needle) for place, value in _values(engine) for needle in needles if needle in value
    }


def in_files(folder: Path) -> set[tuple[str, bytes]]:
    needles = _needles()
    return {
        (path.name, needle)
        for path in folder.rglob("*")
        if path.is_file()
        for needle in needles
        if needle in path.read_bytes()
    }


def test_the_search_for_what_is_left_finds_it_before(full: Engine) -> None:
    """What the other tests look for can be found."""
    found = {place for place, _ in left(full)}
    assert found >= {"payload", "gizmos", "changes", "listings", "alarms", "job_runs", "frontier"}


def test_no_byte_of_the_forgotten_is_left(full: Engine, tmp_path: Path) -> None:
    _write_files(tmp_path)
    done = forgotten(full, tmp_path)
    assert done.gpts == 2
    assert {Path(path).name for path in done.files} == {
        "2026-02-01.md",
        "latest.html",
        "changes.atom",
        ".changes.atom.7.part",
    }
    assert left(full) == set()
    full.dispose()
    assert in_files(tmp_path) == set()
    assert (tmp_path / "reports" / "2026-02-02.md").exists()


def test_no_byte_is_left_in_the_files_of_postgresql(
    full: Engine, engine_name: str, tmp_path: Path, postgres: Postgres
) -> None:
    if engine_name != "postgres":
        pytest.skip("the files of SQLite are searched with the rest")
    forgotten(full, tmp_path)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        folder = connection.execute("SHOW data_directory").fetchone()
        name = full.url.database
        found = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,))
        oid = found.fetchone()
    assert folder is not None
    assert oid is not None
    base = Path(folder[0]) / "base" / str(oid[0])
    assert any(base.iterdir())
    assert in_files(base) == set()


def test_what_is_left_is_whole_and_as_if_they_had_never_been(full: Engine, tmp_path: Path) -> None:
    forgotten(full, tmp_path)
    with read(full) as conn:
        assert [each.findings for each in verify(conn) if each.findings] == []
        assert conn.execute(select(t.gizmos.c.gizmo_id)).scalars().all() == [OTHER]
        assert conn.execute(select(t.bookmarks.c.name)).scalars().all() == ["mine"]
        assert conn.execute(select(prunings.c.what)).scalars().all() == ["forgotten"]
        before = digest(conn)
    with write(full) as conn:
        rebuild(conn, RULES)
        assert digest(conn) == before


def test_one_gpt_goes_and_its_author_stays_with_the_others(full: Engine, tmp_path: Path) -> None:
    done = forgotten(full, tmp_path, "gpt", GPT)
    assert done.gpts == 1
    with read(full) as conn:
        assert set(conn.execute(select(t.gizmos.c.gizmo_id)).scalars()) == {SIBLING, OTHER}
        assert AUTHOR in conn.execute(select(t.authors.c.user_id)).scalars().all()
    assert not {needle for _, needle in left(full)} & {GPT.encode()}


def test_a_dry_run_says_so_and_leaves_all_as_it_is(full: Engine, tmp_path: Path) -> None:
    _write_files(tmp_path)
    with write(full) as conn:
        said = conn.execute(select(t.observations.c.observation_id)).scalars()
        conn.execute(insert(t.judgements), [{"observation_id": each} for each in said])
        before = digest(conn)
    done = forget(full, RULES, "author", AUTHOR, tmp_path, NOW, dry_run=True)
    assert done.gpts == 2
    assert done.rows["observations"] == done.rows["judgements"] == 4
    assert len(done.files) == 4
    with read(full) as conn:
        assert digest(conn) == before
    assert not (tmp_path / FILE).exists()
    assert (tmp_path / "reports" / "latest.html").exists()
    went = forgotten(full, tmp_path)
    assert went.rows["judgements"] == done.rows["judgements"]
    # What only quotes them is found as it goes.
    assert went.rows.keys() >= done.rows.keys()


def test_what_a_killed_export_or_recovery_left_is_named(full: Engine, tmp_path: Path) -> None:
    left = [tmp_path / "exports" / ".2026.partial", tmp_path / "old.db.recovered.recovering"]
    for folder in left:
        folder.mkdir(parents=True)
    assert {str(folder) for folder in left} <= set(forgotten(full, tmp_path).unreached)


# Keys.


def test_the_key_is_its_owners_alone_and_not_in_the_catalog(full: Engine, tmp_path: Path) -> None:
    forgotten(full, tmp_path)
    path = tmp_path / FILE if full.dialect.name == "sqlite" else tmp_path / "data" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = next(line.split()[1] for line in path.read_text().splitlines() if line[:3] == "key")
    assert not any(
        key.encode() in value or bytes.fromhex(key) in value for _, value in _values(full)
    )
    path.chmod(0o644)
    with write(full) as conn, pytest.raises(SettingsError, match="chmod 600"):
        add_ids(conn, ["g-Fresh0001"], NOW)


def test_a_missing_key_is_one_clear_error(
    full: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten(full, tmp_path)
    path = tmp_path / FILE if full.dialect.name == "sqlite" else tmp_path / "data" / FILE
    key = next(line.split()[1] for line in path.read_text().splitlines() if line[:3] == "key")
    path.unlink()
    with write(full) as conn, pytest.raises(SettingsError, match=VARIABLE):
        keep(conn, world())
    with pytest.raises(SettingsError, match=VARIABLE):
        forgotten(full, tmp_path, "gpt", OTHER)
    monkeypatch.setenv(VARIABLE, key)
    with write(full) as conn:
        keep(conn, world())
    assert left(full) == set()


# Crashes.


@pytest.mark.parametrize("step", ["erase", "scrub", "_remove_files", "sync"])
def test_what_was_cut_off_is_ended_by_the_same_command(
    full: Engine, tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_files(tmp_path)

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"catalog.care.forgetting.{step}", die)
        with pytest.raises(KeyboardInterrupt):
            forgotten(full, tmp_path)
    forgotten(full, tmp_path)
    assert left(full) == set()
    full.dispose()
    assert in_files(tmp_path) == set()
