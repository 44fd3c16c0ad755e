"""The descriptions of an export, judged by the validators of their own makers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from catalog.export.describing import CROISSANT, DATA_PACKAGE, describe
from catalog.export.exporting import ExportRequest, export
from catalog.export.manifest import read_manifest
from catalog.settings import ExportSettings
from catalog.storage.engine import open_engine
from catalog.storage.migrate import init
from tests.contract.reading import simulated
from tests.contract.telling import tell
from tests.databases import NOW
from tests.libraries import library
from tests.unit.export import made

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from catalog.export.release import FormatName, ProfileName

FORMATS: tuple[FormatName, ...] = ("parquet", "csv", "ndjson")

pytestmark = pytest.mark.filterwarnings("ignore")


def described(folder: Path, form: str) -> Path:
    release = made.write(folder, cast("FormatName", form))
    describe(release, folder, trends=made.TRENDS)
    return folder


@pytest.mark.parametrize("form", FORMATS)
def test_frictionless_takes_the_data_package(tmp_path: Path, form: str) -> None:
    frictionless = library("frictionless")
    described(tmp_path, form)
    package = frictionless.Package(str(tmp_path / DATA_PACKAGE))
    assert list(package.metadata_validate(package.to_descriptor())) == []
    assert [each.name for each in package.resources] == ["gizmos", "changes"]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_frictionless_takes_the_rows_as_the_package_declares_them(
    tmp_path: Path, form: str
) -> None:
    frictionless = library("frictionless")
    described(tmp_path, form)
    report = frictionless.validate(str(tmp_path / DATA_PACKAGE))
    assert report.flatten(["type", "rowNumber", "fieldName", "note"]) == []
    assert report.valid


def test_frictionless_refuses_rows_that_are_not_as_declared(tmp_path: Path) -> None:
    frictionless = library("frictionless")
    described(tmp_path, "csv")
    path = tmp_path / "gizmos.csv"
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0,5"))
    assert not frictionless.validate(str(tmp_path / DATA_PACKAGE)).valid


@pytest.mark.parametrize("form", [*FORMATS, "sqlite"])
def test_mlcroissant_takes_the_croissant_file_without_a_remark(tmp_path: Path, form: str) -> None:
    mlcroissant = library("mlcroissant")
    if form == "sqlite":
        describe(made.release("sqlite"), tmp_path)
    else:
        described(tmp_path, form)
    issues = mlcroissant.Dataset(jsonld=str(tmp_path / CROISSANT)).metadata.ctx.issues
    assert (set(issues.errors), set(issues.warnings)) == (set(), set())


@pytest.mark.parametrize("form", FORMATS)
def test_mlcroissant_reads_the_rows_of_every_table(tmp_path: Path, form: str) -> None:
    mlcroissant = library("mlcroissant")
    described(tmp_path, form)
    dataset = mlcroissant.Dataset(jsonld=str(tmp_path / CROISSANT))
    for table in (made.GIZMOS, made.CHANGES):
        rows: list[dict[str, Any]] = list(dataset.records(table.name))
        assert [set(row) for row in rows] == [
            {f"{table.name}/{column.name}" for column in table.columns}
        ] * 2
        ids = [row[f"{table.name}/gizmo_id"] for row in rows]
        assert ids == [b"g-1", b"g-2"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A catalog with tables of many months, and some without a row."""
    url = f"sqlite:///{tmp_path_factory.mktemp('told') / 'catalog.db'}"
    init(url, NOW)
    engine = open_engine(url)
    tell(engine, *simulated(12, 12))
    yield engine
    engine.dispose()


@pytest.mark.parametrize("form", [*FORMATS, "sqlite"])
@pytest.mark.parametrize("profile", ["public", "full"])
def test_both_take_whole_exports_with_parted_and_empty_tables(
    told: Engine, tmp_path: Path, form: FormatName, profile: ProfileName
) -> None:
    frictionless, mlcroissant = library("frictionless"), library("mlcroissant")
    folder = tmp_path / "export"
    export(
        told,
        ExportRequest(
            folder=folder,
            format=form,
            profile=profile,
            key=b"k" * 32,
            about=ExportSettings(licence="CC-BY-4.0"),
            partition_rows=20,
        ),
    )
    release = read_manifest(folder).release
    package = frictionless.Package(str(folder / DATA_PACKAGE))
    assert list(package.metadata_validate(package.to_descriptor())) == []
    if form in {"csv", "ndjson"}:
        report = frictionless.validate(str(folder / DATA_PACKAGE))
        assert report.flatten(["type", "rowNumber", "fieldName", "note"]) == []
    dataset = mlcroissant.Dataset(jsonld=str(folder / CROISSANT))
    issues = dataset.metadata.ctx.issues
    assert (set(issues.errors), set(issues.warnings)) == (set(), set())
    if form == "sqlite":
        return
    assert any(file.partition for file in release.files)
    empty = {name for name, rows in release.rows().items() if not rows}
    assert empty
    for name, rows in release.rows().items():
        assert len(list(dataset.records(name))) == rows, name
