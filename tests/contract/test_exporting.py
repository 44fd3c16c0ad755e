"""Exports on both engines: round trips, the same bytes, one moment, nothing half."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from catalog.derive import Derivation
from catalog.errors import UsageError
from catalog.export.bringing import Bringer, TakenExport, split_paths
from catalog.export.exporting import Exported, ExportProgress, ExportRequest, export
from catalog.export.formats import Options
from catalog.export.manifest import encode, read_manifest
from catalog.export.release import MANIFEST
from catalog.export.verifying import verify_export
from catalog.query.exported import TABLES
from catalog.search.filters import Filter
from catalog.secrets import Redactor
from catalog.storage import dump
from catalog.storage.engine import open_engine, read, write
from catalog.storage.mentions import Named, add_named
from catalog.storage.migrate import init
from catalog.storage.sources import add_source
from catalog.times import DAY, FixedClock
from tests.contract.reading import simulated
from tests.contract.telling import DERIVER, changed, day, document, said, tell
from tests.contract.test_backup import other_url
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from catalog.export.release import FormatName, ProfileName
    from catalog.records import Observation

__all__ = ["other_url"]

LATER = day(28) + 365 * DAY
"""When imports happen: after all that is told."""
SEEDS = itertools.count()
KEY = b"a key of thirty-two bytes or so.."
NASTY = (
    "U+0000 \x00 in the midst",
    "a lone surrogate \ud83d",
    "the escape itself \ufdd0",
    "\u202eright to left\u202c and \u05e2\u05d1\u05e8\u05d9\u05ea",
    '=HYPERLINK("https://evil.example","click")',
    "+1-2",
    "'=quoted already",
    'line one\nline two\r\nline "three", with comma\rfour',
    "",
    "s" * 49_202,
)


def spoken(at: int, value: dict[str, Any]) -> Observation:
    """As :func:`said`, of texts that only escapes can write, as lone surrogates."""
    payload = json.dumps(value).encode()
    absence = said(at, None, gizmo_id=value["gizmo"]["id"])
    return msgspec.structs.replace(
        absence,
        verdict="",
        digest=hashlib.sha256(payload).digest(),
        payload=payload,
        wrapping="gizmo",
        document=DERIVER.document(payload, "gizmo"),
    )


def nasty() -> list[Observation]:
    """GPTs whose texts break what is carelessly written; one that is not found in the end."""
    found = []
    for place, text in enumerate(NASTY):
        whole = document(f"g-{place:08d}x", name=text)
        whole["gizmo"]["display"]["description"] = text
        whole["gizmo"]["display"]["prompt_starters"] = [text, f"{place} {text}"]
        found.append(spoken(day(place + 1), whole))
        found.append(spoken(day(place + 2), changed(whole, description=f"{text} again")))
    gone = "g-00000003x"
    found += [said(day(20 + n), None, gizmo_id=gone) for n in range(2)]
    return found


@pytest.fixture
def told(engine: Engine) -> Engine:
    tell(engine, *nasty())
    return engine


def made(engine: Engine, folder: Path, **request: Any) -> Exported:
    return export(engine, ExportRequest(folder=folder, key=KEY, **request))


def bring(engine: Engine, folder: Path) -> TakenExport:
    bringer = Bringer(
        engine,
        "theirs",
        deriver=Derivation(),
        redactor=Redactor(()),
        clock=FixedClock(LATER),
        rng=random.Random(next(SEEDS)),
    )
    return bringer.bring(folder)


@pytest.fixture
def other(other_url: str) -> Iterator[Engine]:
    """An empty catalog to import into, on the other engine."""
    init(other_url, NOW)
    opened = open_engine(other_url)
    yield opened
    opened.dispose()


def digest(engine: Engine) -> str:
    with read(engine) as conn:
        return dump.digest(conn)


def kept(engine: Engine) -> str:
    with read(engine) as conn:
        return dump.kept_digest(conn)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


FORMS = ("parquet", "csv", "ndjson", "sqlite")


@pytest.mark.parametrize("form", FORMS)
def test_a_full_export_imported_into_an_empty_catalog_gives_an_equal_one(
    told: Engine, other: Engine, tmp_path: Path, form: FormatName
) -> None:
    with write(told) as conn:
        number = add_source(conn, "finder", "recorded", NOW)
        named = Named(
            gizmo_id="g-named0000", query="=1+1", at=day(3), rank=1, title="\n", payload=b"\xff\x00"
        )
        add_named(conn, number, [named])
    release = made(told, tmp_path / "export", format=form, profile="full").release
    brought = bring(other, tmp_path / "export")
    assert not brought.set_aside
    assert digest(other) == digest(told)
    assert kept(other) == kept(told) == release.catalog_digest
    # A second time nothing is new.
    assert bring(other, tmp_path / "export").new == 0
    assert digest(other) == digest(told)


@pytest.mark.parametrize("form", FORMS)
def test_observations_alone_give_an_equal_catalog(
    told: Engine, other: Engine, tmp_path: Path, form: FormatName
) -> None:
    made(told, tmp_path / "export", format=form, profile="full", tables=("observations",))
    bring(other, tmp_path / "export")
    assert digest(other) == digest(told)


def test_safe_cells_are_found_back(told: Engine, other: Engine, tmp_path: Path) -> None:
    options = Options(bom=True, safe_cells=True)
    made(told, tmp_path / "export", format="csv", profile="full", options=options)
    text = (tmp_path / "export" / "gizmos.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert b"\"'=HYPERLINK" in text
    assert b'"=HYPERLINK' not in text
    bring(other, tmp_path / "export")
    assert digest(other) == digest(told)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("profile", ["public", "research", "full"])
def test_two_exports_are_byte_for_byte_the_same(
    told: Engine, tmp_path: Path, form: FormatName, profile: ProfileName
) -> None:
    one = made(told, tmp_path / "one", format=form, profile=profile)
    two = made(told, tmp_path / "two", format=form, profile=profile)
    assert one.digest == two.digest
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert verify_export(tmp_path / "one").findings == ()


def test_an_export_without_documents_names_its_ids(
    told: Engine, other: Engine, tmp_path: Path
) -> None:
    made(told, tmp_path / "export", format="ndjson")
    brought = bring(other, tmp_path / "export")
    assert (brought.observations, brought.mentions) == (0, len(NASTY))


def test_one_changed_byte_of_any_file_is_found(told: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    made(told, folder, format="csv")
    rng = random.Random(2)
    for name, whole in contents(folder).items():
        place = rng.randrange(len(whole))
        (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert verify_export(folder).findings, name
        (folder / name).write_bytes(whole)
    assert not verify_export(folder).findings


def test_a_file_that_is_missing_added_or_a_link_is_found(told: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    made(told, folder, format="ndjson")
    (folder / "more.txt").write_text("x")
    assert verify_export(folder).findings == ("more.txt is not named by manifest.json",)
    (folder / "more.txt").unlink()
    shutil.move(folder / "gizmos.ndjson", tmp_path / "away")
    assert verify_export(folder).findings == ("gizmos.ndjson is missing",)
    (folder / "gizmos.ndjson").symlink_to(tmp_path / "away")
    assert verify_export(folder).findings == ("gizmos.ndjson is a link, and no file of the export",)
    with pytest.raises(UsageError, match="is a file: name the folder of an export"):
        verify_export(folder / "manifest.json")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "a\\b", ".", "c:x"])
def test_a_manifest_that_names_a_file_elsewhere_is_refused(
    told: Engine, other: Engine, tmp_path: Path, path: str
) -> None:
    folder = tmp_path / "export"
    made(told, folder, format="ndjson", profile="full")
    manifest = read_manifest(folder)
    first, *rest = manifest.release.files
    release = msgspec.structs.replace(
        manifest.release, files=(msgspec.structs.replace(first, path=path), *rest)
    )
    raw = encode(msgspec.structs.replace(manifest, release=release))
    (folder / MANIFEST).write_bytes(raw)
    assert "not within the export" in verify_export(folder).findings[0]
    with pytest.raises(UsageError, match="not imported"):
        bring(other, folder)


def test_an_export_that_ends_half_way_leaves_nothing(told: Engine, tmp_path: Path) -> None:
    def stop(standing: ExportProgress) -> None:
        if standing.words == "changes":
            raise KeyboardInterrupt

    place = tmp_path / "below"
    place.mkdir()
    for form in FORMS[:3]:
        request = ExportRequest(folder=place / "export", format=cast("FormatName", form), key=KEY)
        with pytest.raises(KeyboardInterrupt):
            export(told, request, stop)
        assert list(place.iterdir()) == []


def test_what_a_killed_export_left_is_no_export_and_goes_with_the_next(
    told: Engine, tmp_path: Path
) -> None:
    left = tmp_path / ".export.partial"
    (left / "changes").mkdir(parents=True)
    (left / "gizmos.csv").write_text("half")
    made(told, tmp_path / "export", format="csv")
    assert not left.exists()
    assert not verify_export(tmp_path / "export").findings


def test_an_export_is_never_written_over(told: Engine, tmp_path: Path) -> None:
    made(told, tmp_path / "export", format="csv")
    before = contents(tmp_path / "export")
    with pytest.raises(UsageError, match="is there already"):
        made(told, tmp_path / "export", format="csv")
    assert contents(tmp_path / "export") == before


@pytest.mark.parametrize("form", ["parquet", "ndjson"])
def test_what_is_written_meanwhile_is_not_in_it(
    told: Engine, catalog_url: str, tmp_path: Path, form: FormatName
) -> None:
    before = made(told, tmp_path / "before", format=form, profile="full")
    writer = open_engine(catalog_url)
    written: list[str] = []

    def meanwhile(standing: ExportProgress) -> None:
        # Each table is read after another GPT was written.
        if standing.words not in written:
            number = len(written)
            written.append(standing.words)
            tell(writer, said(day(27), document(f"g-late{number:04d}x", name="late")))

    try:
        request = ExportRequest(folder=tmp_path / "during", format=form, profile="full", key=KEY)
        during = export(told, request, meanwhile)
    finally:
        writer.dispose()
    assert len(written) > 5
    assert during.digest == before.digest
    assert contents(tmp_path / "during") == contents(tmp_path / "before")


def test_tables_are_parted_by_month_where_they_are_many(
    engine: Engine, other: Engine, tmp_path: Path
) -> None:
    tell(engine, *simulated(12, 12))
    release = made(
        engine, tmp_path / "export", format="parquet", profile="full", partition_rows=20
    ).release
    files = [file for file in release.files if file.table == "observations"]
    assert len(files) > 2
    assert all(file.path == f"observations/{file.partition}.parquet" for file in files)
    assert sum(file.rows for file in files) == release.rows()["observations"]
    bring(other, tmp_path / "export")
    assert digest(other) == digest(engine)


def test_numbers_are_exported_with_their_units() -> None:
    units = {
        f"{name}.{column.name}": column.unit
        for name, table in TABLES.items()
        for column in table.columns
        if column.unit is not None
    }
    assert units["vanity_metrics.review_total"] == "stars"
    assert units["files.size"] == "bytes"
    assert units["probes.prompt_tokens"] == "tokens"
    assert set(units.values()) == {"stars", "bytes", "tokens", "seconds"}


def test_a_narrowed_table_is_parted_by_the_rows_that_are_left(
    engine: Engine, tmp_path: Path
) -> None:
    observations = simulated(12, 12)
    tell(engine, *observations)
    first = min(each.observed_at for each in observations)
    folders = {"first": first + 6 * DAY, "most": first + 60 * DAY}
    files = {
        name: [
            file.partition
            for file in made(
                engine, tmp_path / name, format="ndjson", profile="full", at=at, partition_rows=20
            ).release.files
            if file.table == "observations"
        ]
        for name, at in folders.items()
    }
    assert files["first"] == [None]
    assert len(files["most"]) > 1


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = (folder / f"{name}.ndjson").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_as_of_a_moment_is_what_was_exported_then(engine: Engine, tmp_path: Path) -> None:
    observations = sorted(simulated(12, 8), key=lambda each: each.observed_at)
    half = observations[len(observations) // 2].observed_at
    tell(engine, *(each for each in observations if each.observed_at <= half))
    then = made(engine, tmp_path / "then", format="ndjson", profile="full").release
    tell(engine, *(each for each in observations if each.observed_at > half))
    made(engine, tmp_path / "now", format="ndjson", profile="full", at=half)
    for name in ("gizmo_revisions", "gizmo_authors", "categories", "vanity_metrics", "statuses"):
        assert rows_of(tmp_path / "now", name) == rows_of(tmp_path / "then", name), name
    unknown = {"last_seen_at", "last_asked_at", "stale_copies", "updated_at", "said_at", "source"}
    kept = [
        {
            name: value
            for name, value in row.items()
            if name not in unknown and (value is None or now[name] is not None)
        }
        for row, now in zip(
            rows_of(tmp_path / "then", "gizmos"), rows_of(tmp_path / "now", "gizmos"), strict=True
        )
    ]
    assert [
        {name: now[name] for name in row}
        for row, now in zip(kept, rows_of(tmp_path / "now", "gizmos"), strict=True)
    ] == kept
    changed_at = [
        [row["last_changed_at"] for row in rows_of(tmp_path / each, "gizmos")]
        for each in ("then", "now")
    ]
    assert changed_at[0] == changed_at[1]
    assert len({*changed_at[0]} - {None}) > 1
    authors = rows_of(tmp_path / "then", "authors")
    assert rows_of(tmp_path / "now", "authors") == authors
    assert then.rows()["authors"] == len(authors) > 1


def applied(base: Path, delta: Path, name: str, key: tuple[str, ...]) -> list[dict[str, Any]]:
    """A table of an export with a delta put on it, as docs/datasets.md says."""
    replaced = {row["gizmo_id"] for row in rows_of(delta, "replaced_gpts")}
    found = {
        tuple(row[each] for each in key): row
        for row in rows_of(base, name)
        if row["gizmo_id"] not in replaced
    }
    found |= {tuple(row[each] for each in key): row for row in rows_of(delta, name)}
    return [found[each] for each in sorted(found)]


@pytest.mark.parametrize("late", [False, True])
def test_a_delta_put_on_its_base_is_the_whole(
    engine: Engine, tmp_path: Path, *, late: bool
) -> None:
    observations = sorted(simulated(12, 8), key=lambda each: each.observed_at)
    half = observations[len(observations) // 2].observed_at
    first = [each for each in observations if each.observed_at < half]
    rest = [each for each in observations if each.observed_at >= half]
    if late:
        # Some of the first half are told after it.
        rest, first = rest + first[::5], [each for n, each in enumerate(first) if n % 5]
    tell(engine, *first)
    made(engine, tmp_path / "base", format="ndjson", profile="full")
    since = half
    tell(engine, *(msgspec.structs.replace(each, recorded_at=since + DAY) for each in rest))
    made(engine, tmp_path / "delta", format="ndjson", profile="full", since=since)
    whole = made(engine, tmp_path / "whole", format="ndjson", profile="full").release
    assert bool(rows_of(tmp_path / "delta", "replaced_gpts")) == late
    for table in whole.tables:
        if "gizmo_id" not in table.key:
            assert rows_of(tmp_path / "delta", table.name) == rows_of(
                tmp_path / "whole", table.name
            ), table.name
            continue
        volatile = {"tool_id", "action_id", "element_count", "file_ref", "position", "social_id"}
        volatile |= {"file_id", "location", "file_size_tokens", "file_response_type"}
        mine = applied(tmp_path / "base", tmp_path / "delta", table.name, table.key)
        theirs = rows_of(tmp_path / "whole", table.name)
        for row in (*mine, *theirs):
            for name in volatile:
                row.pop(name, None)
        assert mine == theirs, table.name


def test_base_and_delta_imported_are_equal_to_the_whole(
    engine: Engine, other: Engine, tmp_path: Path
) -> None:
    observations = simulated(10, 6)
    half = sorted(each.observed_at for each in observations)[len(observations) // 2]
    tell(engine, *(each for each in observations if each.observed_at < half))
    made(engine, tmp_path / "base", format="ndjson", profile="full")
    later = [each for each in observations if each.observed_at >= half]
    tell(engine, *(msgspec.structs.replace(each, recorded_at=half + DAY) for each in later))
    made(engine, tmp_path / "delta", format="ndjson", profile="full", since=half)
    exports, others = split_paths([tmp_path])
    assert [each.name for each in exports] == ["base", "delta"]
    assert not [each for each in others if each.suffix == ".ndjson"]
    for each in exports:
        bring(other, each)
    assert digest(other) == digest(engine)


def test_a_filter_narrows_every_table_to_its_gpts(engine: Engine, tmp_path: Path) -> None:
    one, two = (
        document("g-00000001a", name="writes letters"),
        document("g-00000002b", name="paints"),
    )
    tell(engine, said(day(1), one), said(day(1), two), said(day(2), changed(one, name="letters")))
    made(engine, tmp_path / "e", format="ndjson", profile="full", wanted=Filter(text="letters"))
    release = read_manifest(tmp_path / "e").release
    assert release.filter == "q=letters"
    assert release.coverage.gpts == 1
    for table in release.tables:
        if table.key[0] == "gizmo_id":
            ids = {row["gizmo_id"] for row in rows_of(tmp_path / "e", table.name)}
            assert ids <= {"g-00000001a"}, table.name
    assert len(rows_of(tmp_path / "e", "authors")) == 1
    made(engine, tmp_path / "f", format="parquet", profile="full", wanted=Filter(text="letters"))
    assert read_manifest(tmp_path / "f").release.counts == release.counts
