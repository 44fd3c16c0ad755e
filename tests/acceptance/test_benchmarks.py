"""The harness of ``make bench`` works; what it measures decides nothing here."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from catalog.derive import Derivation
from catalog.importing import Imported, Importer
from catalog.secrets import Redactor
from catalog.storage.engine import open_engine
from catalog.times import DAY, FixedClock
from tests.benchmarks import floor_diff, goals, page
from tests.benchmarks.__main__ import PARTS, Bench, main
from tests.benchmarks.dose import Dose, read_dose
from tests.benchmarks.growing import STEPS
from tests.benchmarks.imports import SCENARIOS, make_catalog, run
from tests.benchmarks.measure import interleaved, over
from tests.benchmarks.places import PostgresPlaces, SqlitePlaces
from tests.benchmarks.report import Results, to_json, to_markdown
from tests.benchmarks.rounds import KINDS, Rounds
from tests.benchmarks.weights import KINDS as WEIGHED
from tests.benchmarks.weights import Weights
from tests.databases import Postgres

TINY = Dose(documents=20, requests=20, runs=1, rounds=1, gpts=200, grown=20)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("bench")
    return Bench(TINY, folder, engines=[SqlitePlaces(folder)]).measure(PARTS)


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
    assert len(tables) == 8
    assert msgspec.json.decode(to_json(results), type=Results) == results
    assert "GPTS_BENCH_PEERS" in text


def test_benchmarks_start_the_command_and_take_every_step(results: Results) -> None:
    assert results.starts[0].words == "python -c pass"
    assert {each.name for each in results.grown} == {*STEPS}
    assert all(each.peak > 0 and each.cpu_ms > 0 for each in results.grown)
    assert {*results.exported} == {"export", "adbc"}


def test_goals_say_what_was_measured_what_falls_short_and_what_was_not(results: Results) -> None:
    rows = goals.to_markdown(results).splitlines()[2:]
    said = dict(zip(goals.GOALS, rows, strict=True))
    for goal, row in said.items():
        measured = goal.measure(results)
        if not goal.is_there:
            assert "| not built |" in row
            assert goal.cause in row
        elif measured is None:
            assert "not measured" in row
        else:
            assert ("| reached |" in row) == goal.is_reached(measured)
    left_out = {goal.against for goal, row in said.items() if "not measured" in row}
    assert {"dlt, merge", "Scrapy", "psycopg COPY of the same rows"} <= left_out


@pytest.mark.parametrize(("at", "limit", "reached"), [("least", 2, False), ("most", 2, True)])
def test_goal_is_reached_from_its_side(at: Any, limit: float, *, reached: bool) -> None:
    goal = goals.Goal(path="", against="", at=at, limit=limit, measure=lambda _: None)
    assert goal.is_reached(1.5) == reached
    assert goal.is_reached(2.0)


def test_page_keeps_what_was_not_measured_again(results: Results) -> None:
    now = Results(machine=results.machine, asking=results.asking)
    both = page.joined(results, now)
    assert both.imports == results.imports
    assert both.taken == results.taken
    assert page.joined(None, now) == now


def test_page_is_what_its_numbers_make() -> None:
    """docs/performance.md is made of docs/performance.json, which another run added to."""
    numbers, text = page.kept(), page.PAGE.read_text(encoding="utf-8")
    assert numbers is not None
    assert goals.to_markdown(numbers) in text
    assert to_markdown(numbers, whole=True).strip() in text


def test_floor_with_a_diff_finds_changes_and_no_noise(tmp_path: Path) -> None:
    rounds = Rounds(3, 20)
    url = f"sqlite:///{tmp_path / 'floor.db'}"
    floor_diff.prepare_diff(url)
    found = []
    for number, kind in enumerate(["first", "identical", "noise", "content"]):
        said = rounds.first if kind == "first" else rounds.further(kind, number)
        assert floor_diff.run_diff(url, said.write_lines(tmp_path / "lines")) == len(
            rounds.first.documents
        )
        with closing(sqlite3.connect(tmp_path / "floor.db")) as connection:
            found += connection.execute("SELECT count(DISTINCT gizmo_id) FROM changes").fetchone()
    assert found == [0, 0, 0, len(rounds.first.documents)]


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
