"""All pages of ``docs/`` that are made from the code, gathered from where each is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from catalog import describe
from catalog.alarms import page as alarms
from catalog.health import page as monitoring
from catalog.storage import dictionary
from catalog.web.api import page as json_api
from tests.pages import commands, configuration, errors, imports, python, terminal

MADE: Mapping[str, Callable[[], str]] = (
    describe.PAGES
    | dictionary.PAGES
    | alarms.PAGES
    | monitoring.PAGES
    | json_api.PAGES
    | commands.PAGES
    | configuration.PAGES
    | errors.PAGES
    | python.PAGES
    | imports.PAGES
    | terminal.PAGES
)
"""Each page, by its path from the top of the checkout, and what makes it."""
