from __future__ import annotations

import pytest

from catalog.cli.filters import EVERY_ONE, OPTIONS, conditions, read_filter
from catalog.errors import UsageError
from catalog.search.filters import Filter
from catalog.times import parse_moment


def test_options_make_the_filter() -> None:
    found = read_filter(
        {
            "text": ["contract", "law"],
            "categories": ["writing"],
            "years": [2024],
            "min_rating": 4.0,
            "created_since": "2024-01-01",
            "created_until": "2024-01-01",
            "tools": None,
            "sort": "name",
        }
    )
    assert found == Filter(
        text="contract law",
        categories=("writing",),
        years=(2024,),
        min_rating=4.0,
        created_since=parse_moment("2024-01-01"),
        created_until=parse_moment("2024-01-01", end_of_day=True),
    )


def test_a_blank_text_is_none() -> None:
    assert read_filter({"text": [" "]}).text is None


def test_a_moment_that_is_none_names_its_option() -> None:
    with pytest.raises(UsageError, match="--changed-until 'soon' is no time"):
        read_filter({"changed_until": "soon"})


def test_every_list_of_a_filter_has_an_option() -> None:
    lists = {
        name for name in Filter.__struct_fields__ if isinstance(getattr(Filter(), name), tuple)
    }
    assert lists == OPTIONS.keys()
    assert OPTIONS.keys() > EVERY_ONE


def test_conditions_are_each_thing_alone_and_all_others_without_it() -> None:
    wanted = Filter(
        text='"Contract law" -Essay Poét', tools=("dalle", "browser"), statuses=("gone", "missing")
    )
    found = {each.text: each for each in conditions(wanted)}
    assert list(found) == [
        "“Contract law”",
        "“Poét…”",
        "-“Essay”",
        "--tool dalle",
        "--tool browser",
        "--status gone --status missing",
    ]
    assert found["“Contract law”"].alone == Filter(text='"contract law"')
    assert found["“Poét…”"].alone == Filter(text="poet*")
    assert found["“Poét…”"].others.text == '"contract law" -"essay"'
    assert found["-“Essay”"].alone == Filter(text='-"essay"')
    assert found["-“Essay”"].others.text == '"contract law" poet*'
    assert found["--tool dalle"].others.tools == ("browser",)
    assert found["--status gone --status missing"].others.statuses == ()


def test_bounds_are_conditions_as_one_types_them() -> None:
    wanted = Filter(min_reviews=5, seen_since=parse_moment("2024-01-01"))
    assert [each.text for each in conditions(wanted)] == [
        "--min-reviews 5",
        "--seen-since 2024-01-01T00:00:00Z",
    ]
