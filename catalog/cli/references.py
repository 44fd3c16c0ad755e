"""The references that a command is given: words, files, stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from catalog.errors import InvalidReference, UsageError
from catalog.references import parse_reference, read_references


class Refused(msgspec.Struct, frozen=True):
    """A reference that names no GPT.

    Attributes:
        place: where it stands: empty for the command line, else the file and line.
        text: what stands there.
        reason: why it names none.
    """

    place: str
    text: str
    reason: str


class References(msgspec.Struct, frozen=True, kw_only=True):
    """What a command was given.

    Attributes:
        ids: the GPTs, each once, in the order they were named.
        duplicates: how often one was named again.
        refused: what names none.
    """

    ids: tuple[str, ...]
    duplicates: int
    refused: tuple[Refused, ...]


def gather(words: Sequence[str], refs: Path | None) -> References:
    """The GPTs that the words and a list name.

    Args:
        words: references on the command line.
        refs: a file of references, one a line; ``-`` is stdin.

    Raises:
        UsageError: the file cannot be read, or is no text.
    """
    ids: dict[str, None] = {}
    named = duplicates = 0
    refused: list[Refused] = []
    for word in words:
        try:
            ids[parse_reference(word)] = None
            named += 1
        except InvalidReference as error:
            refused.append(Refused("", error.text, error.reason))
    if refs is not None:
        listed = read_references(_lines(refs))
        place = "stdin" if str(refs) == "-" else str(refs)
        ids.update(dict.fromkeys(listed.ids))
        named += len(listed.ids)
        duplicates = listed.duplicates
        refused += [Refused(f"{place}:{line}", text, why) for line, text, why in listed.refused]
    return References(
        ids=tuple(ids), duplicates=duplicates + named - len(ids), refused=tuple(refused)
    )


def _lines(path: Path) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        text = data.decode()
    except OSError as error:
        raise UsageError(f"--refs {path}: {error.strerror}: check the path") from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"--refs {path} is no text in UTF-8: name a list, one reference a line")
    return text.splitlines()
