"""A page as Markdown: CommonMark, and what forges and chat services make of it. Pure.

Texts can be a stranger's: every sign that could be markup is escaped. An escape does not keep
GitHub and its likes from making links of bare addresses, so these are written as code, which no
dialect looks into.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.report.page import Line, Page
from catalog.wording.changes import Span

# Underlines between letters and lone tildes are none; so pages stay readable as they are.
_MARKUP = re.compile(r"[\\`*\[\]<>$]|&(?=[#\w])|~(?! )|(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"^(\d+(?=[.)])|(?=[-+#>]))")
_WORD = re.compile(r"[^\s`]+")
_ADDRESS = re.compile(r"://|@|\bwww\.|\b(?:mailto|javascript|data):", re.IGNORECASE)
_BEHIND = re.compile(r"[.,;:!?)\]]+$")
"""What a sentence puts behind an address, and is no part of it."""
_FENCES = re.compile("`+")
# Not in square brackets, as on a terminal: with a round one behind them they would be a link.
_AROUND = {"added": ("{+", "+}"), "removed": ("{-", "-}")}


def to_markdown(page: Page) -> str:
    """A page as Markdown, with a line break at its end."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield f"# {escaped(page.title)}"
    if page.lead:
        yield ""
        yield written(page.lead)
    for section in page.sections:
        yield ""
        yield f"{'#' * section.level} {written(section.title)}"
        if section.items:
            yield ""
        for item in section.items:
            yield f"- {written(item.line)}"
            for below in item.below:
                yield f"  - {written(below)}"
        if section.rest:
            yield ""
            yield written(section.rest)


def written(line: Line) -> str:
    """A line as Markdown."""
    # At the beginning, behind a bullet too, these make lists, headings and quotes.
    return _LINE_START.sub(r"\1\\", "".join(map(_span, line)))


def escaped(text: str) -> str:
    """``text`` so that nothing in it is markup, and no address a link."""
    found, end = [], 0
    for word in _WORD.finditer(text):
        if _ADDRESS.search(word[0]):
            address = _BEHIND.sub("", word[0])
            found += [_escape(text[end : word.start()]), code(address)]
            end = word.start() + len(address)
    return "".join([*found, _escape(text[end:])])


def code(text: str) -> str:
    """``text`` as code, whatever stands in it."""
    fence = "`" * (1 + max(map(len, _FENCES.findall(text)), default=0))
    blank = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text)


def _span(span: Span) -> str:
    if span.kind == "code":
        return code(span.text)
    before, after = _AROUND.get(span.kind, ("", ""))
    text = span.text
    inner = text.strip()
    if span.kind != "strong" or not inner:
        return f"{before}{escaped(text)}{after}"
    # Signs of emphasis hold only where no blank stands within.
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return f"{text[:start]}**{escaped(inner)}**{text[end:]}"
