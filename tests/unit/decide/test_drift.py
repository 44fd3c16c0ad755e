from __future__ import annotations

import itertools
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from catalog.decide.drift import Document, find_drift
from catalog.normalize import values
from catalog.records import Drift
from catalog.times import DAY, HOUR, MINUTE, Micros, from_iso

START = from_iso("2026-03-01T00:00:00Z")

PLAIN, WITH = 1, 2
"""Shapes: without, and with, the path or paths that a test is about."""


def documents(*stretches: tuple[int, int], every: Micros = HOUR) -> list[Document]:
    """Documents of one GPT each, ``every`` so often: so many of each shape."""
    shapes = itertools.chain.from_iterable([shape] * count for count, shape in stretches)
    return [(START + i * every, f"g-{i:09d}", shape) for i, shape in enumerate(shapes)]


def rows(found: list[Drift]) -> list[tuple[str, str, int]]:
    """Path, kind and the place of the document, where one comes an hour."""
    return [(row.path, row.kind, (row.at - START) // HOUR) for row in found]


SHAPES = {PLAIN: ("a",), WITH: ("a", "b")}


def test_a_path_of_the_baseline_is_no_news() -> None:
    assert find_drift(documents((99, PLAIN), (1, WITH)), SHAPES) == []


def test_a_path_first_seen_behind_the_baseline_appeared() -> None:
    found = find_drift(documents((100, PLAIN), (7, WITH), (3, PLAIN)), SHAPES)
    assert found == [
        Drift(
            path="b",
            kind="appeared",
            at=START + 100 * HOUR,
            gizmo_id="g-000000100",
            first_seen_at=START + 100 * HOUR,
            last_seen_at=START + 106 * HOUR,
        )
    ]


def test_the_baseline_is_the_whole_first_day_where_that_has_more_documents() -> None:
    day = documents((140, PLAIN), (4, WITH), every=10 * MINUTE)
    assert find_drift(day, SHAPES) == []
    next_day = documents((144, PLAIN), (1, WITH), every=10 * MINUTE)
    assert [row.path for row in find_drift(next_day, SHAPES)] == ["b"]
    # The first day is that of the calendar, at whatever hour it begins.
    short = documents((110, PLAIN), (9, WITH), every=1)
    assert find_drift([(at + 23 * HOUR, name, shape) for at, name, shape in short], SHAPES) == []


def test_a_new_parent_covers_its_members_of_the_same_day() -> None:
    shapes = {PLAIN: ("a",), WITH: ("a", "b", "b.c", "b.c[]", "b.c[].d"), 3: ("a", "b", "b.e")}
    # Document 100 was said at 04:00.
    same_day = find_drift(documents((100, PLAIN), (19, WITH), (1, 3)), shapes)
    assert rows(same_day) == [("b", "appeared", 100)]
    next_day = find_drift(documents((100, PLAIN), (20, WITH), (1, 3)), shapes)
    assert rows(next_day) == [("b", "appeared", 100), ("b.e", "appeared", 120)]


def test_a_path_that_begins_like_another_is_none_of_its_members() -> None:
    shapes = {PLAIN: ("a",), WITH: ("a", "sharing", "sharing_targets")}
    found = find_drift(documents((100, PLAIN), (1, WITH)), shapes)
    assert [row.path for row in found] == ["sharing", "sharing_targets"]


def test_a_common_path_vanished_after_a_hundred_documents_and_three_days() -> None:
    found = find_drift(documents((100, WITH), (100, PLAIN)), SHAPES)
    assert found == [
        Drift(
            path="b",
            kind="vanished",
            at=START + 99 * HOUR,
            gizmo_id="g-000000099",
            first_seen_at=START,
            last_seen_at=START + 99 * HOUR,
        )
    ]


def test_a_path_away_for_fewer_documents_has_not_vanished() -> None:
    assert find_drift(documents((100, WITH), (99, PLAIN)), SHAPES) == []


def test_a_path_away_for_less_than_three_days_has_not_vanished() -> None:
    # 100 documents span 99 steps.
    short = documents((100, WITH), (100, PLAIN), every=(3 * DAY - 1) // 99)
    assert find_drift(short, SHAPES) == []
    long = documents((100, WITH), (100, PLAIN), every=-(-3 * DAY // 99))
    assert [row.kind for row in find_drift(long, SHAPES)] == ["vanished"]
    exact = documents((100, WITH), (109, PLAIN), every=3 * DAY // 108)
    assert [row.kind for row in find_drift(exact, SHAPES)] == ["vanished"]
    at, name, shape = exact.pop()
    assert find_drift([*exact, (at - 1, name, shape)], SHAPES) == []


def test_only_a_path_in_95_of_100_documents_can_vanish() -> None:
    rare = documents((100, PLAIN), (94, WITH), (5, PLAIN), (1, WITH), (100, PLAIN))
    assert [row.kind for row in find_drift(rare, SHAPES)] == ["appeared", "vanished"]
    rarer = documents((100, PLAIN), (93, WITH), (6, PLAIN), (1, WITH), (100, PLAIN))
    assert [row.kind for row in find_drift(rarer, SHAPES)] == ["appeared"]
    # The very first document is one of the hundred.
    baseline = documents((1, WITH), (5, PLAIN), (94, WITH), (100, PLAIN))
    assert [row.kind for row in find_drift(baseline, SHAPES)] == ["vanished"]
    rarer = documents((1, WITH), (6, PLAIN), (93, WITH), (100, PLAIN))
    assert find_drift(rarer, SHAPES) == []


def test_a_path_that_returns_after_it_vanished_appeared_again() -> None:
    found = find_drift(documents((100, WITH), (100, PLAIN), (3, WITH)), SHAPES)
    assert rows(found) == [("b", "vanished", 99), ("b", "appeared", 200)]
    assert found[1].last_seen_at == START + 202 * HOUR


def test_a_path_that_returns_without_having_vanished_is_no_news() -> None:
    assert find_drift(documents((100, WITH), (99, PLAIN), (3, WITH)), SHAPES) == []


def test_a_vanished_parent_covers_its_members() -> None:
    shapes = {PLAIN: ("a",), WITH: ("a", "b", "b[]", "b[].c", "b:string")}
    found = find_drift(documents((100, WITH), (100, PLAIN)), shapes)
    assert rows(found) == [("b", "vanished", 99)]


def test_a_new_type_is_reported_beside_its_path() -> None:
    shapes = {PLAIN: ("a",), WITH: ("a", "a:string", "b", "b:array")}
    found = find_drift(documents((100, PLAIN), (1, WITH)), shapes)
    assert rows(found) == [
        ("a:string", "type", 100),
        ("b", "appeared", 100),
        ("b:array", "type", 100),
    ]


def test_a_key_with_a_colon_is_no_type() -> None:
    shapes = {PLAIN: ("a",), WITH: ("a", "x:y")}
    found = find_drift(documents((100, PLAIN), (1, WITH)), shapes)
    assert rows(found) == [("x:y", "appeared", 100)]


def test_every_type_that_normalisation_names_is_known() -> None:
    each: tuple[Any, ...] = (None, True, 1, 1.5, "text", [], {})
    for value in each:
        shapes = {PLAIN: ("a",), WITH: ("a", f"a:{values.json_type(value)}")}
        assert [r.kind for r in find_drift(documents((100, PLAIN), (1, WITH)), shapes)] == ["type"]


def test_the_order_of_a_gpts_documents_of_one_moment_means_nothing() -> None:
    said = documents((100, WITH), (200, PLAIN))
    at, gizmo_id, _ = said[150]
    for several in ((PLAIN, WITH), (WITH, PLAIN), *itertools.permutations((PLAIN, WITH, 3))):
        both = [*said[:150], *((at, gizmo_id, shape) for shape in several), *said[151:]]
        # The path is there once more: it has not been away for a hundred documents before.
        assert rows(find_drift(both, SHAPES | {3: ("a",)})) == []


def test_no_documents_have_no_drift() -> None:
    assert find_drift([], {}) == []


PATHS = ("a", "a.b", "a.b[]", "a.b[].c", "a.b:object", "d")
SETS = [paths for size in (1, 5, 6, 3, 2, 4) for paths in itertools.combinations(PATHS, size)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Document], dict[int, tuple[str, ...]]]:
    """Runs of equal documents, their lengths around the rule's limits."""
    shapes = {number: tuple(draw(st.sampled_from(SETS))) for number in range(4)}
    said: list[Document] = []
    at = START + draw(st.sampled_from((0, 20 * HOUR)))
    lengths = st.sampled_from((100, 101, 99, 150, 95, 94, 1, 5, 6))
    steps = st.sampled_from((HOUR, 44 * MINUTE, 43 * MINUTE, 0))
    for _ in range(draw(st.integers(2, 8))):
        shape, every = draw(st.sampled_from(range(4))), draw(steps)
        for _ in range(draw(lengths)):
            said.append((at, f"g-{len(said) // 2:09d}", shape))
            at += every
    return sorted(said, key=lambda document: document[:2]), shapes


@given(histories())
def test_drift_is_what_its_rule_says(
    history: tuple[list[Document], dict[int, tuple[str, ...]]],
) -> None:
    found = find_drift(*history)
    for row in found:
        event(row.kind)
    assert found == by_the_letter(*history)


def by_the_letter(said: list[Document], shapes: dict[int, tuple[str, ...]]) -> list[Drift]:
    """Rule 10, path by path, with no thought for cost."""
    together = [
        (at, gizmo_id, {path for *_, shape in group for path in shapes[shape]})
        for (at, gizmo_id), group in itertools.groupby(said, key=lambda document: document[:2])
    ]
    found = []
    for path in PATHS:
        places = [i for i, (*_, paths) in enumerate(together) if path in paths]
        stretches: list[list[int]] = []
        vanished: list[int] = []
        for before, place in zip([None, *places], [*places, len(together)], strict=True):
            ends = before is not None and _vanished(together, path, before, place)
            if ends and before is not None:
                vanished.append(before)
            if place < len(together) and (before is None or ends):
                stretches.append([])
            if place < len(together):
                stretches[-1].append(place)
        for stretch in stretches:
            at, gizmo_id, _ = together[stretch[0]]
            last_at, last_gpt, _ = together[stretch[-1]]
            if stretch[0] >= 100 and at // DAY != together[0][0] // DAY:
                kind = "type" if ":" in path else "appeared"
                found.append(_row(path, kind, at, gizmo_id, at, last_at))
            if stretch[-1] in vanished:
                found.append(_row(path, "vanished", last_at, last_gpt, at, last_at))
    kept = [row for row in found if not _covered(row, found)]
    return sorted(kept, key=lambda row: (row.at, row.path, row.kind))


def _row(path: str, kind: str, at: Micros, gizmo_id: str, first: Micros, last: Micros) -> Drift:
    return Drift(
        path=path, kind=kind, at=at, gizmo_id=gizmo_id, first_seen_at=first, last_seen_at=last
    )


def _vanished(together: list[tuple[Micros, str, set[str]]], path: str, last: int, end: int) -> bool:
    without = together[last + 1 : end]
    window = together[: last + 1][-100:]
    return (
        len(without) >= 100
        and without[-1][0] - without[0][0] >= 3 * DAY
        and sum(path in paths for *_, paths in window) >= 95
    )


def _covered(row: Drift, found: list[Drift]) -> bool:
    return row.kind != "type" and any(
        (other.kind == "vanished") == (row.kind == "vanished")
        and other.at // DAY == row.at // DAY
        and row.path.startswith((f"{other.path}.", f"{other.path}[]", f"{other.path}:"))
        for other in found
    )


def test_members_that_are_named_by_what_they_count_are_no_drift() -> None:
    ratings = "gizmo.vanity_metrics.review_stats.by_rating"
    shapes = {1: (ratings, f"{ratings}.5"), 2: (ratings, f"{ratings}.3", "gizmo.x")}
    said = [(day * DAY, "g-1", 1 if day < 150 else 2) for day in range(300)]
    assert [(row.path, row.kind) for row in find_drift(said, shapes)] == [("gizmo.x", "appeared")]
