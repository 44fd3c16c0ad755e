from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from catalog.export.pictures import COLOURS, INK, MOST_BARS, pictures
from catalog.query.covered import Growth, Share, ToolUse, Trends
from tests.unit.export import made

SVG = "{http://www.w3.org/2000/svg}"
PAGES = {"white": "#ffffff", "dark": "#0d1117", "black": "#000000"}


def _luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_there_is_one_of_each_and_it_is_the_same_twice() -> None:
    drawn = pictures(made.TRENDS)
    assert list(drawn) == ["growth.svg", "categories.svg", "tools.svg", "freshness.svg"]
    assert pictures(made.TRENDS) == drawn


@pytest.mark.parametrize("name", ["growth", "categories", "tools", "freshness"])
def test_each_has_a_title_and_says_in_words_what_it_shows(name: str) -> None:
    root = ET.fromstring(pictures(made.TRENDS)[f"{name}.svg"])  # noqa: S314  (our own)
    assert root.get("role") == "img"
    title, words = root[0], root[1]
    assert (title.tag, words.tag) == (f"{SVG}title", f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    assert title.text
    assert re.search(r"\d", words.text or "")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("colour", sorted({INK, *COLOURS}))
def test_colours_stand_out_on_any_page(colour: str, page: str) -> None:
    assert _contrast(colour, page) >= 3


def test_no_colour_but_ours_is_used() -> None:
    for text in pictures(made.TRENDS).values():
        assert set(re.findall(r"#[0-9a-f]{3,6}", text)) <= {INK, *COLOURS}


def test_names_are_text_and_no_markup() -> None:
    text = pictures(made.TRENDS)["categories.svg"]
    assert "&lt;other&gt; &amp; more" in text
    assert "<other>" not in text


def test_names_steer_nothing() -> None:
    trends = Trends(categories=(Share(name="a\x1b\u202eb", gpts=1),))
    text = pictures(trends)["categories.svg"]
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_names_that_are_equal_once_shortened_have_bars_of_their_own() -> None:
    trends = Trends(
        categories=(Share(name="x" * 99, gpts=4), Share(name="x" * 98, gpts=2)),
    )
    root = ET.fromstring(pictures(trends)["categories.svg"])  # noqa: S314  (our own)
    places = [bar.get("y") for bar in root.iter(f"{SVG}rect") if bar.get("fill") == COLOURS[0]]
    assert len(set(places)) == 2


def test_the_smallest_categories_are_counted_and_not_drawn() -> None:
    many = tuple(Share(name=f"c{n:02}", gpts=100 - n) for n in range(MOST_BARS + 3))
    text = pictures(Trends(categories=many))["categories.svg"]
    assert "3 smaller ones are not shown" in text
    assert f"c{MOST_BARS:02}" not in text


def test_nothing_is_drawn_of_nothing() -> None:
    assert pictures(Trends()) == {}
    empty = tuple(Share(name=each.name, gpts=0) for each in made.TRENDS.freshness)
    assert pictures(Trends(freshness=empty)) == {}


def test_one_month_alone_is_seen() -> None:
    trends = Trends(
        growth=(Growth(month="2026-02", made=2, seen=2),),
        tools=(ToolUse(month="2026-02", tool="browser", tools=1),),
    )
    drawn = pictures(trends)
    assert "<circle" in drawn["growth.svg"]
    assert "browser 50.0" in drawn["tools.svg"]


def test_a_tool_stands_in_the_months_in_which_nothing_moved() -> None:
    growth = (*made.TRENDS.growth, Growth(month="2026-04", made=8, seen=8))
    text = pictures(msgspec.structs.replace(made.TRENDS, growth=growth))["tools.svg"]
    assert "By the end of 2026-04, of 100 GPTs seen: browser 37.5, dalle 12.5" in text
