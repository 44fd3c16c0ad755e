"""A page as HTML: one file, without scripts and without anything that is loaded. Pure.

Jinja escapes all that it writes (law 11); each text stands in an isolate of its own, so that
letters written from right to left do not move their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import jinja2

from catalog.report.page import Line, Page


def to_html(page: Page) -> str:
    """A page as an HTML document."""
    return _templates().get_template("page.html").render(page=page)


def lines_html(lead: Line, lines: Sequence[Line]) -> str:
    """A paragraph and a list, for where a page would be too much: an entry of a feed."""
    return _templates().get_template("lines.html").render(lead=lead, lines=lines).strip()


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("catalog.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
