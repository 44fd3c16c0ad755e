"""Imports: whatever a file holds or is called, in bounded memory, and counted once."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import select

from catalog.derive import Derivation
from catalog.importing import Importer, importer
from catalog.secrets import Redactor
from catalog.storage import failures, runs
from catalog.storage import tables as t
from catalog.storage.engine import read
from catalog.text import escape_text, unescape_text
from catalog.times import FixedClock
from tests.databases import NOW

if TYPE_CHECKING:
    from sqlalchemy import Engine

ID = "g-Listed001"


def reader(engine: Engine) -> Importer:
    return Importer(
        engine,
        "one",
        "recorded",
        deriver=Derivation(),
        redactor=Redactor(()),
        clock=FixedClock(NOW),
        rng=random.Random(1),
    )


def found(title: str) -> bytes:
    """A search answer that names one GPT."""
    item = {"id": ID, "title": title, "link": f"https://chat.openai.com/g/{ID}"}
    return msgspec.json.encode({"code": 0, "msg": "ok", "data": [item]})


def lines(path: Path, count: int) -> None:
    """A file of documents, each of a GPT of its own."""
    with path.open("wb") as file:
        for number in range(count):
            gizmo = {"id": f"g-Import{number:03d}", "display": {"name": "A name"}}
            line = {"observed_at": "2024-02-01T00:00:00Z", "gpt": {"gizmo": gizmo}}
            file.write(msgspec.json.encode(line) + b"\n")


def column(engine: Engine, wanted: Any) -> list[Any]:
    with read(engine) as conn:
        return list(conn.execute(select(wanted).order_by(wanted)).scalars())


def test_titles_that_no_database_takes_are_kept_escaped(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_bytes(found("TITLE").replace(b"TITLE", rb"a\u0000b\ud800c"))
    assert reader(engine).run([path]).mentions == 1
    (title,) = column(engine, t.discoveries.c.title)
    assert unescape_text(title) == "a\x00b\ud800c"


def test_files_whose_names_are_no_text_are_imported(engine: Engine, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "given")
    Path(os.fsdecode(folder)).mkdir()
    listed = Path(os.fsdecode(folder + b"/found\xff.json"))
    listed.write_bytes(found("a title"))
    refused = Path(os.fsdecode(folder + b"/other\xff.json"))
    refused.write_bytes(b'{"nothing": 1}')
    unread = Path(os.fsdecode(folder + b"/notes\xff.txt"))
    unread.write_bytes(b"")
    done = reader(engine).run([tmp_path / "given"])
    assert done.mentions == 1
    assert [each.place for each in done.set_aside] == [
        escape_text(str(path)) for path in (unread, refused)
    ]
    assert column(engine, t.discoveries.c.query) == [escape_text(str(listed))]
    assert column(engine, t.fetch_failures.c.asked_id) == [escape_text(str(refused))]


def test_two_lines_that_name_one_gpt_are_two_discoveries(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "2024-02-01.jsonl"
    path.write_bytes(found("first") + b"\n" + found("second") + b"\n")
    assert reader(engine).run([path]).mentions == 2
    assert column(engine, t.discoveries.c.query) == [f"{path}:1", f"{path}:2"]
    assert column(engine, t.discoveries.c.title) == ["first", "second"]


@pytest.mark.parametrize(
    ("limit", "value", "most"), [("BATCH", 10, 10), ("BATCH_BYTES", 1000, 1000 // 120 + 1)]
)
def test_refused_lines_are_written_batch_by_batch(
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: int,
    most: int,
) -> None:
    """Bounded by their number and by their bytes: a file may hold nothing else."""
    monkeypatch.setattr(importer, limit, value)
    sizes: list[int] = []
    add_failures = failures.add_failures

    def note(conn: Any, items: Any) -> None:
        sizes.append(len(items))
        add_failures(conn, items)

    monkeypatch.setattr(failures, "add_failures", note)
    path = tmp_path / "refused.jsonl"
    path.write_text("".join(f'{{"nothing": {i}, "pad": "{"x" * 100}"}}\n' for i in range(45)))
    done = reader(engine).run([path])
    assert len(done.set_aside) == sum(sizes) == 45
    assert max(sizes) <= most


def test_an_import_that_was_cut_off_and_resumed_counts_both(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first process brought is new to the run, though not to the second process."""
    monkeypatch.setattr(importer, "BATCH", 10)
    path = tmp_path / "documents.jsonl"
    lines(path, 30)

    def cut_off(_progress: object) -> None:
        raise KeyboardInterrupt

    first = Importer(
        engine,
        "one",
        "recorded",
        deriver=Derivation(),
        redactor=Redactor(()),
        clock=FixedClock(NOW),
        rng=random.Random(1),
        report=cut_off,
    )
    with pytest.raises(KeyboardInterrupt):
        first.run([path])
    done = reader(engine).run([path])
    with read(engine) as conn:
        (run,) = runs.latest_runs(conn, 9)
    assert (done.run, done.new, done.known) == (run.run_id, 20, 10)
    assert (run.status, run.documents, run.new, run.unchanged) == ("finished", 40, 30, 10)
    assert run.documents == run.requested == run.new + run.changed + run.unchanged
