"""Whatever strangers write stays text, in every form of a report."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from catalog.report.compose import compose, headline
from catalog.report.html import to_html
from catalog.report.markdown import escaped, to_markdown
from catalog.report.model import Report
from catalog.report.page import LINE, line, plain_text
from catalog.report.tojson import to_json_report
from catalog.times import from_iso
from catalog.wording.changes import Span
from catalog.wording.text import harmless
from tests.unit.report.samples import DAY, NASTY, gpt, report, some

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "ul", "li"),
    *("strong", "bdi", "code", "ins", "del", "span"),
}
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufdd0\ufffe\uffff]")
ANY = st.text(max_size=40) | st.sampled_from(NASTY)


class _Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _rendered(markdown: str) -> _Tags:
    return _Tags(MarkdownIt("commonmark").enable("strikethrough").render(markdown))


def _shape(tags: _Tags) -> list[str]:
    """Which tags there are, but for those of code: addresses are written as code."""
    return [tag for tag, _ in tags.tags if tag != "code"]


PLAIN = "just words"


@pytest.mark.parametrize("text", NASTY)
def test_markdown_has_the_markup_that_plain_words_have(text: str) -> None:
    expected = _shape(_rendered(to_markdown(compose(report(PLAIN)))))
    found = _rendered(to_markdown(compose(report(text))))
    assert {tag for tag, _ in found.tags} <= TAGS
    assert [each for each in _shape(found) if each in {"h1", "h2", "h3", "ul", "a", "img"}] == [
        each for each in expected if each in {"h1", "h2", "h3", "ul"}
    ]


@given(ANY)
@example("__0__")
@example("a__b _c_ d_e")
def test_escaped_text_renders_as_itself(text: str) -> None:
    shown = harmless(text).strip()
    (rendered,) = [_Tags(MarkdownIt("commonmark").renderInline(escaped(shown)))]
    assert {tag for tag, _ in rendered.tags} <= {"code"}
    assert "".join(rendered.texts) == shown


@given(ANY)
def test_no_address_stands_outside_of_code(text: str) -> None:
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", escaped(harmless(text)))
    assert not re.search(r"https?://\w|\w@\w|www\.\w", outside)


@pytest.mark.parametrize("text", NASTY)
def test_page_has_the_tags_that_plain_words_have(text: str) -> None:
    found, expected = (_Tags(to_html(compose(report(each)))) for each in (text, PLAIN))
    assert {tag for tag, _ in found.tags} <= TAGS
    for tag, attributes in found.tags:
        assert set(attributes) <= {
            "id",
            "class",
            "lang",
            "charset",
            "name",
            "content",
            "http-equiv",
        }
        assert tag in {"meta", "html"} or set(attributes) <= {"id", "class"}
    headings = {"h1", "h2", "h3", "ul", "main"}
    assert [tag for tag, _ in found.tags if tag in headings] == [
        tag for tag, _ in expected.tags if tag in headings
    ]


def test_page_loads_nothing_and_runs_nothing() -> None:
    page = to_html(compose(report(PLAIN)))
    assert "default-src 'none'" in page
    assert not re.search(r"\b(?:src|href|on\w+)=|url\(|@import|<script|<link", page)
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize("text", NASTY)
def test_nothing_that_steers_is_in_any_form(text: str) -> None:
    made = report(text)
    for form in (to_markdown(compose(made)), to_html(compose(made)), to_json_report(made)):
        assert not STEERING.search(form)


@pytest.mark.parametrize("text", NASTY)
def test_json_says_what_was_said(text: str) -> None:
    found = json.loads(to_json_report(report(text)))
    said = found["brought"]["new"]["items"][0]["name"]
    assert said == text.replace("\ufdd00000", "\x00").replace("\ufdd0d800", "\ud800")
    assert found["window"]["since"] == "2026-02-03T00:00:00Z"
    assert found["runs"][0]["started_at"] == "2026-02-03T09:00:00Z"
    assert found["brought"]["changed"]["items"][0]["changes"]["items"][0]["class"] == "content"


def test_towers_of_marks_are_cut_and_letters_keep_their_own() -> None:
    (span,) = line("Z" + "\u0301" * 60 + "é e\u0301\u0323")
    assert span.text == "Z" + "\u0301" * 3 + "é e\u0301\u0323"


def test_line_is_bounded() -> None:
    found = line("a" * 300, Span("b" * 300, "strong"), "c")
    assert [len(each.text) for each in found] == [300, LINE - 300]
    assert found[-1].text.endswith("…")
    assert len(to_markdown(compose(report("x" * 20_000)))) < 40_000


def test_what_is_left_out_is_counted_with_a_command_that_shows_it() -> None:
    text = to_markdown(compose(report(PLAIN)))
    assert (
        "and 123 more: `gpts-catalog changes --since 2026-02-03 --until 2026-02-03"
        " --class lifecycle --kind added`"
    ) in text
    assert "and 2 more: `gpts-catalog search translation`" in text
    assert "and 3 more: `gpts-catalog changes g-Made1UpId`" in text


def test_headline_says_all_in_numbers() -> None:
    said = plain_text(headline(report(PLAIN)))
    for part in (
        "124 GPTs are new, 5 changed (17 changes), 1 is gone, 1 came back, 1 went missing.",
        "1 mass event",
        "known of only now",
        "1 run sent 24 requests, at a cost of 0.024.",
        "2 ids ended in no fact.",
        "1 alarm stands.",
    ):
        assert part in said


def test_day_on_which_nothing_ran_says_so() -> None:
    page = compose(Report(window=DAY))
    assert plain_text(page.lead) == "0 GPTs are new, 0 changed, 0 are gone. No run began."
    assert page.sections == ()


def test_every_part_of_a_report_has_its_section() -> None:
    keys = {section.key for section in compose(report(PLAIN)).sections}
    assert keys >= {
        *("alarms", "new", "changed", "gone", "back", "missing", "mass", "flaps", "late"),
        *("late-new", "moved-conversations", "moved-reviews", "moved-rating", "failed"),
        *("disagree", "probes", "spent", "drift", "next", "watch-rivals", "watch-rivals-new"),
        *("watch-rivals-left", "watch-rivals-changed", "watch-rivals-late"),
    }


def test_page_of_a_watch_has_nothing_else() -> None:
    page = compose(report(PLAIN), watch="rivals")
    assert page.title == "Watch rivals: 2026-02-03"
    assert all(section.key.startswith("watch-rivals-") for section in page.sections)


def test_watch_without_news_says_so() -> None:
    made = report(PLAIN)
    empty = made.watches[0].__class__(name="quiet", wanted="search x")
    page = compose(Report(window=DAY, watches=(empty,)), watch="quiet")
    assert plain_text(page.lead) == "Looks for search x. Nothing new."


def test_gpt_without_a_name_is_shown_by_its_id() -> None:
    made = Report(window=DAY, brought=report(PLAIN).brought.__class__(new=some(gpt(None, None))))
    assert "- **(no name)**, 25,000+ conversations `g-Made1UpId`" in to_markdown(compose(made))


def test_a_sign_behind_an_address_is_no_part_of_it() -> None:
    assert escaped("see https://a.example/b, and (www.c.example).") == (
        "see `https://a.example/b`, and `(www.c.example`)."
    )


def test_growth_from_before_the_window_says_since_when() -> None:
    told = report("words")
    (mover,) = told.moved["reviews"]
    long_ago = msgspec.structs.replace(mover, before_at=from_iso("2026-01-03T09:00:00Z"))
    grown = msgspec.structs.replace(told, moved={"reviews": (long_ago,)})
    assert "+2 since 2026-01-03, from 1 to 3" in to_markdown(compose(grown))
    assert " since " not in to_markdown(compose(told)).partition("Grew most")[2].split("more:")[0]
