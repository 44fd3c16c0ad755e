"""What an export tells of people, and what of a stranger's export is taken."""

from __future__ import annotations

import hashlib
import json
import random
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest
from pyarrow.parquet import read_table
from sqlalchemy import select

from catalog.care.forgetting import forget
from catalog.cli.importing import describe_brought
from catalog.errors import UsageError
from catalog.export.bringing import Bringer
from catalog.export.manifest import encode, read_manifest
from catalog.export.release import MANIFEST, FormatName
from catalog.query.exported import TABLES
from catalog.query.exporting import batches
from catalog.search.filters import Filter
from catalog.secrets import Redactor
from catalog.storage import tables as t
from catalog.storage.archive import get_payloads
from catalog.storage.engine import read, write
from catalog.storage.mentions import Named, add_named
from catalog.storage.probes import add_new_probes
from catalog.storage.sources import add_source
from catalog.times import FixedClock
from tests.contract.telling import DERIVER, changed, day, document, probed_gpt, said, tell
from tests.contract.test_backup import other_url
from tests.contract.test_exporting import (
    LATER,
    SEEDS,
    bring,
    contents,
    digest,
    made,
    nasty,
    other,
    rows_of,
)
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine


__all__ = ["other", "other_url"]


@pytest.fixture
def told(engine: Engine) -> Engine:
    tell(engine, *nasty())
    return engine


def _with_host(gizmo_id: str, user_id: str) -> dict[str, Any]:
    whole = document(gizmo_id, author={"user_id": user_id, "display_name": "Jane Doe"})
    whole["gizmo"]["short_url"] = f"{gizmo_id}-by-jane-doe-example"
    whole["gizmo"]["display"]["prompt_starters"] = ["mail jane@jane-doe.example"]
    whole["gizmo"]["odd"] = {user_id: 1}
    whole["tools"] = [
        {"id": "t", "type": "plugins_prototype", "metadata": {"domain": "jane-doe.example"}}
    ]
    return whole


def test_public_tells_nobody_by_hosts_slugs_hashes_paths_or_the_order(
    engine: Engine, tmp_path: Path
) -> None:
    users = {f"g-0000000{n}a": f"user-jane-doe-{9 - n}" for n in range(8)}
    for gizmo_id, user_id in users.items():
        whole = _with_host(gizmo_id, user_id)
        tell(engine, said(day(1), whole), said(day(2), changed(whole, prompt_starters=["Hi"])))
    made(engine, tmp_path / "all", format="ndjson")
    made(engine, tmp_path / "some", format="ndjson", wanted=Filter(text="name"))
    starter = hashlib.sha256(b"mail jane@jane-doe.example").hexdigest().encode()
    for folder in (tmp_path / "all", tmp_path / "some"):
        for name, content in contents(folder).items():
            assert not [w for w in (b"jane-doe", b"user-", starter) if w in content], name
        assert [row["gizmo_id"] for row in rows_of(folder, "authors")] == sorted(users)
        elements = {row["element"] for row in rows_of(folder, "tools")}
        assert elements == {f"plugins_prototype {rows_of(folder, 'tools')[0]['domain']}"}
    made(engine, tmp_path / "full", format="ndjson", profile="full")
    ids = [row["user_id"] for row in rows_of(tmp_path / "full", "authors")]
    assert ids == sorted(users.values())


HOSTS = [f"host-{letter}.example" for letter in "abcdefgh"]


@pytest.mark.parametrize("wanted", [Filter(), Filter(text="name")], ids=["all", "some"])
@pytest.mark.parametrize("rows", [3, 5000])
def test_public_puts_no_pseudonyms_in_the_order_of_what_they_stand_for(
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wanted: Filter,
    rows: int,
) -> None:
    """One host that everybody knows would say of the others before which letter they stand."""
    monkeypatch.setattr("catalog.export.reading.batches", partial(batches, rows=rows))
    monkeypatch.setattr("catalog.storage.columnar.ROWS", rows)
    for gizmo_id in ("g-00000001a", "g-00000002a"):
        whole = document(gizmo_id)
        tell(engine, said(day(1), whole))
        whole["tools"] = [
            {"id": f"t{host}", "type": "plugins_prototype", "metadata": {"domain": host}}
            for host in HOSTS
        ]
        whole["gizmo"] |= {f"user-{letter}": 1 for letter in "abcdefgh"}
        prompts = {"prompt_starters": [f"Hello {host}" for host in HOSTS]}
        tell(engine, said(day(2), changed(whole, **prompts)))
    folder = tmp_path / "out"
    made(engine, folder, format="ndjson", wanted=wanted)
    made(engine, tmp_path / "columns", format="parquet", wanted=wanted)
    for table in ("tools", "prompt_starters", "changes"):
        found = [tuple(row[n] for n in KEYS[table]) for row in rows_of(folder, table)]
        assert len(found) >= 16
        assert found == sorted(found), table
        columns = read_table(tmp_path / "columns" / f"{table}.parquet", columns=["element"])
        assert columns.column("element").to_pylist() == [
            row["element"] for row in rows_of(folder, table)
        ]
    paths = [row["path"] for row in rows_of(folder, "unmapped_fields")]
    assert len(paths) >= 8
    assert paths == sorted(paths)


KEYS = {name: TABLES[name].key for name in ("tools", "prompt_starters", "changes")}


def _rewritten(folder: Path, table: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Write an export's table anew, its manifest as its maker would."""
    path = folder / f"{table}.ndjson"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        change(row)
    raw = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(raw)
    manifest = read_manifest(folder)
    names = tuple(rows[0])
    tables = tuple(
        msgspec.structs.replace(
            each, columns=tuple(column for column in each.columns if column.name in names)
        )
        if each.name == table
        else each
        for each in manifest.release.tables
    )
    files = tuple(
        msgspec.structs.replace(each, bytes=len(raw), sha256=hashlib.sha256(raw).hexdigest())
        if each.path == path.name
        else each
        for each in manifest.release.files
    )
    release = msgspec.structs.replace(manifest.release, tables=tables, files=files)
    (folder / MANIFEST).write_bytes(encode(msgspec.structs.replace(manifest, release=release)))


def _probed(engine: Engine) -> None:
    with write(engine) as conn:
        number = add_source(conn, "finder", "recorded", NOW)
        add_new_probes(conn, [probed_gpt("g-00000001x", number, day(4), answer="I", seconds=1.0)])


@pytest.mark.parametrize("name", ["model", "seconds", "source", "gizmo_id"])
def test_a_table_that_is_not_as_we_write_it_is_one_clear_error(
    told: Engine, other: Engine, tmp_path: Path, name: str
) -> None:
    _probed(told)
    folder = tmp_path / "export"
    made(told, folder, format="ndjson", profile="full")
    _rewritten(folder, "probes", lambda row: row.pop(name))
    with pytest.raises(UsageError, match=f"table probes is not as .* look at '{name}'"):
        bring(other, folder)


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("probes", "status", "200"),
        ("probes", "model", 7),
        ("probes", "streamed", 1),
        ("probes", "gizmo_id", "=1+1"),
        ("probes", "source", "a name of two lines\n"),
        ("observations", "wrapping", ["gizmo"]),
        ("observations", "payload", {"gizmo": 1}),
        ("observations", "observed_at", "1999-01-01T00:00:00Z"),
        ("observations", "verdict", "sure"),
        ("sources", "name", None),
    ],
)
def test_rows_that_hold_what_no_column_of_ours_does_are_set_aside(
    told: Engine, other: Engine, tmp_path: Path, table: str, name: str, value: object
) -> None:
    _probed(told)
    folder = tmp_path / "export"
    made(told, folder, format="ndjson", profile="full")
    _rewritten(folder, table, lambda row: row.update({name: value}))
    brought = bring(other, folder)
    assert {each.place.rsplit(" ", 1)[0].rsplit(":", 1)[-1] for each in brought.set_aside} == {
        table
    }


def test_secrets_in_a_strangers_export_are_replaced(
    told: Engine, other: Engine, tmp_path: Path
) -> None:
    secret = "sk-not-to-be-kept-anywhere"
    _probed(told)
    with write(told) as conn:
        number = add_source(conn, "finder", "recorded", NOW)
        payload = f'{{"key":"{secret}"}}'.encode()
        text = f"about {secret}"
        named = Named(
            gizmo_id="g-named0000", query=text, at=day(3), rank=1, title=text, payload=payload
        )
        add_named(conn, number, [named])
    folders = {"full": tmp_path / "full", "research": tmp_path / "research"}
    for profile, folder in folders.items():
        made(told, folder, format="ndjson", profile=profile)
        _rewritten(folder, "probes", lambda row: row.update(question=f"{secret}?", answer=secret))
    _rewritten(
        folders["research"], "gizmos", lambda row: row.update(name=f"{secret} {row['name']}")
    )
    for folder in folders.values():
        bringer = Bringer(
            other,
            "theirs",
            deriver=DERIVER,
            redactor=Redactor((secret,)),
            clock=FixedClock(LATER),
            rng=random.Random(next(SEEDS)),
        )
        assert bringer.bring(folder).probes == (1 if folder is folders["full"] else 0)
    with read(other) as conn:
        for table in t.metadata.sorted_tables:
            for row in conn.execute(select(table)):
                assert secret not in str(row), table.name
        ids = [n for n in conn.execute(select(t.payloads.c.payload_id)).scalars() if n]
        assert not any(secret.encode() in each for each in get_payloads(conn, ids).values())


@pytest.mark.parametrize("form", get_args(FormatName))
def test_what_was_forgotten_here_is_left_out_of_an_import_and_counted(
    told: Engine, other: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: FormatName
) -> None:
    monkeypatch.chdir(tmp_path)  # where the ledger of a catalog on PostgreSQL is
    gizmo_id = "g-00000001x"
    made(told, tmp_path / "export", format=form, profile="full")
    forget(other, DERIVER, "gpt", gizmo_id, tmp_path / "data", NOW)
    assert bring(other, tmp_path / "export").forgotten == 2
    with read(other) as conn:
        for table in t.metadata.sorted_tables:
            assert not [row for row in conn.execute(select(table)) if gizmo_id in str(row)]


def test_an_export_without_documents_brings_ids_alone_and_says_so(
    told: Engine, other: Engine, tmp_path: Path
) -> None:
    words = "it is of profile public and holds no documents"
    made(told, tmp_path / "public", format="ndjson")
    assert [words in line for line in describe_brought(bring(other, tmp_path / "public"))][-1:] == [
        True
    ]
    made(told, tmp_path / "full", format="ndjson", profile="full")
    assert not any(words in line for line in describe_brought(bring(other, tmp_path / "full")))


def test_public_does_not_tell_whom_a_filter_names(engine: Engine, tmp_path: Path) -> None:
    author = {"user_id": "user-Wanted01", "display_name": "Jane Wanted"}
    tell(engine, said(day(1), document("g-00000001a", author=author)))
    authors = ("user-Wanted01", "Jane Wanted")
    made(engine, tmp_path / "e", format="ndjson", wanted=Filter(authors=authors))
    (row,) = rows_of(tmp_path / "e", "authors")
    found = read_manifest(tmp_path / "e").release.filter or ""
    assert f"author={row['user_id']}" in found
    for path in (tmp_path / "e").rglob("*"):
        assert path.is_dir() or b"Wanted" not in path.read_bytes(), path.name


def test_a_strangers_export_erases_nothing(
    told: Engine, other: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the ledger of a catalog on PostgreSQL is
    made(told, tmp_path / "before", format="sqlite", profile="full")
    bring(other, tmp_path / "before")
    before = digest(other)
    with read(told) as conn:
        gizmo_id = conn.execute(select(t.gizmos.c.gizmo_id).limit(1)).scalar_one()
    forget(told, DERIVER, "gpt", gizmo_id, tmp_path / "data", NOW)
    made(told, tmp_path / "after", format="sqlite", profile="full")
    bring(other, tmp_path / "after")
    assert digest(other) == before
