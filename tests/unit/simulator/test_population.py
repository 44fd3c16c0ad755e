"""A population is a pure function of its seed."""

from __future__ import annotations

import json
import re

import pytest

from catalog.errors import UsageError
from catalog.simulator import START, Population
from catalog.times import DAY, SECOND, from_iso

CLASSIC = re.compile(r"g-[A-Za-z0-9]{9}")
HEX = re.compile(r"g-([0-9a-f]{8})[0-9a-f]{4}8191[0-9a-f]{16}")


def _bytes(population: Population, gizmo_id: str, at: int) -> bytes:
    return json.dumps(population.document(gizmo_id, at)).encode()


def test_documents_are_equal_in_a_fresh_population_whatever_was_asked_before() -> None:
    asked, fresh = Population(11, 60), Population(11, 60)
    ids = list(asked.ids())
    for gizmo_id in ids:
        asked.document(gizmo_id, START + 90 * DAY)
    for gizmo_id in reversed(ids):
        at = START + 5 * DAY + 17
        assert _bytes(asked, gizmo_id, at) == _bytes(fresh, gizmo_id, at)


def test_a_document_handed_out_can_be_changed_without_harm() -> None:
    population = Population(11, 5)
    gizmo_id = next(population.ids())
    before = _bytes(population, gizmo_id, START)
    document = population.document(gizmo_id, START)
    assert document is not None
    document["tools"].clear()
    document["gizmo"]["display"].clear()
    assert _bytes(population, gizmo_id, START) == before


def test_another_seed_makes_another_population() -> None:
    assert not set(Population(1, 200).ids()) & set(Population(2, 200).ids())


def test_a_million_gpts_answer_without_being_made_first() -> None:
    population = Population(4, 1_000_000)
    some = [gizmo_id for gizmo_id, _ in zip(population.ids(), range(50), strict=False)]
    assert sum(population.document(gizmo_id, START) is not None for gizmo_id in some) >= 40


def test_ids_have_both_forms_and_are_distinct() -> None:
    ids = list(Population(5, 3000).ids())
    assert len(set(ids)) == 3000
    by_form = [HEX.fullmatch(gizmo_id) for gizmo_id in ids]
    assert all(
        form or CLASSIC.fullmatch(gizmo_id) for form, gizmo_id in zip(by_form, ids, strict=True)
    )
    assert 300 < sum(form is not None for form in by_form) < 1500


def test_a_hex_id_begins_with_the_second_of_its_creation() -> None:
    population = Population(5, 500)
    checked = 0
    for gizmo_id in population.ids():
        form = HEX.fullmatch(gizmo_id)
        document = population.document(gizmo_id, START) if form else None
        if form and document is not None:
            created = document["gizmo"]["created_at"]
            assert int(form[1], 16) == from_iso(created) // SECOND
            checked += 1
    assert checked > 50


@pytest.mark.parametrize(
    "gizmo_id",
    ["", "g-", "g-2fkFE8rbu", "2fkFE8rbu", "g-" + "0" * 32, "g-" + "z" * 32, "g-!!!!!!!!!"],
)
def test_ids_of_others_are_unknown(gizmo_id: str) -> None:
    population = Population(5, 1000)
    assert not population.exists(gizmo_id, START)
    assert population.document(gizmo_id, START) is None


def test_ids_are_born_every_day_and_unknown_before() -> None:
    population = Population(6, 2000)
    born = list(population.born(START, START + 30 * DAY))
    moments = [moment for _, moment in born]
    assert moments == sorted(moments)
    assert {(moment - START) // DAY for moment in moments} == set(range(30))
    first, moment = born[0]
    assert not population.exists(first, moment - 1)
    assert population.exists(first, moment)
    assert first not in set(population.ids())


def test_births_of_neighbouring_spans_add_up() -> None:
    population = Population(6, 700)
    whole = list(population.born(START, START + 20 * DAY))
    parts = [
        each
        for day in range(20)
        for each in population.born(START + day * DAY, START + (day + 1) * DAY)
    ]
    assert parts == whole
    assert list(population.born(START - DAY, START)) == []


def test_a_faster_pace_brings_more_births_and_edits() -> None:
    until = START + 10 * DAY

    def renamed(population: Population) -> int:
        changed = 0
        for gizmo_id in population.ids():
            before, after = (population.document(gizmo_id, at) for at in (START, until))
            if before and after:
                names = [each["gizmo"]["display"]["name"] for each in (before, after)]
                changed += names[0] != names[1]
        return changed

    slow, fast = Population(7, 300), Population(7, 300, pace=20)
    assert len(list(fast.born(START, until))) > 5 * len(list(slow.born(START, until)))
    assert renamed(fast) > 5 * renamed(slow)


@pytest.mark.parametrize(
    ("size", "pace", "start"), [(0, 1.0, START), (5, 0.0, START), (5, 1.0, 1_600_000_000_000_000)]
)
def test_a_population_that_cannot_be_is_refused(size: int, pace: float, start: int) -> None:
    with pytest.raises(UsageError):
        Population(1, size, start, pace)
