"""Every page in a real browser: nothing that shuts people out, an empty console, a light weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.web.conftest import LOOKS, Eyes, Look, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

PAGES = {
    "overview": "/",
    "gpts": "/gpts",
    "cards": "/gpts?q=poet&view=cards",
    "as-of": "/gpts?at=2026-01-02",
    "nothing-found": "/gpts?q=zzzzqqqq",
    "gpt": "/gpts/{gizmo_id}",
    "compare": "/gpts/{gizmo_id}/compare",
    "raw": "/gpts/{gizmo_id}/raw",
    "hostile": "/gpts/g-hostile01",
    "authors": "/authors",
    "author": "/authors/{user_id}",
    "changes": "/changes",
    "trends": "/trends",
    "runs": "/runs",
    "sql": "/sql",
    "sql-answer": "/sql?named=changed-fields",
    "sql-parameters": "/sql?named=conversation-growth",
}
ERRORS = {"nowhere": "/nowhere", "unknown": "/gpts/g-0000000000", "unclear": "/gpts?q=%22open"}
HEAVIEST = 100_000
"""Bytes of a page with all it brings along, pictures set aside."""


@pytest.fixture(params=LOOKS, ids=lambda look: look.name)
def looked_at(
    request: pytest.FixtureRequest, browser: Browser, site: Site
) -> Iterator[tuple[Eyes, Look]]:
    """A browser of one size in one scheme of colours."""
    look: Look = request.param
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        color_scheme="dark" if look.scheme == "dark" else "light",
        # axe-core is put into the page by the test, past the policy that keeps all else out.
        bypass_csp=True,
    )
    yield Eyes(context, site.url), look
    context.close()


def _path(site: Site, template: str) -> str:
    return template.format(gizmo_id=site.gizmo_id, user_id=site.user_id)


@pytest.mark.parametrize("name", [*PAGES, *ERRORS])
def test_a_page_shuts_nobody_out(looked_at: tuple[Eyes, Look], site: Site, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    eyes, _ = looked_at
    page = eyes.open(_path(site, {**PAGES, **ERRORS}[name]))
    found = axe.run(page).response["violations"]
    told = [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for each in found
        for node in each["nodes"][:3]
    ]
    assert told == []
    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert over <= 0, "the page is wider than its window"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_light_and_self_contained(eyes: Eyes, site: Site, name: str) -> None:
    sizes: list[int] = []
    eyes.page.on("response", lambda answer: sizes.append(len(answer.body())))
    page = eyes.open(_path(site, PAGES[name]))
    assert page.locator("h1").count() == 1
    assert sum(sizes) < HEAVIEST  # what its console said, and whom it asked, eyes look at


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_there_without_scripts(plain: Eyes, site: Site, name: str) -> None:
    page = plain.open(_path(site, PAGES[name]))
    assert page.locator("h1").is_visible()
    assert page.locator(".js:visible").count() == 0
