"""SQL as text, read just far enough to tell words from what stands in quotes and comments. Pure.

The engines alone decide what a statement does. This finds a statement's first word, and the
parameters written ``:name``, which PostgreSQL knows by number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+)
    | (?P<comment>--[^\r\n]*)
    | (?P<open>/\*)
    | (?P<quoted>
          [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)          # with escapes
        | '(?:[^']|'')*(?:'|\Z)
        | "(?:[^"]|"")*(?:"|\Z)
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
      )
    | (?P<word>[^\W\d][\w$]*)
    | (?P<cast>::)
    | (?P<parameter>:(?P<name>[^\W\d]\w*))
    | (?P<number>\d[\w.]*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKET = re.compile(r"/\*|\*/")


def first_word(text: str) -> str:
    """The first word of a statement in capitals, or its first sign; empty where it says nothing."""
    for kind, word, _ in _tokens(text):
        if kind not in {"blank", "comment"} and word != ";":
            return word.upper()
    return ""


def names_in(text: str) -> set[str]:
    """The names that are written ``:name``."""
    return {name for kind, _, name in _tokens(text) if kind == "parameter"}


def numbered(text: str, names: Collection[str]) -> tuple[str, list[str]]:
    """``text`` with ``$1``, ``$2``, … in place of ``:name``, and the names in that order.

    Args:
        text: the statement.
        names: those that are parameters; any other ``:name`` stays, as in ``list[1:n]``.
    """
    order: list[str] = []
    pieces = []
    for kind, token, name in _tokens(text):
        if kind == "parameter" and name in names:
            if name not in order:
                order.append(name)
            pieces.append(f"${order.index(name) + 1}")
        else:
            pieces.append(token)
    return "".join(pieces), order


def _tokens(text: str) -> Iterator[tuple[str, str, str]]:
    """The tokens of ``text``: what kind, the token, and the name of a parameter."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None  # noqa: S101  (the last alternative takes any character)
        kind = found.lastgroup or "sign"
        end = found.end()
        if found["open"]:
            kind, end = "comment", _comment_end(text, end)
        elif found["quoted"]:
            kind = "quoted"
        elif found["parameter"]:
            kind = "parameter"
        yield kind, text[at:end], found["name"] or ""
        at = end


def _comment_end(text: str, at: int) -> int:
    """Where a comment ends that was opened just before ``at``: they nest on PostgreSQL."""
    depth = 1
    while depth:
        found = _BRACKET.search(text, at)
        if found is None:
            return len(text)
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at
