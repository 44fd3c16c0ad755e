"""Recorded observations are what a harvest would have brought."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

from catalog.simulator import START, Population, observations, write_ids, write_observations
from catalog.times import DAY, from_iso


def test_rounds_come_in_order_and_ask_each_gpt_once() -> None:
    lines = list(observations(Population(24, 50), 3))
    times = [line["observed_at"] for line in lines]
    assert times == sorted(times)
    seen = Counter((line["observed_at"][:10], line["gpt"]["gizmo"]["id"]) for line in lines)
    assert set(seen.values()) == {1}
    assert {day for day, _ in seen} == {"2026-01-01", "2026-01-02", "2026-01-03"}


def test_newborn_gpts_are_recorded_after_their_birth() -> None:
    population = Population(24, 50)
    known = set(population.ids())
    lines = list(observations(population, 10))
    new = [line for line in lines if line["gpt"]["gizmo"]["id"] not in known]
    assert new
    for line in new:
        assert from_iso(line["gpt"]["gizmo"]["created_at"]) <= from_iso(line["observed_at"])


def test_a_line_holds_the_document_of_its_moment() -> None:
    population = Population(24, 20)
    for line in itertools.islice(observations(population, 2), 30):
        gizmo_id = line["gpt"]["gizmo"]["id"]
        assert line["gpt"] == population.document(gizmo_id, from_iso(line["observed_at"]))


def test_a_limit_takes_the_first_gpts_alone() -> None:
    population = Population(24, 400)
    first = set(itertools.islice(population.ids(), 10))
    asked = {line["gpt"]["gizmo"]["id"] for line in observations(population, 10, limit=10)}
    assert asked <= first
    there = {gizmo_id for gizmo_id in first if population.exists(gizmo_id, START + DAY)}
    assert there <= asked


def test_files_hold_lines_and_ids(tmp_path: Path) -> None:
    population = Population(24, 30)
    count = write_observations(population, tmp_path / "days.jsonl", 2)
    lines = (tmp_path / "days.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == count
    assert [json.loads(line) for line in lines] == list(observations(population, 2))
    assert write_ids(population, tmp_path / "ids.txt", 7) == 7
    assert write_ids(population, tmp_path / "all.txt") == 30
    assert (tmp_path / "ids.txt").read_text().split() == list(population.ids())[:7]
