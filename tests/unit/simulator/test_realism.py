"""The simulated population behaves as public archives say that real GPTs do."""

from __future__ import annotations

import itertools
import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catalog.simulator import START, Population
from catalog.simulator.life import edit_rate
from catalog.times import DAY

Document = dict[str, Any]
DAYS = 35
SIZE = 200

SCRIPTS = {
    "Latin": ("a", "z"),
    "Cyrillic": ("\u0430", "\u044f"),
    "Hebrew": ("\u05d0", "\u05ea"),
    "Arabic": ("\u0627", "\u064a"),
    "Devanagari": ("\u0904", "\u0939"),
    "Thai": ("\u0e01", "\u0e3a"),
    "Kana": ("\u3041", "\u30ff"),
    "Han": ("\u4e00", "\u9fff"),
    "Hangul": ("\uac00", "\ud7a3"),
}


@pytest.fixture(scope="module")
def courses() -> list[list[Document]]:
    """Each GPT's documents of five weeks, of those that are there all the time."""
    population = Population(21, SIZE)
    courses = []
    for gizmo_id in population.ids():
        days = [population.document(gizmo_id, START + day * DAY) for day in range(DAYS)]
        there = [document for document in days if document is not None]
        if len(there) == DAYS:
            courses.append(there)
    return courses


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """The documents of one moment."""
    population = Population(22, 2500)
    every = (population.document(gizmo_id, START) for gizmo_id in population.ids())
    return [document for document in every if document is not None]


def _pairs(courses: list[list[Document]]) -> Iterator[tuple[Document, Document]]:
    for course in courses:
        yield from itertools.pairwise(course)


def _share(courses: list[list[Document]], look: Callable[[Document], object]) -> float:
    pairs = [look(one) != look(other) for one, other in _pairs(courses)]
    return sum(pairs) / len(pairs)


def _core(document: Document) -> Any:
    display = document["gizmo"]["display"]
    return (
        *(display[key] for key in ("name", "description", "prompt_starters", "categories")),
        display["profile_pic_id"],
        sorted(tool["type"] for tool in document["tools"]),
        sorted(file["id"] for file in document["files"]),
    )


def test_core_content_changes_on_one_or_two_percent_of_gpt_days(
    courses: list[list[Document]],
) -> None:
    assert 0.008 < _share(courses, _core) < 0.03


def test_nearly_every_answer_differs_in_its_bytes(courses: list[list[Document]]) -> None:
    assert _share(courses, json.dumps) > 0.99


def test_updated_at_moves_on_most_days_and_never_back(courses: list[list[Document]]) -> None:
    assert 0.6 < _share(courses, lambda document: document["gizmo"]["updated_at"]) < 0.95
    assert all(
        one["gizmo"]["updated_at"] <= other["gizmo"]["updated_at"] for one, other in _pairs(courses)
    )


def test_tool_ids_are_reissued_more_often_than_tools_change(courses: list[list[Document]]) -> None:
    ids = _share(courses, lambda document: sorted(tool["id"] for tool in document["tools"]))
    types = _share(courses, lambda document: sorted(tool["type"] for tool in document["tools"]))
    assert 0.01 < ids < 0.05
    assert types < ids / 3


def test_author_fields_flap(courses: list[list[Document]]) -> None:
    def shown(document: Document) -> str | None:
        name = document["gizmo"]["author"]["display_name"]
        return None if name is None else str(name)

    changed = reverted = 0
    for course in courses:
        names = [shown(document) for document in course]
        for day in range(1, DAYS - 8):
            if names[day] != names[day - 1]:
                changed += 1
                reverted += names[day - 1] in names[day + 1 : day + 9]
    assert 0.025 < _share(courses, shown) < 0.065
    assert 0.65 < reverted / changed < 0.82


def test_a_hidden_author_looks_as_archives_show_it(courses: list[list[Document]]) -> None:
    authors = [document["gizmo"]["author"] for course in courses for document in course]
    hidden = [author for author in authors if author["display_name"] is None]
    assert hidden
    assert all(
        (author["link_to"], author["is_verified"], author["selected_display"])
        == (None, False, "name")
        for author in hidden
    )


def test_lists_are_shuffled_and_pictures_signed_anew(courses: list[list[Document]]) -> None:
    def types(document: Document) -> list[str]:
        return list(document["product_features"]["attachments"]["accepted_mime_types"])

    def url(document: Document) -> str | None:
        found = document["gizmo"]["display"]["profile_picture_url"]
        return None if found is None else str(found)

    assert _share(courses, types) > 0.99
    assert _share(courses, lambda document: frozenset(types(document))) < 0.03
    assert _share(courses, url) > 0.85
    assert _share(courses, lambda document: (url(document) or "").split("?")[0]) < 0.01


def test_the_platform_relabels_many_gpts_on_one_day(courses: list[list[Document]]) -> None:
    per_day = [
        sum(
            sorted(course[day]["gizmo"]["tags"]) != sorted(course[day - 1]["gizmo"]["tags"])
            for course in courses
        )
        for day in range(1, DAYS)
    ]
    assert max(per_day) > len(courses) * 0.2
    assert statistics.median(per_day) <= 2


def test_metrics_only_grow_and_stars_are_summed(courses: list[list[Document]]) -> None:
    moved = 0
    for one, other in _pairs(courses):
        before, after = (each["gizmo"]["vanity_metrics"]["review_stats"] for each in (one, other))
        assert before["count"] <= after["count"]
        moved += before != after
        ratings = after["by_rating"]
        assert after["count"] == sum(ratings.values())
        assert after["total"] == sum(int(stars) * count for stars, count in ratings.items())
    assert moved > 0


def test_rates_of_change_have_the_measured_quantiles() -> None:
    assert [edit_rate(unit) for unit in (0.0, 0.10, 0.139)] == [0.0, 0.0, 0.0]
    quantiles = {0.25: 0.0032, 0.5: 0.0072, 0.75: 0.018, 0.9: 0.033, 0.99: 0.13}
    for unit, rate in quantiles.items():
        assert edit_rate(unit) == pytest.approx(rate)


def test_few_authors_have_many_gpts(documents: list[Document]) -> None:
    counts = Counter(document["gizmo"]["author"]["user_id"] for document in documents)
    ranked = [count for _, count in counts.most_common()]
    assert ranked[0] > 20
    assert sum(ranked[: len(ranked) // 10]) > 0.25 * len(documents)
    assert statistics.median(ranked) <= 2
    suffixed = [user_id for user_id in counts if "__" in user_id]
    assert 0 < len(suffixed) < len(counts) / 8


def test_names_are_written_in_many_scripts(documents: list[Document]) -> None:
    names = " ".join(document["gizmo"]["display"]["name"] for document in documents)
    present = {
        script
        for script, (first, last) in SCRIPTS.items()
        if any(first <= letter <= last for letter in names)
    }
    assert present == set(SCRIPTS)
    assert "\u200d" in names


def test_texts_keep_the_limits_of_the_platform(documents: list[Document]) -> None:
    displays = [document["gizmo"]["display"] for document in documents]
    assert max(len(display["name"]) for display in displays) <= 52
    assert min(len(display["name"]) for display in displays) > 0
    assert max(len(display["description"]) for display in displays) <= 300
    assert any(display["description"] == "" for display in displays)
    counts = Counter(
        None if display["prompt_starters"] is None else len(display["prompt_starters"])
        for display in displays
    )
    assert set(counts) >= {None, 0, 1, 4, 12}
    assert counts.most_common(1)[0][0] == 4
    longest = max(len(text) for display in displays for text in display["prompt_starters"] or ())
    assert longest > 5000


def test_slugs_are_ascii_and_hang_on_the_id(documents: list[Document]) -> None:
    for document in documents:
        gizmo = document["gizmo"]
        slug = gizmo["short_url"].removeprefix(gizmo["id"])
        assert slug.startswith("-")
        assert slug.isascii()
        assert slug == slug.lower()


def test_values_vary_as_sources_say(documents: list[Document]) -> None:
    categories = {text for each in documents for text in each["gizmo"]["display"]["categories"]}
    assert categories >= {"other", "Other", "dalle", "writing"}
    kinds = Counter(tool["type"] for document in documents for tool in document["tools"])
    assert set(kinds) == {"browser", "dalle", "python", "plugins_prototype"}
    extras = [tool["metadata"] for each in documents for tool in each["tools"] if tool["metadata"]]
    assert {extra["auth"]["type"] for extra in extras} == {"none", "service_http", "oauth"}
    assert all((extra["raw_spec"] is None) != (extra["json_schema"] is None) for extra in extras)
    assert any((extra["raw_spec"] or "").startswith("{") for extra in extras)
    assert any((extra["raw_spec"] or "").startswith('"openapi"') for extra in extras)
    assert any(extra["domain"] is None for extra in extras)
    files = [file for document in documents for file in document["files"]]
    assert {file["file_id"] for file in files} == {""}
    assert "" in {file["type"] for file in files}
    sizes = {
        len(document["product_features"]["attachments"]["accepted_mime_types"])
        for document in documents
    }
    assert sizes == {20, 41}
    said = {document["gizmo"]["vanity_metrics"]["num_conversations_str"] for document in documents}
    assert {None, "", "25K+", "100+"} <= said
    assert any(text and text.isdigit() for text in said)


def test_documents_have_the_size_of_real_ones(documents: list[Document]) -> None:
    sizes = [
        len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
        for document in documents
    ]
    assert 4000 < statistics.mean(sizes) < 5500
    assert 2500 < statistics.median(sizes) < 4700


def test_gpts_vanish_slowly_and_some_come_back() -> None:
    population = Population(23, 12_000)
    ids = list(population.ids())
    there = [
        {each for each in ids if population.exists(each, START + day * DAY)} for day in (0, 14)
    ]
    assert 0.97 < len(there[0]) / len(ids) < 0.99
    net = (len(there[0]) - len(there[1])) / len(there[0])
    assert 0.001 < net < 0.006
    assert there[1] - there[0]
