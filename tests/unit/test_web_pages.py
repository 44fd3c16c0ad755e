"""A page that is there is looked at in a browser, and told of."""

from __future__ import annotations

import re

from starlette.routing import Route

from catalog.web.pages.routes import pages
from tests.acceptance.web.test_web_pages import PAGES
from tests.conftest import ROOT


def _addresses() -> list[str]:
    return [re.sub(r":\w+}", "}", route.path) for route in pages() if isinstance(route, Route)]


def test_every_page_is_looked_at_in_a_browser() -> None:
    looked_at = {address.partition("?")[0] for address in PAGES.values()}
    assert set(_addresses()) <= looked_at


def test_the_docs_tell_of_every_page() -> None:
    page = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
    told = {address.partition("?")[0] for address in re.findall(r"`(/[^`]*)`", page)}
    assert {re.sub(r"{\w+}", "ID", address) for address in _addresses()} <= told
