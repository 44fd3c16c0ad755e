from __future__ import annotations

import msgspec
import pytest

from catalog.decide import NotFoundContext, judge_not_found
from catalog.times import DAY, HOUR, from_iso
from tests.unit.decide.saying import DAYS, START, changes, deny, folded, say, table

AT = from_iso("2024-03-05T10:00:00Z")
WELL = NotFoundContext(
    observed_at=AT,
    source_last_document_at=AT - HOUR,
    source_knew_gpt=True,
    any_document_since=False,
    run_not_found=1,
    run_answers=10,
)


def judge(**changed: object) -> str:
    """The verdict on a not-found of a source that is well, but for what is ``changed``."""
    return judge_not_found(msgspec.structs.replace(WELL, **changed))


def test_a_not_found_of_a_source_that_is_well_counts() -> None:
    assert judge() == "counted"


@pytest.mark.parametrize(("before", "verdict"), [(DAY, "counted"), (DAY + 1, "held")])
def test_its_source_gave_a_document_within_a_day(before: int, verdict: str) -> None:
    assert judge(source_last_document_at=AT - before) == verdict


def test_a_source_that_never_gave_a_document_is_not_believed() -> None:
    assert judge(source_last_document_at=None) == "held"


@pytest.mark.parametrize(
    ("knew", "since", "verdict"),
    [
        (True, True, "counted"),
        (True, False, "counted"),
        (False, False, "counted"),
        (False, True, "held"),
    ],
)
def test_a_source_that_never_knew_it_is_not_believed_against_a_document(
    knew: bool,  # noqa: FBT001
    since: bool,  # noqa: FBT001
    verdict: str,
) -> None:
    assert judge(source_knew_gpt=knew, any_document_since=since) == verdict


@pytest.mark.parametrize(
    ("absent", "answers", "verdict"),
    [
        (5, 5, "counted"),
        (6, 6, "held"),
        (6, 30, "counted"),
        (7, 30, "held"),
        (200, 1000, "counted"),
        (201, 1000, "held"),
    ],
)
def test_a_run_with_too_many_not_founds_is_not_believed(
    absent: int, answers: int, verdict: str
) -> None:
    assert judge(run_not_found=absent, run_answers=answers) == verdict


def lives(*said: object) -> list[str]:
    """What became of a GPT, in order."""
    return [row["status"] for row in table(folded(*said), "statuses")]  # type: ignore[arg-type]


def test_missing_from_the_first_and_gone_from_a_later_utc_day() -> None:
    evening = from_iso("2024-03-01T23:59:59.999999Z")
    assert lives(say(evening - 2), deny(evening - 1), deny(evening)) == ["listed", "missing"]
    assert lives(say(evening - 2), deny(evening), deny(evening + 1)) == [
        "listed",
        "missing",
        "gone",
    ]


def test_of_several_of_a_moment_that_of_the_smaller_source_is_named() -> None:
    statements = [deny(START + DAYS, source) for source in ("gamma", "alpha", "beta")]
    for number, statement in enumerate(statements):
        statements[number] = msgspec.structs.replace(statement, observation_id=number)
    result = folded(say(START), *statements)
    assert [row["status"] for row in table(result, "statuses")] == ["listed", "missing"]
    assert table(result, "statuses")[-1]["observation_id"] == 1
    assert changes(result, "status")[-1]["source"] == "alpha"


def test_one_that_is_held_does_nothing() -> None:
    held = [deny(START + day * DAYS, counted=False) for day in (1, 2)]
    result = folded(say(START), *held)
    assert [row["status"] for row in table(result, "statuses")] == ["listed"]
    assert table(result, "gizmos")[0]["last_asked_at"] == START + 2 * DAYS


def test_gone_stays_gone() -> None:
    said = [say(START), *(deny(START + day * DAYS) for day in (1, 2, 3, 4))]
    assert lives(*said) == ["listed", "missing", "gone"]


def test_a_newer_document_ends_missing_and_gone() -> None:
    said = [say(START), deny(START + DAYS), say(START + 2 * DAYS), deny(START + 3 * DAYS)]
    assert lives(*said) == ["listed", "missing", "listed", "missing"]
    said = [say(START), deny(START + DAYS), deny(START + 2 * DAYS), say(START + 3 * DAYS)]
    assert lives(*said) == ["listed", "missing", "gone", "listed"]


def test_after_a_return_the_days_are_counted_anew() -> None:
    said = [say(START), deny(START + DAYS), say(START + 2 * DAYS)]
    said += [deny(START + 3 * DAYS), deny(START + 3 * DAYS + 1)]
    assert lives(*said) == ["listed", "missing", "listed", "missing"]


def test_revisions_stay_open_meanwhile() -> None:
    result = folded(say(START, name="a"), deny(START + DAYS), deny(START + 2 * DAYS))
    (row,) = table(result, "gizmo_revisions")
    assert row["valid_to"] is None


def test_each_change_says_when_the_old_status_was_last_confirmed() -> None:
    result = folded(
        say(START),
        say(START + DAYS),
        deny(START + 2 * DAYS),
        deny(START + 2 * DAYS + 1),
        deny(START + 3 * DAYS),
        say(START + 4 * DAYS),
    )
    rows = changes(result, "status")
    assert [(row["old"], row["new"], row["not_before"]) for row in rows] == [
        (None, '"listed"', None),
        ('"listed"', '"missing"', START + DAYS),
        ('"missing"', '"gone"', START + 2 * DAYS + 1),
        ('"gone"', '"listed"', START + 3 * DAYS),
    ]


def test_a_gpt_that_never_had_a_document_has_no_rows() -> None:
    assert {
        name for name, rows in folded(deny(START), deny(START + DAYS)).rows.items() if rows
    } == set()


def test_what_was_said_before_the_first_document_does_not_count() -> None:
    assert lives(deny(START - DAYS), say(START), deny(START + 1)) == ["listed", "missing"]
