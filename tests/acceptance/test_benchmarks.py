"""The harness of ``make bench`` works; what it measures decides nothing here."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest

from catalog.derive import Derivation
from catalog.importing import Imported, Importer
from catalog.secrets import Redactor
from catalog.storage.engine import open_engine
from catalog.times import DAY, FixedClock
from tests.benchmarks.__main__ import main, measure
from tests.benchmarks.dose import Dose, read_dose
from tests.benchmarks.imports import SCENARIOS, make_catalog, run
from tests.benchmarks.measure import interleaved, over
from tests.benchmarks.places import PostgresPlaces, SqlitePlaces
from tests.benchmarks.report import Results, to_json, to_markdown
from tests.benchmarks.rounds import KINDS, Rounds
from tests.benchmarks.weights import KINDS as WEIGHED
from tests.benchmarks.weights import Weights
from tests.databases import Postgres

TINY = Dose(documents=20, requests=20, runs=1, rounds=1)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return measure(TINY, tmp_path_factory.mktemp("bench"), postgres=False)


def test_benchmarks_measure_every_import_beside_its_floor(results: Results) -> None:
    assert [each.scenario for each in results.imports] == list(SCENARIOS)
    for each in results.imports:
        assert each.ratio > 0
        told = {name: one.median for name, one in each.catalog.items()}
        parts = sum(told[f"{name}_ms"] for name in ("decode", "decide", "write", "settle"))
        assert parts == pytest.approx(told["total_ms"])
        assert min(told.values()) >= 0


def test_benchmarks_import_and_weigh_on_postgres_too(postgres: Postgres, tmp_path: Path) -> None:
    places = PostgresPlaces(postgres.url)
    rounds = Rounds(TINY.seed, TINY.documents)
    (measured,) = run(places, rounds, TINY, tmp_path, ["mixed"])
    url = make_catalog(places)
    assert places.size(url) > 0
    places.drop(url)
    assert measured.engine.startswith("PostgreSQL")
    assert measured.ratio > 0


def test_benchmarks_measure_a_harvest_beside_fetching_and_downloading(results: Results) -> None:
    assert results.harvest is not None
    assert results.harvest.requests == TINY.requests
    for each in (results.harvest.harvest, results.harvest.fetch, results.harvest.floor):
        assert each["requests_per_second"].median > 0


def test_benchmarks_weigh_every_holder_of_the_documents(results: Results) -> None:
    assert results.storage is not None
    weighed: dict[str, Weights] = results.storage.holders
    assert {name.split()[0].strip(",") for name in weighed} >= {"catalog", "floor"}
    for weights in weighed.values():
        assert set(weights) == {"first", *WEIGHED}
        assert weights["first"] > 0


def test_benchmarks_print_tables_and_keep_every_number(results: Results) -> None:
    text = to_markdown(results)
    tables = [line for line in text.splitlines() if line.startswith("| ---")]
    assert len(tables) == 5
    assert msgspec.json.decode(to_json(results), type=Results) == results
    assert "GPTS_BENCH_PEERS=1" in text


@pytest.mark.parametrize(
    ("kind", "changed"), [("identical", 0), ("noise", 0), ("metrics", 0), ("content", 20)]
)
def test_rounds_change_what_their_kind_says(tmp_path: Path, kind: str, changed: int) -> None:
    rounds = Rounds(3, 20)
    there = len(rounds.first.documents)
    places = SqlitePlaces(tmp_path)
    url = make_catalog(places)
    assert _import(url, rounds, tmp_path, "first").new == there
    done = _import(url, rounds, tmp_path, kind)
    assert done.changed == min(changed, there)
    assert done.unchanged == there - done.changed


def test_rounds_of_a_seed_are_the_same_at_every_run() -> None:
    for kind in KINDS:
        assert Rounds(3, 20).further(kind) == Rounds(3, 20).further(kind)


def test_interleaved_takes_contenders_in_turn() -> None:
    order: list[str] = []

    def take(name: str) -> dict[str, float]:
        order.append(name)
        return {"n": float(len(order))}

    samples = interleaved({"a": lambda: take("a"), "b": lambda: take("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert over(samples["a"])["n"].median == 4.0


@pytest.mark.parametrize("text", ["fast", "0", "-1", "nan", "inf"])
def test_dose_refuses_a_scale_that_is_none(text: str) -> None:
    with pytest.raises(SystemExit, match="GPTS_BENCH_SCALE"):
        read_dose({"GPTS_BENCH_SCALE": text})


def test_dose_grows_with_the_scale() -> None:
    assert read_dose({"GPTS_BENCH_SCALE": "2"}).documents == 2 * read_dose({}).documents


def test_bench_refuses_a_part_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no part decoding"):
        main(["decoding"], {"GPTS_BENCH_OUT": str(tmp_path)})


def test_bench_keeps_its_numbers_where_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"GPTS_BENCH_OUT": str(tmp_path / "out"), "GPTS_BENCH_SCALE": "0.01"}
    main(["asking"], environ | {"GPTS_BENCH_RUNS": "1"})
    kept = json.loads((tmp_path / "out" / "benchmarks.json").read_bytes())
    assert set(kept["asking"]) == {"fetcher", "floor", "httpx"}
    assert "### Asking" in capsys.readouterr().out


def _import(url: str, rounds: Rounds, folder: Path, kind: str) -> Imported:
    said = rounds.first if kind == "first" else rounds.further(kind)
    engine = open_engine(url)
    importer = Importer(
        engine,
        "archive",
        "recorded",
        deriver=Derivation(),
        redactor=Redactor([]),
        clock=FixedClock(said.at + DAY),
        rng=random.Random(1),
    )
    try:
        return importer.run([said.write_lines(folder / f"{kind}.jsonl")])
    finally:
        engine.dispose()
