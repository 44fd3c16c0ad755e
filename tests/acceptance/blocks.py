"""The command blocks of README and docs, as a person would copy them.

A block that is fenced as ``sh`` is run; of one fenced as ``console`` the lines behind ``$`` are,
and what they print is compared with the rest. In the lines that are compared, ``…`` stands for
anything, and alone on a line for any number of lines.

A comment in the line before a block says what is special about it:

- ``<!-- not run: REASON -->``: its commands are only checked against the command line's parser;
- ``<!-- leave running -->``: it runs in a terminal of its own until the page ends.

``<!-- in the folder of the tutorial -->`` on a page gives it the folder that the tutorial leaves,
``<!-- in the folder of the tutorial, on its third day -->`` the one before its last harvest; any
other page begins in an empty folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

_FENCE = re.compile(r"^```(\w*)$")
_NOTE = re.compile(r"^<!-- (not run: .+|leave running) -->$")


class Command(msgspec.Struct, frozen=True):
    """What is typed at once.

    Attributes:
        words: the lines for the shell.
        printed: what it prints; None: nobody says.
    """

    words: str
    printed: str | None = None


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A fenced block of a page.

    Attributes:
        line: where it begins, counted from 1.
        language: what stands behind the fence.
        text: what stands in it.
        reason: why it is not run; None: it is.
        stays: whether it is left running.
    """

    line: int
    language: str
    text: str
    reason: str | None = None
    stays: bool = False

    @property
    def commands(self) -> list[Command]:
        """What is typed, one after the other."""
        if self.language == "sh":
            return [Command(self.text)]
        parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]
        return [Command(words, printed) for words, _, printed in (p.partition("\n") for p in parts)]


def blocks(page: str) -> Iterator[Block]:
    """All fenced blocks of a page, those in quotations too."""
    note = language = ""
    begun = 0
    lines: list[str] = []
    for number, raw in enumerate(page.splitlines(), 1):
        line = raw.removeprefix("> ")
        fence = _FENCE.match(line)
        if begun and line == "```":
            yield Block(
                line=begun,
                language=language,
                text="".join(f"{each}\n" for each in lines),
                reason=note.removeprefix("not run: ") if note.startswith("not run") else None,
                stays=note == "leave running",
            )
            begun, note = 0, ""
        elif begun:
            lines.append(line)
        elif fence:
            begun, language, lines = number, fence[1], []
        elif line.strip():
            found = _NOTE.match(line)
            note = found[1] if found else ""


def fits(printed: str, expected: str) -> bool:
    """Whether what was printed is what a page says, blanks at the ends of lines apart."""
    pattern = ""
    for line in expected.rstrip("\n").splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("…")) + r"\n"
    said = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
    return re.fullmatch(pattern, said) is not None


def commands_named(page: str) -> Iterator[str]:
    """Every ``gpts-catalog …`` that a page names in code, in blocks and within a line."""
    code = re.sub(r"\\\n\s*", " ", page)
    fenced = [
        "\n".join(each.words for each in block.commands)
        if block.language == "console"
        else block.text
        for block in blocks(code)
        if block.language not in {"python", "toml"}
    ]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", code, flags=re.DOTALL))
    for text in [*fenced, *inline]:
        for found in re.finditer(r"(?m)(?:^|[|;&(]) *gpts-catalog( +[^\n|;&)]*)", text):
            yield found[1].strip()


def folder_wanted(page: str) -> str | None:
    """Which folder the page wants: ``tutorial``, ``third day``, or None for an empty one."""
    found = re.search(r"<!-- in the folder of the tutorial(, on its third day)? -->", page)
    return None if found is None else "third day" if found[1] else "tutorial"


def pages(root: Path) -> list[Path]:
    """README and every page of docs."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted(root.glob("docs/**/*.md"))]
