from __future__ import annotations

from typing import Any

import msgspec
import pytest

from catalog.errors import ExpectationFailed, SettingsError
from catalog.export.expectations import check, demand, gone_since, refuse_unknown
from catalog.export.release import Coverage, Manifest, Release
from catalog.settings import ExpectSettings
from tests.unit.export import made

NOTHING = ExpectSettings(least_rows={}, most_gone=None)


def expecting(**more: Any) -> ExpectSettings:
    return msgspec.structs.replace(NOTHING, **more)


def keys(
    expectations: ExpectSettings, release: Release | None = None, before: Release | None = None
) -> list[str]:
    previous = None if before is None else Manifest(form=1, generator="x", release=before)
    found = check(release or made.release(), previous, expectations)
    assert all(each.reason for each in found)
    return [each.key for each in found]


@pytest.mark.parametrize(
    ("expectations", "key"),
    [
        (expecting(least_rows={"gizmos": 3}), "least_rows.gizmos"),
        (expecting(most_rows={"changes": 1}), "most_rows.changes"),
        (expecting(most_null={"gizmos.name": 0.49}), "most_null.gizmos.name"),
        (expecting(least_fresh={"7": 0.67}), "least_fresh.7"),
    ],
)
def test_an_expectation_that_is_not_met_is_named(expectations: ExpectSettings, key: str) -> None:
    assert keys(expectations) == [key]


@pytest.mark.parametrize(
    "expectations",
    [
        NOTHING,
        ExpectSettings(),
        expecting(least_rows={"gizmos": 2, "changes": 2}, most_rows={"gizmos": 2}),
        expecting(most_null={"gizmos.name": 0.5}),
        expecting(least_fresh={"7": 0.66}),
        expecting(most_gone=0.0),
    ],
)
def test_a_release_that_holds_what_is_expected_passes(expectations: ExpectSettings) -> None:
    assert keys(expectations) == []


def test_rows_of_all_files_of_a_table_count() -> None:
    assert keys(expecting(least_rows={"changes": 2})) == []


def test_an_empty_table_is_too_few_and_an_absent_one_is_not_looked_at() -> None:
    empty = made.release(files=[made.file("gizmos.parquet", "gizmos", 0)])
    assert keys(ExpectSettings(), empty) == ["least_rows.gizmos"]
    without = made.release(tables=(made.CHANGES,), files=made.FILES["parquet"][1:])
    assert keys(ExpectSettings(), without) == []


@pytest.mark.parametrize("narrowed", [{"filter": "tool=dalle"}, {"since": made.AT}])
def test_a_narrowed_export_is_not_held_to_numbers_of_rows(narrowed: dict[str, Any]) -> None:
    expectations = expecting(least_rows={"gizmos": 99}, most_null={"gizmos.name": 0.1})
    assert keys(expectations, made.release(**narrowed)) == ["most_null.gizmos.name"]


def covering(**numbers: Any) -> Release:
    return made.release(coverage=Coverage(**numbers))


def test_gpts_that_are_gone_since_the_last_export_are_counted() -> None:
    before = covering(gpts=100, listed=90, missing=10)
    now = covering(gpts=120, listed=90, missing=10, gone=20)
    assert keys(expecting(most_gone=0.19), now, before) == ["most_gone"]
    assert keys(expecting(most_gone=0.20), now, before) == []
    assert keys(expecting(most_gone=0.0), now) == []


def test_gpts_that_are_not_there_any_more_count_as_gone() -> None:
    """A catalog that was swapped for a smaller one is no harvest in which many went."""
    before = covering(gpts=100, listed=100)
    assert keys(ExpectSettings(), covering(gpts=10, listed=10), before) == ["most_gone"]


def test_gone_are_compared_with_whole_exports_alone() -> None:
    before = msgspec.structs.replace(covering(gpts=100, listed=100), filter="tool=dalle")
    assert keys(ExpectSettings(), covering(gpts=10, listed=10), before) == []


def test_nothing_is_gone_of_nothing() -> None:
    assert gone_since(Coverage(gpts=3, gone=3), Coverage()) == 0.0
    assert gone_since(Coverage(gpts=1, gone=0), Coverage(gpts=1, gone=1)) == 0.0


def test_a_column_that_is_not_exported_has_no_nulls() -> None:
    assert keys(expecting(most_null={"gizmos.nothing": 0.0})) == []


def test_the_error_gives_every_reason_and_where_it_is_expected() -> None:
    expectations = expecting(least_rows={"gizmos": 3000}, least_fresh={"30": 0.9})
    with pytest.raises(ExpectationFailed) as error:
        demand(check(made.release(), None, expectations))
    text = str(error.value)
    assert "least_rows.gizmos: 2 rows, where 3,000 are expected at least" in text
    assert "least_fresh.30: 66.67% of the listed GPTs were seen within 30 days" in text
    assert "[export.expect]" in text
    assert len(error.value.reasons) == 2
    demand(())


@pytest.mark.parametrize(
    ("expectations", "word"),
    [
        (expecting(least_rows={"gizmoz": 1}), "least_rows.gizmoz"),
        (expecting(most_rows={"gizmoz": 1}), "most_rows.gizmoz"),
        (expecting(most_null={"gizmos.nam": 0.1}), "gizmos.nam"),
        (expecting(most_null={"gizmoz.name": 0.1}), "gizmoz.name"),
    ],
)
def test_expectations_on_what_no_export_has_are_refused(
    expectations: ExpectSettings, word: str
) -> None:
    known = {"gizmos": ["gizmo_id", "name"]}
    with pytest.raises(SettingsError, match=word):
        refuse_unknown(expectations, known)
    refuse_unknown(expecting(least_rows={"gizmos": 1}, most_null={"gizmos.name": 0.5}), known)
