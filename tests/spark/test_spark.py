"""A whole archive derived on Spark: the tables of ``rebuild``, row for row.

``make spark`` runs these, in an environment that has Spark; they need Java 17 or later.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from catalog.derive import Derivation
from catalog.export.exporting import ExportRequest, export
from catalog.spark import DERIVED, STAGED, TOTALS, Derived
from catalog.storage.engine import open_engine
from catalog.storage.migrate import init
from catalog.storage.rebuild import rebuild_all
from catalog.times import DAY, HOUR, Stopwatch
from tests.contract.reading import simulated
from tests.contract.telling import DERIVER, NEVER, changed, day, document, said, tell
from tests.contract.test_stage2_history import SOURCE, documents
from tests.databases import NOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.records import Observation
    from catalog.times import Micros

ROOT = Path(__file__).resolve().parents[2]
LEAST_JAVA = 17
LOCAL = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "PYTHONPATH": str(ROOT),
    "PYSPARK_SUBMIT_ARGS": "--conf spark.ui.enabled=false pyspark-shell",
    # Minutes of work: compiling it better takes longer than it saves.
    "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
}
GPTS = 130
"""More than the hundred documents whose paths are no news, and than a mass event needs."""


def javas() -> Iterable[Path]:
    """Where Java may be."""
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    found = shutil.which("java")
    if found:
        yield Path(found).resolve().parents[1]
    yield from sorted(Path("/usr/lib/jvm").glob("*"))
    yield from sorted(Path("/Library/Java/JavaVirtualMachines").glob("*/Contents/Home"))


@pytest.fixture(scope="session")
def java() -> Path:
    """The first Java that is new enough."""
    pytest.importorskip("pyspark", reason="Spark is not installed here: run make spark")
    for home in javas():
        if not (home / "bin" / "java").is_file():
            continue
        told = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False
        ).stderr
        version = re.search(r'version "(\d+)', told)
        if version and int(version[1]) >= LEAST_JAVA:
            return home
    pytest.skip(f"Spark was not run: no Java {LEAST_JAVA} or later, on PATH or in JAVA_HOME")


def run(java: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Derive an archive in a process of its own, as people do."""
    return subprocess.run(
        [sys.executable, "-m", "catalog.spark", *map(str, words)],
        env={**os.environ, **LOCAL, "JAVA_HOME": str(java)},
        capture_output=True,
        text=True,
        check=False,
    )


def archive(folder: Path, observations: Sequence[Observation], **request: Any) -> Path:
    """An export of what was told to a catalog, and rebuilt there."""
    url = f"sqlite:///{folder / 'catalog.db'}"
    init(url, NOW)
    engine = open_engine(url)
    tell(engine, *observations)
    rebuild_all(engine, Derivation())
    to = folder / "export"
    export(engine, ExportRequest(folder=to, **{"profile": "full", "format": "parquet"} | request))
    engine.dispose()
    return to


def crowd() -> list[Observation]:
    """One day's documents, and the next day's: every tag is another, and there is a new member."""
    found = []
    for number in range(GPTS):
        gizmo_id = f"g-Crowd{number:04d}"
        at = day(1) + number * HOUR // GPTS
        first = document(gizmo_id, name=f"GPT {number}")
        found.append(said(at, first))
        for later in (1, 2):
            then = changed(first, description=f"on day {later} again")
            then["gizmo"] |= {"tags": ["public", "first_party"], "novel": {"of": [later, number]}}
            found.append(said(at + later * DAY, then))
    return found


def counted(at: Micros, value: dict[str, Any]) -> Observation:
    """What a gateway says with its own counters beside it; no UTF-8, so packed in an export."""
    payload = json.dumps({"info": value, "stat": {"read": 3}}).encode("utf-16")
    return msgspec.structs.replace(
        said(at, value),
        payload=payload,
        digest=hashlib.sha256(payload).digest(),
        wrapping="info.gizmo",
        document=DERIVER.document(payload, "info.gizmo"),
    )


def contradictions() -> list[Observation]:
    """Null, empty and absent in turn, escapes, two sources at one moment, an action's schema."""
    gizmo_id = "g-Contrary1"
    whole = document(gizmo_id, name="\ufdd0 and \u0000 and \u202e")
    null = changed(whole, description=None, prompt_starters=None)
    empty = changed(whole, description="", prompt_starters=[])
    absent = changed(whole)
    del absent["gizmo"]["display"]["description"], absent["gizmo"]["tags"]
    schema = {"openapi": "3.1.0", "paths": {"/ü": {"get": {"z": 1, "a": 0.1}}}}
    acting = changed(whole)
    acting["tools"] = [
        {
            "id": "gzm_cnf_x~gzm_tool_y",
            "type": "plugins_prototype",
            "metadata": {
                "action_id": "g-1",
                "domain": "api.example",
                "raw_spec": json.dumps(schema),
                "json_schema": schema,
                "auth": {"type": "none"},
            },
        }
    ]
    nobody = changed(whole)
    nobody["gizmo"]["author"] = {"user_id": "", "display_name": None}
    told = [null, whole, empty, absent, acting, absent, nobody]
    found = [said(day(3 + place), each) for place, each in enumerate(told)]
    found += [said(day(4), changed(whole, name="Another"), source="two", gizmo_id=gizmo_id)]
    found += [said(day(7), empty, source="two"), said(day(20), None, gizmo_id=gizmo_id)]
    found.append(counted(day(10), whole))
    found += [said(day(21), None, gizmo_id=gizmo_id), said(day(22), None, gizmo_id=NEVER)]
    return found


@pytest.fixture(scope="module")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of a simulated population, and of what is rare in it."""
    observations = [*simulated(60, 3), *crowd(), *contradictions()]
    return archive(tmp_path_factory.mktemp("simulators"), observations)


def rows(path: Path) -> tuple[list[tuple[str, Any]], list[dict[str, Any]]]:
    """The columns and rows of a table: those of a folder's files in their order."""
    from pyarrow import parquet  # noqa: PLC0415

    files = [path] if path.is_file() else sorted(path.glob("*.parquet"))
    tables = [parquet.read_table(file, partitioning=None) for file in files]
    columns = {(field.name, field.type) for table in tables for field in table.schema}
    order = {name: place for place, name in enumerate(tables[0].schema.names)} if tables else {}
    told = sorted(columns, key=lambda column: order[column[0]])
    return told, [row for table in tables for row in table.to_pylist()]


def assert_equal(exported: Path, derived: Path) -> dict[str, int]:
    """Every table is what ``rebuild`` made of it, its columns, its rows and their order."""
    counts = {}
    for name in DERIVED:
        path = exported / f"{name}.parquet"
        wanted = rows(path if path.is_file() else exported / name)
        found = rows(derived / name)
        if wanted[1]:
            assert found[0] == wanted[0], name
        assert found[1] == wanted[1], name
        counts[name] = len(wanted[1])
    return counts


@pytest.mark.parametrize("cores", [1, 2])
def test_tables_of_the_simulators_archive_are_those_of_rebuild(
    simulators: Path, java: Path, tmp_path: Path, cores: int
) -> None:
    ran = run(java, simulators, tmp_path / "out", "--cores", cores)
    assert ran.returncode == 0, ran.stderr
    counts = assert_equal(simulators, tmp_path / "out")
    assert [name for name, count in counts.items() if not count] == []
    done = msgspec.json.decode(ran.stdout, type=Derived)
    assert done.tables == counts
    assert (tmp_path / "out" / TOTALS).read_text() == ran.stdout
    assert not (tmp_path / "out" / STAGED).exists()
    sys.stderr.write(f"\n{cores} cores: {done.seconds:.0f} s\n")


@pytest.mark.parametrize("cores", [1, 2])
def test_tables_of_the_history_are_those_of_rebuild(
    shared: Path, java: Path, tmp_path: Path, cores: int
) -> None:
    observations = [msgspec.structs.replace(each, source=SOURCE) for each in documents(shared)]
    watch = Stopwatch()
    exported = archive(tmp_path, observations)
    kept = watch.seconds
    ran = run(java, exported, tmp_path / "out", "--cores", cores)
    assert ran.returncode == 0, ran.stderr
    counts = assert_equal(exported, tmp_path / "out")
    assert counts["drift"]
    assert counts["mass_events"]
    seconds = msgspec.json.decode(ran.stdout, type=Derived).seconds
    sys.stderr.write(
        f"\n{len(observations):,} observations on {cores} cores: {seconds:.0f} s"
        f" (observed, rebuilt and exported by the catalog: {kept:.0f} s)\n"
    )


def test_a_payload_that_was_changed_ends_the_work(java: Path, tmp_path: Path) -> None:
    from pyarrow import parquet  # noqa: PLC0415

    exported = archive(tmp_path, crowd()[:2])
    file = exported / "observations.parquet"
    table = parquet.read_table(file)
    place = table.schema.get_field_index("payload")
    payloads = [each.replace("GPT", "Gpt") for each in table.column(place).to_pylist()]
    parquet.write_table(table.set_column(place, table.schema.field(place), [payloads]), file)
    ran = run(java, exported, tmp_path / "out", "--cores", 1)
    assert ran.returncode == 4
    assert "does not have its digest" in ran.stderr.splitlines()[-1]
    assert not (tmp_path / "out" / TOTALS).exists()


def test_a_folder_that_is_there_is_not_written_into(
    simulators: Path, java: Path, tmp_path: Path
) -> None:
    ran = run(java, simulators, tmp_path, "--cores", 1)
    assert ran.returncode == 2
    assert "is there already" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_export_without_payloads_is_refused(java: Path, tmp_path: Path) -> None:
    exported = archive(tmp_path, crowd()[:2], profile="research")
    ran = run(java, exported, tmp_path / "out", "--cores", 1)
    assert ran.returncode == 2
    assert "--profile full" in ran.stderr
    assert not (tmp_path / "out").exists()
