"""What people come for: find a GPT, see what changed, compare dates, take a result, ask in SQL."""

from __future__ import annotations

import re

from tests.acceptance.web.conftest import HOSTILE, Eyes, Site


def test_a_gpt_is_found_as_its_name_is_typed(eyes: Eyes, site: Site) -> None:
    page = eyes.open(f"/gpts/{site.gizmo_id}")
    name = page.locator("h1").inner_text()
    page = eyes.open("/gpts")
    page.keyboard.press("/")
    page.keyboard.type(name)
    page.wait_for_url("**q=**")
    page.locator(f'.gpt a[href="/gpts/{site.gizmo_id}"]').click()
    page.wait_for_url(f"**/gpts/{site.gizmo_id}")
    assert page.locator("h1").inner_text() == name


def test_facets_narrow_down_without_a_reload_and_can_be_shared(eyes: Eyes) -> None:
    page = eyes.open("/gpts")
    page.evaluate("window.stays = true")
    before = page.locator("#results-title").inner_text()
    page.locator('input[name="tool"]').first.check()
    page.wait_for_url("**tool=**")
    after = page.locator("#results-title").inner_text()
    assert after != before
    assert page.evaluate("window.stays")
    shared = page.url.partition("/gpts")[2]
    assert eyes.open(f"/gpts{shared}").locator("#results-title").inner_text() == after
    assert page.locator('input[name="tool"]').first.is_checked()


def test_a_search_without_scripts_is_a_form(plain: Eyes) -> None:
    page = plain.open("/gpts")
    page.locator("#q").fill("zzzzqqqq")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**q=zzzzqqqq**")
    assert page.get_by_text("No GPT is like that").is_visible()


def test_what_changed_last_week_is_a_click_away(eyes: Eyes) -> None:
    page = eyes.open("/changes")
    page.get_by_role("link", name="last 7 days").click()
    page.wait_for_url("**since=**")
    assert page.locator(".event").count() > 0


def test_a_second_visit_knows_when_the_first_was(eyes: Eyes) -> None:
    page = eyes.open("/changes")
    link = page.locator("[data-since-visit]")
    assert not link.is_visible()
    page = eyes.open("/changes")
    assert link.is_visible()
    link.click()
    page.wait_for_url(re.compile(r"since=2026-01-0\d"))
    assert page.get_by_text("Nothing changed").is_visible()


def test_two_dates_stand_side_by_side_word_by_word(eyes: Eyes, site: Site) -> None:
    page = eyes.open(f"/gpts/{site.gizmo_id}")
    page.get_by_role("button", name="Side by side").click()
    page.wait_for_url("**/compare?**")
    assert page.locator("tr.differs").count() > 0
    page = eyes.open(f"/gpts/{site.hostile['script']}/compare?from=2026-01-01&to=2026-01-05")
    assert page.locator("tr.differs ins").first.is_visible()


def test_a_date_before_all_documents_is_explained(eyes: Eyes, site: Site) -> None:
    page = eyes.open(f"/gpts/{site.gizmo_id}/compare?from=2020-01-01")
    assert page.get_by_text("Nothing was known yet").is_visible()


def test_a_chart_says_what_lies_under_the_pointer(eyes: Eyes) -> None:
    page = eyes.open("/trends")
    page.locator(".chart .plot-area").first.hover()
    assert re.match(r"\S+: [\d,]+ ", page.locator(".readout").first.inner_text())


def test_a_query_runs_and_its_rows_are_shown(eyes: Eyes) -> None:
    page = eyes.open("/sql")
    page.locator("#query").fill("SELECT name, 7 * 6 AS answer FROM v_gpts ORDER BY 1 LIMIT 3")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**query=**")
    assert page.locator("table.rows tbody tr").count() == 3
    assert page.locator("table.rows").get_by_text("42").count() == 3


def test_a_query_that_takes_long_can_be_stopped(eyes: Eyes) -> None:
    page = eyes.open("/sql")
    page.locator("#query").fill(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
    )
    page.locator(".console [data-run]").click()
    page.locator(".console [data-stop]").click()
    page.get_by_text("stopped", exact=True).wait_for()
    page.locator("#query").fill("SELECT 1 AS still_there")
    page.locator(".console [data-run]").click()
    page.get_by_role("columnheader", name="still_there").wait_for()


def test_every_result_can_be_taken_along(eyes: Eyes) -> None:
    page = eyes.open("/gpts?status=listed")
    for path, least in (
        ("/gpts?status=listed", 4),
        ("/changes?class=content", 4),
        ("/sql?query=SELECT+1+AS+one", 3),
        ("/sql?named=conversation-growth&p.days=7", 3),
    ):
        page = eyes.open(path)
        links = page.locator('main a[href^="/api/"]').evaluate_all("each => each.map(a => a.href)")
        assert len(links) >= least
        for link in links:
            assert page.request.get(link).ok, link
    for link in eyes.open("/changes").locator('a[href^="/feeds/"]').all():
        assert page.request.get(str(link.evaluate("a => a.href"))).ok


def test_the_colours_that_were_chosen_stay(eyes: Eyes) -> None:
    page = eyes.open("/")
    toggle = page.locator("[data-theme-toggle]")
    toggle.click()
    toggle.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page = eyes.open("/gpts")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_the_keyboard_goes_everywhere(eyes: Eyes) -> None:
    page = eyes.open("/gpts")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator(".gpt.here a[data-open]")
    target = second.get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{target}")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/changes")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()


def test_strangers_texts_are_shown_as_text(eyes: Eyes, site: Site) -> None:
    for name, gizmo_id in site.hostile.items():
        for path in (f"/gpts/{gizmo_id}", f"/gpts/{gizmo_id}/compare?from=2026-01-01"):
            page = eyes.open(path)
            assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
            assert page.locator('a[href^="javascript" i]').count() == 0
            if name in {"script", "image", "link", "template"}:
                assert HOSTILE[name] in page.locator("h1").inner_text()
    for path in ("/gpts?q=alert", "/authors", "/changes?all=1", "/gpts?view=cards", "/trends"):
        page = eyes.open(path)
        assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
        text = page.locator("main").inner_text()
        assert not re.search("[\x00-\x08\x1b\u202a-\u202e]", text)


def test_an_author_with_a_hostile_id_has_a_page(eyes: Eyes) -> None:
    page = eyes.open("/authors?q=script")
    page.locator("tbody a[data-open]").first.click()
    page.wait_for_url("**/authors/user-**")
    assert page.locator("h1").inner_text() == HOSTILE["script"]
